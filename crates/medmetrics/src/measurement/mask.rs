//! Masks as their runs along the last axis: what every outline is made of.

use std::collections::BTreeMap;
use std::ops::Range;

use medcore::components::{Components, Connectivity};
use medcore::{Geometry, Label, LabelMap};
use rayon::prelude::*;

use crate::error::{Error, Result};

/// Voxels `start..end` of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    /// The row's number in memory order.
    pub(crate) row: usize,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// A mask, run by run in memory order, with at least one voxel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mask<const D: usize> {
    pub(crate) shape: [usize; D],
    pub(crate) runs: Vec<Run>,
}

/// Extents from here on would overflow the exact arithmetic of hulls.
const MOST: usize = 1 << 18;

/// Voxels of a task.
const TASK: usize = 1 << 20;

/// Voxels that are compared at once.
const STEP: usize = 32;

impl<const D: usize> Mask<D> {
    /// The masks of all labels but 0.
    pub(crate) fn of_labels<L: Label>(map: &LabelMap<L, D>) -> Result<BTreeMap<u32, Self>> {
        let shape = check_grid(map.geometry())?;
        let width = shape[D - 1];
        let rows = (TASK / width).max(1);
        let parts: Vec<BTreeMap<u32, Vec<Run>>> = map
            .as_slice()
            .par_chunks(rows * width)
            .enumerate()
            .map(|(task, voxels)| {
                let mut part: BTreeMap<u32, Vec<Run>> = BTreeMap::new();
                for (i, row) in voxels.chunks_exact(width).enumerate() {
                    let row_number = task * rows + i;
                    for_each_run(row, |label, Range { start, end }| {
                        let run = Run {
                            row: row_number,
                            start,
                            end,
                        };
                        part.entry(label).or_default().push(run);
                    });
                }
                part
            })
            .collect();
        let mut whole: BTreeMap<u32, Self> = BTreeMap::new();
        for (label, runs) in parts.into_iter().flatten() {
            let empty = || Self {
                shape,
                runs: Vec::new(),
            };
            whole.entry(label).or_insert_with(empty).runs.extend(runs);
        }
        Ok(whole)
    }

    /// The mask of one label; `None` where no voxel has it.
    pub(crate) fn of_label<L: Label>(map: &LabelMap<L, D>, label: u32) -> Result<Option<Self>> {
        let shape = check_grid(map.geometry())?;
        let mut runs = Vec::new();
        for (row, voxels) in map.as_slice().chunks_exact(shape[D - 1]).enumerate() {
            for_each_run(voxels, |found, Range { start, end }| {
                if found == label {
                    runs.push(Run { row, start, end });
                }
            });
        }
        Ok((!runs.is_empty()).then_some(Self { shape, runs }))
    }

    /// Number of voxels.
    pub(crate) fn voxels(&self) -> u64 {
        { self.runs.iter() }
            .map(|run| (run.end - run.start) as u64)
            .sum()
    }

    /// The connected components, in the order in which memory meets them.
    pub(crate) fn components(&self, connectivity: Connectivity) -> Result<Vec<Self>> {
        // Only the box of the mask is labelled.
        let mut low = self.shape;
        let mut high = [0; D];
        for run in &self.runs {
            let index = self.index(run);
            for a in 0..D {
                let last = if a == D - 1 { run.end - 1 } else { index[a] };
                low[a] = low[a].min(index[a]);
                high[a] = high[a].max(last + 1);
            }
        }
        let shape: [usize; D] = std::array::from_fn(|a| high[a] - low[a]);
        let mut voxels: Vec<u8> = medcore::buffer::zeroed(shape.iter().product(), "a mask")?;
        for run in &self.runs {
            let index = self.index(run);
            let first = (0..D).fold(0, |at, a| at * shape[a] + index[a] - low[a]);
            voxels[first..first + run.end - run.start].fill(1);
        }
        let found = Components::new(&voxels, shape, connectivity, |&voxel| voxel == 1)?;
        let mut masks = vec![Vec::new(); found.components().len()];
        let width = shape[D - 1];
        found.for_each_run(|component, range| {
            let mut rest = range.start / width;
            let mut index = [0; D];
            for a in (0..D - 1).rev() {
                index[a] = rest % shape[a] + low[a];
                rest /= shape[a];
            }
            let start = range.start % width + low[D - 1];
            masks[component].push(Run {
                row: (0..D - 1).fold(0, |row, a| row * self.shape[a] + index[a]),
                start,
                end: start + range.len(),
            });
        });
        let shape = self.shape;
        Ok(masks.into_iter().map(|runs| Self { shape, runs }).collect())
    }

    /// The index of a run's first voxel.
    fn index(&self, run: &Run) -> [usize; D] {
        let mut index = [run.start; D];
        let mut rest = run.row;
        for a in (0..D - 1).rev() {
            index[a] = rest % self.shape[a];
            rest /= self.shape[a];
        }
        index
    }
}

