//! Layer and root mean square normalisation: every row by statistics of its own.
//!
//! A row is the middle axis of `[outer, count, inner]`. With `inner` 1 it lies together in memory (tokens), else the rows of
//! neighbouring positions are worked on side by side (channels of an image).
//! Nothing is kept of the forward pass; the backward pass takes the statistics again while the row is in cache.

mod columns;
mod rows;

use std::borrow::Cow;

use crate::cpu::buffer::Columns;
use crate::cpu::real::Real;

/// What deviations are taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Centre {
    /// The mean: layer normalisation (Ba et al. 2016, <https://arxiv.org/abs/1607.06450>).
    Mean,
    /// Zero: root mean square normalisation (Zhang and Sennrich 2019, <https://arxiv.org/abs/1910.07467>).
    Zero,
}

/// A normalisation of rows.
#[derive(Debug, Clone, Copy)]
pub struct LayerNorm {
    /// The middle axis is normalised.
    pub columns: Columns,
    /// What deviations are taken from.
    pub centre: Centre,
    /// Added to the mean squared deviation.
    pub epsilon: f64,
}

/// The gradients of scale and shift.
#[derive(Debug, Clone, PartialEq)]
pub struct AffineGradients<T> {
    /// Of the scale.
    pub scale: Vec<T>,
    /// Of the shift.
    pub shift: Vec<T>,
}

impl LayerNorm {
    /// `(x - centre) / sqrt(mean squared deviation + epsilon) * scale + shift`; scale and shift have one number for each
    /// element of a row.
    #[must_use]
    pub fn forward<T: Real>(
        &self,
        input: &[T],
        scale: Option<&[T]>,
        shift: Option<&[T]>,
    ) -> Vec<T> {
        let (scale, shift) = (self.filled(scale, T::ONE), self.filled(shift, T::ZERO));
        if self.columns.inner == 1 {
            rows::forward(self, input, &scale, &shift)
        } else {
            columns::forward(self, input, &scale, &shift)
        }
    }

    /// The gradient of the input.
    #[must_use]
    pub fn input_gradient<T: Real>(
        &self,
        input: &[T],
        scale: Option<&[T]>,
        gradient: &[T],
    ) -> Vec<T> {
        let scale = self.filled(scale, T::ONE);
        if self.columns.inner == 1 {
            rows::input_gradient(self, input, &scale, gradient)
        } else {
            columns::input_gradient(self, input, &scale, gradient)
        }
    }

    /// The gradients of scale and shift.
    #[must_use]
    pub fn affine_gradients<T: Real>(&self, input: &[T], gradient: &[T]) -> AffineGradients<T> {
        let [scale, shift] = if self.columns.inner == 1 {
            rows::affine_sums(self, input, gradient)
        } else {
            columns::affine_sums(self, input, gradient)
        };
        let narrow = |sums: Vec<f64>| sums.into_iter().map(T::from_f64).collect();
        AffineGradients {
            scale: narrow(scale),
            shift: narrow(shift),
        }
    }

    /// One number for each element of a row.
    fn filled<'a, T: Real>(&self, values: Option<&'a [T]>, otherwise: T) -> Cow<'a, [T]> {
        values.map_or_else(
            || Cow::Owned(vec![otherwise; self.columns.count]),
            Cow::Borrowed,
        )
    }
}

/// Where a row lies: a value is normalised as `((x - centre) - rest) * factor`.
///
/// `rest` is what rounding the mean to the element type has lost, which matters when the mean is large.
#[derive(Debug, Clone, Copy)]
struct Line<T> {
    centre: T,
    rest: T,
    factor: T,
}

impl<T: Real> Line<T> {
    #[inline(always)]
    fn normalised(self, x: T) -> T {
        ((x - self.centre) - self.rest) * self.factor
    }
}
