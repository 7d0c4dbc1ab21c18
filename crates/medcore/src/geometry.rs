//! Where voxels are: D index axes mapped into the three dimensions of the patient.
//!
//! A [`Geometry`] keeps the full affine map (origin and one step vector an axis), so shear from a
//! tilted gantry survives unchanged and a 2D slice keeps its place in the body. Spacing and direction
//! are read from the steps, never stored beside them. All per-axis quantities follow storage order:
//! `spacing()[a]` belongs to `shape()[a]`, slowest axis first.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::frame::{Lps, Point, Vector};
use crate::linear::{self, IndexMap};
use crate::region::Region;

/// What the millimetres of a geometry mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Calibration {
    /// Lengths inside the patient (CT, MR, PET).
    Patient,
    /// Lengths at the detector: magnified by the beam (projection radiography).
    DetectorPlane,
    /// Lengths inside a calibrated ultrasound region.
    UltrasoundRegion,
    /// No length is known; spacing is a mere ratio.
    Unknown,
}

impl Calibration {
    /// One word for messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::DetectorPlane => "detector plane",
            Self::UltrasoundRegion => "ultrasound region",
            Self::Unknown => "uncalibrated",
        }
    }
}

/// How far two grids may differ and still be called the same.
///
/// The defaults pass the rounding of file formats (nnU-Net meets 1e-8 noise, NIfTI stores `f32`) and
/// refuse anything a person could see.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GeometryTolerance {
    /// Largest relative difference of a spacing.
    pub spacing_relative: f64,
    /// Largest absolute difference of a direction cosine.
    pub direction: f64,
    /// Largest distance of the origins, in the smallest spacing.
    pub origin_voxels: f64,
}

impl Default for GeometryTolerance {
    fn default() -> Self {
        Self {
            spacing_relative: 1e-3,
            direction: 1e-3,
            origin_voxels: 0.1,
        }
    }
}

/// The first way in which two grids differ.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GeometryMismatch {
    /// The numbers of voxels differ.
    #[error("shape {left:?} is not {right:?}")]
    Shape {
        /// Shape of the first grid.
        left: Vec<usize>,
        /// Shape of the second grid.
        right: Vec<usize>,
    },
    /// The spacings differ.
    #[error("spacing of axis {axis} is {left} mm and {right} mm")]
    Spacing {
        /// Storage axis.
        axis: usize,
        /// Spacing of the first grid in millimetres.
        left: f64,
        /// Spacing of the second grid in millimetres.
        right: f64,
    },
    /// The axes point elsewhere.
    #[error("axis {axis} points to {left:?} and {right:?} (LPS)")]
    Direction {
        /// Storage axis.
        axis: usize,
        /// Unit vector of the first grid.
        left: [f64; 3],
        /// Unit vector of the second grid.
        right: [f64; 3],
    },
    /// The first voxels lie apart.
    #[error("the origins lie {distance_mm} mm apart, {limit_mm} mm are allowed")]
    Origin {
        /// Distance in millimetres.
        distance_mm: f64,
        /// What the tolerance allows, in millimetres.
        limit_mm: f64,
    },
}

/// A grid of voxel centres in the patient.
///
/// ```
/// use medcore::{Geometry, Lps, Point, Vector};
///
/// // 40 axial slices 5 mm apart, 0.8 mm pixels.
/// let grid = Geometry::<3>::axis_aligned([40, 512, 512], [5.0, 0.8, 0.8])?;
/// assert_eq!(grid.spacing(), [5.0, 0.8, 0.8]);
/// assert_eq!(grid.index_to_world([1.0, 0.0, 10.0]), Point::<Lps>::new(8.0, 0.0, 5.0));
/// # Ok::<(), medcore::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geometry<const D: usize> {
    shape: [usize; D],
    origin: Point<Lps>,
    steps: [Vector<Lps>; D],
    calibration: Calibration,
}

/// Axes whose unit parallelotope has less volume than this are taken for dependent.
const MIN_RELATIVE_VOLUME: f64 = 1e-6;

