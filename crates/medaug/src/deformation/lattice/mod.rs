//! Displacements on a lattice, and what lies between its points.

mod folds;
mod kernel;
mod rows;

use medcore::cpu::with_wide_vectors;

pub use kernel::Kernel;
use rows::{Free, Straight};

use super::newton;
use super::row::Row;
use crate::error::{Error, Result};

/// A lattice over an image: where its points lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LatticeGrid<const D: usize> {
    /// Points along each axis, at least 4.
    pub points: [usize; D],
    /// Index of the second point along each axis, in voxels: the lattice speaks for what lies between its second
    /// point and its last but one.
    pub start: [f64; D],
    /// Voxels from point to point.
    pub step: [f64; D],
}

/// Displacements in voxels on a lattice; a place looks at itself plus its displacement.
///
/// Beyond the second and the last but one lattice point along an axis, the displacement of the nearest place between
/// them holds, so that chains may look over the border.
#[derive(Debug, Clone, PartialEq)]
pub struct DisplacementLattice<const D: usize> {
    grid: LatticeGrid<D>,
    kernel: Kernel,
    /// One entry for each axis, filled up to four.
    values: Vec<[f32; 4]>,
}

impl<const D: usize> DisplacementLattice<D> {
    /// Displacements at the points of `grid`: all of the first axis, then all of the next, in voxels.
    ///
    /// # Errors
    /// Refuses fewer than four points along an axis, steps that are not positive, and other numbers than `D` for each
    /// point, finite.
    pub fn new(grid: LatticeGrid<D>, kernel: Kernel, displacements: &[f32]) -> Result<Self> {
        const NAME: &str = "DisplacementLattice";
        let wrong = |parameter, rule, value| Error::InvalidParameter {
            transform: NAME,
            parameter,
            rule,
            value,
        };
        if let Some(&n) = grid.points.iter().find(|&&n| n < 4) {
            return Err(wrong("points", "at least 4 along each axis", n as f64));
        }
        if let Some(&step) = grid.step.iter().find(|&&v| !(v > 0.0 && v.is_finite())) {
            return Err(wrong("step", "positive and finite", step));
        }
        let count: usize = grid.points.iter().product();
        if displacements.len() != D * count {
            return Err(Error::EntryCount {
                transform: NAME,
                parameter: "displacements",
                expected: D * count,
                got: displacements.len(),
            });
        }
        if let Some(&value) = displacements.iter().find(|v| !v.is_finite()) {
            return Err(wrong("displacements", "finite", value.into()));
        }
        let mut values = vec![[0.0; 4]; count];
        for (axis, displacements) in displacements.chunks_exact(count).enumerate() {
            for (value, &displacement) in values.iter_mut().zip(displacements) {
                value[axis] = displacement;
            }
        }
        Ok(Self {
            grid,
            kernel,
            values,
        })
    }

    /// A displacement for every voxel of an image of `shape`, linear between them: all of the first axis, then all of
    /// the next, in voxels.
    ///
    /// # Errors
    /// As [`DisplacementLattice::new`].
    pub fn dense(shape: [usize; D], displacements: &[f32]) -> Result<Self> {
        let count: usize = shape.iter().product();
        if displacements.len() != D * count {
            return Err(Error::EntryCount {
                transform: "DisplacementLattice",
                parameter: "displacements",
                expected: D * count,
                got: displacements.len(),
            });
        }
        Self::surrounded(shape, [0.0; D], [1.0; D], displacements)
    }

