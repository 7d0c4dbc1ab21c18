//! Any affine map: rows of the output walk straight lines through the source.
//!
//! Coordinates along a row are 32.32 fixed point: their error stays below 1e-6 voxel over 4096 steps, the
//! integer part is a shift, and the range of a row whose neighbours all lie inside is found by exact
//! integer division before the row is entered.

use std::ops::Range;

use rayon::prelude::*;

use super::taps::{self, Taps, cubic_weights};
use super::{Border, Voxel};
use crate::linear::IndexMap;

/// Voxels of a task.
const TASK: usize = 1 << 15;

/// One voxel.
const ONE: i64 = 1 << 32;

/// A map that is not along the axes, with the shapes of both sides.
pub(super) struct Rows<const D: usize> {
    pub(super) source: [usize; D],
    out: [usize; D],
    map: IndexMap<D>,
    /// Positions a step of each source axis takes in memory.
    pub(super) strides: [usize; D],
}

/// A line through the source: position at the first voxel, and the way to the next.
#[derive(Clone, Copy)]
pub(super) struct Line<const D: usize> {
    start: [i64; D],
    step: [i64; D],
}

/// Positions that a step along each axis takes in memory.
pub(super) fn strides<const D: usize>(shape: [usize; D]) -> [usize; D] {
    let mut strides = [1; D];
    for a in (0..D - 1).rev() {
        strides[a] = strides[a + 1] * shape[a + 1];
    }
    strides
}

impl<const D: usize> Rows<D> {
    pub(super) fn new(source: [usize; D], map: &IndexMap<D>, out: [usize; D]) -> Self {
        Self {
            source,
            out,
            map: *map,
            strides: strides(source),
        }
    }

    fn line(&self, row: usize) -> Line<D> {
        let mut index = [0.0; D];
        let mut rest = row;
        for a in (0..D - 1).rev() {
            index[a] = (rest % self.out[a]) as f64;
            rest /= self.out[a];
        }
        let fixed = |x: f64| (x * ONE as f64).round() as i64;
        Line {
            start: self.map.apply(index).map(fixed),
            step: std::array::from_fn(|a| fixed(self.map.matrix[a][D - 1])),
        }
    }

    /// Runs `row(line, out_row)` for every row, in parallel over blocks of rows.
    pub(super) fn for_each<T: Send>(&self, out: &mut [T], row: impl Fn(Line<D>, &mut [T]) + Sync) {
        let width = self.out[D - 1];
        let rows = (TASK / width).max(1);
        out.par_chunks_mut(rows * width)
            .enumerate()
            .for_each(|(task, block)| {
                for (r, out_row) in block.chunks_exact_mut(width).enumerate() {
                    row(self.line(task * rows + r), out_row);
                }
            });
    }
}

impl<const D: usize> Line<D> {
    #[inline(always)]
    pub(super) fn at(&self, x: usize) -> [i64; D] {
        std::array::from_fn(|a| self.start[a] + x as i64 * self.step[a])
    }

    pub(super) fn step(&self) -> [i64; D] {
        self.step
    }

    pub(super) fn coordinates(&self, x: usize) -> [f64; D] {
        self.at(x).map(|p| p as f64 / ONE as f64)
    }

    /// The voxels of the row whose position `p` has `low[a] <= p[a] < high[a]` for all axes.
    pub(super) fn within(&self, low: [i64; D], high: [i64; D], width: usize) -> Range<usize> {
        let mut range = 0..width as i64;
        for a in 0..D {
            let (start, step) = (self.start[a], self.step[a]);
            // The first x with start + x * step >= bound, for a rising line.
            let reach = |bound: i64, start: i64, step: i64| {
                let gap = bound - start;
                gap.div_euclid(step) + i64::from(gap.rem_euclid(step) != 0)
            };
            let (first, end) = match step {
                0 if (low[a]..high[a]).contains(&start) => (0, width as i64),
                0 => (0, 0),
                1.. => (reach(low[a], start, step), reach(high[a], start, step)),
                _ => (
                    reach(1 - high[a], -start, -step),
                    reach(1 - low[a], -start, -step),
                ),
            };
            range = range.start.max(first)..range.end.min(end);
        }
        if range.start >= range.end {
            0..0
        } else {
            range.start as usize..range.end as usize
        }
    }
}

