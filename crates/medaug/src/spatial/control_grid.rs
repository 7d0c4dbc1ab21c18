//! Elastic deformation by normal displacements of a regular grid (MONAI `Rand2DElastic`).

use std::sync::Arc;

use medcore::Geometry;
use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::extract::Sampling;
use super::folding::Folding;
use crate::array::per_axis;
use crate::deformation::{Deformation, DisplacementLattice, Kernel, LatticeGrid};
use crate::draw::Draw;
use crate::error::{Error, Result, check, check_entries, check_probability};
use crate::operation::SpatialOperation;
use crate::sample::LazySample;
use crate::step::Operation;
use crate::transform::{Transform, perhaps};
use crate::warp::{Reading, Warp};

const NAME: &str = "ControlGrid";
const RANDOM: &str = "RandomControlGrid";
const SPACING: &str = "within 1 and 10000 voxels";

fn is_spacing(value: f64) -> bool {
    (1.0..=10_000.0).contains(&value)
}

/// Moves every voxel by displacements of a regular grid over the image, cubic between its points; the image keeps its shape.
///
/// The grid is that of MONAI's `Rand2DElastic`, in any number of axes. MONAI interpolates places, which its kernel bends a little
/// even where nothing is displaced (by up to a twentieth of the spacing); here displacements are.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ControlGrid {
    /// Voxels between the points along each axis: one for all axes, or one an axis.
    pub spacing_voxels: Vec<f64>,
    /// How many voxels farther each point of [`ControlGrid::points`] looks: all points' way along the first axis, the points in
    /// storage order, then along the next.
    pub displacements: Vec<f32>,
    /// What is done if they fold the image.
    pub folding: Folding,
    /// How values between voxels and outside the image are made.
    pub sampling: Sampling,
}

/// Points of a grid over an axis: one beyond either end, and as many on either side of the middle.
fn points_along(voxels: usize, spacing: f64) -> usize {
    let half = (voxels as f64 - 1.0) / (2.0 * spacing);
    if voxels.is_multiple_of(2) {
        ((half + 0.5).ceil() * 2.0 + 2.0) as usize
    } else {
        (half.ceil() * 2.0 + 3.0) as usize
    }
}

impl ControlGrid {
    /// Points along each axis for images of `shape`.
    ///
    /// # Errors
    /// Refuses lists of another length than 1 or `D`, and a spacing out of bounds.
    pub fn points<const D: usize>(spacing_voxels: &[f64], shape: [usize; D]) -> Result<[usize; D]> {
        let spacing: [f64; D] = per_axis(NAME, "spacing_voxels", spacing_voxels)?;
        check_spacing(NAME, &spacing)?;
        // The lattice needs four points, of which an axis of one voxel has three.
        Ok(std::array::from_fn(|a| {
            points_along(shape[a], spacing[a]).max(4)
        }))
    }
}

fn check_spacing(transform: &'static str, spacing: &[f64]) -> Result<()> {
    spacing
        .iter()
        .try_for_each(|&v| check(transform, "spacing_voxels", v, SPACING, is_spacing))
}

impl<const D: usize> SpatialOperation<D> for ControlGrid {
    fn check(&self) -> Result<()> {
        check_entries(NAME, "spacing_voxels", self.spacing_voxels.len(), D)?;
        check_spacing(NAME, &self.spacing_voxels)?;
        self.displacements
            .iter()
            .try_for_each(|&v| check(NAME, "displacements", v.into(), "finite", f64::is_finite))
    }

