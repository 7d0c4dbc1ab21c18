//! Convolution in two and three dimensions: forward, and the gradients of input, weights and bias.
//!
//! All are direct: nothing is unfolded in memory, and sums are taken in registers over packed, zero-padded pieces that stay
//! in the second-level cache (`gather`, `weight_gradient`). Exceptions are kernels of 3x3 with many channels (`winograd`) and
//! the weight gradient of small images (`unfolded`). 2D is depth 1.
//! A transposed convolution is the gradient of the input of a convolution, and its gradients are that convolution's
//! forward pass and weight gradient.
//!
//! ```
//! use mednn::cpu::conv::{Problem, Window, forward};
//!
//! # fn main() -> mednn::Result<()> {
//! let window = Window { padding: [(0, 0), (0, 0), (1, 1)], ..Window::new([1, 1, 3]) };
//! let problem = Problem::new(1, [1, 1], 1, [1, 1, 4], window)?;
//! let sums = forward(&problem, &[1.0_f32, 2.0, 3.0, 4.0], &[1.0, 1.0, 1.0], None)?;
//! assert_eq!(sums, [3.0, 6.0, 9.0, 7.0]);
//! # Ok(())
//! # }
//! ```

mod bias_gradient;
mod channelwise;
mod finish;
mod gather;
pub(in crate::cpu) mod kernel;
mod lanes;
pub(in crate::cpu) mod output;
pub(in crate::cpu) mod pack;
mod plan;
mod prepared;
mod problem;
mod sampled;
pub(crate) mod scratch;
mod tiling;
pub(in crate::cpu) mod transpose;
mod unfolded;
mod vector;
mod weight_gradient;
mod weights;
mod winograd;

pub use finish::{Finish, Residual};
pub use kernel::Element;
pub use prepared::Prepared;
pub use problem::{Problem, Window};

use plan::Plan;
use weights::PackedWeights;
use winograd::{TransformedWeights, WeightLayout};

use crate::cpu::simd::Level;
use crate::error::Result;

/// Convolves `input` with `weights` and adds `bias` to every channel: `[batch, out_channels, depth, height, width]`.
///
/// # Errors
/// A slice whose length is not that of the problem.
pub fn forward<T: Element>(
    problem: &Problem,
    input: &[T],
    weights: &[T],
    bias: Option<&[T]>,
) -> Result<Vec<T>> {
    Prepared::borrowed(problem, weights, bias)?.forward(problem, input, &Finish::default())
}

/// The gradient of the input, `[batch, in_channels, depth, height, width]`, from that of the output.
///
/// # Errors
/// A slice whose length is not that of the problem.
pub fn input_gradient<T: Element>(
    problem: &Problem,
    weights: &[T],
    gradient: &[T],
) -> Result<Vec<T>> {
    transposed(problem, weights, gradient, None)
}

/// The transposed convolution of `input`, which has the shape of the problem's output, plus `bias` (one a channel of the
/// problem's input).
///
/// # Errors
/// A slice whose length is not that of the problem.
pub fn transposed<T: Element>(
    problem: &Problem,
    weights: &[T],
    input: &[T],
    bias: Option<&[T]>,
) -> Result<Vec<T>> {
    Problem::check("weight", weights.len(), problem.weight_len())?;
    Problem::check("gradient", input.len(), problem.output_len())?;
    if let Some(bias) = bias {
        Problem::check("bias", bias.len(), problem.in_channels())?;
    }
    let kernels = T::kernels(problem.level());
    let plan = Plan::input_gradient(problem);
    let layout = WeightLayout::input_gradient(&plan);
    let length = problem.input_len();
    let finish = Finish::default();
    Ok(output::build(length, &finish, |out| {
        if let Some(taps) = winograd::Taps::of(&plan) {
            let weights = TransformedWeights::new(kernels, &plan, &taps, (weights, layout), bias);
            winograd::run(kernels, &plan, &taps, input, &weights, out);
        } else {
            let packed = PackedWeights::input_gradient(kernels, problem, &plan, weights, bias);
            gather::run(kernels, &plan, input, &packed, out);
        }
    }))
}

/// The gradient of the weights, `[out_channels, in_channels / groups, kernel depth, height, width]`.
///
/// # Errors
/// A slice whose length is not that of the problem.
pub fn weight_gradient<T: Element>(
    problem: &Problem,
    input: &[T],
    gradient: &[T],
) -> Result<Vec<T>> {
    Problem::check("input", input.len(), problem.input_len())?;
    Problem::check("gradient", gradient.len(), problem.output_len())?;
    let kernels = T::kernels(problem.level());
    let plan = Plan::forward(problem);
    // The product of matrices knows no narrower instructions than the machine's.
    if unfolded::pays(&plan) && problem.level() >= Level::native() {
        return Ok(unfolded::weight_gradient(&plan, input, gradient));
    }
    let mut out = vec![T::ZERO; problem.weight_len()];
    if plan.is_channelwise() && plan.groups > 1 {
        channelwise::weight_gradient(kernels, &plan, input, gradient, &mut out);
    } else {
        weight_gradient::run(kernels, problem, input, gradient, &mut out);
    }
    Ok(out)
}

/// The gradient of the bias: the sum of `gradient`, `[batch, channels, volume]`, over batch and volume.
///
/// # Errors
/// A slice whose length is not the product of the sizes.
pub fn bias_gradient<T: Element>(
    batch: usize,
    channels: usize,
    volume: usize,
    gradient: &[T],
) -> Result<Vec<T>> {
    Problem::check("gradient", gradient.len(), batch * channels * volume)?;
    Ok(bias_gradient::run([batch, channels, volume], gradient))
}

#[cfg(test)]
mod tests;
