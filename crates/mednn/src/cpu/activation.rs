//! Activation functions and their derivatives, one pass over memory each.

use std::sync::OnceLock;

use crate::cpu::buffer;
use crate::cpu::real::Real;
use crate::cpu::reduce::sums_of_pairs;

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
}

/// An activation as a type, so that loops are compiled for each.
pub(crate) trait Pointwise<T>: Copy + Send + Sync {
    /// The value at `z`.
    fn value(self, z: T) -> T;
    /// The derivative at `z`.
    fn derivative(self, z: T) -> T;
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
        }
    }};
}

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

#[derive(Clone, Copy)]
pub(crate) struct Identity;
#[derive(Clone, Copy)]
pub(crate) struct Relu;
#[derive(Clone, Copy)]
pub(crate) struct LeakyRelu<T>(pub(crate) T);
#[derive(Clone, Copy)]
pub(crate) struct Elu<T>(pub(crate) T);
#[derive(Clone, Copy)]
pub(crate) struct Gelu;
#[derive(Clone, Copy)]
pub(crate) struct GeluTanh;
#[derive(Clone, Copy)]
pub(crate) struct Silu;
#[derive(Clone, Copy)]
pub(crate) struct Sigmoid;
#[derive(Clone, Copy)]
pub(crate) struct Tanh;

impl<T: Real> Pointwise<T> for Identity {
    #[inline(always)]
    fn value(self, z: T) -> T {
        z
    }

    #[inline(always)]
    fn derivative(self, _: T) -> T {
        T::ONE
    }
}

impl<T: Real> Pointwise<T> for Relu {
    #[inline(always)]
    fn value(self, z: T) -> T {
        if z < T::ZERO { T::ZERO } else { z }
    }

    #[inline(always)]
    fn derivative(self, z: T) -> T {
        if z <= T::ZERO { T::ZERO } else { T::ONE }
    }
}

impl<T: Real> Pointwise<T> for LeakyRelu<T> {
    #[inline(always)]
    fn value(self, z: T) -> T {
        if z > T::ZERO { z } else { z * self.0 }
    }

    #[inline(always)]
    fn derivative(self, z: T) -> T {
        if z > T::ZERO { T::ONE } else { self.0 }
    }
}

impl<T: Real> Pointwise<T> for Elu<T> {
    #[inline(always)]
    fn value(self, z: T) -> T {
        let negative = self.0 * (z.exp() - T::ONE);
        if z > T::ZERO { z } else { negative }
    }

    #[inline(always)]
    fn derivative(self, z: T) -> T {
        let negative = self.0 * z.exp();
        if z > T::ZERO { T::ONE } else { negative }
    }
}

impl<T: Real> Pointwise<T> for Gelu {
    #[inline(always)]
    fn value(self, z: T) -> T {
        z * normal_distribution(z)
    }

    #[inline(always)]
    fn derivative(self, z: T) -> T {
        let half = T::from_f64(0.5);
        let inverse_root_two_pi = T::from_f64(0.398_942_280_401_432_7);
        normal_distribution(z) + z * inverse_root_two_pi * (-half * z * z).exp()
    }
}

#[inline(always)]
fn normal_distribution<T: Real>(z: T) -> T {
    T::from_f64(0.5) * (T::ONE + (z * T::from_f64(std::f64::consts::FRAC_1_SQRT_2)).erf())
}

impl GeluTanh {
    const ROOT_TWO_OVER_PI: f64 = 0.797_884_560_802_865_4;
    const CUBIC: f64 = 0.044_715;

    #[inline(always)]
    fn argument<T: Real>(z: T) -> T {
        T::from_f64(Self::ROOT_TWO_OVER_PI) * (z + T::from_f64(Self::CUBIC) * z * z * z)
    }
}

impl<T: Real> Pointwise<T> for GeluTanh {
    #[inline(always)]
    fn value(self, z: T) -> T {
        T::from_f64(0.5) * z * (T::ONE + Self::argument(z).tanh())
    }

    #[inline(always)]
    fn derivative(self, z: T) -> T {
        let half = T::from_f64(0.5);
        let t = Self::argument(z).tanh();
        let inner =
            T::from_f64(Self::ROOT_TWO_OVER_PI) * (T::ONE + T::from_f64(3.0 * Self::CUBIC) * z * z);
        half * (T::ONE + t) + half * z * (T::ONE - t * t) * inner
    }
}

impl<T: Real> Pointwise<T> for Silu {
    #[inline(always)]
    fn value(self, z: T) -> T {
        z * z.sigmoid()
    }

    #[inline(always)]
    fn derivative(self, z: T) -> T {
        let s = z.sigmoid();
        s * (T::ONE + z * (T::ONE - s))
    }
}

impl<T: Real> Pointwise<T> for Sigmoid {
    #[inline(always)]
    fn value(self, z: T) -> T {
        z.sigmoid()
    }

    #[inline(always)]
    fn derivative(self, z: T) -> T {
        let s = z.sigmoid();
        s * (T::ONE - s)
    }
}

impl<T: Real> Pointwise<T> for Tanh {
    #[inline(always)]
    fn value(self, z: T) -> T {
        z.tanh()
    }

    #[inline(always)]
    fn derivative(self, z: T) -> T {
        let t = z.tanh();
        T::ONE - t * t
    }
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