    fn warp(&self, grid: &Geometry<D>) -> Result<Warp<D>> {
        SpatialOperation::<D>::check(self)?;
        let shape = grid.shape();
        let points = Self::points(&self.spacing_voxels, shape)?;
        let spacing: [f64; D] = per_axis(NAME, "spacing_voxels", &self.spacing_voxels)?;
        let expected = D * points.iter().product::<usize>();
        if self.displacements.len() != expected {
            return Err(Error::EntryCount {
                transform: NAME,
                parameter: "displacements",
                expected,
                got: self.displacements.len(),
            });
        }
        // MONAI enlarges the grid to whole voxels and cuts its middle out.
        let wide: [usize; D] = std::array::from_fn(|a| (points[a] as f64 * spacing[a]) as usize);
        let step: [f64; D] = std::array::from_fn(|a| wide[a] as f64 / points[a] as f64);
        let start = std::array::from_fn(|a| {
            let before = (wide[a] / 2) as f64 - (shape[a] / 2) as f64;
            1.5 * step[a] - 0.5 - before
        });
        let lattice = LatticeGrid {
            points,
            start,
            step,
        };
        let lattice = DisplacementLattice::new(lattice, Kernel::Cubic, &self.displacements)?;
        let lattice = self.folding.settle(NAME, lattice)?;
        let deformation = Deformation::Lattice(Arc::new(lattice));
        Ok(Warp::bent(shape, deformation, Reading::from(self.sampling)))
    }
}

/// Draws a normal displacement for every point of a [`ControlGrid`].
///
/// Displacements that would fold the image are weakened as [`Folding::Weaken`] says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomControlGrid {
    /// Probability of a sample.
    pub probability: f64,
    /// Voxels between the points along each axis: one for all axes, or one an axis.
    pub spacing_voxels: Vec<f64>,
    /// Standard deviation of the displacements in voxels.
    pub magnitude: Draw,
    /// How values between voxels and outside the image are made.
    pub sampling: Sampling,
}

impl Default for RandomControlGrid {
    /// MONAI's probability, and the numbers of its tutorial: a point every 30 voxels, 5 to 6 voxels.
    fn default() -> Self {
        Self {
            probability: 0.1,
            spacing_voxels: vec![30.0],
            magnitude: Draw::Uniform {
                low: 5.0,
                high: 6.0,
            },
            sampling: Sampling::default(),
        }
    }
}

impl<const D: usize> Transform<D> for RandomControlGrid {
    fn name(&self) -> &'static str {
        RANDOM
    }

    fn check(&self) -> Result<()> {
        check_probability(RANDOM, self.probability)?;
        check_entries(RANDOM, "spacing_voxels", self.spacing_voxels.len(), D)?;
        check_spacing(RANDOM, &self.spacing_voxels)?;
        self.magnitude
            .check(RANDOM, "magnitude", "finite and at least 0", |v| v >= 0.0)
    }

    fn draw(&self, sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        let points = ControlGrid::points(&self.spacing_voxels, sample.shape())?;
        perhaps(key, self.probability, || {
            let magnitude = self.magnitude.draw(&mut key.stream("magnitude"));
            let mut random = key.stream("displacements");
            let count = D * points.iter().product::<usize>();
            let displacements = (0..count).map(|_| (random.normal() * magnitude) as f32);
            Ok(ControlGrid {
                displacements: displacements.collect(),
                spacing_voxels: self.spacing_voxels.clone(),
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
    fn an_undisplaced_grid_moves_nothing_and_a_shifted_one_everything() {
        for shape in [[1, 7], [24, 31]] {
            let points = ControlGrid::points(&[5.0], shape).unwrap();
            let count = points.iter().product();
            let displacements = [vec![2.0; count], vec![0.0; count]].concat();
            let control = ControlGrid {
                spacing_voxels: vec![5.0],
                displacements,
                ..ControlGrid::default()
            };
            let grid = Geometry::axis_aligned(shape, [1.0, 2.0]).unwrap();
            let warp = control.warp(&grid).unwrap();
            let at = [shape[0] as f64 / 2.0, 3.0];
            let [y, x] = warp.source_of(at);
            assert!((y - at[0] - 2.0).abs() < 1e-6 && (x - 3.0).abs() < 1e-6);
        }
    }
}