/// The fraction of a position, in [0, 1).
#[inline(always)]
pub(super) fn fraction(position: i64) -> f32 {
    ((position as u32) >> 8) as i32 as f32 * (1.0 / (1u32 << 24) as f32)
}

/// Bounds of positions between `from` and `n - to` voxels.
pub(super) fn bounds<const D: usize>(
    source: [usize; D],
    from: i64,
    to: i64,
) -> ([i64; D], [i64; D]) {
    ([from * ONE; D], source.map(|n| (n as i64 - to) * ONE))
}

/// Moves the nearest samples.
pub(super) fn nearest<T: Copy + Send + Sync, const D: usize>(
    source: &[T],
    rows: &Rows<D>,
    border: Border,
    outside: T,
    out: &mut [T],
) {
    let (low, high) = bounds(rows.source, 0, 0);
    rows.for_each(out, |mut line, out_row| {
        let exact = line;
        line.start = line.start.map(|p| p + ONE / 2);
        let interior = line.within(low, high, out_row.len());
        let around = (0..interior.start).chain(interior.end..out_row.len());
        for x in around {
            let at = exact.coordinates(x);
            let index = (0..D).try_fold(0, |sum, a| {
                Some(sum + taps::nearest(at[a], rows.source[a], border)? * rows.strides[a])
            });
            out_row[x] = index.map_or(outside, |i| source[i]);
        }
        let mut at = line.at(interior.start);
        for out in &mut out_row[interior] {
            let index: usize = (0..D)
                .map(|a| (at[a] >> 32) as usize * rows.strides[a])
                .sum();
            *out = source[index];
            for a in 0..D {
                at[a] += line.step[a];
            }
        }
    });
}

/// Interpolates linearly.
pub(super) fn linear<T: Voxel, const D: usize>(
    source: &[T],
    rows: &Rows<D>,
    border: Border,
    outside: T,
    out: &mut [T],
) {
    let (low, high) = bounds(rows.source, 0, 1);
    let (reach_low, reach_high) = bounds(rows.source, -1, 0);
    // Past the last sample the clamped path reads a neighbour of weight zero: the sample itself.
    let corners = corner_offsets(rows.strides);
    rows.for_each(out, |line, out_row| {
        let width = out_row.len();
        let interior = line.within(low, high, width);
        let reached = match border {
            Border::Value => line.within(reach_low, reach_high, width),
            Border::Edge | Border::Reflect => 0..width,
        };
        out_row[..reached.start].fill(outside);
        out_row[reached.end..].fill(outside);
        let interior = if interior.is_empty() {
            reached.end..reached.end
        } else {
            interior
        };
        for x in (reached.start..interior.start).chain(interior.end..reached.end) {
            let at = line.coordinates(x);
            let taps = std::array::from_fn(|a| taps::linear(at[a], rows.source[a], border));
            out_row[x] = T::from_f32(weighted_sum(source, &taps, rows.strides, outside));
        }
        let mut at = line.at(interior.start);
        for out in &mut out_row[interior] {
            let base: usize = (0..D)
                .map(|a| (at[a] >> 32) as usize * rows.strides[a])
                .sum();
            *out = T::from_f32(linear_cell(source, base, &corners, at.map(fraction)));
            for a in 0..D {
                at[a] += line.step[a];
            }
        }
    });
}

/// The value within the cell that begins at `base`.
#[inline(always)]
pub(super) fn linear_cell<T: Voxel, const D: usize>(
    source: &[T],
    base: usize,
    corners: &[usize; 8],
    fraction: [f32; D],
) -> f32 {
    let mut value = [0.0f32; 8];
    for corner in 0..1 << D {
        value[corner] = source[base + corners[corner]].to_f32();
    }
    for (a, f) in fraction.into_iter().enumerate() {
        let half = 1 << (D - 1 - a);
        for c in 0..half {
            value[c] += f * (value[c + half] - value[c]);
        }
    }
    value[0]
}

