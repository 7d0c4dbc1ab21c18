//! Maps along the axes: one table of taps an axis, rows of the source blended into rows of the output.
//!
//! A row of the output is a blend over height of rows already blended over depth; those are kept in a
//! small ring, since neighbouring output rows share them. Only the last step, along the row, gathers.

use std::ops::Range;

use rayon::prelude::*;

use super::source::SourceRows;
use super::taps::{Taps, nearest as nearest_index, snapped};
use super::{Border, Voxel, in_three};
use crate::linear::IndexMap;

/// Voxels of a task.
const TASK: usize = 1 << 16;

/// `source = scale * out + offset` along each of three axes.
pub(super) struct Axes {
    source: [usize; 3],
    out: [usize; 3],
    scale: [f64; 3],
    offset: [f64; 3],
}

impl Axes {
    pub(super) fn new<const D: usize>(
        source: [usize; D],
        map: &IndexMap<D>,
        out: [usize; D],
    ) -> Self {
        Self {
            source: in_three(source, 1),
            out: in_three(out, 1),
            scale: in_three(std::array::from_fn::<_, D, _>(|a| map.matrix[a][a]), 1.0),
            offset: in_three(map.offset, 0.0),
        }
    }

    fn coordinates(&self, axis: usize) -> impl Iterator<Item = f64> {
        let (scale, offset) = (self.scale[axis], self.offset[axis]);
        (0..self.out[axis]).map(move |i| snapped(scale * i as f64 + offset))
    }

    /// The nearest sample for every position of every axis.
    pub(super) fn indices(&self, border: Border) -> Indices {
        Indices {
            source: self.source,
            axes: std::array::from_fn(|a| {
                self.coordinates(a)
                    .map(|x| nearest_index(x, self.source[a], border))
                    .collect()
            }),
        }
    }

    /// The taps for every position of every axis.
    pub(super) fn tables<const K: usize>(
        &self,
        taps: impl Fn(f64, usize, Border) -> Taps<K>,
        border: Border,
    ) -> Tables<K> {
        Tables {
            source: self.source,
            axes: std::array::from_fn(|a| {
                self.coordinates(a)
                    .map(|x| taps(x, self.source[a], border))
                    .collect()
            }),
        }
    }
}

/// Nearest samples of three axes; `None` is outside.
pub(super) struct Indices {
    source: [usize; 3],
    axes: [Vec<Option<usize>>; 3],
}

/// Taps of three axes.
pub(super) struct Tables<const K: usize> {
    pub(super) source: [usize; 3],
    pub(super) axes: [Vec<Taps<K>>; 3],
}

/// Runs `row(depth, height, out_row, state)` for every row of the output, in parallel over blocks of rows.
pub(super) fn for_each_out_row<T: Send, S>(
    out: &mut [T],
    (heights, width): (usize, usize),
    state: impl Fn() -> S + Sync,
    row: impl Fn(usize, usize, &mut [T], &mut S) + Sync,
) {
    let rows = (TASK / width).max(1);
    out.par_chunks_mut(rows * width)
        .enumerate()
        .for_each(|(task, block)| {
            let mut state = state();
            for (r, out_row) in block.chunks_exact_mut(width).enumerate() {
                let r = task * rows + r;
                row(r / heights, r % heights, out_row, &mut state);
            }
        });
}

/// Moves the nearest samples.
pub(super) fn nearest<T: Copy + Send + Sync>(
    source: &impl SourceRows<T>,
    indices: &Indices,
    outside: T,
    out: &mut [T],
) {
    let [depths, heights, widths] = &indices.axes;
    let source_width = indices.source[2];
    let consecutive = consecutive(widths);
    for_each_out_row(
        out,
        (heights.len(), widths.len()),
        Vec::new,
        |d, h, out_row, spare| {
            let (Some(d), Some(h)) = (depths[d], heights[h]) else {
                out_row.fill(outside);
                return;
            };
            let row = source.row(d, h, 0..source_width, spare);
            match consecutive {
                Some(first) => out_row.copy_from_slice(&row[first..first + out_row.len()]),
                None => {
                    for (out, &w) in out_row.iter_mut().zip(widths) {
                        *out = w.map_or(outside, |w| row[w]);
                    }
                }
            }
        },
    );
}

