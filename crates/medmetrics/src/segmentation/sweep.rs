//! One pass over two label maps: counts of pairs, and the box of every label.
//!
//! Label maps are mostly long runs of one pair; a run costs a comparison a few voxels wide.

use medcore::{GeometryTolerance, Label, LabelMap, Region};
use rayon::prelude::*;

use super::overlap::JointHistogram;
use crate::error::{Error, Result};

/// Counts of label pairs, and where each label lies in either map.
pub(crate) struct Sweep<const D: usize> {
    pub(crate) histogram: JointHistogram,
    /// Boxes of labels in the reference.
    pub(crate) reference: Vec<Option<Region<D>>>,
    /// Boxes of labels in the prediction.
    pub(crate) prediction: Vec<Option<Region<D>>>,
}

/// Voxels of a task.
const TASK: usize = 1 << 20;

/// Voxels that are compared at once.
const STEP: usize = 16;

impl<const D: usize> Sweep<D> {
    pub(crate) fn over<A: Label, B: Label>(
        reference: &LabelMap<A, D>,
        prediction: &LabelMap<B, D>,
        labels: usize,
        tolerance: &GeometryTolerance,
    ) -> Result<Self> {
        reference
            .geometry()
            .check_same_as(prediction.geometry(), tolerance)?;
        let empty = JointHistogram::new(labels)?;
        let shape = reference.shape();
        let width = shape[D - 1];
        let rows = (TASK / width).max(1);
        // Counts and boxes do not depend on the order in which parts are united.
        let whole = reference
            .as_slice()
            .par_chunks(rows * width)
            .zip(prediction.as_slice().par_chunks(rows * width))
            .enumerate()
            .try_fold(
                || Part::new(&empty),
                |mut part, (task, (r, p))| {
                    let pairs = r.chunks_exact(width).zip(p.chunks_exact(width));
                    for (i, (r, p)) in pairs.enumerate() {
                        part.row(r, p, row_index(shape, task * rows + i))?;
                    }
                    Ok::<_, Error>(part)
                },
            )
            .try_reduce(|| Part::new(&empty), Part::united)?;
        Ok(Self {
            histogram: whole.histogram,
            reference: whole.reference.iter().map(Extent::region).collect(),
            prediction: whole.prediction.iter().map(Extent::region).collect(),
        })
    }
}

/// The index of a row's first voxel.
pub(super) fn row_index<const D: usize>(shape: [usize; D], mut row: usize) -> [usize; D] {
    let mut index = [0; D];
    for a in (0..D - 1).rev() {
        index[a] = row % shape[a];
        row /= shape[a];
    }
    index
}

/// What one task found.
struct Part<const D: usize> {
    histogram: JointHistogram,
    reference: Vec<Extent<D>>,
    prediction: Vec<Extent<D>>,
}

impl<const D: usize> Part<D> {
    fn new(empty: &JointHistogram) -> Self {
        let nowhere = vec![Extent::nowhere(); empty.labels()];
        Self {
            histogram: empty.clone(),
            reference: nowhere.clone(),
            prediction: nowhere,
        }
    }

    fn united(mut self, other: Self) -> Result<Self> {
        self.histogram.merge(&other.histogram)?;
        for (into, from) in self.reference.iter_mut().zip(other.reference) {
            into.unite(&from);
        }
        for (into, from) in self.prediction.iter_mut().zip(other.prediction) {
            into.unite(&from);
        }
        Ok(self)
    }

    fn row<A: Label, B: Label>(&mut self, r: &[A], p: &[B], mut index: [usize; D]) -> Result<()> {
        let labels = self.reference.len();
        let mut start = 0;
        while start < r.len() {
            let end = run_end(r, p, start);
            let (label_r, label_p): (u32, u32) = (r[start].into(), p[start].into());
            for (side, label) in [("reference", label_r), ("prediction", label_p)] {
                if label as usize >= labels {
                    return Err(Error::UnknownLabel {
                        side,
                        label,
                        classes: labels,
                    });
                }
            }
            self.histogram
                .add(label_r as usize, label_p as usize, (end - start) as u64);
            index[D - 1] = start;
            self.reference[label_r as usize].include(index, end);
            self.prediction[label_p as usize].include(index, end);
            start = end;
        }
        Ok(())
    }
}