/// Offsets of the 2^D corners of a cell; the first axis is the highest bit.
pub(super) fn corner_offsets<const D: usize>(strides: [usize; D]) -> [usize; 8] {
    std::array::from_fn(|corner| {
        (0..D)
            .filter(|a| corner >> (D - 1 - a) & 1 == 1)
            .map(|a| strides[a])
            .sum()
    })
}

/// Sums the cubic B-splines of `coefficients`.
pub(super) fn cubic<T: Voxel, const D: usize>(
    coefficients: &[f32],
    rows: &Rows<D>,
    border: Border,
    outside: T,
    out: &mut [T],
) {
    let (low, high) = bounds(rows.source, 1, 2);
    let offsets = line_offsets(rows.strides);
    let corner: usize = rows.strides.iter().sum();
    rows.for_each(out, |line, out_row| {
        let width = out_row.len();
        let interior = line.within(low, high, width);
        for x in (0..interior.start).chain(interior.end..width) {
            let at = line.coordinates(x);
            let taps = std::array::from_fn(|a| taps::cubic(at[a], rows.source[a], border));
            out_row[x] = T::from_f32(weighted_sum(coefficients, &taps, rows.strides, outside));
        }
        let mut at = line.at(interior.start);
        for out in &mut out_row[interior] {
            let cell: usize = (0..D)
                .map(|a| (at[a] >> 32) as usize * rows.strides[a])
                .sum();
            let base = cell - corner;
            let sum = cubic_cell(coefficients, base, &offsets, at.map(fraction));
            *out = T::from_f32(sum);
            for a in 0..D {
                at[a] += line.step[a];
            }
        }
    });
}

/// Memory offsets of the rows of four coefficients around a cell.
pub(super) fn line_offsets<const D: usize>(strides: [usize; D]) -> [usize; 16] {
    std::array::from_fn(|l| {
        (0..D - 1)
            .map(|a| (l >> (2 * (D - 2 - a)) & 3) * strides[a])
            .sum()
    })
}

/// The sum of the cubic B-splines within a cell, whose first coefficient lies at `base`.
#[inline(always)]
pub(super) fn cubic_cell<const D: usize>(
    coefficients: &[f32],
    base: usize,
    offsets: &[usize; 16],
    fraction: [f32; D],
) -> f32 {
    let weights: [[f32; 4]; D] = fraction.map(cubic_weights);
    let mut sum = 0.0;
    for (l, offset) in offsets[..1 << (2 * (D - 1))].iter().enumerate() {
        let mut weight = 1.0;
        for a in 0..D - 1 {
            weight *= weights[a][l >> (2 * (D - 2 - a)) & 3];
        }
        let c = &coefficients[base + offset..][..4];
        let w = &weights[D - 1];
        sum += weight * ((w[0] * c[0] + w[1] * c[1]) + (w[2] * c[2] + w[3] * c[3]));
    }
    sum
}

/// The value where taps were folded: slow, and right everywhere.
pub(super) fn weighted_sum<S: Voxel, T: Voxel, const K: usize, const D: usize>(
    source: &[S],
    taps: &[Taps<K>; D],
    strides: [usize; D],
    outside: T,
) -> f32 {
    let inside: f32 = taps.iter().map(|t| t.inside).product();
    if inside == 0.0 {
        return outside.to_f32();
    }
    let mut sum = 0.0;
    for combination in 0..K.pow(D as u32) {
        let (mut weight, mut at, mut rest) = (1.0, 0, combination);
        for a in (0..D).rev() {
            weight *= taps[a].weight[rest % K];
            at += taps[a].index[rest % K] * strides[a];
            rest /= K;
        }
        if weight != 0.0 {
            sum += weight * source[at].to_f32();
        }
    }
    if inside == 1.0 {
        sum
    } else {
        sum + (1.0 - inside) * outside.to_f32()
    }
}
