//! Queries and keys of one length, for attention that weighs by cosines.

use super::buffer;
use super::real::Real;
use super::reduce::{column_sums, lane_dot};

/// What the length of a shorter vector is taken to be (PyTorch's `normalize`).
const SHORTEST: f64 = 1e-12;

/// The largest factor of a query.
const LARGEST: f64 = 100.0;

/// The factors that are given by their logarithms.
#[must_use]
pub fn factors<T: Real>(logs: &[T]) -> Vec<T> {
    let most = T::from_f64(LARGEST.ln());
    let factor = |&log: &T| if log > most { most.exp() } else { log.exp() };
    logs.iter().map(factor).collect()
}

/// Tokens with the queries of all heads, then the keys, then the values, `[rows, 3, heads, dim]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackedTokens {
    /// Tokens of all batch items.
    pub rows: usize,
    /// Heads of a token.
    pub heads: usize,
    /// Length of a head's vector.
    pub dim: usize,
}

impl PackedTokens {
    /// Elements of a token.
    fn width(&self) -> usize {
        3 * self.heads * self.dim
    }

    fn row<'a, T>(&self, values: &'a [T], row: usize) -> &'a [T] {
        &values[row * self.width()..(row + 1) * self.width()]
    }

    /// Queries with the length of their head's factor, keys with length 1, values as they are.
    #[must_use]
    pub fn forward<T: Real>(&self, input: &[T], factors: &[T]) -> Vec<T> {
        buffer::build_whole_rows(self.rows, self.width(), |row, out: &mut [T]| {
            let input = self.row(input, row);
            T::vectorize(
                #[inline(always)]
                move || {
                    out.copy_from_slice(input);
                    let vectors = input.chunks_exact(self.dim);
                    let vectors = out.chunks_exact_mut(self.dim).zip(vectors);
                    for (i, (out, x)) in vectors.take(2 * self.heads).enumerate() {
                        let factor = factor_of(factors, i) / length(x);
                        for (out, &x) in out.iter_mut().zip(x) {
                            *out = x * factor;
                        }
                    }
                },
            );
        })
    }

    /// The gradient of the tokens.
    #[must_use]
    pub fn input_gradient<T: Real>(&self, input: &[T], factors: &[T], gradient: &[T]) -> Vec<T> {
        buffer::build_whole_rows(self.rows, self.width(), |row, out: &mut [T]| {
            let (input, gradient) = (self.row(input, row), self.row(gradient, row));
            T::vectorize(
                #[inline(always)]
                move || {
                    out.copy_from_slice(gradient);
                    let given = input
                        .chunks_exact(self.dim)
                        .zip(gradient.chunks_exact(self.dim));
                    let vectors = out.chunks_exact_mut(self.dim).zip(given);
                    for (i, (out, (x, g))) in vectors.take(2 * self.heads).enumerate() {
                        let square = lane_dot(x, x);
                        let factor = factor_of(factors, i) / length(x);
                        // A vector shorter than the shortest is divided by a constant.
                        let along = lane_dot(x, g) / square;
                        let along = along.keep_if(square.sqrt() >= T::from_f64(SHORTEST));
                        for ((out, &x), &g) in out.iter_mut().zip(x).zip(g) {
                            *out = factor * (g - x * along);
                        }
                    }
                },
            );
        })
    }

    /// The gradient of the logarithm of each factor; none of one above the largest.
    #[must_use]
    pub fn log_gradient<T: Real>(&self, input: &[T], logs: &[T], gradient: &[T]) -> Vec<T> {
        let [sums] = column_sums(self.rows, self.heads, |row, [sums]: &mut [Vec<T>; 1]| {
            let (input, gradient) = (self.row(input, row), self.row(gradient, row));
            T::vectorize(
                #[inline(always)]
                move || {
                    let vectors = input
                        .chunks_exact(self.dim)
                        .zip(gradient.chunks_exact(self.dim));
                    for (sum, (x, g)) in sums.iter_mut().zip(vectors) {
                        *sum += lane_dot(x, g) / length(x);
                    }
                },
            );
        });
        let most = T::from_f64(LARGEST.ln());
        let of_log = |(sum, (&log, factor)): (f64, (&T, T))| {
            (T::from_f64(sum) * factor).keep_if(log <= most)
        };
        let given = logs.iter().zip(factors(logs));
        sums.into_iter().zip(given).map(of_log).collect()
    }
}

/// The factor of a vector of a token: queries have one each, keys none.
#[inline(always)]
fn factor_of<T: Real>(factors: &[T], vector: usize) -> T {
    factors.get(vector).copied().unwrap_or(T::ONE)
}

/// The length of a vector, which is not zero.
#[inline(always)]
fn length<T: Real>(vector: &[T]) -> T {
    lane_dot(vector, vector)
        .sqrt()
        .larger(T::from_f64(SHORTEST))
}
