//! Activation functions and their derivatives, one pass over memory each.

mod functions;

use std::sync::OnceLock;

use crate::cpu::buffer;
use crate::cpu::real::Real;
use crate::cpu::reduce::sums_of_pairs;

pub(crate) use functions::*;

/// An elementwise non-linearity, on its own or fused into a normalisation.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum Activation {
    /// The identity.
    #[default]
    None,
    /// `max(x, 0)`; the derivative at 0 is 0, as in PyTorch.
    Relu,
    /// `x` where positive, `slope * x` elsewhere.
    LeakyRelu {
        /// The factor for negative values, 0.01 by default in PyTorch and nnU-Net, 0.1 in MONAI's BasicUNet.
        slope: f64,
    },
    /// `x` where positive, `alpha * (exp(x) - 1)` elsewhere (Clevert et al. 2015).
    Elu {
        /// Minus the limit at minus infinity.
        alpha: f64,
    },
    /// `min(max(x, 0), 6)`; the derivative at 0 and at 6 is 0, as in PyTorch.
    Relu6,
    /// ELU and a factor, both fixed so that mean 0 and variance 1 are kept from layer to layer (Klambauer et al. 2017).
    Selu,
    /// `x` where positive, `alpha * (exp(x / alpha) - 1)` elsewhere, whose derivative is continuous (Barron 2017).
    Celu {
        /// Minus the limit at minus infinity.
        alpha: f64,
    },
    /// `x * Phi(x)` with the exact normal distribution function, PyTorch's default GELU (Hendrycks and Gimpel 2016).
    Gelu,
    /// GELU in its tanh approximation.
    GeluTanh,
    /// `x * sigmoid(x)`, also called Swish.
    Silu,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// `x * tanh(softplus(x))` (Misra 2019).
    Mish,
    /// `min(max(x + 3, 0), 6) / 6`, a piecewise linear sigmoid.
    HardSigmoid,
    /// `x` times [`Activation::HardSigmoid`] (Howard et al. 2019, MobileNetV3).
    HardSwish,
    /// `ln(1 + exp(beta x)) / beta`, and `x` itself where `beta x` is above the threshold.
    Softplus {
        /// How sharp the bend is, 1 by default in PyTorch.
        beta: f64,
        /// Above which the identity is taken, 20 by default in PyTorch.
        threshold: f64,
    },
}

/// Runs generic code for an activation: `for_activation!(activation, T, f => expression)`.
macro_rules! for_activation {
    ($activation:expr, $t:ty, $f:ident => $body:expr) => {{
        use $crate::cpu::activation as kinds;
        match $activation {
            kinds::Activation::None => {
                let $f = kinds::Identity;
                $body
            }
            kinds::Activation::Relu => {
                let $f = kinds::Relu;
                $body
            }
            kinds::Activation::LeakyRelu { slope } => {
                let $f = kinds::LeakyRelu(<$t>::from_f64(slope));
                $body
            }
            kinds::Activation::Elu { alpha } => {
                let $f = kinds::Elu(<$t>::from_f64(alpha));
                $body
            }
            kinds::Activation::Relu6 => {
                let $f = kinds::Relu6;
                $body
            }
            kinds::Activation::Selu => {
                let $f = kinds::Selu;
                $body
            }
            kinds::Activation::Celu { alpha } => {
                let $f = kinds::Celu(<$t>::from_f64(alpha));
                $body
            }
            kinds::Activation::Gelu => {
                let $f = kinds::Gelu;
                $body
            }
            kinds::Activation::GeluTanh => {
                let $f = kinds::GeluTanh;
                $body
            }
            kinds::Activation::Silu => {
                let $f = kinds::Silu;
                $body
            }
            kinds::Activation::Sigmoid => {
                let $f = kinds::Sigmoid;
                $body
            }
            kinds::Activation::Tanh => {
                let $f = kinds::Tanh;
                $body
            }
            kinds::Activation::Mish => {
                let $f = kinds::Mish;
                $body
            }
            kinds::Activation::HardSigmoid => {
                let $f = kinds::HardSigmoid;
                $body
            }
            kinds::Activation::HardSwish => {
                let $f = kinds::HardSwish;
                $body
            }
            kinds::Activation::Softplus { beta, threshold } => {
                let $f = kinds::Softplus {
                    beta: <$t>::from_f64(beta),
                    threshold: <$t>::from_f64(threshold),
                };
                $body
            }
        }
    }};
}
pub(crate) use for_activation;

