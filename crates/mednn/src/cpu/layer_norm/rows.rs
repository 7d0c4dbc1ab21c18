//! Rows that lie together in memory.

use rayon::prelude::*;

use super::{Centre, LayerNorm, Line};
use crate::cpu::buffer;
use crate::cpu::real::Real;
use crate::cpu::reduce::{column_sums, lane_sum};

/// Elements whose sum in lanes of their own type is exact enough.
const PART: usize = 4096;

#[inline(always)]
fn sum<T: Real>(values: &[T], term: impl Fn(T) -> T + Copy) -> f64 {
    let mut total = 0.0;
    for part in values.chunks(PART) {
        total += lane_sum(part, term).to_f64();
    }
    total
}

#[inline(always)]
fn line<T: Real>(norm: &LayerNorm, row: &[T]) -> Line<T> {
    let count = row.len() as f64;
    let (centre, rest) = match norm.centre {
        Centre::Zero => (T::ZERO, 0.0),
        Centre::Mean => {
            let centre = T::from_f64(
                sum(
                    row,
                    #[inline(always)]
                    |x| x,
                ) / count,
            );
            let rest = sum(
                row,
                #[inline(always)]
                move |x| x - centre,
            );
            (centre, rest / count)
        }
    };
    let squares = sum(
        row,
        #[inline(always)]
        move |x| (x - centre) * (x - centre),
    );
    let variance = squares / count - rest * rest;
    Line {
        centre,
        rest: T::from_f64(rest),
        factor: T::from_f64(1.0 / (variance + norm.epsilon).sqrt()),
    }
}

fn row_of<T>(values: &[T], row: usize, len: usize) -> &[T] {
    &values[row * len..(row + 1) * len]
}

pub(super) fn forward<T: Real>(norm: &LayerNorm, input: &[T], scale: &[T], shift: &[T]) -> Vec<T> {
    let len = norm.columns.count;
    buffer::build_whole_rows(norm.columns.outer, len, |row, out: &mut [T]| {
        let input = row_of(input, row, len);
        T::vectorize(
            #[inline(always)]
            move || {
                let line = line(norm, input);
                let affine = scale.iter().zip(shift);
                for ((o, &x), (&scale, &shift)) in out.iter_mut().zip(input).zip(affine) {
                    *o = line.normalised(x) * scale + shift;
                }
            },
        );
    })
}

pub(super) fn input_gradient<T: Real>(
    norm: &LayerNorm,
    input: &[T],
    scale: &[T],
    gradient: &[T],
) -> Vec<T> {
    let len = norm.columns.count;
    buffer::build_whole_rows(norm.columns.outer, len, |row, out: &mut [T]| {
        let (input, gradient) = (row_of(input, row, len), row_of(gradient, row, len));
        T::vectorize(
            #[inline(always)]
            move || {
                let line = line(norm, input);
                for ((o, &g), &scale) in out.iter_mut().zip(gradient).zip(scale) {
                    *o = g * scale;
                }
                let mean = match norm.centre {
                    Centre::Zero => T::ZERO,
                    Centre::Mean => T::from_f64(
                        sum(
                            out,
                            #[inline(always)]
                            |g| g,
                        ) / len as f64,
                    ),
                };
                let mut product = 0.0;
                for (g, x) in out.chunks(PART).zip(input.chunks(PART)) {
                    product += products(g, x, line).to_f64();
                }
                let product = T::from_f64(product / len as f64);
                for (o, &x) in out.iter_mut().zip(input) {
                    *o = line.factor * (*o - mean - line.normalised(x) * product);
                }
            },
        );
    })
}

/// The sum of gradients times normalised values, in lanes.
#[inline(always)]
fn products<T: Real>(gradient: &[T], input: &[T], line: Line<T>) -> T {
    const LANES: usize = 16;
    let mut lanes = [T::ZERO; LANES];
    let (g, g_rest) = gradient.as_chunks::<LANES>();
    let (x, x_rest) = input.as_chunks::<LANES>();
    for (g, x) in g.iter().zip(x) {
        for lane in 0..LANES {
            lanes[lane] += g[lane] * line.normalised(x[lane]);
        }
    }
    let mut total = T::ZERO;
    for (&g, &x) in g_rest.iter().zip(x_rest) {
        total += g * line.normalised(x);
    }
    for lane in lanes {
        total += lane;
    }
    total
}

pub(super) fn affine_sums<T: Real>(norm: &LayerNorm, input: &[T], gradient: &[T]) -> [Vec<f64>; 2] {
    let len = norm.columns.count;
    let lines: Vec<Line<T>> = (0..norm.columns.outer)
        .into_par_iter()
        .map(|row| {
            T::vectorize(
                #[inline(always)]
                || line(norm, row_of(input, row, len)),
            )
        })
        .collect();
    column_sums(
        norm.columns.outer,
        len,
        |row, [scale, shift]: &mut [Vec<T>; 2]| {
            let (input, gradient) = (row_of(input, row, len), row_of(gradient, row, len));
            let line = lines[row];
            T::vectorize(
                #[inline(always)]
                move || {
                    let sums = scale.iter_mut().zip(shift);
                    for ((scale, shift), (&x, &g)) in sums.zip(input.iter().zip(gradient)) {
                        *scale += g * line.normalised(x);
                        *shift += g;
                    }
                },
            );
        },
    )
}
