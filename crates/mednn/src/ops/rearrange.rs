//! Exchange of channels and voxels: pixel shuffle and patches, in 1D, 2D and 3D.

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};

use super::support::{self, check_float, check_rank, check_spatial, for_element};
use crate::cpu::rearrange::{self as kernel, Axis};
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::{Error, Result};
use crate::graph::{Op, Step};
use crate::tape::Apply as _;

/// Makes each voxel a block of `factor` voxels out of its channels (Shi et al. 2016, <https://arxiv.org/abs/1609.05158>);
/// PyTorch's `PixelShuffle`, MONAI's `pixelshuffle` in 3D, here with a factor for each axis.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::ops::pixel_shuffle;
///
/// let x = Tensor::new(&[[[1.0_f32, 3.0], [2.0, 4.0]]], &Device::Cpu)?;
/// assert_eq!(pixel_shuffle(&x, [2])?.to_vec3::<f32>()?, [[[1.0, 2.0, 3.0, 4.0]]]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Shapes
/// - input: `[batch, channels * product of factors, depth, height, width]`, or with fewer spatial axes
/// - output: `[batch, channels, depth * factor, height * factor, width * factor]`
///
/// # Errors
/// Refuses other numbers of axes, factors of zero, channels that the product of the factors does not divide and element
/// types other than f32 and f64.
pub fn pixel_shuffle<const D: usize>(input: &Tensor, factor: [usize; D]) -> Result<Tensor> {
    const OP: &str = "pixel_shuffle";
    let step = Step::begin();
    check_float(OP, "the input", input)?;
    check_spatial::<D>(OP, "the input", input)?;
    let block = product(OP, "the factor", factor)?;
    let dims = input.dims();
    if !dims[1].is_multiple_of(block) {
        return Err(Error::Axis {
            op: OP,
            tensor: "the input",
            axis: 1,
            rule: format!("a multiple of {block}"),
            got: dims.to_vec(),
        });
    }
    let split = [&[dims[0], dims[1] / block], &factor[..], &dims[2..]].concat();
    let order = [0, 1]
        .into_iter()
        .chain((0..D).flat_map(|a| [2 + D + a, 2 + a]));
    let voxels = (0..D).map(|a| dims[2 + a] * factor[a]);
    let shape = [dims[0], dims[1] / block].into_iter().chain(voxels);
    step.end(
        &[Some(input)],
        || Op::PixelShuffle(factor.into()),
        rearrange(OP, input, &split, order.collect(), shape.collect())?,
    )
}

/// The inverse of [`pixel_shuffle`]: moves the voxels of each block to channels.
///
/// # Shapes
/// - input: `[batch, channels, depth * factor, height * factor, width * factor]`, or with fewer spatial axes
/// - output: `[batch, channels * product of factors, depth, height, width]`
///
/// # Errors
/// Refuses other numbers of axes, factors of zero or that do not divide the axes, and element types other than f32 and f64.
pub fn pixel_unshuffle<const D: usize>(input: &Tensor, factor: [usize; D]) -> Result<Tensor> {
    const OP: &str = "pixel_unshuffle";
    let step = Step::begin();
    let (split, block) = blocks(OP, input, factor)?;
    let dims = input.dims();
    let order = [0, 1]
        .into_iter()
        .chain((0..D).map(|a| 3 + 2 * a))
        .chain((0..D).map(|a| 2 + 2 * a));
    let voxels = (0..D).map(|a| dims[2 + a] / factor[a]);
    let shape = [dims[0], dims[1] * block].into_iter().chain(voxels);
    step.end(
        &[Some(input)],
        || Op::PixelUnshuffle(factor.into()),
        rearrange(OP, input, &split, order.collect(), shape.collect())?,
    )
}

/// Cuts an image into patches and lays each out as a vector, channels slowest: what a convolution whose kernel and stride are
/// a patch would see (the patch embedding of vision transformers, Dosovitskiy et al. 2021).
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::ops::{patchify, unpatchify};
///
/// let x = Tensor::new(&[[[[1.0_f32, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]]], &Device::Cpu)?;
/// let patches = patchify(&x, [2, 2])?;
/// assert_eq!(patches.to_vec3::<f32>()?, [[[1.0, 2.0, 5.0, 6.0], [3.0, 4.0, 7.0, 8.0]]]);
/// let back = unpatchify(&patches, [2, 4], [2, 2])?;
/// assert_eq!(back.flatten_all()?.to_vec1::<f32>()?, x.flatten_all()?.to_vec1::<f32>()?);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Shapes
/// - input: `[batch, channels, depth, height, width]`, or with fewer spatial axes
/// - output: `[batch, patches, channels * voxels of a patch]`, patches in storage order
///
/// # Errors
/// Refuses other numbers of axes, patches of zero or that do not divide the axes, and element types other than f32 and f64.
pub fn patchify<const D: usize>(input: &Tensor, patch: [usize; D]) -> Result<Tensor> {
    const OP: &str = "patchify";
    let step = Step::begin();
    let (split, block) = blocks(OP, input, patch)?;
    let dims = input.dims();
    let order = std::iter::once(0)
        .chain((0..D).map(|a| 2 + 2 * a))
        .chain(std::iter::once(1))
        .chain((0..D).map(|a| 3 + 2 * a));
    let patches = (0..D).map(|a| dims[2 + a] / patch[a]).product();
    let shape = vec![dims[0], patches, dims[1] * block];
    step.end(
        &[Some(input)],
        || Op::Patchify(patch.into()),
        rearrange(OP, input, &split, order.collect(), shape)?,
    )
}

