//! Connected components, by union of runs.
//!
//! Each row is cut into runs of foreground; a run joins the runs it touches in the rows before it. Work is
//! done per run, not per voxel, and the numbering is that of first appearance in memory order, as SciPy's
//! `ndimage.label` gives it.

use serde::{Deserialize, Serialize};

use crate::buffer;
use crate::error::{Error, Result};
use crate::geometry::checked_len;
use crate::image::{Label, LabelMap};
use crate::region::Region;

/// Which neighbours touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Connectivity {
    /// Those that share a face: 6 in 3D, 4 in 2D.
    #[default]
    Face,
    /// Those that share a face or an edge: 18 in 3D, 8 in 2D.
    Edge,
    /// Those that share a corner at least: 26 in 3D, 8 in 2D.
    Corner,
}

impl Connectivity {
    /// Axes along which neighbours may differ at once.
    pub(crate) fn most_steps(self) -> usize {
        match self {
            Self::Face => 1,
            Self::Edge => 2,
            Self::Corner => 3,
        }
    }
}

/// One connected component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Component<const D: usize> {
    /// Number of voxels.
    pub voxels: usize,
    /// The smallest box that holds it.
    pub region: Region<D>,
}

/// The connected components of a mask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Components<const D: usize> {
    shape: [usize; D],
    runs: Vec<Run>,
    components: Vec<Component<D>>,
}

/// Foreground voxels `start..end` of a row, in memory positions; first their own, then their component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    start: usize,
    end: usize,
    component: usize,
}

impl<const D: usize> Components<D> {
    /// Finds the components of the voxels where `foreground` holds.
    ///
    /// ```
    /// use medcore::components::{Components, Connectivity};
    ///
    /// let mask = [
    ///     1, 0, 1,
    ///     0, 1, 1,
    /// ];
    /// let by_face = Components::new(&mask, [2, 3], Connectivity::Face, |&v| v == 1)?;
    /// assert_eq!(by_face.components().iter().map(|c| c.voxels).collect::<Vec<_>>(), [1, 3]);
    /// let by_corner = Components::new(&mask, [2, 3], Connectivity::Corner, |&v| v == 1)?;
    /// assert_eq!(by_corner.components().len(), 1);
    /// # Ok::<(), medcore::Error>(())
    /// ```
    ///
    /// # Errors
    /// Refuses a slice that does not have `shape`, and empty shapes.
    pub fn new<T>(
        voxels: &[T],
        shape: [usize; D],
        connectivity: Connectivity,
        foreground: impl Fn(&T) -> bool,
    ) -> Result<Self> {
        let expected =
            checked_len(&shape)
                .filter(|&n| n > 0)
                .ok_or_else(|| Error::InvalidShape {
                    channels: 1,
                    shape: shape.to_vec(),
                })?;
        if voxels.len() != expected {
            let (shape, got) = (shape.to_vec(), voxels.len());
            return Err(Error::VoxelCount {
                channels: 1,
                shape,
                expected,
                got,
            });
        }
        let width = shape[D - 1];
        let mut runs: Vec<Run> = Vec::new();
        // Runs of row r are runs[rows[r]..rows[r + 1]].
        let mut rows = vec![0];
        let mut union = Union::default();
        let reach = Reach::new(shape, connectivity);
        for (row, voxels) in voxels.chunks_exact(width).enumerate() {
            let first = runs.len();
            find_runs(voxels, row * width, &foreground, |start, end| {
                runs.push(Run {
                    start,
                    end,
                    component: union.add(),
                });
            });
            rows.push(runs.len());
            if runs.len() == first {
                continue;
            }
            reach.for_each_row_before(row, |before, slack| {
                let offset = (row - before) * width;
                let mut candidate = rows[before];
                let end = rows[before + 1];
                for run in first..runs.len() {
                    // Both lists ascend: what ends before this run ends before the next one too.
                    let (start, stop) = (runs[run].start - offset, runs[run].end - offset);
                    while candidate < end && runs[candidate].end + slack <= start {
                        candidate += 1;
                    }
                    let mut touching = candidate;
                    while touching < end && runs[touching].start < stop + slack {
                        union.join(runs[touching].component, runs[run].component);
                        touching += 1;
                    }
                }
            });
        }
        Ok(Self::collect(shape, runs, union))
    }

