//! What happens to the sums of a convolution before they are read by anybody else.

use crate::cpu::activation::{Activation, Pointwise as _, for_activation};
use crate::cpu::real::Real;

/// Values of the output's shape that are added, and whether the activation sees them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Residual<R> {
    /// `activation(sum + residual)`, as in ResNet.
    BeforeActivation(R),
    /// `activation(sum) + residual`, as in the bottlenecks of YOLO.
    AfterActivation(R),
}

impl<R> Residual<R> {
    /// The values.
    #[must_use]
    pub fn values(&self) -> &R {
        match self {
            Self::BeforeActivation(values) | Self::AfterActivation(values) => values,
        }
    }

    /// The same place with other values.
    pub fn map<S>(self, f: impl FnOnce(R) -> S) -> Residual<S> {
        match self {
            Self::BeforeActivation(values) => Residual::BeforeActivation(f(values)),
            Self::AfterActivation(values) => Residual::AfterActivation(f(values)),
        }
    }
}

/// A residual and an activation for the sums of a convolution, applied while they are in the cache.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finish<'a, T> {
    /// The activation.
    pub activation: Activation,
    /// What is added.
    pub residual: Option<Residual<&'a [T]>>,
}

impl<T> Default for Finish<'_, T> {
    /// The sums as they are.
    fn default() -> Self {
        Self {
            activation: Activation::None,
            residual: None,
        }
    }
}

impl<T: Real> Finish<'_, T> {
    /// Whether sums stay as they are.
    pub(super) fn is_identity(&self) -> bool {
        self.activation == Activation::None && self.residual.is_none()
    }

    /// Finishes the sums that stand from element `at` of the output on.
    pub(super) fn apply(&self, at: usize, sums: &mut [T]) {
        if let Some(Residual::BeforeActivation(residual)) = self.residual {
            add(sums, &residual[at..]);
        }
        for_activation!(self.activation, T, f => T::vectorize(#[inline(always)] || {
            for sum in sums.iter_mut() {
                *sum = f.value(*sum);
            }
        }));
        if let Some(Residual::AfterActivation(residual)) = self.residual {
            add(sums, &residual[at..]);
        }
    }
}

fn add<T: Real>(sums: &mut [T], residual: &[T]) {
    T::vectorize(
        #[inline(always)]
        || {
            for (sum, &value) in sums.iter_mut().zip(residual) {
                *sum += value;
            }
        },
    );
}
