//! Mixing the voxels of a row.

use std::ops::Range;

use crate::cpu::real::Real;
use crate::cpu::strided::combine;
use crate::cpu::taps::{AxisMap, Tap};

/// The map of the last axis in the type of the loop.
pub(super) struct Width<T> {
    repeated: Repeated<T>,
    taps: Taps<T>,
}

/// A stretch of outputs that are groups of the same weights, the inputs of each group `step` behind those of the one before.
///
/// Groups are worked on side by side. Resizing by whole factors is nearly all of this kind, and so are padding and cropping.
struct Repeated<T> {
    outputs: Range<usize>,
    step: usize,
    /// For each output of the first group its inputs and their weights.
    group: Vec<Vec<(usize, T)>>,
}

/// Fixed numbers of taps, the commonest, spare the loop over them.
enum Taps<T> {
    One(Vec<[(usize, T); 1]>),
    Two(Vec<[(usize, T); 2]>),
    Four(Vec<[(usize, T); 4]>),
    /// Where the taps of each output end, all taps, and the value of an output without.
    Any(Vec<usize>, Vec<(usize, T)>, T),
}

impl<T: Real> Width<T> {
    pub(super) fn new(map: &AxisMap, outside: f64) -> Self {
        let numbers = || map.iter().map(<[Tap]>::len);
        let taps = match (numbers().min(), numbers().max()) {
            (Some(1), Some(1)) => Taps::One(fixed(map)),
            (Some(1..), Some(2)) => Taps::Two(fixed(map)),
            (Some(1..), Some(3 | 4)) => Taps::Four(fixed(map)),
            _ => {
                let mut ends = Vec::with_capacity(map.output());
                let mut all = Vec::new();
                for taps in map.iter() {
                    all.extend(taps.iter().map(|t| (t.index, T::from_f64(t.weight))));
                    ends.push(all.len());
                }
                Taps::Any(ends, all, T::from_f64(outside))
            }
        };
        let repeated = Repeated::longest(map);
        Self { repeated, taps }
    }

    /// Adds the output row to `out`.
    #[inline(always)]
    pub(super) fn add(&self, row: &[T], out: &mut [T]) {
        self.repeated.add(row, out);
        let repeated = self.repeated.outputs.clone();
        for rest in [0..repeated.start, repeated.end..out.len()] {
            let out = &mut out[rest.clone()];
            match &self.taps {
                Taps::One(taps) => add_fixed(&taps[rest], row, out),
                Taps::Two(taps) => add_fixed(&taps[rest], row, out),
                Taps::Four(taps) => add_fixed(&taps[rest], row, out),
                Taps::Any(ends, taps, outside) => {
                    let mut start = rest.start.checked_sub(1).map_or(0, |before| ends[before]);
                    for (o, &end) in out.iter_mut().zip(&ends[rest]) {
                        let mut sum = if start == end { *outside } else { T::ZERO };
                        for &(index, weight) in &taps[start..end] {
                            sum += weight * row[index];
                        }
                        *o += sum;
                        start = end;
                    }
                }
            }
        }
    }
}

/// The taps of every output filled up to `K` with weights of zero.
fn fixed<T: Real, const K: usize>(map: &AxisMap) -> Vec<[(usize, T); K]> {
    map.iter()
        .map(|taps| {
            std::array::from_fn(|k| match taps.get(k) {
                Some(tap) => (tap.index, T::from_f64(tap.weight)),
                None => (taps[0].index, T::ZERO),
            })
        })
        .collect()
}

#[inline(always)]
fn add_fixed<T: Real, const K: usize>(taps: &[[(usize, T); K]], row: &[T], out: &mut [T]) {
    for (o, taps) in out.iter_mut().zip(taps) {
        let mut sum = taps[0].1 * row[taps[0].0];
        for &(index, weight) in &taps[1..] {
            sum += weight * row[index];
        }
        *o += sum;
    }
}

/// Outputs in a group and inputs from one group to the next, of the stretches that are looked for.
const KINDS: [(usize, usize); 7] = [(1, 1), (2, 1), (1, 2), (3, 1), (1, 3), (4, 1), (1, 4)];
/// Fewer outputs are not worth it.
const FEWEST: usize = 8;
/// Groups worked on together.
const BLOCK: usize = 64;

impl<T: Real> Repeated<T> {
    /// The longest stretch of a map.
    fn longest(map: &AxisMap) -> Self {
        let mut longest = (0..0, 1, 1);
        for (size, step) in KINDS {
            let found = longest_of(map, (size, step), |tap| T::from_f64(tap.weight));
            if found.len() >= FEWEST && found.len() > longest.0.len() {
                longest = (found, size, step);
            }
        }
        let (outputs, size, step) = longest;
        let first = outputs.clone().take(size);
        let number = |tap: &Tap| (tap.index, T::from_f64(tap.weight));
        Self {
            group: first
                .map(|o| map.of(o).iter().map(number).collect())
                .collect(),
            outputs,
            step,
        }
    }