    fn collect(shape: [usize; D], mut runs: Vec<Run>, mut union: Union) -> Self {
        let mut number = vec![usize::MAX; union.parent.len()];
        let mut sizes: Vec<usize> = Vec::new();
        let mut boxes: Vec<([usize; D], [usize; D])> = Vec::new();
        for run in &mut runs {
            let root = union.root(run.component);
            if number[root] == usize::MAX {
                number[root] = sizes.len();
                sizes.push(0);
                boxes.push(([usize::MAX; D], [0; D]));
            }
            run.component = number[root];
            sizes[run.component] += run.end - run.start;
            let (low, high) = &mut boxes[run.component];
            let mut rest = run.start;
            for axis in (0..D).rev() {
                let index = rest % shape[axis];
                rest /= shape[axis];
                let length = if axis == D - 1 {
                    run.end - run.start
                } else {
                    1
                };
                low[axis] = low[axis].min(index);
                high[axis] = high[axis].max(index + length);
            }
        }
        let components = sizes
            .into_iter()
            .zip(boxes)
            .map(|(voxels, (start, end))| Component {
                voxels,
                region: Region::new(start, end).expect("a component has a voxel"),
            })
            .collect();
        Self {
            shape,
            runs,
            components,
        }
    }

    /// The components in the order in which memory meets them.
    #[must_use]
    pub fn components(&self) -> &[Component<D>] {
        &self.components
    }

    /// The number of the component with most voxels, the first of equals; `None` without foreground.
    #[must_use]
    pub fn largest(&self) -> Option<usize> {
        let largest = self.components.iter().map(|c| c.voxels).max()?;
        self.components.iter().position(|c| c.voxels == largest)
    }

    /// Calls `f` with the number of the component and the memory range of each of its runs.
    pub fn for_each_run(&self, mut f: impl FnMut(usize, std::ops::Range<usize>)) {
        for run in &self.runs {
            f(run.component, run.start..run.end);
        }
    }

    /// The number of each voxel's component plus one, 0 for background.
    ///
    /// # Errors
    /// Refuses volumes too large to allocate.
    pub fn to_numbers(&self) -> Result<Vec<u32>> {
        let mut numbers = buffer::zeroed(self.shape.iter().product(), "component numbers")?;
        self.for_each_run(|component, range| numbers[range].fill(component as u32 + 1));
        Ok(numbers)
    }
}

/// Sets to `background` every voxel of class `label` outside the largest component of that class.
///
/// Returns how many voxels were removed.
///
/// # Errors
/// As [`Components::new`], which a label map always satisfies.
pub fn keep_largest<L: Label, const D: usize>(
    labels: &mut LabelMap<L, D>,
    label: L,
    background: L,
    connectivity: Connectivity,
) -> Result<usize> {
    let shape = labels.shape();
    let found = Components::new(labels.as_slice(), shape, connectivity, |&l| l == label)?;
    let Some(largest) = found.largest().filter(|_| found.components.len() > 1) else {
        return Ok(0);
    };
    let voxels = labels.as_mut_slice();
    let mut removed = 0;
    found.for_each_run(|component, range| {
        if component != largest {
            removed += range.len();
            voxels[range].fill(background);
        }
    });
    Ok(removed)
}

fn find_runs<T>(
    row: &[T],
    offset: usize,
    foreground: &impl Fn(&T) -> bool,
    mut found: impl FnMut(usize, usize),
) {
    let mut at = 0;
    while at < row.len() {
        if !foreground(&row[at]) {
            at += 1;
            continue;
        }
        let start = at;
        while at < row.len() && foreground(&row[at]) {
            at += 1;
        }
        found(offset + start, offset + at);
    }
}

/// The rows before a row whose voxels it can touch.
struct Reach {
    /// Length of the axis before the width, 1 if there is none.
    height: usize,
    /// Rows back, steps back and sideways along depth and height, and voxels a run may be short of touching.
    steps: Vec<(usize, isize, usize)>,
}

impl Reach {
    fn new<const D: usize>(shape: [usize; D], connectivity: Connectivity) -> Self {
        const { assert!(D >= 1 && D <= 3, "images have one to three axes") };
        let height = if D >= 2 { shape[D - 2] } else { 1 };
        let mut steps = Vec::new();
        for depth in 0..=usize::from(D == 3) {
            for sideways in -1isize..=1 {
                let before = depth > 0 || sideways < 0;
                let taken = depth + sideways.unsigned_abs();
                if before && taken <= connectivity.most_steps() && D >= 2 {
                    // A further step along the width makes runs touch that only meet at an edge or corner.
                    let slack = usize::from(taken < connectivity.most_steps());
                    steps.push((depth, sideways, slack));
                }
            }
        }
        Self { height, steps }
    }

    fn for_each_row_before(&self, row: usize, mut f: impl FnMut(usize, usize)) {
        for &(depth, sideways, slack) in &self.steps {
            let Some(plane) = (row / self.height).checked_sub(depth) else {
                continue;
            };
            let Some(at) = (row % self.height).checked_add_signed(sideways) else {
                continue;
            };
            if at < self.height {
                f(plane * self.height + at, slack);
            }
        }
    }
}