/// The first index if all follow one another, none outside.
fn consecutive(indices: &[Option<usize>]) -> Option<usize> {
    let first = indices[0]?;
    indices
        .iter()
        .enumerate()
        .all(|(i, &at)| at == Some(first + i))
        .then_some(first)
}

/// Taps along a row: windows of `K` neighbouring samples, so that one bounds check serves all.
struct RowTaps<const K: usize> {
    /// First source column any window reads, and how many columns are read.
    columns: (usize, usize),
    start: Vec<u32>,
    weight: Vec<[f32; K]>,
    /// Share of the weight inside, if it is less than one anywhere.
    inside: Option<Vec<f32>>,
    /// The columns of the output, all in a row, of which nothing is missing.
    whole: Range<usize>,
    /// The first column, when the row is a plain copy.
    copy: bool,
}

impl<const K: usize> RowTaps<K> {
    fn new(taps: &[Taps<K>], source_width: usize) -> Self {
        let mut start = Vec::with_capacity(taps.len());
        let mut weight = Vec::with_capacity(taps.len());
        for tap in taps {
            let used = (0..K)
                .filter(|&k| tap.weight[k] != 0.0)
                .map(|k| tap.index[k]);
            let first = used.min().unwrap_or(0).min(source_width.saturating_sub(K));
            let mut window = [0.0; K];
            for k in 0..K {
                if tap.weight[k] != 0.0 {
                    window[tap.index[k] - first] += tap.weight[k];
                }
            }
            start.push(first as u32);
            weight.push(window);
        }
        let low = start.iter().copied().min().unwrap_or(0);
        let high = start.iter().copied().max().unwrap_or(0) as usize + K;
        start.iter_mut().for_each(|s| *s -= low);
        let low = low as usize;
        let unit = std::array::from_fn(|k| if k == 0 { 1.0 } else { 0.0 });
        let copy = weight.iter().all(|&w| w == unit)
            && start.iter().enumerate().all(|(i, &s)| s as usize == i);
        let inside = taps.iter().any(|t| t.inside != 1.0);
        let before = taps.iter().take_while(|t| t.inside != 1.0).count();
        let whole = taps[before..].iter().take_while(|t| t.inside == 1.0);
        let whole = before..before + whole.count();
        Self {
            columns: (low, high.min(source_width) - low),
            start,
            weight,
            whole,
            inside: inside.then(|| taps.iter().map(|t| t.inside).collect()),
            copy,
        }
    }
}

/// Scratch of a task: `K` rows blended over depth, kept by source row, and one blended over both.
struct Scratch<S, const K: usize> {
    spare: [Vec<S>; K],
    depth: usize,
    held: [usize; K],
    rows: [Vec<f32>; K],
    blended: Vec<f32>,
}

/// Sums weighted samples; what falls outside counts with `outside`.
pub(super) fn weighted<S: Voxel, T: Voxel, const K: usize>(
    source: &impl SourceRows<S>,
    tables: &Tables<K>,
    outside: T,
    out: &mut [T],
) {
    let [depths, heights, widths] = &tables.axes;
    let row_taps = RowTaps::new(widths, tables.source[2]);
    let (first_column, columns) = row_taps.columns;
    let scratch = || Scratch {
        spare: std::array::from_fn(|_| Vec::new()),
        depth: usize::MAX,
        held: [usize::MAX; K],
        // Narrow sources leave zeros behind their last column for the window's weightless taps.
        rows: std::array::from_fn(|_| vec![0.0; columns.max(K)]),
        blended: vec![0.0; columns.max(K)],
    };
    let finish = RowFinish {
        taps: &row_taps,
        outside,
    };
    for_each_out_row(
        out,
        (heights.len(), widths.len()),
        scratch,
        |d, h, out_row, scratch| {
            let (over_depth, over_height) = (&depths[d], &heights[h]);
            let inside = over_depth.inside * over_height.inside;
            if inside == 0.0 {
                out_row.fill(outside);
                return;
            }
            if scratch.depth != d {
                scratch.depth = d;
                scratch.held = [usize::MAX; K];
            }
            let seen = first_column..first_column + columns;
            for k in 0..K {
                let h = over_height.index[k];
                if over_height.weight[k] != 0.0 && scratch.held[h % K] != h {
                    scratch.held[h % K] = h;
                    let into = &mut scratch.rows[h % K][..columns];
                    match (0..K).find(|&k| over_depth.weight[k] == 1.0) {
                        Some(k) => {
                            let row = source.row(
                                over_depth.index[k],
                                h,
                                seen.clone(),
                                &mut scratch.spare[0],
                            );
                            let pairs = into.iter_mut().zip(row);
                            pairs.for_each(|(into, v)| *into = v.to_f32());
                        }
                        None => {
                            let mut spare = scratch.spare.each_mut().into_iter();
                            let rows = over_depth.index.map(|d| match spare.next() {
                                Some(spare) => source.row(d, h, seen.clone(), spare),
                                None => &[],
                            });
                            blend_source(into, over_depth.weight, rows);
                        }
                    }
                }
            }
            let single = (0..K).find(|&k| over_height.weight[k] == 1.0);
            let blended = match single {
                Some(k) => &scratch.rows[over_height.index[k] % K],
                None => {
                    blend_rows(&mut scratch.blended, over_height, &scratch.rows);
                    &scratch.blended
                }
            };
            finish.run(blended, inside, out_row);
        },
    );
}

