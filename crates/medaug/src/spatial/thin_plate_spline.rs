//! Thin plate splines: the smoothest bend that takes some places to others (Bookstein, "Principal warps: thin-plate splines and the
//! decomposition of deformations", IEEE Trans. PAMI 11, 1989; Albumentations `ThinPlateSpline`).

use std::sync::Arc;

use medcore::Geometry;
use medcore::random::Key;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::extract::Sampling;
use super::folding::Folding;
use crate::deformation::{Deformation, DisplacementLattice};
use crate::draw::Draw;
use crate::error::{Error, Result, check, check_dimension, check_probability};
use crate::operation::SpatialOperation;
use crate::sample::LazySample;
use crate::step::Operation;
use crate::transform::{Transform, perhaps};
use crate::warp::{Reading, Warp};

const NAME: &str = "ThinPlateSpline";
const RANDOM: &str = "RandomThinPlateSpline";

/// Bends a picture so that places of the result look at given places, and all others as smoothly as possible.
///
/// Albumentations 2.0.8 weighs its splines by one kernel and adds them up by another, so that places do not look where they
/// should; here they do. For images of two axes, which keep their shape.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ThinPlateSpline {
    /// Places of the result, `[row, column]` as shares of the image from the first to the last pixel; three at least, not all
    /// on one line.
    pub places: Vec<[f64; 2]>,
    /// How much farther each looks, in the same shares.
    pub displacements: Vec<[f64; 2]>,
    /// What is done if they fold the image.
    pub folding: Folding,
    /// How values between pixels and outside the image are made.
    pub sampling: Sampling,
}

/// The energy of a plate bent at one point, by the squared distance from it: `r^2 ln r`, twice that.
fn kernel(square: f64) -> f64 {
    if square > 0.0 {
        square * libm::log(square)
    } else {
        0.0
    }
}

/// Coefficients of one coordinate: one for each place, then those of 1, row and column.
type Coefficients = Vec<f64>;

fn square([a, b]: [f64; 2], [c, d]: [f64; 2]) -> f64 {
    (a - c) * (a - c) + (b - d) * (b - d)
}

/// Solves a linear system for several right sides by elimination with pivots; `None` if it has no single solution.
fn solve(mut system: Vec<Vec<f64>>, unknowns: usize) -> Option<Vec<Vec<f64>>> {
    for column in 0..unknowns {
        let size = |row: &usize| system[*row][column].abs();
        let pivot = (column..unknowns).max_by(|a, b| size(a).total_cmp(&size(b)))?;
        if size(&pivot) < 1e-12 {
            return None;
        }
        system.swap(column, pivot);
        let (above, below) = system.split_at_mut(column + 1);
        let first = &above[column];
        for row in below {
            let factor = row[column] / first[column];
            let entries = row[column..].iter_mut().zip(&first[column..]);
            entries.for_each(|(entry, &above)| *entry -= factor * above);
        }
    }
    let sides = system.first()?.len() - unknowns;
    let mut solutions = vec![vec![0.0; unknowns]; sides];
    for (side, solution) in solutions.iter_mut().enumerate() {
        for row in (0..unknowns).rev() {
            let known: f64 = (row + 1..unknowns)
                .map(|k| system[row][k] * solution[k])
                .sum();
            solution[row] = (system[row][unknowns + side] - known) / system[row][row];
        }
    }
    Some(solutions)
}

impl ThinPlateSpline {
    fn coefficients(&self) -> Option<[Coefficients; 2]> {
        let count = self.places.len();
        let unknowns = count + 3;
        let mut system = vec![vec![0.0; unknowns + 2]; unknowns];
        for (i, &[y, x]) in self.places.iter().enumerate() {
            for (j, &other) in self.places.iter().enumerate() {
                system[i][j] = kernel(square([y, x], other));
            }
            for (k, term) in [1.0, y, x].into_iter().enumerate() {
                system[i][count + k] = term;
                system[count + k][i] = term;
            }
            system[i][unknowns..].copy_from_slice(&self.displacements[i]);
        }
        solve(system, unknowns)?.try_into().ok()
    }

    /// The displacement of each pixel of a picture: all of the rows' axis, then all of the columns', in pixels.
    ///
    /// # Errors
    /// Refuses places that lie on one line, twice at the same place or that have no displacement.
    pub fn field(&self, shape: [usize; 2]) -> Result<Vec<f32>> {
        let coefficients = self.coefficients().ok_or(Error::InvalidParameter {
            transform: NAME,
            parameter: "places",
            rule: "all different and not on one line; this many are",
            value: self.places.len() as f64,
        })?;
        let [height, width] = shape;
        let last = shape.map(|n| (n as f64 - 1.0).max(1.0));
        let mut field = vec![0.0; 2 * height * width];
        let (down, across) = field.split_at_mut(height * width);
        let rows = down.par_chunks_mut(width).zip(across.par_chunks_mut(width));
        rows.enumerate().for_each(|(row, (down, across))| {
            let mut bent = vec![0.0; self.places.len()];
            for (column, (down, across)) in down.iter_mut().zip(across).enumerate() {
                let at = [row as f64 / last[0], column as f64 / last[1]];
                let places = bent.iter_mut().zip(&self.places);
                places.for_each(|(bent, &place)| *bent = kernel(square(at, place)));
                let terms = bent.iter().copied().chain([1.0, at[0], at[1]]);
                let sum = |axis: usize| -> f64 {
                    let products = terms.clone().zip(&coefficients[axis]).map(|(a, b)| a * b);
                    products.sum::<f64>() * last[axis]
                };
                (*down, *across) = (sum(0) as f32, sum(1) as f32);
            }
        });
        Ok(field)
    }
}