/// Disjoint sets with path halving; the smaller number leads.
#[derive(Default)]
struct Union {
    parent: Vec<usize>,
}

impl Union {
    fn add(&mut self) -> usize {
        self.parent.push(self.parent.len());
        self.parent.len() - 1
    }

    fn root(&mut self, mut at: usize) -> usize {
        while self.parent[at] != at {
            self.parent[at] = self.parent[self.parent[at]];
            at = self.parent[at];
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.parent[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::geometry::Geometry;

    /// Flood fill, the definition.
    fn flooded(mask: &[bool], shape: [usize; 3], most_steps: usize) -> Vec<u32> {
        let mut numbers = vec![0; mask.len()];
        let mut count = 0;
        for seed in 0..mask.len() {
            if !mask[seed] || numbers[seed] > 0 {
                continue;
            }
            count += 1;
            numbers[seed] = count;
            let mut open = vec![seed];
            while let Some(at) = open.pop() {
                let index = [
                    at / (shape[1] * shape[2]),
                    at / shape[2] % shape[1],
                    at % shape[2],
                ];
                for step in 0..27 {
                    let by = [step / 9 - 1, step / 3 % 3 - 1, step % 3 - 1];
                    let moved: [isize; 3] = std::array::from_fn(|a| index[a] as isize + by[a]);
                    let inside = (0..3).all(|a| (0..shape[a] as isize).contains(&moved[a]));
                    if !inside || by.iter().filter(|&&v| v != 0).count() > most_steps {
                        continue;
                    }
                    let next = (moved[0] as usize * shape[1] + moved[1] as usize) * shape[2]
                        + moved[2] as usize;
                    if mask[next] && numbers[next] == 0 {
                        numbers[next] = count;
                        open.push(next);
                    }
                }
            }
        }
        numbers
    }

    proptest! {
        #[test]
        fn runs_find_what_flooding_finds(
            density in 0.05f64..0.7,
            mask in prop::collection::vec(0.0f64..1.0, 5 * 6 * 8),
        ) {
            let mask: Vec<bool> = mask.into_iter().map(|v| v < density).collect();
            for shape in [[5, 6, 8], [1, 30, 8], [6, 1, 40], [30, 8, 1]] {
                for connectivity in [Connectivity::Face, Connectivity::Edge, Connectivity::Corner] {
                    let found = Components::new(&mask, shape, connectivity, |&v| v).unwrap();
                    let want = flooded(&mask, shape, connectivity.most_steps());
                    prop_assert_eq!(&found.to_numbers().unwrap(), &want);
                    for (i, component) in found.components().iter().enumerate() {
                        let own = |&at: &usize| want[at] == i as u32 + 1;
                        prop_assert_eq!(component.voxels, (0..want.len()).filter(own).count());
                        for at in (0..want.len()).filter(own) {
                            let index = [at / (shape[1] * shape[2]), at / shape[2] % shape[1], at % shape[2]];
                            prop_assert!(component.region.contains(index));
                        }
                    }
                }
            }
            let plane = Components::new(&mask, [30, 8], Connectivity::Edge, |&v| v).unwrap();
            prop_assert_eq!(plane.to_numbers().unwrap(), flooded(&mask, [1, 30, 8], 2));
            let line = Components::new(&mask, [240], Connectivity::Corner, |&v| v).unwrap();
            prop_assert_eq!(line.to_numbers().unwrap(), flooded(&mask, [1, 1, 240], 3));
        }
    }

    #[test]
    fn only_the_largest_part_of_a_class_is_kept() {
        let grid = Geometry::axis_aligned([2, 6], [1.0; 2]).unwrap();
        let labels = vec![1u8, 0, 1, 1, 2, 2, 0, 0, 1, 0, 0, 2];
        let mut map = LabelMap::new(grid, labels).unwrap();
        assert_eq!(keep_largest(&mut map, 1, 0, Connectivity::Face).unwrap(), 1);
        assert_eq!(map.as_slice(), [0, 0, 1, 1, 2, 2, 0, 0, 1, 0, 0, 2]);
        assert_eq!(keep_largest(&mut map, 7, 0, Connectivity::Face).unwrap(), 0);
        assert_eq!(keep_largest(&mut map, 2, 0, Connectivity::Face).unwrap(), 0);
    }

    #[test]
    fn an_empty_mask_has_no_component() {
        let none = Components::new(&[false; 6], [2, 3], Connectivity::Face, |&v| v).unwrap();
        assert!(none.components().is_empty() && none.largest().is_none());
        assert!(Components::new(&[false; 5], [2, 3], Connectivity::Face, |&v| v).is_err());
    }
}
