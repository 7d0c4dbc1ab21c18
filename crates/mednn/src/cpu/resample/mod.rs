//! Maps of grids `[rows, depth, height, width]` that are products of one map an axis; 2D has depth 1.
//!
//! An output slice is made by mixing input planes, an output row by mixing rows of that plane, and an output voxel by
//! mixing voxels of that row, so the work grows with the sum of the taps of the three axes and not with their product.
//! The gradient is the same computation with the transposed maps: nothing is scattered, and the number of threads does not
//! show.

mod uniform;
mod width;

use std::ops::Range;

use width::Width;

use crate::cpu::buffer;
use crate::cpu::real::Real;
use crate::cpu::taps::{AxisMap, Tap};

/// How a grid is made from another, axis by axis.
#[derive(Debug, Clone, PartialEq)]
pub struct GridMap {
    /// The map of each axis.
    pub axes: [AxisMap; 3],
    /// The value of output voxels that take nothing along one of the axes.
    pub outside: f64,
}

impl GridMap {
    /// Extent of the input along each axis.
    #[must_use]
    pub fn input(&self) -> [usize; 3] {
        self.axes.each_ref().map(AxisMap::input)
    }

    /// Extent of the output along each axis.
    #[must_use]
    pub fn output(&self) -> [usize; 3] {
        self.axes.each_ref().map(AxisMap::output)
    }

    /// The map of gradients.
    #[must_use]
    pub fn transposed(&self) -> Self {
        Self {
            axes: self.axes.each_ref().map(AxisMap::transposed),
            outside: 0.0,
        }
    }
}

/// The output grid.
#[must_use]
pub fn forward<T: Real>(map: &GridMap, rows: usize, input: &[T]) -> Vec<T> {
    if let Some(output) = uniform::forward(map, rows, input) {
        return output;
    }
    let slices = Slices::new(map);
    let len: usize = map.input().iter().product();
    let [depth, height, width] = map.output();
    // A task is at least one output slice, so that few channels still keep all threads busy; what a slice costs is at
    // least to read its part of the input.
    let slice_len = height * width;
    let cost = slice_len.max(len / depth.max(1));
    buffer::build_rows_of_cost(rows * depth, slice_len, cost, |slice, out: &mut [T]| {
        slices.add(slice % depth, &input[slice / depth * len..][..len], out);
    })
}

/// A map ready for computing output slices.
pub(crate) struct Slices<'a, T> {
    map: &'a GridMap,
    width: Width<T>,
    /// The rows and columns of the input plane that the output takes anything from.
    rows: Range<usize>,
    columns: Range<usize>,
    outside: T,
}

impl<'a, T: Real> Slices<'a, T> {
    pub(crate) fn new(map: &'a GridMap) -> Self {
        Self {
            map,
            width: Width::new(&map.axes[2], map.outside),
            rows: extent(&map.axes[1]),
            columns: extent(&map.axes[2]),
            outside: T::from_f64(map.outside),
        }
    }

    /// Adds output slice `d` to `out`.
    pub(crate) fn add(&self, d: usize, input: &[T], out: &mut [T]) {
        T::vectorize(
            #[inline(always)]
            || self.add_slice(d, input, out),
        );
    }

    #[inline(always)]
    fn add_slice(&self, d: usize, input: &[T], out: &mut [T]) {
        let [_, height, width] = self.map.input();
        let out_width = self.map.axes[2].output();
        let plane = |d: usize| &input[d * height * width..][..height * width];
        let mut mixed_plane = Vec::new();
        let plane = match self.map.axes[0].of(d) {
            [] => return self.add_outside(out),
            [tap] if tap.weight == 1.0 => plane(tap.index),
            taps => {
                let rows = self.rows.start * width..self.rows.end * width;
                mixed_plane.resize(height * width, T::ZERO);
                mix(
                    taps,
                    |d| &plane(d)[rows.clone()],
                    &mut mixed_plane[rows.clone()],
                );
                &mixed_plane
            }
        };
        let mut mixed_row = vec![T::ZERO; width];
        for (taps, out) in self.map.axes[1].iter().zip(out.chunks_exact_mut(out_width)) {
            let row = |h: usize| &plane[h * width..][..width];
            let row = match taps {
                [] => {
                    self.add_outside(out);
                    continue;
                }
                [tap] if tap.weight == 1.0 => row(tap.index),
                taps => {
                    let columns = self.columns.clone();
                    mix(
                        taps,
                        |h| &row(h)[columns.clone()],
                        &mut mixed_row[columns.clone()],
                    );
                    &mixed_row
                }
            };
            self.width.add(row, out);
        }
    }