impl<const D: usize> Geometry<D> {
    /// A grid with its first voxel centre at `origin` and `steps[a]` between neighbours along axis `a`.
    ///
    /// # Errors
    /// Refuses an empty shape, numbers that are not finite, zero steps and linearly dependent axes.
    pub fn new(shape: [usize; D], origin: Point<Lps>, steps: [Vector<Lps>; D]) -> Result<Self> {
        if shape.contains(&0) || checked_len(&shape).is_none() {
            return Err(Error::InvalidShape {
                channels: 1,
                shape: shape.to_vec(),
            });
        }
        if let Some(&value) = origin.coordinates().iter().find(|v| !v.is_finite()) {
            return Err(Error::NotFinite {
                what: "origin",
                value,
            });
        }
        for (axis, step) in steps.iter().enumerate() {
            if let Some(&value) = step.components().iter().find(|v| !v.is_finite()) {
                return Err(Error::NotFinite {
                    what: "step",
                    value,
                });
            }
            let spacing = step.norm();
            if !(spacing.is_normal() && spacing > 0.0) {
                return Err(Error::InvalidSpacing { axis, spacing });
            }
        }
        let relative_volume = relative_volume(&steps);
        if relative_volume.is_nan() || relative_volume < MIN_RELATIVE_VOLUME {
            return Err(Error::DegenerateAxes {
                relative_volume,
                limit: MIN_RELATIVE_VOLUME,
            });
        }
        Ok(Self {
            shape,
            origin,
            steps,
            calibration: Calibration::Patient,
        })
    }

    /// A grid along the world axes: the last index axis runs along x (to the left), the one before
    /// along y (to posterior), the one before that along z (to superior); origin at zero.
    ///
    /// # Errors
    /// As [`Geometry::new`]; and for D above 3.
    pub fn axis_aligned(shape: [usize; D], spacing: [f64; D]) -> Result<Self> {
        if D > 3 {
            return Err(Error::InvalidParameter {
                parameter: "D",
                rule: "at most 3",
                value: D as f64,
            });
        }
        let steps = std::array::from_fn(|axis| {
            let mut step = [0.0; 3];
            step[D - 1 - axis] = spacing[axis];
            Vector::new(step[0], step[1], step[2])
        });
        for (axis, &spacing) in spacing.iter().enumerate() {
            if !(spacing.is_finite() && spacing > 0.0) {
                return Err(Error::InvalidSpacing { axis, spacing });
            }
        }
        Self::new(shape, Point::new(0.0, 0.0, 0.0), steps)
    }

    /// The same grid with another meaning of its millimetres.
    #[must_use]
    pub fn with_calibration(self, calibration: Calibration) -> Self {
        Self {
            calibration,
            ..self
        }
    }

    /// What its millimetres mean.
    #[must_use]
    pub fn calibration(&self) -> Calibration {
        self.calibration
    }

    /// Voxels along each axis, slowest first.
    #[must_use]
    pub fn shape(&self) -> [usize; D] {
        self.shape
    }

    /// Number of voxels of one channel.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Always false: a grid without voxels cannot be made.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Centre of the first voxel.
    #[must_use]
    pub fn origin(&self) -> Point<Lps> {
        self.origin
    }

    /// The way from a voxel to its next neighbour along each axis, in millimetres.
    #[must_use]
    pub fn steps(&self) -> [Vector<Lps>; D] {
        self.steps
    }

    /// Distance between neighbours along each axis, in millimetres.
    #[must_use]
    pub fn spacing(&self) -> [f64; D] {
        self.steps.map(Vector::norm)
    }

    /// Unit vector of each index axis, in LPS.
    #[must_use]
    pub fn direction(&self) -> [[f64; 3]; D] {
        self.steps
            .map(|step| (step * step.norm().recip()).components())
    }

    /// D-dimensional volume of a voxel: mm for D = 1, mm² for 2, mm³ for 3; shear is accounted for.
    #[must_use]
    pub fn voxel_volume(&self) -> f64 {
        relative_volume(&self.steps) * self.spacing().iter().product::<f64>()
    }

