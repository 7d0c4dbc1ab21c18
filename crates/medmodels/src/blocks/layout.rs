//! Images for convolutions and grids of tokens for transformers.

use mednn::candle_core::Tensor;
use mednn::ops::{self, PadMode};

/// # Shapes
/// - image: `[batch, channels, depth, height, width]`
/// - output: `[batch, depth, height, width, channels]`
pub(crate) fn channels_last(image: &Tensor) -> mednn::Result<Tensor> {
    let axes: Vec<usize> = [0].into_iter().chain(2..image.rank()).chain([1]).collect();
    ops::permute(image, &axes)
}

/// # Shapes
/// - tokens: `[batch, depth, height, width, channels]`
/// - output: `[batch, channels, depth, height, width]`
pub(crate) fn channels_first(tokens: &Tensor) -> mednn::Result<Tensor> {
    let last = tokens.rank() - 1;
    let axes: Vec<usize> = [0, last].into_iter().chain(1..last).collect();
    ops::permute(tokens, &axes)
}

/// Tokens with so many zero tokens in front of them and behind.
///
/// # Shapes
/// - tokens: `[batch, tokens, features]`
pub(crate) fn with_zero_tokens(tokens: &Tensor, added: (usize, usize)) -> mednn::Result<Tensor> {
    if added == (0, 0) {
        return Ok(tokens.clone());
    }
    let (batch, count, features) = tokens.dims3()?;
    let image = ops::reshape(tokens, &[batch, 1, count, features])?;
    let image = ops::pad(&image, [added, (0, 0)], PadMode::Constant(0.0))?;
    ops::reshape(&image, &[batch, added.0 + count + added.1, features])
}
