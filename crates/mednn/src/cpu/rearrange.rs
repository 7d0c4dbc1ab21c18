//! Copies of a tensor with its axes in another order.

use crate::cpu::buffer::{self, Columns, Zeroable};
use crate::cpu::simd::vectorize;

/// An axis of the output: its length, and how far apart its elements lie in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axis {
    /// The number of indices.
    pub length: usize,
    /// The distance of neighbours in the input.
    pub stride: usize,
}

/// The axes of a contiguous tensor of these lengths, put in `order`.
///
/// # Panics
/// If an axis of `order` does not exist.
#[must_use]
pub fn permuted(lengths: &[usize], order: &[usize]) -> Vec<Axis> {
    let mut stride = 1;
    let mut axes: Vec<Axis> = lengths
        .iter()
        .rev()
        .map(|&length| {
            let axis = Axis { length, stride };
            stride *= length;
            axis
        })
        .collect();
    axes.reverse();
    order.iter().map(|&axis| axes[axis]).collect()
}

/// The output with these axes, contiguous.
///
/// # Panics
/// If an axis leaves the input.
#[must_use]
pub fn copy<T: Zeroable>(input: &[T], axes: &[Axis]) -> Vec<T> {
    let axes = joined(axes);
    match axes.iter().position(|axis| axis.stride == 1) {
        Some(at) if at + 1 < axes.len() && worth_squares(&axes, at) => {
            copy_squares(input, &axes, at)
        }
        _ => copy_rows(input, &axes),
    }
}

/// Copies along the last axis of the output, best when its neighbours lie beside each other in the input.
fn copy_rows<T: Zeroable>(input: &[T], axes: &[Axis]) -> Vec<T> {
    // Rows are two axes, so that a short last one does not cost a row of its own each time.
    let (inner, axes) = split_last(axes);
    let (middle, axes) = split_last(axes);
    let rows = axes.iter().map(|axis| axis.length).product();
    buffer::build_rows(
        rows,
        middle.length * inner.length,
        |row| offset(axes, row),
        |_, &row, start, out| {
            if middle.stride == 1 && inner.length < SIDE / 2 {
                return weave(&input[row..], inner, start, out);
            }
            let mut m = start / inner.length;
            let mut skipped = start % inner.length;
            let mut rest = out;
            while !rest.is_empty() {
                let (out, later) = rest.split_at_mut(rest.len().min(inner.length - skipped));
                let from = &input[row + m * middle.stride + skipped * inner.stride..];
                if inner.stride == 1 {
                    out.copy_from_slice(&from[..out.len()]);
                } else {
                    for (o, x) in out.iter_mut().zip(from.iter().step_by(inner.stride)) {
                        *o = *x;
                    }
                }
                rest = later;
                m += 1;
                skipped = 0;
            }
        },
    )
}

/// Fills part of a row, from element `start` of it on, with a few runs of neighbours in the input, whose elements alternate.
fn weave<T: Zeroable>(input: &[T], runs: Axis, start: usize, out: &mut [T]) {
    for run in 0..runs.length {
        let first = (run + runs.length - start % runs.length) % runs.length;
        let from = run * runs.stride + (start + first) / runs.length;
        let (Some(places), Some(values)) = (out.get_mut(first..), input.get(from..)) else {
            continue;
        };
        for (o, x) in places.iter_mut().step_by(runs.length).zip(values) {
            *o = *x;
        }
    }
}

/// Whether the last axis and that of neighbours in the input, `at`, are long enough to fill most of a square.
fn worth_squares(axes: &[Axis], at: usize) -> bool {
    let (last, _) = split_last(axes);
    axes[at].length >= SIDE / 2 && last.length >= SIDE / 2
}

/// The side of the squares that are turned in registers: a cache line of f32.
const SIDE: usize = 16;
/// Elements of both axes that one task turns: squares whose lines of memory are all in the first-level cache.
const TILE: usize = 64;

/// Turns squares made of the last axis and that of neighbours in the input, `at`, so that whole lines of memory are read and
/// written.
fn copy_squares<T: Zeroable>(input: &[T], axes: &[Axis], at: usize) -> Vec<T> {
    let (outer, behind) = (&axes[..at], &axes[at + 1..]);
    let (last, middle) = split_last(behind);
    let product = |axes: &[Axis]| axes.iter().map(|axis| axis.length).product();
    let columns = Columns {
        outer: product(outer),
        count: axes[at].length,
        inner: product(behind),
    };
    buffer::build_tiles(columns, (TILE, TILE), |tile, segments| {
        let from = offset(outer, tile.outer) + tile.column;
        let end = tile.start + segments.first().map_or(0, |segment| segment.len());
        let mut start = tile.start;
        while start < end {
            let (m, place) = (start / last.length, start % last.length);
            let run = (last.length - place).min(end - start);
            let from = from + offset(middle, m) + place * last.stride;
            let to = start - tile.start;
            vectorize(
                #[inline(always)]
                || turn(&input[from..], last.stride, segments, to, run),
            );
            start += run;
        }
    })
}