    /// Whether the axes are perpendicular up to `tolerance` (largest cosine between two axes).
    #[must_use]
    pub fn is_orthogonal(&self, tolerance: f64) -> bool {
        let units = self.steps.map(|step| step * step.norm().recip());
        (0..D).all(|a| (0..a).all(|b| units[a].dot(units[b]).abs() <= tolerance))
    }

    /// The place of an index; indices may be fractional and outside the grid.
    #[must_use]
    pub fn index_to_world(&self, index: [f64; D]) -> Point<Lps> {
        (0..D).fold(self.origin, |place, axis| {
            place + self.steps[axis] * index[axis]
        })
    }

    /// The index of a place; for D < 3 that of its perpendicular foot in the grid's plane or line.
    #[must_use]
    pub fn world_to_index(&self, place: Point<Lps>) -> [f64; D] {
        let from_origin = place - self.origin;
        let projections: [f64; D] = std::array::from_fn(|a| self.steps[a].dot(from_origin));
        let inverse = self.inverse_gram();
        std::array::from_fn(|a| (0..D).map(|b| inverse[a][b] * projections[b]).sum())
    }

    /// The map from indices of `self` to indices of `source`: what resampling `source` onto `self` needs.
    #[must_use]
    pub fn index_map_to(&self, source: &Self) -> IndexMap<D> {
        let inverse = source.inverse_gram();
        let offset = source.world_to_index(self.origin);
        let matrix = std::array::from_fn(|a| {
            std::array::from_fn(|column| {
                (0..D)
                    .map(|b| inverse[a][b] * source.steps[b].dot(self.steps[column]))
                    .sum()
            })
        });
        IndexMap { matrix, offset }
    }

    /// The grid whose index `i` lies where index `map(i)` of `self` lies.
    ///
    /// # Errors
    /// As [`Geometry::new`], if the map flattens the grid.
    pub fn mapped(&self, shape: [usize; D], map: &IndexMap<D>) -> Result<Self> {
        let steps = std::array::from_fn(|column| {
            (0..D).fold(Vector::new(0.0, 0.0, 0.0), |sum, a| {
                sum + self.steps[a] * map.matrix[a][column]
            })
        });
        Ok(Self::new(shape, self.index_to_world(map.offset), steps)?
            .with_calibration(self.calibration))
    }

    /// The part of the grid inside `region`.
    ///
    /// # Errors
    /// Refuses a region that is empty or reaches outside.
    pub fn crop(&self, region: &Region<D>) -> Result<Self> {
        region.check_inside(self.shape)?;
        self.mapped(
            region.shape(),
            &IndexMap::translation(region.start().map(|v| v as f64)),
        )
    }

    /// The grid with `before[a]` voxels added in front of axis `a` and `after[a]` behind it.
    ///
    /// # Errors
    /// Refuses a shape too large to address.
    pub fn pad(&self, before: [usize; D], after: [usize; D]) -> Result<Self> {
        let mut shape = self.shape;
        for axis in 0..D {
            shape[axis] = shape[axis]
                .checked_add(before[axis])
                .and_then(|n| n.checked_add(after[axis]))
                .ok_or_else(|| Error::InvalidShape {
                    channels: 1,
                    shape: self.shape.to_vec(),
                })?;
        }
        self.mapped(shape, &IndexMap::translation(before.map(|v| -(v as f64))))
    }

    /// The grid of the same field of view with other spacings: as many voxels as round best, centred.
    ///
    /// The shape is `round(shape * spacing / new)` (at least 1), nnU-Net's rule; the outer faces of
    /// both grids share their centre, and the new spacing is kept exactly.
    ///
    /// # Errors
    /// Refuses spacings that are not positive.
    pub fn with_spacing(&self, spacing: [f64; D]) -> Result<Self> {
        let old = self.spacing();
        let mut map = IndexMap::identity();
        let mut shape = self.shape;
        for axis in 0..D {
            if !(spacing[axis].is_finite() && spacing[axis] > 0.0) {
                return Err(Error::InvalidSpacing {
                    axis,
                    spacing: spacing[axis],
                });
            }
            let scale = spacing[axis] / old[axis];
            shape[axis] = ((self.shape[axis] as f64 / scale).round() as usize).max(1);
            map.matrix[axis][axis] = scale;
            map.offset[axis] =
                ((self.shape[axis] as f64 - 1.0) - (shape[axis] as f64 - 1.0) * scale) / 2.0;
        }
        self.mapped(shape, &map)
    }