/// `into = sum(weight[k] * rows[k])`.
#[inline(always)]
fn blend_source<S: Voxel, const K: usize>(into: &mut [f32], weight: [f32; K], rows: [&[S]; K]) {
    let rows = rows.map(|row| &row[..into.len()]);
    for i in 0..into.len() {
        let mut sum = weight[0] * rows[0][i].to_f32();
        for k in 1..K {
            sum += weight[k] * rows[k][i].to_f32();
        }
        into[i] = sum;
    }
}

/// The same over rows that are `f32` already.
#[inline(always)]
fn blend_rows<const K: usize>(into: &mut [f32], taps: &Taps<K>, ring: &[Vec<f32>; K]) {
    let weight = taps.weight;
    let len = into.len();
    // A weightless tap may point at a row that was never filled: it takes part with one that was.
    let filled = (0..K).find(|&k| weight[k] != 0.0).unwrap_or(0);
    let rows: [&[f32]; K] = std::array::from_fn(|k| {
        let k = if weight[k] == 0.0 { filled } else { k };
        &ring[taps.index[k] % K][..len]
    });
    for i in 0..len {
        let mut sum = weight[0] * rows[0][i];
        for k in 1..K {
            sum += weight[k] * rows[k][i];
        }
        into[i] = sum;
    }
}

/// The last step: along the row, with what is missing, into the output's type.
struct RowFinish<'a, T, const K: usize> {
    taps: &'a RowTaps<K>,
    outside: T,
}

impl<T: Voxel, const K: usize> RowFinish<'_, T, K> {
    #[inline(always)]
    fn run(&self, row: &[f32], inside: f32, out: &mut [T]) {
        let taps = self.taps;
        let (first, end) = match &taps.inside {
            _ if inside != 1.0 => (out.len(), out.len()),
            None => (0, out.len()),
            Some(_) => (taps.whole.start, taps.whole.end),
        };
        for x in (0..first).chain(end..out.len()) {
            let inside = inside * taps.inside.as_ref().map_or(1.0, |v| v[x]);
            let sum = if inside == 0.0 { 0.0 } else { self.at(row, x) };
            let missing = 1.0 - inside;
            out[x] = T::from_f32(if missing == 0.0 {
                sum
            } else {
                sum + missing * self.outside.to_f32()
            });
        }
        let out = &mut out[first..end];
        if taps.copy {
            for (out, &v) in out.iter_mut().zip(&row[first..]) {
                *out = T::from_f32(v);
            }
        } else {
            let places = taps.start[first..end].iter().zip(&taps.weight[first..end]);
            for (out, (&start, weight)) in out.iter_mut().zip(places) {
                let window = &row[start as usize..start as usize + K];
                let mut sum = weight[0] * window[0];
                for k in 1..K {
                    sum += weight[k] * window[k];
                }
                *out = T::from_f32(sum);
            }
        }
    }

    #[inline(always)]
    fn at(&self, row: &[f32], x: usize) -> f32 {
        let start = self.taps.start[x] as usize;
        (0..K)
            .map(|k| self.taps.weight[x][k] * row[start + k])
            .sum()
    }
}
