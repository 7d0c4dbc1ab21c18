//! Softmax and its logarithm along any axis.

use crate::cpu::buffer::{self, Columns};
use crate::cpu::real::Real;
use crate::cpu::reduce::{lane_dot, lane_max, lane_sum};

/// Inner positions worked on together: the columns of a block stay in the first- or second-level cache.
const BLOCK: usize = 512;

/// Which of the two functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Softmax {
    /// `exp(x_i) / sum_j exp(x_j)`.
    Linear,
    /// Its logarithm, without ever leaving it.
    Log,
}

/// Softmax over the middle axis, largest value subtracted first.
#[must_use]
pub fn forward<T: Real>(kind: Softmax, columns: Columns, input: &[T]) -> Vec<T> {
    if columns.inner == 1 {
        return forward_rows(kind, columns, input);
    }
    buffer::build_columns(columns, BLOCK, |outer, start, out: &mut [&mut [T]]| {
        let len = out.first().map_or(0, |o| o.len());
        let column = |c: usize| {
            let offset = columns.offset(outer, c, start);
            &input[offset..offset + len]
        };
        let mut largest = [T::NEG_INFINITY; BLOCK];
        let mut sum = [T::ZERO; BLOCK];
        let (largest, sum) = (&mut largest[..len], &mut sum[..len]);
        T::vectorize(
            #[inline(always)]
            move || {
                for c in 0..columns.count {
                    for (m, &x) in largest.iter_mut().zip(column(c)) {
                        *m = x.larger(*m);
                    }
                }
                for c in 0..columns.count {
                    for (((o, s), &m), &x) in out[c]
                        .iter_mut()
                        .zip(sum.iter_mut())
                        .zip(largest.iter())
                        .zip(column(c))
                    {
                        let shifted = x - m;
                        let e = shifted.exp();
                        *s += e;
                        *o = if kind == Softmax::Linear { e } else { shifted };
                    }
                }
                if kind == Softmax::Linear {
                    for s in sum.iter_mut() {
                        *s = T::ONE / *s;
                    }
                    for out in out.iter_mut() {
                        for (o, &s) in out.iter_mut().zip(sum.iter()) {
                            *o = *o * s;
                        }
                    }
                } else {
                    for s in sum.iter_mut() {
                        *s = s.ln();
                    }
                    for out in out.iter_mut() {
                        for (o, &s) in out.iter_mut().zip(sum.iter()) {
                            *o = *o - s;
                        }
                    }
                }
            },
        );
    })
}

fn forward_rows<T: Real>(kind: Softmax, columns: Columns, input: &[T]) -> Vec<T> {
    let count = columns.count;
    buffer::build_whole_rows(columns.outer, count, |row, out: &mut [T]| {
        let input = &input[row * count..(row + 1) * count];
        T::vectorize(
            #[inline(always)]
            move || {
                let largest = lane_max(input);
                for (o, &x) in out.iter_mut().zip(input) {
                    *o = (x - largest).exp();
                }
                let sum = lane_sum(
                    out,
                    #[inline(always)]
                    move |x| x,
                );
                if kind == Softmax::Linear {
                    let factor = T::ONE / sum;
                    for o in out.iter_mut() {
                        *o = *o * factor;
                    }
                } else {
                    // The largest first: next to a large one the logarithm would lose its digits.
                    let log = sum.ln();
                    for (o, &x) in out.iter_mut().zip(input) {
                        *o = (x - largest) - log;
                    }
                }
            },
        );
    })
}

/// The gradient of [`forward`], from its output.
#[must_use]
pub fn backward<T: Real>(kind: Softmax, columns: Columns, output: &[T], gradient: &[T]) -> Vec<T> {
    if columns.inner == 1 {
        return backward_rows(kind, columns, output, gradient);
    }
    buffer::build_columns(columns, BLOCK, |outer, start, out: &mut [&mut [T]]| {
        let len = out.first().map_or(0, |o| o.len());
        let at = |c: usize| {
            let offset = columns.offset(outer, c, start);
            (
                &output[offset..offset + len],
                &gradient[offset..offset + len],
            )
        };
        let mut sum = [T::ZERO; BLOCK];
        let sum = &mut sum[..len];
        T::vectorize(
            #[inline(always)]
            move || {
                for c in 0..columns.count {
                    let (y, g) = at(c);
                    for ((s, &y), &g) in sum.iter_mut().zip(y).zip(g) {
                        *s += if kind == Softmax::Linear { g * y } else { g };
                    }
                }
                for c in 0..columns.count {
                    let (y, g) = at(c);
                    for (((o, &s), &y), &g) in out[c].iter_mut().zip(sum.iter()).zip(y).zip(g) {
                        *o = if kind == Softmax::Linear {
                            y * (g - s)
                        } else {
                            g - y.exp() * s
                        };
                    }
                }
            },
        );
    })
}

fn backward_rows<T: Real>(kind: Softmax, columns: Columns, output: &[T], gradient: &[T]) -> Vec<T> {
    let count = columns.count;
    buffer::build_whole_rows(columns.outer, count, |row, out: &mut [T]| {
        let row = row * count..(row + 1) * count;
        let (output, gradient) = (&output[row.clone()], &gradient[row]);
        T::vectorize(
            #[inline(always)]
            move || {
                let each = out.iter_mut().zip(output).zip(gradient);
                if kind == Softmax::Linear {
                    let sum = lane_dot(output, gradient);
                    for ((o, &y), &g) in each {
                        *o = y * (g - sum);
                    }
                } else {
                    let sum = lane_sum(
                        gradient,
                        #[inline(always)]
                        |g| g,
                    );
                    for ((o, &y), &g) in each {
                        *o = g - y.exp() * sum;
                    }
                }
            },
        );
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_lie_together_and_across_memory_give_the_same() {
        let columns = Columns {
            outer: 3,
            count: 37,
            inner: 1,
        };
        let across = Columns {
            outer: 1,
            count: 37,
            inner: 3,
        };
        let turned = |values: &[f64]| -> Vec<f64> {
            (0..37 * 3).map(|i| values[i % 3 * 37 + i / 3]).collect()
        };
        let x: Vec<f64> = (0..37 * 3).map(|i| f64::from(i * 29 % 17) / 3.0).collect();
        let g: Vec<f64> = (0..37 * 3).map(|i| f64::from(i * 31 % 13) - 6.0).collect();
        for kind in [Softmax::Linear, Softmax::Log] {
            let y = forward(kind, columns, &x);
            let dx = backward(kind, columns, &y, &g);
            let expected = forward(kind, across, &turned(&x));
            let expected_dx = backward(kind, across, &expected, &turned(&g));
            let pairs = turned(&y).into_iter().zip(expected);
            for (got, expected) in pairs.chain(turned(&dx).into_iter().zip(expected_dx)) {
                assert!((got - expected).abs() < 1e-12, "{kind:?}: {got} {expected}");
            }
        }
    }
}