impl Mask<3> {
    /// The slices across an axis that hold a voxel, with their numbers.
    pub(crate) fn slices(&self, axis: usize) -> Vec<(usize, Mask<2>)> {
        let [depth, height, width] = self.shape;
        let mut slices: Vec<Vec<Run>> = vec![Vec::new(); self.shape[axis]];
        for run in &self.runs {
            let (d, h) = (run.row / height, run.row % height);
            match axis {
                0 => slices[d].push(Run { row: h, ..*run }),
                1 => slices[h].push(Run { row: d, ..*run }),
                // Runs along h: memory order brings their voxels one after the other.
                _ => {
                    for slice in &mut slices[run.start..run.end] {
                        match slice.last_mut() {
                            Some(last) if last.row == d && last.end == h => last.end += 1,
                            _ => slice.push(Run {
                                row: d,
                                start: h,
                                end: h + 1,
                            }),
                        }
                    }
                }
            }
        }
        let shape = match axis {
            0 => [height, width],
            1 => [depth, width],
            _ => [depth, height],
        };
        { slices.into_iter().enumerate() }
            .filter(|(_, runs)| !runs.is_empty())
            .map(|(slice, runs)| (slice, Mask { shape, runs }))
            .collect()
    }
}

fn check_grid<const D: usize>(grid: &Geometry<D>) -> Result<[usize; D]> {
    crate::millimetres::spacing(grid)?;
    let shape = grid.shape();
    match shape.iter().find(|&&extent| extent >= MOST) {
        Some(&extent) => Err(Error::InvalidParameter {
            parameter: "extent of an axis",
            rule: "below 262144 voxels",
            value: extent as f64,
        }),
        None => Ok(shape),
    }
}

/// Calls `found` with each run of a label other than 0.
fn for_each_run<L: Label>(row: &[L], mut found: impl FnMut(u32, Range<usize>)) {
    let mut start = 0;
    while start < row.len() {
        let label = row[start];
        let mut end = start + 1;
        while let Some(next) = row.get(end..end + STEP) {
            if !next
                .iter()
                .fold(true, |same, &voxel| same & (voxel == label))
            {
                break;
            }
            end += STEP;
        }
        while end < row.len() && row[end] == label {
            end += 1;
        }
        if label.into() != 0 {
            found(label.into(), start..end);
        }
        start = end;
    }
}

#[cfg(test)]
mod tests {
    use medcore::random::Key;

    use super::*;

    #[test]
    fn slices_across_every_axis_hold_the_same_voxels() {
        let shape = [4, 5, 70];
        let grid = Geometry::axis_aligned(shape, [1.0; 3]).unwrap();
        let mut random = Key::new(2).stream("labels");
        let mut voxels = Vec::new();
        while voxels.len() < grid.len() {
            let (label, run) = (random.below(3) as u8, random.below(60) + 1);
            voxels.extend(std::iter::repeat_n(label, run));
        }
        voxels.truncate(grid.len());
        let map = LabelMap::new(grid, voxels.clone()).unwrap();
        let masks = Mask::of_labels(&map).unwrap();
        assert_eq!(masks.keys().copied().collect::<Vec<_>>(), [1, 2]);
        for (&label, mask) in &masks {
            assert_eq!(Mask::of_label(&map, label).unwrap().as_ref(), Some(mask));
            for axis in 0..3 {
                let mut again = vec![0u8; grid.len()];
                for (slice, plane) in mask.slices(axis) {
                    for run in &plane.runs {
                        for column in run.start..run.end {
                            let mut index = vec![run.row, column];
                            index.insert(axis, slice);
                            again[(index[0] * 5 + index[1]) * 70 + index[2]] += 1;
                        }
                    }
                }
                let want: Vec<u8> = { voxels.iter() }
                    .map(|&v| u8::from(u32::from(v) == label))
                    .collect();
                assert_eq!(again, want, "axis {axis}");
            }
        }
    }

    #[test]
    fn components_stay_where_they_were() {
        let grid = Geometry::axis_aligned([2, 3, 6], [1.0; 3]).unwrap();
        let mut voxels = vec![0u8; 36];
        for at in [8, 9, 13, 26, 35] {
            voxels[at] = 3;
        }
        let map = LabelMap::new(grid, voxels).unwrap();
        let mask = Mask::of_label(&map, 3).unwrap().unwrap();
        let parts = mask.components(Connectivity::Face).unwrap();
        let places: Vec<Vec<usize>> = { parts.iter() }
            .map(|part| {
                { part.runs.iter() }
                    .flat_map(|run| (run.start..run.end).map(|w| run.row * 6 + w))
                    .collect()
            })
            .collect();
        assert_eq!(places, [vec![8, 9, 26], vec![13], vec![35]]);
    }
}