/// The inverse of [`patchify`] for an image of extents `size`.
///
/// # Shapes
/// - input: `[batch, patches, channels * voxels of a patch]`
/// - output: `[batch, channels, ...size]`
///
/// # Errors
/// Refuses other numbers of axes, patches of zero or that do not divide the size, another number of patches or of elements
/// of a patch, and element types other than f32 and f64.
pub fn unpatchify<const D: usize>(
    input: &Tensor,
    size: [usize; D],
    patch: [usize; D],
) -> Result<Tensor> {
    const OP: &str = "unpatchify";
    let step = Step::begin();
    check_float(OP, "the patches", input)?;
    check_rank(OP, "the patches", input, 3)?;
    let block = product(OP, "the patch", patch)?;
    if !(1..=3).contains(&D) || (0..D).any(|a| size[a] == 0 || !size[a].is_multiple_of(patch[a])) {
        return Err(Error::Setting {
            op: OP,
            setting: "the size",
            rule: "a multiple of the patch along each of 1, 2 or 3 axes",
            value: format!("{size:?} for patches of {patch:?}"),
        });
    }
    let dims = input.dims();
    let grid: [usize; D] = std::array::from_fn(|a| size[a] / patch[a]);
    let patches = grid.iter().try_fold(1_usize, |n, &g| n.checked_mul(g));
    if patches != Some(dims[1]) {
        return Err(Error::Axis {
            op: OP,
            tensor: "the patches",
            axis: 1,
            rule: format!("as long as the patches of the grid {grid:?}"),
            got: dims.to_vec(),
        });
    }
    if !dims[2].is_multiple_of(block) {
        return Err(Error::Axis {
            op: OP,
            tensor: "the patches",
            axis: 2,
            rule: format!("a multiple of {block}"),
            got: dims.to_vec(),
        });
    }
    let channels = dims[2] / block;
    let split = [&[dims[0]], &grid[..], &[channels], &patch[..]].concat();
    let order = [0, 1 + D]
        .into_iter()
        .chain((0..D).flat_map(|a| [1 + a, 2 + D + a]));
    let shape = [&[dims[0], channels], &size[..]].concat();
    step.end(
        &[Some(input)],
        || Op::Unpatchify {
            size: size.into(),
            patch: patch.into(),
        },
        rearrange(OP, input, &split, order.collect(), shape)?,
    )
}

/// The axes of an image with each spatial one split into blocks and voxels of a block, and the voxels of a block.
fn blocks<const D: usize>(
    op: &'static str,
    input: &Tensor,
    block: [usize; D],
) -> Result<(Vec<usize>, usize)> {
    check_float(op, "the input", input)?;
    check_spatial::<D>(op, "the input", input)?;
    let voxels = product(op, "the block", block)?;
    let dims = input.dims();
    if let Some(axis) = (0..D).find(|&a| !dims[2 + a].is_multiple_of(block[a])) {
        return Err(Error::Axis {
            op,
            tensor: "the input",
            axis: axis + 2,
            rule: format!("a multiple of {}", block[axis]),
            got: dims.to_vec(),
        });
    }
    let spatial = (0..D).flat_map(|a| [dims[2 + a] / block[a], block[a]]);
    Ok((dims[..2].iter().copied().chain(spatial).collect(), voxels))
}

/// The product of extents, none of which may be zero.
fn product<const D: usize>(
    op: &'static str,
    setting: &'static str,
    extents: [usize; D],
) -> Result<usize> {
    let product = extents.iter().try_fold(1_usize, |n, &e| n.checked_mul(e));
    product.filter(|&n| n > 0).ok_or_else(|| Error::Setting {
        op,
        setting,
        rule: "at least 1 along each axis, and not too large to multiply",
        value: format!("{extents:?}"),
    })
}

/// The input, seen with the axes `split`, with these in another order, as a tensor of `shape`.
pub(super) fn rearrange(
    name: &'static str,
    input: &Tensor,
    split: &[usize],
    order: Vec<usize>,
    shape: Vec<usize>,
) -> Result<Tensor> {
    let moved: Vec<usize> = order.iter().map(|&axis| split[axis]).collect();
    let mut back = vec![0; order.len()];
    for (place, &axis) in order.iter().enumerate() {
        back[axis] = place;
    }
    let op = RearrangeOp {
        name,
        axes: kernel::permuted(split, &order),
        back: kernel::permuted(&moved, &back),
        shape,
    };
    Ok(input.contiguous()?.apply1(op)?)
}

struct RearrangeOp {
    name: &'static str,
    axes: Vec<Axis>,
    /// The way back.
    back: Vec<Axis>,
    /// Of the output.
    shape: Vec<usize>,
}

impl CustomOp1 for RearrangeOp {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        for_element!(s, self.name, T => {
            let output = kernel::copy(support::elements::<T>(s, l)?, &self.axes);
            Ok(support::output(output, &self.shape))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        for_element!(s, self.name, T => {
            let output = cuda::rearrange::copy(&cuda::elements::<T>(s, l)?, &self.axes)?;
            Ok(cuda::output(output, &self.shape, &s.device))
        })
    }

    fn bwd(
        &self,
        input: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<Option<Tensor>> {
        if !input.track_op() {
            return Ok(None);
        }
        #[cfg(feature = "cuda")]
        if input.device().is_cuda() {
            return for_element!(input, self.name, T => {
                let copy = |g: &cuda::Array<'_, T>| cuda::rearrange::copy(g, &self.back);
                let values = cuda::with_array::<T, _>(gradient, copy)?;
                cuda::tensor(values, input.dims(), input).map(Some)
            });
        }
        for_element!(input, self.name, T => {
            let values = support::with_elements::<T, _>(gradient, |g| Ok(kernel::copy(g, &self.back)))?;
            support::tensor(values, input.dims(), input).map(Some)
        })
    }
}