/// `f(x)`, element by element.
#[must_use]
pub fn forward<T: Real>(activation: Activation, input: &[T]) -> Vec<T> {
    for_activation!(activation, T, f => buffer::build(input.len(), |start, out| {
        let input = &input[start..start + out.len()];
        T::vectorize(#[inline(always)] move || {
            for (o, &x) in out.iter_mut().zip(input) {
                *o = f.value(x);
            }
        });
    }))
}

/// `gradient * f'(x)`, element by element.
///
/// # Panics
/// If the lengths differ.
#[must_use]
pub fn backward<T: Real>(activation: Activation, input: &[T], gradient: &[T]) -> Vec<T> {
    assert_eq!(input.len(), gradient.len(), "one gradient for each input");
    for_activation!(activation, T, f => buffer::build(input.len(), |start, out| {
        let input = &input[start..start + out.len()];
        let gradient = &gradient[start..start + out.len()];
        T::vectorize(#[inline(always)] move || {
            for ((o, &x), &g) in out.iter_mut().zip(input).zip(gradient) {
                *o = g * f.derivative(x);
            }
        });
    }))
}

/// PReLU: `x` where positive, `slopes[c] * x` elsewhere, for `[batch, channels, ...]`; one slope alone serves all channels.
#[must_use]
pub fn prelu_forward<T: Real>(
    input: &[T],
    slopes: &[T],
    (batch, channels): (usize, usize),
) -> Vec<T> {
    let rows = batch * channels;
    let row_len = input.len() / rows.max(1);
    buffer::build_rows(
        rows,
        row_len,
        |row| LeakyRelu(slopes[slope_index(slopes.len(), channels, row)]),
        |row, f, start, out| {
            let from = row * row_len + start;
            let input = &input[from..from + out.len()];
            T::vectorize(
                #[inline(always)]
                move || {
                    for (o, &x) in out.iter_mut().zip(input) {
                        *o = f.value(x);
                    }
                },
            );
        },
    )
}

/// The gradients of [`prelu_forward`] for the input and the slopes.
#[must_use]
pub fn prelu_backward<T: Real>(
    input: &[T],
    slopes: &[T],
    gradient: &[T],
    (batch, channels): (usize, usize),
) -> (Vec<T>, Vec<T>) {
    let rows = batch * channels;
    let row_len = input.len() / rows.max(1);
    let sums: Vec<OnceLock<f64>> = (0..rows).map(|_| OnceLock::new()).collect();
    let input_gradient = buffer::build_rows(
        rows,
        row_len,
        |row| {
            let range = row * row_len..(row + 1) * row_len;
            let [sum] = sums_of_pairs(
                &input[range.clone()],
                &gradient[range],
                #[inline(always)]
                move |x, g| [if x > T::ZERO { T::ZERO } else { g * x }],
            );
            sums[row].get_or_init(|| sum);
            LeakyRelu(slopes[slope_index(slopes.len(), channels, row)])
        },
        |row, f, start, out| {
            let from = row * row_len + start;
            let input = &input[from..from + out.len()];
            let gradient = &gradient[from..from + out.len()];
            T::vectorize(
                #[inline(always)]
                move || {
                    for ((o, &x), &g) in out.iter_mut().zip(input).zip(gradient) {
                        *o = g * f.derivative(x);
                    }
                },
            );
        },
    );
    let mut slope_gradient = vec![0.0; slopes.len()];
    for (row, sum) in sums.iter().enumerate() {
        slope_gradient[slope_index(slopes.len(), channels, row)] +=
            sum.get().copied().unwrap_or(0.0);
    }
    (
        input_gradient,
        slope_gradient.into_iter().map(T::from_f64).collect(),
    )
}

fn slope_index(slopes: usize, channels: usize, row: usize) -> usize {
    if slopes == 1 { 0 } else { row % channels }
}
