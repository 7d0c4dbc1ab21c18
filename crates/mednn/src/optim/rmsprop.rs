//! RMSprop (Tieleman and Hinton, lecture 6.5 of "Neural Networks for Machine Learning", 2012), as PyTorch computes it.

#[cfg(feature = "cuda")]
use candle_core::Tensor;

use super::check;
use super::state::{Slot, State};
use super::stepper::{Rule, Stepper, Target};
#[cfg(feature = "cuda")]
use super::update::check_distinct;
use super::update::update;
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::Result;

/// `s = alpha s + (1 - alpha) g^2`, `p = p - rate g / (sqrt(s) + eps)`, where `g` is the gradient plus `decay p`.
///
/// Centered, the square of the mean gradient is taken from `s`: the variance. With momentum, `b = momentum b + g / (...)` and
/// `p = p - rate b`.
pub type RmsProp = Stepper<RmsPropConfig>;

/// Settings of [`RmsProp`], PyTorch's defaults.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RmsPropConfig {
    /// Memory of the mean squared gradient.
    pub alpha: f64,
    /// Added to the root of the mean square.
    pub eps: f64,
    /// Part of the last direction that is kept, in [0, 1).
    pub momentum: f64,
    /// Divides by the standard deviation of the gradient in place of its root mean square.
    pub centered: bool,
    /// Factor of the parameter that is added to its gradient.
    pub weight_decay: f64,
}

impl Default for RmsPropConfig {
    fn default() -> Self {
        Self {
            alpha: 0.99,
            eps: 1e-8,
            momentum: 0.0,
            centered: false,
            weight_decay: 0.0,
        }
    }
}

/// What a gradient is divided by.
#[derive(Debug, Clone, Copy)]
struct Divisor {
    alpha: f32,
    entering: f32,
    eps: f32,
}

impl Divisor {
    /// The mean square after a gradient, and the gradient divided by its root.
    #[inline(always)]
    fn plain(self, square: f32, g: f32) -> (f32, f32) {
        let square = self.alpha * square + self.entering * g * g;
        (square, g / (square.sqrt() + self.eps))
    }

    /// The mean square and the mean after a gradient, and the gradient divided by the standard deviation.
    #[inline(always)]
    fn centered(self, square: f32, mean: f32, g: f32) -> (f32, f32, f32) {
        let square = self.alpha * square + self.entering * g * g;
        let mean = self.alpha * mean + self.entering * g;
        // Rounding can make the variance of equal gradients negative.
        let variance = square - mean * mean;
        let variance = if variance < 0.0 { 0.0 } else { variance };
        (square, mean, g / (variance.sqrt() + self.eps))
    }
}

impl Rule for RmsPropConfig {
    const NAME: &'static str = "rmsprop";

    fn check(&self) -> Result<()> {
        check::memory(Self::NAME, "alpha", self.alpha)?;
        check::not_negative(Self::NAME, "eps", self.eps)?;
        check::memory(Self::NAME, "momentum", self.momentum)?;
        check::not_negative(Self::NAME, "weight_decay", self.weight_decay)
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn slots(&self) -> Vec<Slot> {
        let mut slots = vec![Slot::Elementwise("square_avg")];
        if self.centered {
            slots.push(Slot::Elementwise("grad_avg"));
        }
        if self.momentum > 0.0 {
            slots.push(Slot::Elementwise("momentum_buffer"));
        }
        slots
    }

    fn apply(&self, target: &Target<'_>, state: &mut State) -> Result<()> {
        let divisor = Divisor {
            alpha: self.alpha as f32,
            entering: (1.0 - self.alpha) as f32,
            eps: self.eps as f32,
        };
        let (rate, decay) = (target.rate as f32, target.weight_decay as f32);
        let momentum = self.momentum as f32;
        #[cfg(feature = "cuda")]
        if target.value.device().is_cuda() {
            let settings = cuda::update::RmsProp {
                alpha: divisor.alpha,
                entering: divisor.entering,
                eps: divisor.eps,
                rate,
                decay,
                momentum,
            };
            let tensors = &state.tensors[..];
            let slots = match self.centered {
                true => [tensors.first(), tensors.get(1), tensors.get(2)],
                false => [tensors.first(), None, tensors.get(1)],
            };
            let written: Vec<&Tensor> = std::iter::once(&target.value).chain(tensors).collect();
            check_distinct(&written, &[target.gradient])?;
            let (value, gradient) = (&target.value, target.gradient);
            return Ok(cuda::update::rmsprop(&settings, value, gradient, slots)?);
        }
        let (value, gradient) = (&target.value, [target.gradient]);
        match (&state.tensors[..], self.centered) {
            ([square, mean, buffer], _) => update(
                [value, square, mean, buffer],
                gradient,
                #[inline(always)]
                move |[p, s, m, b], [g]| {
                    let (s, m, direction) = divisor.centered(s, m, g + decay * p);
                    let b = momentum * b + direction;
                    [p - rate * b, s, m, b]
                },
            ),
            ([square, mean], true) => update(
                [value, square, mean],
                gradient,
                #[inline(always)]
                move |[p, s, m], [g]| {
                    let (s, m, direction) = divisor.centered(s, m, g + decay * p);
                    [p - rate * direction, s, m]
                },
            ),
            ([square, buffer], false) => update(
                [value, square, buffer],
                gradient,
                #[inline(always)]
                move |[p, s, b], [g]| {
                    let (s, direction) = divisor.plain(s, g + decay * p);
                    let b = momentum * b + direction;
                    [p - rate * b, s, b]
                },
            ),
            (state, _) => update(
                [value, &state[0]],
                gradient,
                #[inline(always)]
                move |[p, s], [g]| {
                    let (s, direction) = divisor.plain(s, g + decay * p);
                    [p - rate * direction, s]
                },
            ),
        }
    }
}
