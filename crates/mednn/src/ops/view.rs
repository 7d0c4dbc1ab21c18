//! The same elements under another shape, in another order, or a part of them.

use std::ops::Range;

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};

use super::rearrange::rearrange;
use super::softmax::columns;
use super::support::{self, check_float, check_min_rank, for_element};
use crate::cpu::buffer::Columns;
use crate::cpu::narrow as part;
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::{Error, Result};
use crate::graph::{Op, Step};
use crate::tape::Apply as _;

/// Gives a tensor another shape; nothing is copied when its elements lie in storage order.
///
/// Works on every element type.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use mednn::ops::reshape;
///
/// let image = Tensor::zeros((2, 8, 4, 6), DType::F32, &Device::Cpu)?;
/// assert_eq!(reshape(&image, &[2, 8, 24])?.dims(), [2, 8, 24]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Errors
/// Refuses a shape with another number of elements, and axes without elements.
pub fn reshape(input: &Tensor, shape: &[usize]) -> Result<Tensor> {
    const OP: &str = "reshape";
    let step = Step::begin();
    check_min_rank(OP, "the input", input, 0)?;
    let elements = shape.iter().try_fold(1_usize, |n, &e| n.checked_mul(e));
    if elements != Some(input.elem_count()) {
        return Err(Error::Setting {
            op: OP,
            setting: "the shape",
            rule: "one with as many elements as the input",
            value: format!("{shape:?} for shape {:?}", input.dims()),
        });
    }
    step.end(
        &[Some(input)],
        || Op::Reshape(shape.into()),
        input.apply_reshape(shape)?,
    )
}

/// Joins all axes from `axis` on: `flatten_from(x, 2)` makes `[batch, channels, voxels]` of an image.
///
/// Nothing is copied when the elements lie in storage order.
///
/// # Errors
/// Refuses an axis that does not exist, and axes without elements.
pub fn flatten_from(input: &Tensor, axis: usize) -> Result<Tensor> {
    const OP: &str = "flatten_from";
    let step = Step::begin();
    check_min_rank(OP, "the input", input, 0)?;
    check_axis(OP, input, axis)?;
    let (front, joined) = input.dims().split_at(axis);
    let shape = [front, &[joined.iter().product()]].concat();
    step.end(
        &[Some(input)],
        || Op::FlattenFrom(axis),
        input.apply_reshape(&shape)?,
    )
}

/// Puts the axes in another order: axis `i` of the output is axis `axes[i]` of the input.
///
/// The elements of the output lie in storage order. They are copied unless axes of length 1 alone change places.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::ops::permute;
///
/// let tokens = Tensor::new(&[[[1.0_f32, 2.0, 3.0], [4.0, 5.0, 6.0]]], &Device::Cpu)?;
/// let channels_first = permute(&tokens, &[0, 2, 1])?;
/// assert_eq!(channels_first.to_vec3::<f32>()?, [[[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Errors
/// Refuses axes that are not those of the input, each once, axes without elements, and element types other than f32 and f64.
pub fn permute(input: &Tensor, axes: &[usize]) -> Result<Tensor> {
    const OP: &str = "permute";
    let step = Step::begin();
    check_float(OP, "the input", input)?;
    check_min_rank(OP, "the input", input, 0)?;
    let dims = input.dims();
    if axes.len() != dims.len() || !(0..dims.len()).all(|axis| axes.contains(&axis)) {
        return Err(Error::Setting {
            op: OP,
            setting: "the axes",
            rule: "every axis of the input once",
            value: format!("{axes:?} for shape {dims:?}"),
        });
    }
    let shape: Vec<usize> = axes.iter().map(|&axis| dims[axis]).collect();
    let long = axes.iter().filter(|&&axis| dims[axis] > 1);
    if long.is_sorted() {
        let output = input.apply_reshape(&shape)?;
        return step.end(&[Some(input)], || Op::Permute(axes.into()), output);
    }
    let output = rearrange(OP, input, dims, axes.to_vec(), shape)?;
    step.end(&[Some(input)], || Op::Permute(axes.into()), output)
}

/// Copies `len` indices of an axis, from `start` on.
///
/// # Shapes
/// - input: any
/// - output: that of the input, `len` along `axis`
///
/// # Errors
/// Refuses an axis that does not exist, a range that is empty or leaves it, axes without elements, and element types other
/// than f32 and f64.
pub fn narrow(input: &Tensor, axis: usize, start: usize, len: usize) -> Result<Tensor> {
    const OP: &str = "narrow";
    let step = Step::begin();
    check_float(OP, "the input", input)?;
    check_min_rank(OP, "the input", input, 0)?;
    check_axis(OP, input, axis)?;
    let dims = input.dims();
    let end = start.checked_add(len).filter(|&end| end <= dims[axis]);
    let (Some(end), 1..) = (end, len) else {
        return Err(Error::Setting {
            op: OP,
            setting: "the range",
            rule: "at least one index, all of the axis",
            value: format!("{len} from {start} on, of axis {axis} of shape {dims:?}"),
        });
    };
    let op = NarrowOp {
        columns: columns(OP, input, axis)?,
        range: start..end,
        axis,
    };
    step.end(
        &[Some(input)],
        || Op::Narrow { axis, start, len },
        input.contiguous()?.apply1(op)?,
    )
}

fn check_axis(op: &'static str, input: &Tensor, axis: usize) -> Result<()> {
    if axis < input.rank() {
        return Ok(());
    }
    Err(Error::Setting {
        op,
        setting: "the axis",
        rule: "one of the input",
        value: format!("{axis} for shape {:?}", input.dims()),
    })
}

struct NarrowOp {
    /// Of the input.
    columns: Columns,
    range: Range<usize>,
    axis: usize,
}

impl CustomOp1 for NarrowOp {
    fn name(&self) -> &'static str {
        "narrow"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let mut shape = l.dims().to_vec();
        shape[self.axis] = self.range.len();
        for_element!(s, "narrow", T => {
            let output = part::narrow(support::elements::<T>(s, l)?, self.columns, self.range.clone());
            Ok(support::output(output, &shape))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        let mut shape = l.dims().to_vec();
        shape[self.axis] = self.range.len();
        for_element!(s, "narrow", T => {
            let input = cuda::elements::<T>(s, l)?;
            let output = cuda::parts::narrow(&input, self.columns, &self.range)?;
            Ok(cuda::output(output, &shape, &s.device))
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
            return for_element!(input, "narrow", T => {
                let values = cuda::with_array::<T, _>(gradient, |g| {
                    cuda::parts::widen(g, self.columns, &self.range)
                })?;
                cuda::tensor(values, input.dims(), input).map(Some)
            });
        }
        for_element!(input, "narrow", T => {
            let values = support::with_elements::<T, _>(gradient, |g| {
                Ok(part::widen(g, self.columns, self.range.clone()))
            })?;
            support::tensor(values, input.dims(), input).map(Some)
        })
    }
}
