//! Elastic deformation by cubic B-splines on a coarse lattice (Rueckert et al., IEEE Trans. Med. Imaging 18, 1999;
//! TorchIO `RandomElasticDeformation`, SimpleITK `BSplineTransform`).

use std::sync::Arc;

use medcore::Geometry;
use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::extract::Sampling;
use super::folding::Folding;
use crate::array::{is_outer, per_axis};
use crate::deformation::{Deformation, DisplacementLattice, Kernel, LatticeGrid};
use crate::draw::Draw;
use crate::error::{Error, Result, check, check_entries, check_probability};
use crate::operation::SpatialOperation;
use crate::sample::LazySample;
use crate::step::Operation;
use crate::transform::{Transform, perhaps};
use crate::warp::{Reading, Warp};

/// Moves every voxel by the cubic B-spline of displacements at control points; the image keeps its shape.
///
/// The lattice is SimpleITK's `BSplineTransformInitializer`: its second and its last but one control points stand
/// 0.625 voxel outside the first and the last voxel, one more stands beyond them. Outside the image the displacement
/// of its border holds.
///
/// ```
/// use medaug::{ElasticDeformation, Sample, SpatialOperation};
/// use medcore::{Geometry, Image};
///
/// // Every control point looks 2 mm, one voxel, down the second axis.
/// let shift = ElasticDeformation {
///     control_points: vec![4],
///     displacements_mm: [[0.0; 16], [2.0; 16]].concat(),
///     ..ElasticDeformation::default()
/// };
/// let grid = Geometry::axis_aligned([1, 4], [1.0, 2.0])?;
/// let sample = Sample::new(Image::new(grid, vec![1.0, 2.0, 3.0, 4.0])?);
/// let shifted = shift.warp(&grid)?.apply(&sample)?;
/// assert_eq!(shifted.image().as_slice(), [2.0, 3.0, 4.0, 0.0]);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ElasticDeformation {
    /// Control points along each axis, at least 4: one number for all axes, or one an axis.
    pub control_points: Vec<usize>,
    /// How far along the storage axes each control point looks, in mm: all points' way along the first axis, the
    /// points in storage order, then along the next.
    pub displacements_mm: Vec<f32>,
    /// What is done if they fold the image.
    pub folding: Folding,
    /// How values between voxels and outside the image are made.
    pub sampling: Sampling,
}

const NAME: &str = "ElasticDeformation";
const RANDOM: &str = "RandomElasticDeformation";

/// Voxels between the last voxel's centre and the edge of the lattice (ITK: half a voxel and an eighth).
const EDGE: f64 = 0.625;

impl<const D: usize> SpatialOperation<D> for ElasticDeformation {
    fn check(&self) -> Result<()> {
        let points: [usize; D] = check_points(NAME, &self.control_points)?;
        let expected = D * points.iter().product::<usize>();
        if self.displacements_mm.len() != expected {
            return Err(Error::EntryCount {
                transform: NAME,
                parameter: "displacements_mm",
                expected,
                got: self.displacements_mm.len(),
            });
        }
        self.displacements_mm
            .iter()
            .try_for_each(|&v| check(NAME, "displacements_mm", v.into(), "finite", f64::is_finite))
    }

    fn warp(&self, grid: &Geometry<D>) -> Result<Warp<D>> {
        SpatialOperation::<D>::check(self)?;
        let (points, shape) = (check_points(NAME, &self.control_points)?, grid.shape());
        let step =
            std::array::from_fn(|a| (shape[a] as f64 - 1.0 + 2.0 * EDGE) / (points[a] - 3) as f64);
        let count = self.displacements_mm.len() / D;
        let axes = self
            .displacements_mm
            .chunks_exact(count)
            .zip(grid.spacing());
        let voxels: Vec<f32> = axes
            .flat_map(|(axis, spacing)| axis.iter().map(move |&mm| mm / spacing as f32))
            .collect();
        let lattice = LatticeGrid {
            points,
            start: [-EDGE; D],
            step,
        };
        let lattice = DisplacementLattice::new(lattice, Kernel::BSpline, &voxels)?;
        let lattice = self.folding.settle(NAME, lattice)?;
        let deformation = Deformation::Lattice(Arc::new(lattice));
        Ok(Warp::bent(shape, deformation, Reading::from(self.sampling)))
    }
}

fn check_points<const D: usize>(transform: &'static str, points: &[usize]) -> Result<[usize; D]> {
    let points = per_axis(transform, "control_points", points)?;
    for n in points {
        check(
            transform,
            "control_points",
            n as f64,
            "within 4 and 256",
            |v| (4.0..=256.0).contains(&v),
        )?;
    }
    Ok(points)
}

/// Draws a displacement for every control point.
///
/// Displacements that would fold the image, about which TorchIO warns, are weakened as [`Folding::Weaken`] says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomElasticDeformation {
    /// Probability of a sample.
    pub probability: f64,
    /// Control points along each axis, at least 4: one number for all axes, or one an axis.
    pub control_points: Vec<usize>,
    /// How far along each storage axis a control point looks, in mm: one draw for all axes, or one an axis.
    pub displacement_mm: Vec<Draw>,
    /// Layers of control points at each side that stay: 1 outside the image, 2 at its border as well.
    pub locked_borders: usize,
    /// How values between voxels and outside the image are made.
    pub sampling: Sampling,
}

impl Default for RandomElasticDeformation {
    /// TorchIO's: 7 control points, up to 7.5 mm, 2 locked borders.
    fn default() -> Self {
        Self {
            probability: 1.0,
            control_points: vec![7],
            displacement_mm: vec![Draw::symmetric(7.5)],
            locked_borders: 2,
            sampling: Sampling::default(),
        }
    }
}

impl<const D: usize> Transform<D> for RandomElasticDeformation {
    fn name(&self) -> &'static str {
        RANDOM
    }

    fn check(&self) -> Result<()> {
        check_probability(RANDOM, self.probability)?;
        let points: [usize; D] = check_points(RANDOM, &self.control_points)?;
        check_entries(RANDOM, "displacement_mm", self.displacement_mm.len(), D)?;
        for draw in &self.displacement_mm {
            draw.check(RANDOM, "displacement_mm", "finite", f64::is_finite)?;
        }
        let fewest = points.into_iter().min().unwrap_or(0);
        let rule = "so few that a control point is left to move";
        check(
            RANDOM,
            "locked_borders",
            self.locked_borders as f64,
            rule,
            |v| 2.0 * v < fewest as f64,
        )
    }

    fn draw(&self, _sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        perhaps(key, self.probability, || {
            let points: [usize; D] = check_points(RANDOM, &self.control_points)?;
            let draws: [Draw; D] = per_axis(RANDOM, "displacement_mm", &self.displacement_mm)?;
            let mut random = key.stream("displacement");
            let count: usize = points.iter().product();
            let mut displacements_mm = Vec::with_capacity(D * count);
            for draw in draws {
                for at in 0..count {
                    let drawn = draw.draw(&mut random) as f32;
                    let locked = is_outer(at, &points, self.locked_borders);
                    displacements_mm.push(if locked { 0.0 } else { drawn });
                }
            }
            Ok(ElasticDeformation {
                control_points: points.to_vec(),
                displacements_mm,
                folding: Folding::Weaken,
                sampling: self.sampling,
            })
        })
    }
}