    fn add_outside(&self, out: &mut [T]) {
        if self.outside != T::ZERO {
            for o in out {
                *o += self.outside;
            }
        }
    }
}

/// The smallest range that holds the indices of all taps.
fn extent(map: &AxisMap) -> Range<usize> {
    let indices = || map.iter().flatten().map(|tap| tap.index);
    match (indices().min(), indices().max()) {
        (Some(first), Some(last)) => first..last + 1,
        _ => 0..0,
    }
}

/// Writes the weighted sum of rows to `out`; at least one.
#[inline(always)]
fn mix<'a, T: Real>(taps: &[Tap], row: impl Fn(usize) -> &'a [T], out: &mut [T]) {
    // Two at a time, so that the sum is read and written half as often.
    let (pairs, single) = taps.as_chunks::<2>();
    let weight = |tap: &Tap| T::from_f64(tap.weight);
    let mut pairs = pairs.iter();
    let mut single = single.first();
    if let Some([a, b]) = pairs.next() {
        let (a_weight, b_weight) = (weight(a), weight(b));
        for ((o, &a), &b) in out.iter_mut().zip(row(a.index)).zip(row(b.index)) {
            *o = a_weight * a + b_weight * b;
        }
    } else if let Some(a) = single.take() {
        let a_weight = weight(a);
        for (o, &a) in out.iter_mut().zip(row(a.index)) {
            *o = a_weight * a;
        }
    }
    for [a, b] in pairs {
        let (a_weight, b_weight) = (weight(a), weight(b));
        for ((o, &a), &b) in out.iter_mut().zip(row(a.index)).zip(row(b.index)) {
            *o += a_weight * a + b_weight * b;
        }
    }
    if let Some(a) = single {
        let a_weight = weight(a);
        for (o, &a) in out.iter_mut().zip(row(a.index)) {
            *o += a_weight * a;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sum over all taps of all axes, term by term.
    fn by_definition(map: &GridMap, input: &[f64]) -> Vec<f64> {
        let [_, height, width] = map.input();
        let mut out = Vec::new();
        for ds in map.axes[0].iter() {
            for hs in map.axes[1].iter() {
                for ws in map.axes[2].iter() {
                    let mut sum = 0.0;
                    for d in ds {
                        for h in hs {
                            for w in ws {
                                let x = input[(d.index * height + h.index) * width + w.index];
                                sum += d.weight * h.weight * w.weight * x;
                            }
                        }
                    }
                    let empty = ds.is_empty() || hs.is_empty() || ws.is_empty();
                    out.push(if empty { map.outside } else { sum });
                }
            }
        }
        out
    }

    #[test]
    fn any_number_of_taps_gives_the_sum_over_all_of_them() {
        let axis = |input: usize, outputs: usize, most: usize| {
            AxisMap::from_fn(input, outputs, move |o| {
                (0..(o * 5 + most) % (most + 1))
                    .map(move |k| ((o * 3 + k) % input, 0.5 + k as f64 - 0.25 * o as f64))
                    .collect::<Vec<_>>()
            })
        };
        for most in 1..6 {
            let map = GridMap {
                axes: [axis(3, 4, most), axis(4, 6, most), axis(6, 7, most)],
                outside: 1.5,
            };
            let input: Vec<f64> = (0..72).map(|i| f64::from(i * 37 % 19) - 7.0).collect();
            let (got, expected) = (forward(&map, 1, &input), by_definition(&map, &input));
            for (got, expected) in got.iter().zip(&expected) {
                assert!((got - expected).abs() < 1e-9, "{most}: {got} {expected}");
            }
            let back = map.transposed();
            let gradient: Vec<f64> = (0..168).map(|i| f64::from(i * 29 % 23) - 11.0).collect();
            let got = forward(&back, 1, &gradient);
            for (got, expected) in got.iter().zip(by_definition(&back, &gradient)) {
                assert!((got - expected).abs() < 1e-9, "{most}: {got} {expected}");
            }
        }
    }
}
