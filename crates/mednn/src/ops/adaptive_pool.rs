//! Pooling to a given number of bins in 1D, 2D and 3D; `[1; D]` is global pooling.

use candle_core::Tensor;

use super::resample::resample;
use super::select;
use super::support::{self, check_float, check_spatial};
use crate::cpu::interpolation::{Interpolation, bin};
use crate::cpu::select::Bins;
use crate::error::{Error, Result};
use crate::graph::{Op, Step};

/// The mean of each bin; bin `i` of `n` over an axis of length `l` covers `floor(i l / n)..ceil((i + 1) l / n)`, PyTorch's
/// rule.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::ops::adaptive_avg_pool;
///
/// let x = Tensor::new(&[[[1.0_f32, 2.0, 6.0]]], &Device::Cpu)?;
/// assert_eq!(adaptive_avg_pool(&x, [1])?.flatten_all()?.to_vec1::<f32>()?, [3.0]);
/// assert_eq!(adaptive_avg_pool(&x, [2])?.flatten_all()?.to_vec1::<f32>()?, [1.5, 4.0]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Shapes
/// - input: `[batch, channels, depth, height, width]`, `[batch, channels, height, width]` or `[batch, channels, width]`
/// - output: `[batch, channels, ...size]`
///
/// # Errors
/// Refuses other numbers of axes, a size of zero or too large for memory, and element types other than f32 and f64.
pub fn adaptive_avg_pool<const D: usize>(input: &Tensor, size: [usize; D]) -> Result<Tensor> {
    const OP: &str = "adaptive_avg_pool";
    let step = Step::begin();
    check(OP, input, size)?;
    step.end(
        &[Some(input)],
        || Op::AdaptiveAvgPool(size.into()),
        resample::<D>(OP, input, 0.0, |axis, extent| {
            Interpolation::Area.axis_map(extent, size[axis], 1.0)
        })?,
    )
}

/// The largest value of each bin, bins as for [`adaptive_avg_pool`]; the first of several gets the gradient.
///
/// # Shapes
/// As [`adaptive_avg_pool`].
///
/// # Errors
/// As [`adaptive_avg_pool`], and planes of 2^32 elements or more.
pub fn adaptive_max_pool<const D: usize>(input: &Tensor, size: [usize; D]) -> Result<Tensor> {
    let step = Step::begin();
    step.end(
        &[Some(input)],
        || Op::AdaptiveMaxPool(size.into()),
        adaptive_max_pool_with_indices(input, size)?.0,
    )
}

/// As [`adaptive_max_pool`], and the flat index in its input plane of every value, a tensor of u32.
///
/// # Errors
/// As [`adaptive_max_pool`].
pub fn adaptive_max_pool_with_indices<const D: usize>(
    input: &Tensor,
    size: [usize; D],
) -> Result<(Tensor, Tensor)> {
    const OP: &str = "adaptive_max_pool";
    let step = Step::begin();
    check(OP, input, size)?;
    select::check_plane(OP, input)?;
    let spatial = &input.dims()[2..];
    let side = |axis: usize| match (axis + D).checked_sub(3) {
        None => (1, 1),
        Some(axis) => (spatial[axis], size[axis]),
    };
    let spans = |axis| {
        let (extent, bins) = side(axis);
        (0..bins).map(|i| bin(extent, bins, i)).collect()
    };
    let bins = Bins {
        input: std::array::from_fn(|axis| side(axis).0),
        spans: std::array::from_fn(spans),
    };
    let shape = [&input.dims()[..2], &size[..]].concat();
    let indices = select::arg_max(input, &bins, &shape, OP)?;
    step.end(
        &[Some(input)],
        || Op::AdaptiveMaxPoolWithIndices(size.into()),
        (select::gather(OP, input, &indices)?, indices),
    )
}

fn check<const D: usize>(op: &'static str, input: &Tensor, size: [usize; D]) -> Result<()> {
    check_float(op, "the input", input)?;
    check_spatial::<D>(op, "the input", input)?;
    if size.contains(&0) {
        return Err(Error::Setting {
            op,
            setting: "the size",
            rule: "at least 1 along each axis",
            value: format!("{size:?}"),
        });
    }
    support::check_output(op, &[&input.dims()[..2], &size[..]].concat())
}
