//! Running means of gradients and of their squares, which Adam and its relatives share.

use super::check;
use super::state::Slot;
use crate::error::Result;

pub(super) const FIRST: Slot = Slot::Elementwise("exp_avg");
pub(super) const SECOND: Slot = Slot::Elementwise("exp_avg_sq");

/// Memories of the mean gradient and of the mean squared gradient.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moments {
    beta1: f32,
    /// Part of a gradient that enters its mean.
    entering: f32,
    beta2: f32,
    entering_square: f32,
}

impl Moments {
    pub(super) fn new(beta1: f64, beta2: f64) -> Self {
        Self {
            beta1: beta1 as f32,
            entering: (1.0 - beta1) as f32,
            beta2: beta2 as f32,
            entering_square: (1.0 - beta2) as f32,
        }
    }

    /// With a mean into which gradients enter whole, so that it is `1 / (1 - beta1)` times too large.
    pub(super) fn without_averaging(self) -> Self {
        Self {
            entering: 1.0,
            ..self
        }
    }

    /// The memories, and the parts of a gradient and of its square that enter.
    #[cfg(feature = "cuda")]
    pub(super) fn factors(self) -> ([f32; 2], [f32; 2]) {
        (
            [self.beta1, self.beta2],
            [self.entering, self.entering_square],
        )
    }

    /// The means after a gradient.
    #[inline(always)]
    pub(super) fn after(self, mean: f32, square: f32, gradient: f32) -> (f32, f32) {
        (
            self.beta1 * mean + self.entering * gradient,
            self.beta2 * square + self.entering_square * gradient * gradient,
        )
    }
}

/// What the running mean of ones would be after so many steps from zero.
pub(super) fn correction(beta: f64, steps: u32) -> f64 {
    1.0 - beta.powf(f64::from(steps))
}

/// Refuses settings out of range that every relative of Adam has.
pub(super) fn check_settings(
    op: &'static str,
    (beta1, beta2): (f64, f64),
    eps: f64,
    weight_decay: f64,
) -> Result<()> {
    check::memory(op, "beta1", beta1)?;
    check::memory(op, "beta2", beta2)?;
    check::not_negative(op, "eps", eps)?;
    check::not_negative(op, "weight_decay", weight_decay)
}