/// Writes `run` elements of every segment, from `place` on; those of one segment lie `stride` apart in the input, those at
/// one place of all segments beside each other.
#[inline(always)]
fn turn<T: Zeroable>(
    input: &[T],
    stride: usize,
    segments: &mut [&mut [T]],
    place: usize,
    run: usize,
) {
    for first in (0..run).step_by(SIDE) {
        let height = SIDE.min(run - first);
        for (group, segments) in segments.chunks_mut(SIDE).enumerate() {
            let from = first * stride + group * SIDE;
            let to = place + first;
            if height == SIDE && segments.len() == SIDE {
                let mut square = [input[from]; SIDE * SIDE];
                let (rows, _) = square.as_chunks_mut::<SIDE>();
                for (i, row) in rows.iter_mut().enumerate() {
                    let from = from + i * stride;
                    row.copy_from_slice(&input[from..from + SIDE]);
                }
                transpose(&mut square);
                for (row, segment) in square.chunks_exact(SIDE).zip(segments) {
                    segment[to..to + SIDE].copy_from_slice(row);
                }
            } else {
                for (j, segment) in segments.iter_mut().enumerate() {
                    for (i, out) in segment[to..to + height].iter_mut().enumerate() {
                        *out = input[from + i * stride + j];
                    }
                }
            }
        }
    }
}

/// Exchanges the axes of a square.
///
/// Weaving the two halves of `2^n` elements turns the bits of their places by one; after half of the bits, rows are columns.
/// One weaving is a plain loop that becomes shuffles of vectors.
#[inline(always)]
fn transpose<T: Zeroable>(square: &mut [T; SIDE * SIDE]) {
    for _ in 0..SIDE.ilog2() {
        let before = *square;
        let (low, high) = before.split_at(SIDE * SIDE / 2);
        let (pairs, _) = square.as_chunks_mut::<2>();
        for (pair, (&a, &b)) in pairs.iter_mut().zip(low.iter().zip(high)) {
            *pair = [a, b];
        }
    }
}

/// Where an index of these axes, counted in storage order, lies in the input.
fn offset(axes: &[Axis], mut index: usize) -> usize {
    let mut offset = 0;
    for axis in axes.iter().rev() {
        offset += index % axis.length * axis.stride;
        index /= axis.length;
    }
    offset
}

/// The last axis, one of length 1 when there is none, and those before it.
fn split_last(axes: &[Axis]) -> (Axis, &[Axis]) {
    const ONE: Axis = Axis {
        length: 1,
        stride: 1,
    };
    axes.split_last()
        .map_or((ONE, &[]), |(&last, front)| (last, front))
}

/// The same axes with those joined that lie one after the other in the input, and those of length 1 left out.
pub(crate) fn joined(axes: &[Axis]) -> Vec<Axis> {
    let mut joined: Vec<Axis> = Vec::with_capacity(axes.len());
    for &axis in axes.iter().filter(|axis| axis.length != 1) {
        match joined.last_mut() {
            Some(last) if last.stride == axis.length * axis.stride => {
                *last = Axis {
                    length: last.length * axis.length,
                    stride: axis.stride,
                };
            }
            _ => joined.push(axis),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_change_places() {
        let input: Vec<u32> = (0..24).collect();
        for order in [[0, 1, 2], [1, 2, 0], [2, 1, 0], [0, 2, 1]] {
            let axes = permuted(&[2, 3, 4], &order);
            let mut expected = Vec::new();
            for a in 0..axes[0].length {
                for b in 0..axes[1].length {
                    for c in 0..axes[2].length {
                        let place = a * axes[0].stride + b * axes[1].stride + c * axes[2].stride;
                        expected.push(place as u32);
                    }
                }
            }
            assert_eq!(copy(&input, &axes), expected, "{order:?}");
        }
        assert_eq!(copy(&[7_u32], &permuted(&[1, 1], &[1, 0])), [7]);
    }

    #[test]
    fn large_axes_change_places() {
        for (lengths, order) in [
            (&[2, 70, 133][..], &[0, 2, 1][..]),
            (&[2, 133, 70], &[2, 1, 0]),
            (&[1, 3, 40_000], &[0, 2, 1]),
            (&[2, 30_000, 3], &[0, 2, 1]),
            (&[2, 9, 5, 100], &[0, 3, 2, 1]),
            (&[17, 5, 20, 33], &[3, 1, 0, 2]),
            (&[2, 3, 40_000], &[1, 0, 2]),
        ] {
            let input: Vec<u32> = (0..lengths.iter().product::<usize>() as u32).collect();
            let axes = permuted(lengths, order);
            let expected: Vec<u32> = (0..input.len()).map(|i| offset(&axes, i) as u32).collect();
            assert!(copy(&input, &axes) == expected, "{lengths:?} {order:?}");
        }
    }
}
