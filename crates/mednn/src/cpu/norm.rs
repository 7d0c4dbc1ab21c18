//! Normalisation over sets of rows, with scale, shift and activation in the same pass.
//!
//! A row is the spatial extent of one channel of one batch item; a set is what shares a mean and a variance.
//! Of the forward pass only mean and reciprocal standard deviation are kept; the backward pass computes the normalised values
//! again, which costs nothing where memory is the limit.

use std::sync::OnceLock;

use rayon::prelude::*;

use crate::cpu::activation::{LeakyRelu, Pointwise};
use crate::cpu::buffer;
use crate::cpu::real::Real;
use crate::cpu::reduce::{Moments, sums_of_pairs};

/// Which rows share a mean and a variance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sets {
    /// Every channel of every batch item for itself.
    Instance,
    /// Consecutive channels of a batch item together, in this many groups.
    Group {
        /// Number of groups; divides the number of channels.
        groups: usize,
    },
    /// A channel over the whole batch.
    Batch,
}

/// The shape of a normalisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Batch items.
    pub batch: usize,
    /// Channels.
    pub channels: usize,
    /// Voxels.
    pub row_len: usize,
    /// What is normalised together.
    pub sets: Sets,
}

/// Mean and reciprocal standard deviation of one set.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Statistics {
    /// The mean.
    pub mean: f64,
    /// `1 / sqrt(variance + epsilon)`.
    pub reciprocal_deviation: f64,
}

impl Shape {
    fn rows(&self) -> usize {
        self.batch * self.channels
    }

    /// The number of sets.
    #[must_use]
    pub fn set_count(&self) -> usize {
        match self.sets {
            Sets::Instance => self.rows(),
            Sets::Group { groups } => self.batch * groups,
            Sets::Batch => self.channels,
        }
    }

    /// The number of values in a set.
    #[must_use]
    pub fn set_len(&self) -> usize {
        self.rows() * self.row_len / self.set_count().max(1)
    }

    fn set_of(&self, row: usize) -> usize {
        match self.sets {
            Sets::Instance => row,
            Sets::Group { groups } => {
                row / self.channels * groups + row % self.channels / (self.channels / groups)
            }
            Sets::Batch => row % self.channels,
        }
    }

    /// Folds one value a row into one a set, rows in order.
    fn fold<A: Copy>(&self, rows: &[A], start: A, mut fold: impl FnMut(A, A) -> A) -> Vec<A> {
        let mut sets = vec![start; self.set_count()];
        for (row, &value) in rows.iter().enumerate() {
            let set = self.set_of(row);
            sets[set] = fold(sets[set], value);
        }
        sets
    }

    fn row<'a, T>(&self, values: &'a [T], row: usize) -> &'a [T] {
        &values[row * self.row_len..(row + 1) * self.row_len]
    }
}

/// The moments of every set.
#[must_use]
pub fn moments<T: Real>(shape: &Shape, input: &[T]) -> Vec<Moments> {
    let rows: Vec<Moments> = (0..shape.rows())
        .into_par_iter()
        .map(|row| Moments::of(shape.row(input, row)))
        .collect();
    shape.fold(&rows, Moments::default(), Moments::merge)
}

/// Scale and shift of each channel.
pub type Affine<'a, T> = Option<(&'a [T], &'a [T])>;

fn affine_of<T: Real>(affine: Affine<'_, T>, channel: usize) -> (T, T) {
    affine.map_or((T::ONE, T::ZERO), |(scale, shift)| {
        (scale[channel], shift[channel])
    })
}

/// `leaky((x - mean) / deviation * scale + shift)` with the statistics of each set given.
///
/// `slope` is the factor of a leaky ReLU for negative values: 1 for none, 0 for ReLU. One kernel serves all three.
#[must_use]
pub fn apply<T: Real>(
    shape: &Shape,
    input: &[T],
    affine: Affine<'_, T>,
    statistics: &[Statistics],
    slope: f64,
) -> Vec<T> {
    apply_with(
        shape,
        input,
        affine,
        |row| statistics[shape.set_of(row)],
        slope,
    )
}

/// As [`apply`], for [`Sets::Instance`], whose statistics are computed while the row is in cache; they are returned too.
#[must_use]
pub fn apply_instance<T: Real>(
    shape: &Shape,
    input: &[T],
    affine: Affine<'_, T>,
    epsilon: f64,
    slope: f64,
) -> (Vec<T>, Vec<Statistics>) {
    let kept: Vec<OnceLock<Statistics>> = (0..shape.rows()).map(|_| OnceLock::new()).collect();
    let of_row = |row: usize| {
        *kept[row].get_or_init(|| statistics(&Moments::of(shape.row(input, row)), epsilon))
    };
    let output = apply_with(shape, input, affine, of_row, slope);
    (
        output,
        kept.iter()
            .map(|s| s.get().copied().unwrap_or_default())
            .collect(),
    )
}

/// Mean and reciprocal standard deviation of a set, variance biased.
#[must_use]
pub fn statistics(moments: &Moments, epsilon: f64) -> Statistics {
    Statistics {
        mean: moments.mean,
        reciprocal_deviation: 1.0 / (moments.variance() + epsilon).sqrt(),
    }
}

