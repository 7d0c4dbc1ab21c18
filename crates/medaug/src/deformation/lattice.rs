//! Displacements on a lattice, and what lies between its points.

use medcore::cpu::{Work, with_wide_vectors};

use super::newton;
use super::row::Row;
use crate::error::{Error, Result};

/// How displacements between lattice points are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernel {
    /// Linear.
    Linear,
    /// Cubic B-spline, of which the lattice holds the coefficients (ITK's `BSplineTransform`).
    BSpline,
    /// Cubic convolution with a slope of -3/4 (PyTorch's and OpenCV's `bicubic`; Keys, "Cubic convolution
    /// interpolation", IEEE Trans. ASSP 29, 1981).
    Cubic,
}

macro_rules! weights {
    ($name:ident, $float:ty) => {
        /// Weights of the lattice points at -1, 0, 1 and 2 for a place at `f` in [0, 1].
        #[inline(always)]
        fn $name(self, f: $float) -> [$float; 4] {
            let g = 1.0 - f;
            match self {
                Self::Linear => [0.0, g, f, 0.0],
                Self::BSpline => [
                    g * g * g / 6.0,
                    2.0 / 3.0 - f * f * (1.0 - 0.5 * f),
                    2.0 / 3.0 - g * g * (1.0 - 0.5 * g),
                    f * f * f / 6.0,
                ],
                Self::Cubic => {
                    let near = |x: $float| (1.25 * x - 2.25) * x * x + 1.0;
                    let far = |x: $float| ((-0.75 * x + 3.75) * x - 6.0) * x + 3.0;
                    [far(1.0 + f), near(f), near(g), far(1.0 + g)]
                }
            }
        }
    };
}

impl Kernel {
    weights!(weights, f32);
    weights!(exact_weights, f64);

    /// Slopes of the weights.
    fn slopes(self, f: f64) -> [f64; 4] {
        const H: f64 = 1e-5;
        let (low, high) = ((f - H).max(0.0), (f + H).min(1.0));
        let (below, above) = (self.exact_weights(low), self.exact_weights(high));
        std::array::from_fn(|k| (above[k] - below[k]) / (high - low))
    }
}

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

/// The least by which a deformation may shrink a place before it counts as folded.
const LEAST_VOLUME: f64 = 0.05;

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
        // One repeated layer around, and one more where there are fewer than two voxels.
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
            start: [0.0; D],
            step: [1.0; D],
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
        if row.straight {
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

    /// The largest of 1, 0.8, 0.64 ... by which all displacements can be multiplied without folding the image.
    ///
    /// Folds are looked for at three places along each axis of every cell of the lattice, and where there are more than
    /// a thousand cells, by the differences of neighbouring points alone. A place counts as folded when its neighbourhood shrinks to less than a twentieth.
    #[must_use]
    pub fn unfolded_share(&self) -> f64 {
        let slopes = self.slopes();
        let mut share = 1.0;
        loop {
            let folds = slopes.iter().any(|g| {
                let matrix: [[f64; D]; D] = std::array::from_fn(|a| {
                    std::array::from_fn(|b| {
                        f64::from(u8::from(a == b)) + share * f64::from(g[a][b])
                    })
                });
                newton::determinant(matrix) < LEAST_VOLUME
            });
            if !folds {
                return share;
            }
            share *= 0.8;
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

    /// How displacements change, in voxels a voxel, at places of every cell.
    fn slopes(&self) -> Vec<[[f32; D]; D]> {
        let cells = self.grid.points.map(|n| n - 3);
        let count: usize = cells.iter().product();
        if count > 1000 {
            return self.differences();
        }
        let parts = 3;
        let taps: Vec<([f64; 4], [f64; 4])> = (0..parts)
            .map(|k| (k as f64 + 0.5) / parts as f64)
            .map(|f| (self.kernel.exact_weights(f), self.kernel.slopes(f)))
            .collect();
        let places = cells.map(|n| n * parts);
        let mut slopes = Vec::with_capacity(count * parts.pow(D as u32));
        for place in 0..places.iter().product() {
            let mut rest: usize = place;
            let (mut base, mut part) = ([0; D], [0; D]);
            for a in (0..D).rev() {
                let at = rest % places[a];
                rest /= places[a];
                (base[a], part[a]) = (at / parts, at % parts);
            }
            let mut matrix = [[0.0; D]; D];
            for b in 0..D {
                let weights = std::array::from_fn(|a| {
                    let (weights, slopes) = taps[part[a]];
                    if a == b { slopes } else { weights }
                });
                let change = self.sum(base, &weights);
                for a in 0..D {
                    matrix[a][b] = (change[a] / self.grid.step[b]) as f32;
                }
            }
            slopes.push(matrix);
        }
        slopes
    }

    /// How displacements change from a point of the lattice to the next, in voxels a voxel.
    fn differences(&self) -> Vec<[[f32; D]; D]> {
        let points = self.grid.points;
        let rates = self.grid.step.map(|step| step.recip() as f32);
        let mut strides = [1; D];
        for a in (0..D - 1).rev() {
            strides[a] = strides[a + 1] * points[a + 1];
        }
        let inner: [usize; D] = points.map(|n| n - 2);
        (0..inner.iter().product())
            .map(|point: usize| {
                let (mut rest, mut at) = (point, 0);
                for a in (0..D).rev() {
                    at += (rest % inner[a] + 1) * strides[a];
                    rest /= inner[a];
                }
                std::array::from_fn(|a| {
                    std::array::from_fn(|b| {
                        let (here, next) = (self.values[at], self.values[at + strides[b]]);
                        (next[a] - here[a]) * rates[b]
                    })
                })
            })
            .collect()
    }
}

const fn kernel<const KERNEL: u8>() -> Kernel {
    match KERNEL {
        0 => Kernel::Linear,
        1 => Kernel::BSpline,
        _ => Kernel::Cubic,
    }
}

/// A row along the last axis: the lattice is blended to one line of points first.
struct Straight<'a, const D: usize, const KERNEL: u8> {
    lattice: &'a DisplacementLattice<D>,
    row: &'a mut Row<D>,
}

impl<const D: usize, const KERNEL: u8> Work for Straight<'_, D, KERNEL> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { lattice, row } = self;
        let Some(&last) = row.at[D - 1].first() else {
            return;
        };
        let LatticeGrid {
            points,
            start,
            step,
        } = lattice.grid;
        let width = points[D - 1];
        let mut base = [0; D];
        let mut weights = [[0.0_f32; 4]; D];
        for a in 0..D - 1 {
            let (cell, f) = lattice.cell(a, if a == D - 1 { last } else { row.at[a][0] });
            base[a] = cell;
            weights[a] = kernel::<KERNEL>().weights(f as f32);
        }
        let mut line = vec![[0.0_f32; 4]; width];
        for tap in 0..4_usize.pow(D as u32 - 1) {
            let (mut weight, mut at) = (1.0, 0);
            for a in 0..D - 1 {
                let k = tap >> (2 * (D - 2 - a)) & 3;
                weight *= weights[a][k];
                at = at * points[a] + base[a] + k;
            }
            if weight == 0.0 {
                continue;
            }
            let values = &lattice.values[at * width..(at + 1) * width];
            let sums = line.as_flattened_mut().iter_mut();
            for (sum, value) in sums.zip(values.as_flattened()) {
                *sum += weight * value;
            }
        }
        let cells = width - 3;
        let (start, rate) = (start[D - 1], 1.0 / step[D - 1]);
        let n = row.at[D - 1].len();
        let rows = row.at.each_mut().map(|at| &mut at[..n]);
        for x in 0..n {
            let u = (rows[D - 1][x] - start) * rate;
            let u = if u > 0.0 { u } else { 0.0 };
            let u = if u < cells as f64 { u } else { cells as f64 };
            let cell = (u as i32).min(cells as i32 - 1);
            let w = kernel::<KERNEL>().weights((u - f64::from(cell)) as f32);
            let Some(four) = line[cell as usize..].first_chunk::<4>() else {
                continue;
            };
            let moved = blended(&w, four);
            for a in 0..D {
                rows[a][x] += f64::from(moved[a]);
            }
        }
    }
}

