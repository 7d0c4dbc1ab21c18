//! Weights of a first convolution for another number of input channels.

use candle_core::Tensor;

use crate::error::Result;

/// Whether weights `[out, in, ...]` would have this shape if `in` were another.
pub(super) fn differs_in_channels_alone(weight: &Tensor, shape: &[usize]) -> bool {
    let without = |dims: &[usize]| [&dims[..1], &dims[2..]].concat();
    let dims = weight.dims();
    let convolves = dims.len() == shape.len() && dims.len() > 2;
    convolves && dims[1] > 0 && shape[1] > 0 && without(dims) == without(shape)
}

/// Weights `[out, channels, ...]` from weights `[out, in, ...]`: summed for one channel, else repeated and scaled.
pub(super) fn adapt(weight: &Tensor, channels: usize) -> Result<Tensor> {
    let given = weight.dims()[1];
    if channels == 1 {
        return Ok(weight.sum_keepdim(1)?);
    }
    let planes: candle_core::Result<Vec<_>> = (0..channels)
        .map(|channel| weight.narrow(1, channel % given, 1))
        .collect();
    let scale = given as f64 / channels as f64;
    Ok(Tensor::cat(&planes?, 1)?.affine(scale, 0.0)?)
}