fn apply_with<T: Real>(
    shape: &Shape,
    input: &[T],
    affine: Affine<'_, T>,
    statistics: impl Fn(usize) -> Statistics + Sync,
    slope: f64,
) -> Vec<T> {
    let f = LeakyRelu(T::from_f64(slope));
    buffer::build_rows(
        shape.rows(),
        shape.row_len,
        |row| {
            let own = statistics(row);
            let (scale, shift) = affine_of(affine, row % shape.channels);
            let scale = T::from_f64(own.reciprocal_deviation) * scale;
            (T::from_f64(own.mean), scale, shift)
        },
        |row, &(mean, scale, shift), start, out| {
            let input = &shape.row(input, row)[start..start + out.len()];
            T::vectorize(
                #[inline(always)]
                move || {
                    for (o, &x) in out.iter_mut().zip(input) {
                        *o = f.value((x - mean) * scale + shift);
                    }
                },
            );
        },
    )
}

/// What the backward pass needs.
#[derive(Debug, Clone, Copy)]
pub struct Backward<'a, T> {
    /// The shape.
    pub shape: &'a Shape,
    /// The input of the forward pass.
    pub input: &'a [T],
    /// The gradient of its output.
    pub gradient: &'a [T],
    /// Scale and shift.
    pub affine: Affine<'a, T>,
    /// The statistics of the forward pass.
    pub statistics: &'a [Statistics],
    /// The slope of the forward pass.
    pub slope: f64,
    /// True when the statistics were those of the input, false when they were constants (batch norm in evaluation).
    pub statistics_of_input: bool,
}

/// The gradients of the input and, for each channel, of scale and shift.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradients<T> {
    /// Of the input.
    pub input: Vec<T>,
    /// Of the scale.
    pub scale: Vec<T>,
    /// Of the shift.
    pub shift: Vec<T>,
}

impl<T: Real> Backward<'_, T> {
    /// Runs the backward pass.
    #[must_use]
    pub fn run(&self) -> Gradients<T> {
        let shape = self.shape;
        let f = LeakyRelu(T::from_f64(self.slope));
        let sums: Vec<OnceLock<[f64; 2]>> = (0..shape.rows()).map(|_| OnceLock::new()).collect();
        let row_sums = |row: usize| *sums[row].get_or_init(|| self.row_sums(row));
        let instance = shape.sets == Sets::Instance && self.statistics_of_input;
        let set_means = if instance || !self.statistics_of_input {
            Vec::new()
        } else {
            let rows: Vec<[f64; 2]> = (0..shape.rows())
                .into_par_iter()
                .map(|row| self.scaled(row, row_sums(row)))
                .collect();
            shape.fold(&rows, [0.0; 2], |a, b| [a[0] + b[0], a[1] + b[1]])
        };
        let count = shape.set_len() as f64;
        let input = buffer::build_rows(
            shape.rows(),
            shape.row_len,
            |row| {
                let row_sums = row_sums(row);
                let set_sums = if instance {
                    self.scaled(row, row_sums)
                } else if self.statistics_of_input {
                    set_means[shape.set_of(row)]
                } else {
                    [0.0; 2]
                };
                let r = self.statistics[shape.set_of(row)].reciprocal_deviation;
                // d input = r (g scale - mean(g scale) - normalised * mean(g scale normalised))
                let constant = T::from_f64(r * set_sums[0] / count);
                let linear = T::from_f64(r * r * set_sums[1] / count);
                (constant, linear)
            },
            |row, &(constant, linear), start, out| {
                let input = &shape.row(self.input, row)[start..start + out.len()];
                let gradient = &shape.row(self.gradient, row)[start..start + out.len()];
                let (mean, scale, shift) = self.line(row);
                T::vectorize(
                    #[inline(always)]
                    move || {
                        for ((o, &x), &g) in out.iter_mut().zip(input).zip(gradient) {
                            let d = x - mean;
                            let g = g * f.derivative(d * scale + shift);
                            *o = g * scale - constant - d * linear;
                        }
                    },
                );
            },
        );
        let mut scale = vec![0.0; shape.channels];
        let mut shift = vec![0.0; shape.channels];
        for row in 0..shape.rows() {
            let [gradient, product] = row_sums(row);
            shift[row % shape.channels] += gradient;
            scale[row % shape.channels] += product;
        }
        Gradients {
            input,
            scale: scale.into_iter().map(T::from_f64).collect(),
            shift: shift.into_iter().map(T::from_f64).collect(),
        }
    }

    /// Mean, slope and offset of the line the forward pass applied to a row.
    fn line(&self, row: usize) -> (T, T, T) {
        let own = self.statistics[self.shape.set_of(row)];
        let (scale, shift) = affine_of(self.affine, row % self.shape.channels);
        (
            T::from_f64(own.mean),
            T::from_f64(own.reciprocal_deviation) * scale,
            shift,
        )
    }

    /// Sums over a row of the gradient before the activation and of its product with the normalised values.
    fn row_sums(&self, row: usize) -> [f64; 2] {
        let f = LeakyRelu(T::from_f64(self.slope));
        let (mean, scale, shift) = self.line(row);
        let [gradient, product] = sums_of_pairs(
            self.shape.row(self.input, row),
            self.shape.row(self.gradient, row),
            #[inline(always)]
            move |x, g| {
                let d = x - mean;
                let g = g * f.derivative(d * scale + shift);
                [g, g * d]
            },
        );
        [
            gradient,
            product * self.statistics[self.shape.set_of(row)].reciprocal_deviation,
        ]
    }

    fn scaled(&self, row: usize, sums: [f64; 2]) -> [f64; 2] {
        let scale = affine_of(self.affine, row % self.shape.channels).0.to_f64();
        [sums[0] * scale, sums[1] * scale]
    }
}
