//! Deformation by a field drawn at a few points (MONAI `RandSmoothDeform`).

use std::sync::Arc;

use medcore::Geometry;
use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::extract::Sampling;
use super::folding::Folding;
use crate::array::{is_outer, per_axis, resized};
use crate::deformation::{Deformation, DisplacementLattice};
use crate::draw::Draw;
use crate::error::{Error, Result, check, check_entries, check_probability};
use crate::intensity::upsample::{linear_taps, stretched};
use crate::operation::SpatialOperation;
use crate::sample::LazySample;
use crate::step::Operation;
use crate::transform::{Transform, perhaps};
use crate::warp::{Reading, Warp};

/// Moves every voxel by displacements known at the middles of a few equal blocks, linear between them; the image keeps its
/// shape.
///
/// As MONAI does, the displacements are stretched so that their extremes over the voxels are those of the points. MONAI's
/// numbers are twice these: to it the image is 2 wide. Its field of blocks (`area`) tears the image and is not among the
/// ways here, nor does a field of zeros enlarge the image by a voxel, as its default `grid_align_corners=False` does.
///
/// ```
/// use medaug::{Sample, SmoothDeform, SpatialOperation};
/// use medcore::{Geometry, Image};
///
/// // Everything is read a quarter of the last axis, one voxel of four steps, farther on.
/// let shift = SmoothDeform {
///     points: vec![2],
///     displacements: [[0.0; 4], [0.25; 4]].concat(),
///     ..SmoothDeform::default()
/// };
/// let grid = Geometry::axis_aligned([1, 5], [1.0, 2.0])?;
/// let sample = Sample::new(Image::new(grid, vec![1.0, 2.0, 3.0, 4.0, 5.0])?);
/// let shifted = shift.warp(&grid)?.apply(&sample)?;
/// assert_eq!(shifted.image().as_slice(), [2.0, 3.0, 4.0, 5.0, 0.0]);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SmoothDeform {
    /// Points along each axis: one number for all axes, or one an axis.
    pub points: Vec<usize>,
    /// How much farther each point looks, as a share of the way from the first voxel to the last: all points' way along the
    /// first axis, the points in storage order, then along the next.
    pub displacements: Vec<f32>,
    /// What is done if they fold the image.
    pub folding: Folding,
    /// How values between voxels and outside the image are made.
    pub sampling: Sampling,
}

const NAME: &str = "SmoothDeform";
const RANDOM: &str = "RandomSmoothDeform";

fn check_points<const D: usize>(transform: &'static str, points: &[usize]) -> Result<[usize; D]> {
    let points = per_axis(transform, "points", points)?;
    for n in points {
        check(transform, "points", n as f64, "within 1 and 64", |v| {
            (1.0..=64.0).contains(&v)
        })?;
    }
    Ok(points)
}

impl<const D: usize> SpatialOperation<D> for SmoothDeform {
    fn check(&self) -> Result<()> {
        let points: [usize; D] = check_points(NAME, &self.points)?;
        let expected = D * points.iter().product::<usize>();
        if self.displacements.len() != expected {
            return Err(Error::EntryCount {
                transform: NAME,
                parameter: "displacements",
                expected,
                got: self.displacements.len(),
            });
        }
        self.displacements
            .iter()
            .try_for_each(|&v| check(NAME, "displacements", v.into(), SHARE, is_share))
    }

    fn warp(&self, grid: &Geometry<D>) -> Result<Warp<D>> {
        SpatialOperation::<D>::check(self)?;
        let points: [usize; D] = check_points(NAME, &self.points)?;
        let shape = grid.shape();
        let (coarse, fine): ([usize; 3], [usize; 3]) = (resized(points, 1), resized(shape, 1));
        let taps = std::array::from_fn(|a| linear_taps(coarse[a], fine[a]));
        let mut voxels = stretched(&self.displacements, coarse, &taps);
        let count: usize = points.iter().product();
        for (axis, n) in voxels.chunks_exact_mut(count).zip(shape) {
            axis.iter_mut().for_each(|v| *v *= (n - 1) as f32);
        }
        let step: [f64; D] = std::array::from_fn(|a| shape[a] as f64 / points[a] as f64);
        let start = step.map(|step| 0.5 * step - 0.5);
        let lattice = DisplacementLattice::surrounded(points, start, step, &voxels)?;
        let lattice = self.folding.settle(NAME, lattice)?;
        let deformation = Deformation::Lattice(Arc::new(lattice));
        Ok(Warp::bent(shape, deformation, Reading::from(self.sampling)))
    }
}

const SHARE: &str = "within -1 and 1, a share of the image";

fn is_share(value: f64) -> bool {
    (-1.0..=1.0).contains(&value)
}

/// Draws the displacement of every point of a [`SmoothDeform`].
///
/// Displacements that would fold the image, as MONAI's default range of half an image does, are weakened as
/// [`Folding::Weaken`] says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomSmoothDeform {
    /// Probability of a sample.
    pub probability: f64,
    /// Points along each axis: one number for all axes, or one an axis.
    pub points: Vec<usize>,
    /// How much farther a point looks, as a share of the image, half of MONAI's `def_range`: one draw for all axes, or one an
    /// axis.
    pub displacement: Vec<Draw>,
    /// Layers of points around them that stay, so that the border of the image moves little.
    pub padding: usize,
    /// How values between voxels and outside the image are made.
    pub sampling: Sampling,
}

impl Default for RandomSmoothDeform {
    /// MONAI's probability; four points along each axis, up to a twentieth of the image.
    fn default() -> Self {
        Self {
            probability: 0.1,
            points: vec![4],
            displacement: vec![Draw::symmetric(0.05)],
            padding: 0,
            sampling: Sampling::default(),
        }
    }
}

impl RandomSmoothDeform {
    /// Points along each axis with the layers around them.
    fn all_points<const D: usize>(&self) -> Result<[usize; D]> {
        let drawn: [usize; D] = check_points(RANDOM, &self.points)?;
        let all = drawn.map(|n| n.saturating_add(self.padding.saturating_mul(2)));
        let most = all.into_iter().max().unwrap_or(0);
        check(
            RANDOM,
            "padding",
            most as f64,
            "at most 64 points in all",
            |v| v <= 64.0,
        )?;
        Ok(all)
    }
}

impl<const D: usize> Transform<D> for RandomSmoothDeform {
    fn name(&self) -> &'static str {
        RANDOM
    }

    fn check(&self) -> Result<()> {
        check_probability(RANDOM, self.probability)?;
        self.all_points::<D>()?;
        check_entries(RANDOM, "displacement", self.displacement.len(), D)?;
        self.displacement
            .iter()
            .try_for_each(|draw| draw.check(RANDOM, "displacement", SHARE, is_share))
    }

    fn draw(&self, _sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        perhaps(key, self.probability, || {
            let points: [usize; D] = self.all_points()?;
            let draws: [Draw; D] = per_axis(RANDOM, "displacement", &self.displacement)?;
            let mut random = key.stream("displacement");
            let count: usize = points.iter().product();
            let mut displacements = Vec::with_capacity(D * count);
            for draw in draws {
                displacements.extend((0..count).map(|at| {
                    let drawn = draw.draw(&mut random) as f32;
                    let outer = is_outer(at, &points, self.padding);
                    if outer { 0.0 } else { drawn }
                }));
            }
            Ok(SmoothDeform {
                points: points.to_vec(),
                displacements,
                folding: Folding::Weaken,
                sampling: self.sampling,
            })
        })
    }
}