    #[inline(always)]
    fn add(&self, row: &[T], out: &mut [T]) {
        let out = &mut out[self.outputs.clone()];
        match &self.group[..] {
            [] => {}
            [taps] => {
                for &(first, weight) in taps {
                    combine(
                        out,
                        &row[first..],
                        self.step,
                        #[inline(always)]
                        move |sum, x| sum + weight * x,
                    );
                }
            }
            [_, _] => self.add_groups::<2>(row, out),
            [_, _, _] => self.add_groups::<3>(row, out),
            _ => self.add_groups::<4>(row, out),
        }
    }

    /// As [`Repeated::add`] for groups of `N`.
    #[inline(always)]
    fn add_groups<const N: usize>(&self, row: &[T], out: &mut [T]) {
        let (groups, _) = out.as_chunks_mut::<N>();
        for (block, groups) in groups.chunks_mut(BLOCK).enumerate() {
            let mut sums = [[T::ZERO; BLOCK]; N];
            for (sums, taps) in sums.iter_mut().zip(&self.group) {
                for &(first, weight) in taps {
                    combine(
                        &mut sums[..groups.len()],
                        &row[first + block * BLOCK * self.step..],
                        self.step,
                        #[inline(always)]
                        move |sum, x| sum + weight * x,
                    );
                }
            }
            let sums = sums.each_ref().map(|sums| &sums[..groups.len()]);
            for (i, group) in groups.iter_mut().enumerate() {
                for (o, sums) in group.iter_mut().zip(sums) {
                    *o += sums[i];
                }
            }
        }
    }
}

/// The longest stretch of whole groups of `size` outputs whose inputs advance by `step` from group to group.
fn longest_of<W: PartialEq>(
    map: &AxisMap,
    (size, step): (usize, usize),
    weight: impl Fn(&Tap) -> W,
) -> Range<usize> {
    let repeats = |o: usize| {
        let (before, taps) = (map.of(o - size), map.of(o));
        before.len() == taps.len()
            && before
                .iter()
                .zip(taps)
                .all(|(a, b)| a.index + step == b.index && weight(a) == weight(b))
    };
    let mut longest = 0..0;
    let mut start = 0;
    for o in 0..map.output() {
        if map.of(o).is_empty() {
            start = o + 1;
        } else if o >= start + size && !repeats(o) {
            start = o + 1 - size;
        }
        let whole = (o + 1 - start) / size * size;
        if whole > longest.len() {
            longest = start..start + whole;
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::interpolation::Interpolation;

    fn of(map: &AxisMap, kind: (usize, usize)) -> Range<usize> {
        longest_of(map, kind, |tap| tap.weight)
    }

    #[test]
    fn copies_in_a_row_are_found() {
        let map = AxisMap::from_fn(5, 6, |o| [(o.clamp(1, 4), if o == 5 { 0.5 } else { 1.0 })]);
        assert_eq!(of(&map, (1, 1)), 1..5);
        let gap = AxisMap::from_fn(9, 9, |o| (o != 3).then_some((o, 1.0)));
        assert_eq!(of(&gap, (1, 1)), 4..9);
    }

    #[test]
    fn resizing_by_a_whole_factor_repeats_but_for_its_borders() {
        let linear = Interpolation::Linear {
            align_corners: false,
        };
        for factor in [2, 4] {
            let map = linear.axis_map(20, 20 * factor, 1.0 / factor as f64);
            assert!(of(&map, (factor, 1)).len() >= 18 * factor, "{factor}");
            assert!(of(&map.transposed(), (1, factor)).len() >= 16, "{factor}");
            let map = Interpolation::Nearest.axis_map(20, 20 * factor, 1.0 / factor as f64);
            assert_eq!(of(&map, (factor, 1)), 0..20 * factor);
            assert_eq!(of(&map.transposed(), (1, factor)), 0..20);
        }
    }

    #[test]
    fn rows_are_the_sums_of_their_taps() {
        let linear = Interpolation::Linear {
            align_corners: false,
        };
        for (input, output) in [
            (20, 40),
            (150, 300),
            (20, 60),
            (33, 132),
            (40, 20),
            (64, 16),
            (30, 41),
        ] {
            let ratio = input as f64 / output as f64;
            for map in [
                linear,
                Interpolation::Nearest,
                Interpolation::AntialiasedCubic,
            ]
            .map(|kind| kind.axis_map(input, output, ratio))
            {
                for map in [map.transposed(), map] {
                    let row: Vec<f64> = (0..map.input()).map(|i| (i * 7 % 11) as f64).collect();
                    let mut out = vec![1.0; map.output()];
                    Width::new(&map, 0.0).add(&row, &mut out);
                    for (o, taps) in map.iter().enumerate() {
                        let sum: f64 = taps.iter().map(|t| t.weight * row[t.index]).sum();
                        assert!((out[o] - 1.0 - sum).abs() < 1e-12);
                    }
                }
            }
        }
    }
}
