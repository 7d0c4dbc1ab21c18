//! Softmax and its logarithm along any axis.

use crate::cpu::buffer::{self, Columns};
use crate::cpu::real::Real;
use crate::cpu::reduce::lane_sum;

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
                let mut largest = T::NEG_INFINITY;
                for &x in input {
                    largest = x.larger(largest);
                }
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
                    let offset = largest + sum.ln();
                    for (o, &x) in out.iter_mut().zip(input) {
                        *o = x - offset;
                    }
                }
            },
        );
    })
}

/// The gradient of [`forward`], from its output.
#[must_use]
pub fn backward<T: Real>(kind: Softmax, columns: Columns, output: &[T], gradient: &[T]) -> Vec<T> {
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