/// Where the run of equal pairs that begins at `start` ends.
pub(super) fn run_end<A: Label, B: Label>(r: &[A], p: &[B], start: usize) -> usize {
    let (label_r, label_p) = (r[start], p[start]);
    let mut end = start + 1;
    while end + STEP <= r.len() {
        let same_r = r[end..end + STEP]
            .iter()
            .fold(true, |same, &v| same & (v == label_r));
        let same_p = p[end..end + STEP]
            .iter()
            .fold(true, |same, &v| same & (v == label_p));
        if !(same_r & same_p) {
            break;
        }
        end += STEP;
    }
    while end < r.len() && r[end] == label_r && p[end] == label_p {
        end += 1;
    }
    end
}

/// A box that grows.
#[derive(Clone, Copy)]
pub(super) struct Extent<const D: usize> {
    start: [usize; D],
    end: [usize; D],
}

impl<const D: usize> Extent<D> {
    pub(super) fn nowhere() -> Self {
        Self {
            start: [usize::MAX; D],
            end: [0; D],
        }
    }

    /// Takes in the voxels of a row from `index` to before `end`.
    pub(super) fn include(&mut self, index: [usize; D], end: usize) {
        for a in 0..D {
            self.start[a] = self.start[a].min(index[a]);
            self.end[a] = self.end[a].max(if a == D - 1 { end } else { index[a] + 1 });
        }
    }

    fn unite(&mut self, other: &Self) {
        for a in 0..D {
            self.start[a] = self.start[a].min(other.start[a]);
            self.end[a] = self.end[a].max(other.end[a]);
        }
    }

    pub(super) fn region(&self) -> Option<Region<D>> {
        Region::new(self.start, self.end).ok()
    }
}

#[cfg(test)]
mod tests {
    use medcore::Geometry;
    use medcore::random::Key;

    use super::*;

    #[test]
    fn counts_and_boxes_agree_with_a_plain_loop() {
        let shape = [3, 5, 83];
        let grid = Geometry::axis_aligned(shape, [2.0, 1.0, 0.5]).unwrap();
        let mut random = Key::new(3).stream("labels");
        // Runs of every length, so that every tail of a step is met.
        let mut draw = |labels: usize| {
            let mut v = Vec::new();
            while v.len() < grid.len() {
                let run = random.below(40) + 1;
                v.extend(std::iter::repeat_n(random.below(labels) as u8, run));
            }
            v.truncate(grid.len());
            v
        };
        let (r, p) = (draw(4), draw(5));
        let sweep = Sweep::over(
            &LabelMap::new(grid, r.clone()).unwrap(),
            &LabelMap::new(grid, p.iter().map(|&v| u16::from(v)).collect::<Vec<_>>()).unwrap(),
            6,
            &GeometryTolerance::default(),
        )
        .unwrap();
        for a in 0..6u8 {
            for b in 0..6u8 {
                let want = r
                    .iter()
                    .zip(&p)
                    .filter(|&(&x, &y)| (x, y) == (a, b))
                    .count();
                assert_eq!(sweep.histogram.count(a.into(), b.into()), want as u64);
            }
            let places: Vec<[usize; 3]> = (0..r.len())
                .filter(|&i| r[i] == a)
                .map(|i| [i / (5 * 83), i / 83 % 5, i % 83])
                .collect();
            let want = (!places.is_empty()).then(|| {
                let low = |axis: usize| places.iter().map(|p| p[axis]).min().unwrap();
                let high = |axis: usize| places.iter().map(|p| p[axis] + 1).max().unwrap();
                Region::new([low(0), low(1), low(2)], [high(0), high(1), high(2)]).unwrap()
            });
            assert_eq!(sweep.reference[a as usize], want, "label {a}");
        }
    }

    #[test]
    fn an_undeclared_label_is_named() {
        let grid = Geometry::axis_aligned([1, 3], [1.0; 2]).unwrap();
        let r = LabelMap::new(grid, vec![0u8, 1, 2]).unwrap();
        let p = LabelMap::new(grid, vec![0u8, 1, 7]).unwrap();
        let error = JointHistogram::between(&r, &p, 3).unwrap_err();
        assert!(
            matches!(
                error,
                Error::UnknownLabel {
                    side: "prediction",
                    label: 7,
                    ..
                }
            ),
            "{error}"
        );
    }

    #[test]
    fn maps_on_different_grids_are_refused() {
        let grid = Geometry::axis_aligned([1, 3], [1.0; 2]).unwrap();
        let other = Geometry::axis_aligned([1, 3], [1.0, 1.1]).unwrap();
        let r = LabelMap::new(grid, vec![0u8; 3]).unwrap();
        let p = LabelMap::new(other, vec![0u8; 3]).unwrap();
        assert!(matches!(
            JointHistogram::between(&r, &p, 3),
            Err(Error::GeometryMismatch(_))
        ));
    }
}
