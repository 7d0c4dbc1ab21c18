//! Maximum pooling that remembers where each maximum was, and the way back.

use candle_core::{DType, Device, Tensor};

use super::pool::PoolConfig;
use super::select;
use super::support::{self, check_float, check_shape, check_spatial};
use crate::error::{Error, Result};
use crate::graph::{Op, Step};

/// The largest value of each window, and its flat index in the input plane, a tensor of u32; the first of several.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::ops::{PoolConfig, max_pool_with_indices, max_unpool};
///
/// let x = Tensor::new(&[[[1.0_f32, 5.0, 7.0, 2.0]]], &Device::Cpu)?;
/// let (y, indices) = max_pool_with_indices(&x, &PoolConfig::new([2]))?;
/// assert_eq!(indices.flatten_all()?.to_vec1::<u32>()?, [1, 2]);
/// let back = max_unpool(&y, &indices, [4])?;
/// assert_eq!(back.flatten_all()?.to_vec1::<f32>()?, [0.0, 5.0, 7.0, 0.0]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Shapes
/// - input and outputs: `[batch, channels, depth, height, width]`, `[batch, channels, height, width]` or
///   `[batch, channels, width]`
///
/// # Errors
/// Refuses other numbers of axes, windows that do not fit, planes of 2^32 elements or more and element types other than f32
/// and f64.
pub fn max_pool_with_indices<const D: usize>(
    input: &Tensor,
    config: &PoolConfig<D>,
) -> Result<(Tensor, Tensor)> {
    const OP: &str = "max_pool_with_indices";
    let step = Step::begin();
    check_float(OP, "the input", input)?;
    check_spatial::<D>(OP, "the input", input)?;
    select::check_plane(OP, input)?;
    let windows = config.windows(OP, input)?;
    let shape = [&input.dims()[..2], &windows.output[3 - D..]].concat();
    let indices = select::arg_max(input, &windows.bins(), &shape, OP)?;
    step.end(
        &[Some(input)],
        || Op::MaxPoolWithIndices(config.into()),
        (select::gather(OP, input, &indices)?, indices),
    )
}

/// Puts every value where `indices` of [`max_pool_with_indices`] say, in planes of zeros of extents `size`.
///
/// Where windows overlap, an index may occur several times; then the last value stays and, as in PyTorch, each gets the
/// gradient of that place.
///
/// # Shapes
/// - input, indices: `[batch, channels, depth, height, width]`, `[batch, channels, height, width]` or
///   `[batch, channels, width]`
/// - output: `[batch, channels, ...size]`
///
/// # Errors
/// Refuses other numbers of axes, indices of another shape or element type or beyond the plane, a size of zero or too
/// large for memory, and element types other than f32 and f64.
pub fn max_unpool<const D: usize>(
    input: &Tensor,
    indices: &Tensor,
    size: [usize; D],
) -> Result<Tensor> {
    const OP: &str = "max_unpool";
    let step = Step::begin();
    check_float(OP, "the input", input)?;
    check_spatial::<D>(OP, "the input", input)?;
    check_shape(OP, "the indices", indices, input.dims())?;
    if indices.dtype() != DType::U32 {
        return Err(Error::ElementType {
            op: OP,
            tensor: "the indices",
            expected: "u32",
            got: indices.dtype(),
        });
    }
    support::check_output(OP, &[&input.dims()[..2], &size[..]].concat())?;
    let plane: usize = size.iter().product();
    let here = indices.to_device(&Device::Cpu)?;
    let largest = support::with_raw_elements::<u32, _>(&here, |i| Ok(i.iter().copied().max()))?;
    if let Some(index) = largest.filter(|&index| index as usize >= plane) {
        return Err(Error::Setting {
            op: OP,
            setting: "an index",
            rule: "inside the output plane",
            value: format!("{index} for extents {size:?}"),
        });
    }
    step.end(
        &[Some(input), Some(indices)],
        || Op::MaxUnpool(size.into()),
        select::scatter(OP, input, indices, &size)?,
    )
}