/// The weighted sum of four points; in pairs, so that none waits for the one before.
#[inline(always)]
fn blended(w: &[f32; 4], four: &[[f32; 4]; 4]) -> [f32; 4] {
    std::array::from_fn(|c| {
        (w[0] * four[0][c] + w[1] * four[1][c]) + (w[2] * four[2][c] + w[3] * four[3][c])
    })
}

/// Places anywhere.
struct Free<'a, const D: usize, const KERNEL: u8> {
    lattice: &'a DisplacementLattice<D>,
    row: &'a mut Row<D>,
}

impl<const D: usize, const KERNEL: u8> Work for Free<'_, D, KERNEL> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { lattice, row } = self;
        let LatticeGrid {
            points,
            start,
            step,
        } = lattice.grid;
        let rate = step.map(f64::recip);
        let n = row.at[0].len();
        let rows = row.at.each_mut().map(|at| &mut at[..n]);
        for x in 0..n {
            let mut first = 0;
            let mut weights = [[0.0_f32; 4]; D];
            for a in 0..D {
                let cells = points[a] - 3;
                let u = (rows[a][x] - start[a]) * rate[a];
                let u = if u > 0.0 { u } else { 0.0 };
                let u = if u < cells as f64 { u } else { cells as f64 };
                let cell = (u as i32).min(cells as i32 - 1);
                weights[a] = kernel::<KERNEL>().weights((u - f64::from(cell)) as f32);
                first = first * points[a] + cell as usize;
            }
            // The lines of points around are added up first, even and odd ones apart so that none waits for the last.
            let mut lines = [[0.0_f32; 16]; 2];
            for tap in 0..4_usize.pow(D as u32 - 1) {
                let (mut weight, mut at) = (1.0, 0);
                for a in 0..D - 1 {
                    let k = tap >> (2 * (D - 2 - a)) & 3;
                    weight *= weights[a][k];
                    at = (at + k) * points[a + 1];
                }
                let flat = lattice.values[first + at..].as_flattened();
                let Some(four) = flat.first_chunk::<16>() else {
                    continue;
                };
                for (sum, value) in lines[tap & 1].iter_mut().zip(four) {
                    *sum += weight * value;
                }
            }
            let line: [[f32; 4]; 4] = std::array::from_fn(|k| {
                std::array::from_fn(|c| lines[0][4 * k + c] + lines[1][4 * k + c])
            });
            let moved = blended(&weights[D - 1], &line);
            for a in 0..D {
                rows[a][x] += f64::from(moved[a]);
            }
        }
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