    /// Says whether `other` is the same grid within `tolerance`.
    ///
    /// # Errors
    /// Returns the first difference found: shape, spacing, direction, origin.
    pub fn check_same_as(
        &self,
        other: &Self,
        tolerance: &GeometryTolerance,
    ) -> std::result::Result<(), GeometryMismatch> {
        if self.shape != other.shape {
            return Err(GeometryMismatch::Shape {
                left: self.shape.to_vec(),
                right: other.shape.to_vec(),
            });
        }
        let (left, right) = (self.spacing(), other.spacing());
        for axis in 0..D {
            let difference = (left[axis] - right[axis]).abs();
            if difference > tolerance.spacing_relative * left[axis].min(right[axis]) {
                return Err(GeometryMismatch::Spacing {
                    axis,
                    left: left[axis],
                    right: right[axis],
                });
            }
        }
        let (a, b) = (self.direction(), other.direction());
        for axis in 0..D {
            if (0..3).any(|k| (a[axis][k] - b[axis][k]).abs() > tolerance.direction) {
                return Err(GeometryMismatch::Direction {
                    axis,
                    left: a[axis],
                    right: b[axis],
                });
            }
        }
        let distance_mm = self.origin.distance(other.origin);
        let limit_mm = tolerance.origin_voxels * left.iter().copied().fold(f64::INFINITY, f64::min);
        if distance_mm > limit_mm {
            return Err(GeometryMismatch::Origin {
                distance_mm,
                limit_mm,
            });
        }
        Ok(())
    }

    fn inverse_gram(&self) -> [[f64; D]; D] {
        let gram =
            std::array::from_fn(|a| std::array::from_fn(|b| self.steps[a].dot(self.steps[b])));
        linear::inverse(gram).expect("the constructor refuses dependent axes")
    }
}

/// Voxel count of a shape, `None` when it does not fit into `isize`.
pub(crate) fn checked_len(shape: &[usize]) -> Option<usize> {
    let count = shape
        .iter()
        .try_fold(1usize, |product, &n| product.checked_mul(n))?;
    isize::try_from(count).ok().map(|_| count)
}

