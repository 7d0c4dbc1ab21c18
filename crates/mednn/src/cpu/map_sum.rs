//! Sums of values against a map of weights, row by row, and their gradient.

use crate::cpu::buffer;
use crate::cpu::real::Real;
use crate::cpu::reduce::sums_of_pairs;

/// What is summed over the elements of a row.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum MapSum<'a, T> {
    /// The value.
    Plain,
    /// Weight times value.
    Weighted(&'a [T]),
    /// The size of the weight times the squared distance from the truth, which is 1 where the weight is negative, else 0.
    SquaredError(&'a [T]),
}

impl<T: Real> MapSum<'_, T> {
    /// The sum of each row of the values, added up in f64.
    ///
    /// # Panics
    /// If `rows` does not divide the number of values, or the map has another length.
    #[must_use]
    pub fn forward(self, rows: usize, values: &[T]) -> Vec<f64> {
        let row_len = self.check(rows, values);
        (0..rows)
            .map(|row| {
                let part = row * row_len..(row + 1) * row_len;
                let values = &values[part.clone()];
                let [sum] = match self {
                    Self::Plain => sums_of_pairs(
                        values,
                        values,
                        #[inline(always)]
                        |v, _| [v],
                    ),
                    Self::Weighted(map) => sums_of_pairs(
                        values,
                        &map[part],
                        #[inline(always)]
                        |v, w| [v * w],
                    ),
                    Self::SquaredError(map) => sums_of_pairs(
                        values,
                        &map[part],
                        #[inline(always)]
                        |v, w| {
                            let error = v - truth(w);
                            [w.abs() * error * error]
                        },
                    ),
                };
                sum
            })
            .collect()
    }

    /// The gradient for the values, given that for each row.
    ///
    /// # Panics
    /// As [`MapSum::forward`].
    #[must_use]
    pub fn backward(self, values: &[T], gradient: &[f64]) -> Vec<T> {
        let row_len = self.check(gradient.len(), values);
        buffer::build_rows(
            gradient.len(),
            row_len,
            |row| T::from_f64(gradient[row]),
            |row, &factor, start, out: &mut [T]| {
                let part = row * row_len + start..row * row_len + start + out.len();
                match self {
                    Self::Plain => out.fill(factor),
                    Self::Weighted(map) => T::vectorize(
                        #[inline(always)]
                        || {
                            for (o, &w) in out.iter_mut().zip(&map[part]) {
                                *o = factor * w;
                            }
                        },
                    ),
                    Self::SquaredError(map) => T::vectorize(
                        #[inline(always)]
                        || {
                            let inputs = values[part.clone()].iter().zip(&map[part]);
                            for (o, (&v, &w)) in out.iter_mut().zip(inputs) {
                                *o = factor * w.abs() * (v - truth(w) + v - truth(w));
                            }
                        },
                    ),
                }
            },
        )
    }

    fn check(&self, rows: usize, values: &[T]) -> usize {
        assert!(
            rows > 0 && values.len().is_multiple_of(rows),
            "whole rows of values"
        );
        if let Self::Weighted(map) | Self::SquaredError(map) = self {
            assert_eq!(map.len(), values.len(), "one weight for each value");
        }
        values.len() / rows
    }
}

#[inline(always)]
fn truth<T: Real>(weight: T) -> T {
    if weight < T::ZERO { T::ONE } else { T::ZERO }
}