    /// Displacements at points that go on beyond the outermost ones, linear between them: `start` is the index of the first
    /// point, `step` the voxels from point to point.
    ///
    /// # Errors
    /// As [`DisplacementLattice::new`].
    pub(crate) fn surrounded(
        shape: [usize; D],
        start: [f64; D],
        step: [f64; D],
        displacements: &[f32],
    ) -> Result<Self> {
        let count: usize = shape.iter().product();
        // One repeated layer around, and one more where there are fewer than two points.
        let points = shape.map(|n| n.max(2) + 2);
        let lattice: usize = points.iter().product();
        let mut padded = Vec::with_capacity(D * lattice);
        for axis in displacements.chunks_exact(count.max(1)) {
            for at in 0..lattice {
                let (mut rest, mut position, mut stride) = (at, 0, 1);
                for a in (0..D).rev() {
                    let index = (rest % points[a]).saturating_sub(1).min(shape[a] - 1);
                    rest /= points[a];
                    position += index * stride;
                    stride *= shape[a];
                }
                padded.push(axis[position]);
            }
        }
        let grid = LatticeGrid {
            points,
            start,
            step,
        };
        Self::new(grid, Kernel::Linear, &padded)
    }

    /// Where its points lie.
    #[must_use]
    pub fn grid(&self) -> LatticeGrid<D> {
        self.grid
    }

    /// Where a place looks.
    #[must_use]
    pub fn source_of(&self, at: [f64; D]) -> [f64; D] {
        let mut base = [0; D];
        let mut weights = [[0.0; 4]; D];
        for a in 0..D {
            let (cell, f) = self.cell(a, at[a]);
            base[a] = cell;
            weights[a] = self.kernel.exact_weights(f);
        }
        let moved = self.sum(base, &weights);
        std::array::from_fn(|a| at[a] + moved[a])
    }

    /// The first of the four points around a coordinate, and how far it lies between the middle two.
    #[inline(always)]
    fn cell(&self, axis: usize, at: f64) -> (usize, f64) {
        let cells = self.grid.points[axis] - 3;
        let u = (at - self.grid.start[axis]) / self.grid.step[axis];
        // NaN goes to the first cell, and stays NaN in the sum with its place.
        let u = if u > 0.0 { u } else { 0.0 };
        let u = if u < cells as f64 { u } else { cells as f64 };
        let cell = (u as i32).min(cells as i32 - 1);
        (cell as usize, u - f64::from(cell))
    }

    /// The sum of the points behind `base`, weighted along each axis.
    fn sum(&self, base: [usize; D], weights: &[[f64; 4]; D]) -> [f64; 4] {
        let mut sum = [0.0; 4];
        for tap in 0..4_usize.pow(D as u32) {
            let (mut weight, mut at) = (1.0, 0);
            for a in 0..D {
                let k = tap >> (2 * (D - 1 - a)) & 3;
                weight *= weights[a][k];
                at = at * self.grid.points[a] + base[a] + k;
            }
            for (sum, &value) in sum.iter_mut().zip(&self.values[at]) {
                *sum += weight * f64::from(value);
            }
        }
        sum
    }

    pub(super) fn bend(&self, row: &mut Row<D>) {
        match self.kernel {
            Kernel::Linear => self.bend_by::<0>(row),
            Kernel::BSpline => self.bend_by::<1>(row),
            Kernel::Cubic => self.bend_by::<2>(row),
        }
        row.straight = false;
    }

    fn bend_by<const KERNEL: u8>(&self, row: &mut Row<D>) {
        if row.straight || D == 1 {
            with_wide_vectors(Straight::<D, KERNEL> { lattice: self, row });
        } else {
            with_wide_vectors(Free::<D, KERNEL> { lattice: self, row });
        }
    }

    /// Moves places of the source to those that look there, all at once: each is corrected by how far it misses.
    pub(super) fn unbend(&self, row: &mut Row<D>) {
        const CLOSE: f64 = 1e-4;
        const ROUNDS: usize = 30;
        let target = row.clone();
        let mut looked = row.clone();
        for _ in 0..ROUNDS {
            looked.clone_from(row);
            self.bend(&mut looked);
            let mut farthest = 0.0_f64;
            for a in 0..D {
                let places = row.at[a].iter_mut().zip(&target.at[a]);
                for ((at, &target), &looked) in places.zip(&looked.at[a]) {
                    let missing = target - looked;
                    *at += missing;
                    farthest = farthest.max(missing.abs());
                }
            }
            row.straight = false;
            if farthest < CLOSE {
                return;
            }
        }
        for x in 0..row.at[0].len() {
            let target = target.place(x);
            let missed = self.source_of(row.place(x));
            let close = (0..D).all(|a| (missed[a] - target[a]).abs() < CLOSE);
            if !close {
                let found = newton::solve(|at| self.source_of(at), target);
                row.put(x, found.unwrap_or([f64::NAN; D]));
            }
        }
    }

