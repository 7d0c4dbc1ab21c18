//! Rows that run across memory, those of neighbouring positions side by side.

use std::ops::Range;

use super::{Centre, LayerNorm, Line};
use crate::cpu::buffer;
use crate::cpu::real::Real;

/// Most positions worked on together.
const BLOCK: usize = 512;
/// Elements of a block that stay in the second-level cache.
const BLOCK_ELEMENTS: usize = 64 * 1024;

fn block_len(count: usize) -> usize {
    (BLOCK_ELEMENTS / count.max(1)).clamp(16, BLOCK)
}

/// The part of a tensor that a block covers: one segment for each element of a row.
#[derive(Clone, Copy)]
struct Block<'a, T> {
    values: &'a [T],
    offset: usize,
    stride: usize,
    count: usize,
    len: usize,
}

impl<'a, T: Real> Block<'a, T> {
    fn new(norm: &LayerNorm, values: &'a [T], outer: usize, positions: Range<usize>) -> Self {
        Self {
            values,
            offset: norm.columns.offset(outer, 0, positions.start),
            stride: norm.columns.inner,
            count: norm.columns.count,
            len: positions.len(),
        }
    }

    #[inline(always)]
    fn segment(&self, element: usize) -> &'a [T] {
        let start = self.offset + element * self.stride;
        &self.values[start..start + self.len]
    }

    #[inline(always)]
    fn lines(&self, norm: &LayerNorm, lines: &mut Lines<T>) {
        let n = T::from_f64(1.0 / self.count as f64);
        let Lines {
            centre,
            rest,
            factor,
        } = lines;
        let (centre, rest, factor) = (
            &mut centre[..self.len],
            &mut rest[..self.len],
            &mut factor[..self.len],
        );
        if norm.centre == Centre::Mean {
            for c in 0..self.count {
                for (m, &x) in centre.iter_mut().zip(self.segment(c)) {
                    *m += x;
                }
            }
            for m in centre.iter_mut() {
                *m = *m * n;
            }
        }
        for c in 0..self.count {
            let sums = rest.iter_mut().zip(factor.iter_mut());
            for (((r, f), &m), &x) in sums.zip(centre.iter()).zip(self.segment(c)) {
                let d = x - m;
                *r += d;
                *f += d * d;
            }
        }
        let keep = if norm.centre == Centre::Mean {
            n
        } else {
            T::ZERO
        };
        let epsilon = T::from_f64(norm.epsilon);
        for (r, f) in rest.iter_mut().zip(factor.iter_mut()) {
            *r = *r * keep;
            *f = T::ONE / (*f * n - *r * *r + epsilon).sqrt();
        }
    }
}

/// The line of each position of a block.
struct Lines<T> {
    centre: [T; BLOCK],
    rest: [T; BLOCK],
    factor: [T; BLOCK],
}

impl<T: Real> Lines<T> {
    fn new() -> Self {
        Self {
            centre: [T::ZERO; BLOCK],
            rest: [T::ZERO; BLOCK],
            factor: [T::ZERO; BLOCK],
        }
    }

    #[inline(always)]
    fn at(&self, i: usize) -> Line<T> {
        Line {
            centre: self.centre[i],
            rest: self.rest[i],
            factor: self.factor[i],
        }
    }
}

pub(super) fn forward<T: Real>(norm: &LayerNorm, input: &[T], scale: &[T], shift: &[T]) -> Vec<T> {
    let block = block_len(norm.columns.count);
    buffer::build_columns(norm.columns, block, |outer, start, out: &mut [&mut [T]]| {
        let len = out.first().map_or(0, |o| o.len()).min(BLOCK);
        let input = Block::new(norm, input, outer, start..start + len);
        let mut lines = Lines::new();
        let lines = &mut lines;
        T::vectorize(
            #[inline(always)]
            move || {
                input.lines(norm, lines);
                for (c, out) in out.iter_mut().enumerate() {
                    let x = input.segment(c);
                    for i in 0..len {
                        out[i] = lines.at(i).normalised(x[i]) * scale[c] + shift[c];
                    }
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
    let block = block_len(norm.columns.count);
    buffer::build_columns(norm.columns, block, |outer, start, out: &mut [&mut [T]]| {
        let len = out.first().map_or(0, |o| o.len()).min(BLOCK);
        let input = Block::new(norm, input, outer, start..start + len);
        let gradient = Block::new(norm, gradient, outer, start..start + len);
        let (mut lines, mut mean, mut product) = (Lines::new(), [T::ZERO; BLOCK], [T::ZERO; BLOCK]);
        let (lines, mean, product) = (&mut lines, &mut mean, &mut product);
        T::vectorize(
            #[inline(always)]
            move || {
                input.lines(norm, lines);
                for c in 0..out.len() {
                    let (x, g) = (input.segment(c), gradient.segment(c));
                    for i in 0..len {
                        let g = g[i] * scale[c];
                        mean[i] += g;
                        product[i] += g * lines.at(i).normalised(x[i]);
                    }
                }
                let n = T::from_f64(1.0 / norm.columns.count as f64);
                let keep = if norm.centre == Centre::Mean {
                    n
                } else {
                    T::ZERO
                };
                for i in 0..len {
                    mean[i] = mean[i] * keep;
                    product[i] = product[i] * n;
                }
                for (c, out) in out.iter_mut().enumerate() {
                    let (x, g) = (input.segment(c), gradient.segment(c));
                    for i in 0..len {
                        let line = lines.at(i);
                        let own = g[i] * scale[c] - mean[i];
                        out[i] = line.factor * (own - line.normalised(x[i]) * product[i]);
                    }
                }
            },
        );
    })
}

pub(super) fn affine_sums<T: Real>(norm: &LayerNorm, input: &[T], gradient: &[T]) -> [Vec<f64>; 2] {
    let count = norm.columns.count;
    let parts = norm
        .columns
        .map_blocks(block_len(count), |outer, positions| {
            let input = Block::new(norm, input, outer, positions.clone());
            let gradient = Block::new(norm, gradient, outer, positions);
            let (mut lines, mut products) = (Lines::new(), [T::ZERO; BLOCK]);
            let mut sums = vec![[0.0; 2]; count];
            let (lines, products, written) = (&mut lines, &mut products[..input.len], &mut sums);
            T::vectorize(
                #[inline(always)]
                move || {
                    input.lines(norm, lines);
                    for (c, sums) in written.iter_mut().enumerate() {
                        let (x, g) = (input.segment(c), gradient.segment(c));
                        for i in 0..input.len {
                            products[i] = g[i] * lines.at(i).normalised(x[i]);
                        }
                        *sums = [plain_sum(products), plain_sum(g)];
                    }
                },
            );
            sums
        });
    let mut total = [vec![0.0; count], vec![0.0; count]];
    for part in parts {
        for (c, sums) in part.into_iter().enumerate() {
            total[0][c] += sums[0];
            total[1][c] += sums[1];
        }
    }
    total
}

#[inline(always)]
fn plain_sum<T: Real>(values: &[T]) -> f64 {
    crate::cpu::reduce::lane_sum(
        values,
        #[inline(always)]
        |x| x,
    )
    .to_f64()
}