impl<const D: usize> SpatialOperation<D> for ThinPlateSpline {
    fn check(&self) -> Result<()> {
        check_dimension(NAME, D, &[2])?;
        let count = self.places.len();
        check(NAME, "places", count as f64, "within 3 and 256", |v| {
            (3.0..=256.0).contains(&v)
        })?;
        if self.displacements.len() != count {
            return Err(Error::EntryCount {
                transform: NAME,
                parameter: "displacements",
                expected: count,
                got: self.displacements.len(),
            });
        }
        for (parameter, list) in [
            ("places", &self.places),
            ("displacements", &self.displacements),
        ] {
            for &value in list.as_flattened() {
                check(NAME, parameter, value, "finite", f64::is_finite)?;
            }
        }
        Ok(())
    }

    fn warp(&self, grid: &Geometry<D>) -> Result<Warp<D>> {
        SpatialOperation::<D>::check(self)?;
        let shape = grid.shape();
        let field = self.field([shape[0], shape[D - 1]])?;
        let lattice = DisplacementLattice::dense(shape, &field)?;
        let lattice = self.folding.settle(NAME, lattice)?;
        let deformation = Deformation::Lattice(Arc::new(lattice));
        Ok(Warp::bent(shape, deformation, Reading::from(self.sampling)))
    }
}

/// Draws a normal displacement for every place of an even grid.
///
/// Displacements that would fold the image are weakened as [`Folding::Weaken`] says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomThinPlateSpline {
    /// Probability of a sample.
    pub probability: f64,
    /// Places along each axis, from border to border.
    pub points: usize,
    /// Standard deviation of the displacements as a share of the image; Albumentations' `scale_range` is ten times as large.
    pub scale: Draw,
    /// How values between pixels and outside the image are made.
    pub sampling: Sampling,
}

impl Default for RandomThinPlateSpline {
    /// Albumentations' parameters.
    fn default() -> Self {
        Self {
            probability: 0.5,
            points: 4,
            scale: Draw::Uniform {
                low: 0.02,
                high: 0.04,
            },
            sampling: Sampling::default(),
        }
    }
}

impl<const D: usize> Transform<D> for RandomThinPlateSpline {
    fn name(&self) -> &'static str {
        RANDOM
    }

    fn check(&self) -> Result<()> {
        check_dimension(RANDOM, D, &[2])?;
        check_probability(RANDOM, self.probability)?;
        check(
            RANDOM,
            "points",
            self.points as f64,
            "within 2 and 16",
            |v| (2.0..=16.0).contains(&v),
        )?;
        self.scale.check(RANDOM, "scale", "within 0 and 1", |v| {
            (0.0..=1.0).contains(&v)
        })
    }

    fn draw(&self, _sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        perhaps(key, self.probability, || {
            let scale = self.scale.draw(&mut key.stream("scale"));
            let mut random = key.stream("displacements");
            let share = |i: usize| i as f64 / (self.points - 1) as f64;
            let numbers = 0..self.points * self.points;
            let places = numbers.map(|i| [share(i / self.points), share(i % self.points)]);
            let places: Vec<[f64; 2]> = places.collect();
            let displacements = places
                .iter()
                .map(|_| [0, 1].map(|_| random.normal() * scale));
            Ok(ThinPlateSpline {
                displacements: displacements.collect(),
                places,
                folding: Folding::Weaken,
                sampling: self.sampling,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_look_where_they_should_and_straight_ones_stay_straight() {
        let places = vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.5, 0.25]];
        let shift = |[y, x]: [f64; 2]| [0.1 + 0.05 * y, 0.02 * x - 0.03 * y];
        let straight = ThinPlateSpline {
            displacements: places.iter().copied().map(shift).collect(),
            places: places.clone(),
            ..ThinPlateSpline::default()
        };
        let field = straight.field([9, 13]).unwrap();
        for (i, (&down, &across)) in field[..117].iter().zip(&field[117..]).enumerate() {
            let want = shift([(i / 13) as f64 / 8.0, (i % 13) as f64 / 12.0]);
            assert!((f64::from(down) - 8.0 * want[0]).abs() < 1e-5);
            assert!((f64::from(across) - 12.0 * want[1]).abs() < 1e-5);
        }
        let mut bent = straight;
        bent.displacements = vec![[0.0; 2]; 5];
        bent.displacements[4] = [0.1, -0.05];
        let field = bent.field([9, 13]).unwrap();
        let at = 4 * 13 + 3;
        assert!((field[at] - 0.8).abs() < 1e-5 && (field[117 + at] + 0.6).abs() < 1e-5);
        assert!(field[0].abs() < 1e-5 && field[116].abs() < 1e-5);
        bent.places = (0..5).map(|i| [0.1 * f64::from(i); 2]).collect();
        assert!(bent.field([9, 13]).is_err());
    }
}