    /// The same with all displacements multiplied.
    #[must_use]
    pub fn scaled(mut self, factor: f64) -> Self {
        for value in self.values.as_flattened_mut() {
            *value *= factor as f32;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use medcore::IndexMap;
    use medcore::random::Key;

    use super::*;

    fn lattice(kernel: Kernel) -> DisplacementLattice<3> {
        let grid = LatticeGrid {
            points: [5, 6, 9],
            start: [-0.6, 1.0, -2.0],
            step: [4.0, 5.5, 3.3],
        };
        let mut random = Key::new(3).stream("lattice");
        let values: Vec<f32> = (0..3 * 270)
            .map(|_| random.uniform_in(-1.5, 1.5) as f32)
            .collect();
        DisplacementLattice::new(grid, kernel, &values).unwrap()
    }

    #[test]
    fn rows_look_where_their_places_do() {
        let turned = IndexMap {
            matrix: [[0.9, 0.2, 0.1], [-0.1, 1.0, 0.2], [0.0, 0.3, 1.1]],
            offset: [1.0, -2.0, -4.0],
        };
        for kernel in [Kernel::Linear, Kernel::BSpline, Kernel::Cubic] {
            let lattice = lattice(kernel);
            for map in [IndexMap::translation([0.3, -1.2, -4.0]), turned] {
                for first in [[0.0; 3], [3.0, 7.0, 0.0], [11.0, 20.0, 0.0]] {
                    let mut row = Row::new(31);
                    row.start(first, &map);
                    lattice.bend(&mut row);
                    for x in 0..31 {
                        let at = map.apply([first[0], first[1], x as f64]);
                        let want = lattice.source_of(at);
                        let got = row.place(x);
                        let far = (0..3).any(|a| (got[a] - want[a]).abs() > 2e-6);
                        assert!(!far, "{kernel:?} {at:?}: {got:?} is not {want:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn dense_fields_are_met_at_their_voxels() {
        let values: Vec<f32> = (0..2 * 3 * 4).map(|i| i as f32 / 8.0).collect();
        let field = DisplacementLattice::dense([3, 4], &values).unwrap();
        for (i, (y, x)) in (0..3).flat_map(|y| (0..4).map(move |x| (y, x))).enumerate() {
            let at = [y as f64, x as f64];
            let want = [
                at[0] + f64::from(values[i]),
                at[1] + f64::from(values[12 + i]),
            ];
            assert_eq!(field.source_of(at), want);
        }
        assert_eq!(field.source_of([-5.0, 9.0])[0], -5.0 + f64::from(values[3]));
    }

    #[test]
    fn strong_displacements_are_weakened_until_nothing_folds() {
        let weak = lattice(Kernel::BSpline);
        assert_eq!(weak.unfolded_share(), 1.0);
        let strong = weak.scaled(8.0);
        let share = strong.unfolded_share();
        assert!(share < 1.0 && share > 0.01, "{share}");
        let smooth = strong.scaled(share);
        assert_eq!(smooth.unfolded_share(), 1.0);
        // Then every place is led back to.
        for at in [[2.0, 8.0, 4.0], [5.5, 12.0, 9.0], [7.0, 3.0, 15.0]] {
            let back = newton::solve(|at| smooth.source_of(at), smooth.source_of(at)).unwrap();
            assert!(
                (0..3).all(|a| (back[a] - at[a]).abs() < 1e-5),
                "{back:?} {at:?}"
            );
        }
    }
}