/// Volume of the parallelotope spanned by the unit axes: square root of the Gram determinant.
fn relative_volume<const D: usize>(steps: &[Vector<Lps>; D]) -> f64 {
    let units = steps.map(|step| step * step.norm().recip());
    match D {
        1 => 1.0,
        2 => units[0].cross(units[1]).norm(),
        3 => units[0].dot(units[1].cross(units[2])).abs(),
        _ => 0.0, // more than three axes are always dependent in three dimensions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oblique() -> Geometry<3> {
        Geometry::new(
            [7, 5, 9],
            Point::new(-12.0, 30.5, 800.25),
            [
                Vector::new(0.3, -0.9, 4.8),
                Vector::new(0.1, 0.7, 0.15),
                Vector::new(-0.8, 0.05, 0.02),
            ],
        )
        .unwrap()
    }

    #[test]
    fn an_index_survives_the_way_to_the_world_and_back() {
        let grid = oblique();
        let index = grid.world_to_index(grid.index_to_world([1.5, -2.0, 7.25]));
        for (got, want) in index.iter().zip([1.5, -2.0, 7.25]) {
            assert!((got - want).abs() < 1e-10, "{index:?}");
        }
    }

    #[test]
    fn a_slice_keeps_its_place_and_projects_points_onto_itself() {
        let slice = Geometry::<2>::new(
            [4, 6],
            Point::new(1.0, 2.0, 3.0),
            [Vector::new(0.0, 0.0, -2.0), Vector::new(0.5, 0.0, 0.0)],
        )
        .unwrap();
        assert_eq!(slice.world_to_index(Point::new(2.0, 99.0, 1.0)), [1.0, 2.0]);
        assert!((slice.voxel_volume() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn cropping_keeps_every_voxel_where_it_was() {
        let grid = oblique();
        let part = grid
            .crop(&Region::new([2, 1, 3], [6, 4, 9]).unwrap())
            .unwrap();
        assert!(
            part.index_to_world([0.0; 3])
                .distance(grid.index_to_world([2.0, 1.0, 3.0]))
                < 1e-12
        );
        assert!(
            part.index_to_world([3.0, 2.0, 5.0])
                .distance(grid.index_to_world([5.0, 3.0, 8.0]))
                < 1e-12
        );
        assert!(
            grid.crop(&Region::new([0, 0, 0], [8, 5, 9]).unwrap())
                .is_err()
        );
    }

    #[test]
    fn padding_then_cropping_gives_back_the_grid() {
        let grid = oblique();
        let padded = grid.pad([1, 2, 3], [4, 0, 1]).unwrap();
        let back = padded
            .crop(&Region::new([1, 2, 3], [8, 7, 12]).unwrap())
            .unwrap();
        grid.check_same_as(
            &back,
            &GeometryTolerance {
                origin_voxels: 1e-9,
                ..Default::default()
            },
        )
        .unwrap();
    }

    #[test]
    fn another_spacing_keeps_the_centre_of_the_field_of_view() {
        let grid = oblique();
        let spacing = grid.spacing();
        let new = grid
            .with_spacing([spacing[0] / 2.0, spacing[1] * 1.7, spacing[2]])
            .unwrap();
        assert_eq!(new.shape(), [14, 3, 9]);
        let centre = |g: &Geometry<3>| g.index_to_world(g.shape().map(|n| (n as f64 - 1.0) / 2.0));
        assert!(centre(&grid).distance(centre(&new)) < 1e-9);
    }

    #[test]
    fn differences_are_told_apart_and_rounding_passes() {
        let grid = oblique();
        let tolerance = GeometryTolerance::default();
        let round = |v: Vector<Lps>| {
            let [x, y, z] = v.components().map(|c| f64::from(c as f32));
            Vector::new(x, y, z)
        };
        let rounded = Geometry::new(grid.shape(), grid.origin(), grid.steps().map(round)).unwrap();
        assert!(grid.check_same_as(&rounded, &tolerance).is_ok());
        let moved =
            Geometry::new(grid.shape(), Point::new(-12.0, 31.0, 800.25), grid.steps()).unwrap();
        assert!(matches!(
            grid.check_same_as(&moved, &tolerance),
            Err(GeometryMismatch::Origin { .. })
        ));
        let mut steps = grid.steps();
        steps[1] = -steps[1];
        let flipped = Geometry::new(grid.shape(), grid.origin(), steps).unwrap();
        assert!(matches!(
            grid.check_same_as(&flipped, &tolerance),
            Err(GeometryMismatch::Direction { axis: 1, .. })
        ));
    }

    #[test]
    fn impossible_grids_are_refused_by_name() {
        let step = Vector::new(1.0, 0.0, 0.0);
        let dependent = Geometry::<2>::new([2, 2], Point::new(0.0, 0.0, 0.0), [step, step * 3.0]);
        assert!(matches!(dependent, Err(Error::DegenerateAxes { .. })));
        assert!(matches!(
            Geometry::<1>::axis_aligned([3], [-1.0]),
            Err(Error::InvalidSpacing { axis: 0, .. })
        ));
        assert!(matches!(
            Geometry::<3>::axis_aligned([3, 0, 3], [1.0; 3]),
            Err(Error::InvalidShape { .. })
        ));
        assert!(matches!(
            Geometry::<1>::new([3], Point::new(f64::NAN, 0.0, 0.0), [step]),
            Err(Error::NotFinite { .. })
        ));
    }
}
