//! Grids of places for [`grid_sample`](super::grid_sample()) from affine maps.

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};

use super::support::{self, check_float, check_shape, for_element};
use crate::cpu::affine_grid::{self as kernel, BaseGrid};
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::{Error, Result};
use crate::graph::{Op, Step};
use crate::tape::Apply as _;

/// The grid that samples an image through an affine map of normalised coordinates, `D` = 1, 2 or 3; PyTorch's `affine_grid`.
///
/// Row `i` of a map gives coordinate `i` of a place, **the last axis first** (`x, y, z`), from those of the output voxel and
/// 1; `align_corners` must be that of the sampling.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::ops::affine_grid;
///
/// let flip = Tensor::new(&[[[-1.0_f32, 0.0, 0.0], [0.0, 1.0, 0.0]]], &Device::Cpu)?;
/// let grid = affine_grid(&flip, [1, 2], true)?;
/// assert_eq!(grid.flatten_all()?.to_vec1::<f32>()?, [1.0, 0.0, -1.0, 0.0]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Shapes
/// - maps: `[batch, D, D + 1]`
/// - output: `[batch, ...size, D]`
///
/// # Errors
/// Refuses maps of another shape, a size of zero or too large for memory, and element types other than f32 and f64.
pub fn affine_grid<const D: usize>(
    maps: &Tensor,
    size: [usize; D],
    align_corners: bool,
) -> Result<Tensor> {
    const OP: &str = "affine_grid";
    let step = Step::begin();
    check_float(OP, "the maps", maps)?;
    support::check_rank(OP, "the maps", maps, 3)?;
    let batch = maps.dims()[0];
    check_shape(OP, "the maps", maps, &[batch, D, D + 1])?;
    if !(1..=3).contains(&D) || size.contains(&0) {
        return Err(Error::Setting {
            op: OP,
            setting: "the size",
            rule: "at least 1 along each of 1, 2 or 3 axes",
            value: format!("{size:?}"),
        });
    }
    let shape = [&[batch], &size[..], &[D]].concat();
    support::check_output(OP, &shape)?;
    let base = BaseGrid::new(&size, align_corners);
    step.end(
        &[Some(maps)],
        || Op::AffineGrid {
            size: size.into(),
            align_corners,
        },
        maps.contiguous()?.apply1(AffineGridOp { base, shape })?,
    )
}

struct AffineGridOp {
    base: BaseGrid,
    /// Of the output.
    shape: Vec<usize>,
}

impl CustomOp1 for AffineGridOp {
    fn name(&self) -> &'static str {
        "affine_grid"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        for_element!(s, "affine_grid", T => {
            let places = kernel::forward(&self.base, self.shape[0], support::elements::<T>(s, l)?);
            Ok(support::output(places, &self.shape))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        for_element!(s, "affine_grid", T => {
            let maps = cuda::elements::<T>(s, l)?;
            let places = cuda::grid_sample::affine_grid(&self.base, self.shape[0], &maps)?;
            Ok(cuda::output(places, &self.shape, &s.device))
        })
    }

    fn bwd(
        &self,
        maps: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<Option<Tensor>> {
        if !maps.track_op() {
            return Ok(None);
        }
        #[cfg(feature = "cuda")]
        if maps.device().is_cuda() {
            return for_element!(maps, "affine_grid", T => {
                let values = cuda::with_array::<T, _>(gradient, |g| {
                    cuda::grid_sample::affine_grid_back(&self.base, self.shape[0], g)
                })?;
                cuda::tensor(values, maps.dims(), maps).map(Some)
            });
        }
        for_element!(maps, "affine_grid", T => {
            let values = support::with_elements::<T, _>(gradient, |g| {
                Ok(kernel::backward(&self.base, self.shape[0], g))
            })?;
            support::tensor(values, maps.dims(), maps).map(Some)
        })
    }
}
