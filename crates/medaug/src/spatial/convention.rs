//! Affine changes with the numbers and the order of other libraries, so that their settings can be taken
//! over.
//!
//! [`Affine`](super::Affine) and [`RandomSpatial`](super::RandomSpatial) are this crate's own.

use medcore::linear::product;
use medcore::{Geometry, IndexMap, Vector};
use serde::{Deserialize, Serialize};

use super::extract::Sampling;
use crate::array::{per_axis, resized};
use crate::error::{Error, Result, check, check_dimension};
use crate::operation::SpatialOperation;
use crate::warp::{Reading, Warp};

/// MONAI's `Affine`: in voxels about the middle, `source = rotation * shear * translation * scale * index`.
///
/// An empty list changes nothing in its way. MONAI reads labels nearest if it is told to, and outside its
/// `RandAffine` sees the image reflected.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MonaiAffine {
    /// Angles in radians: one in two axes; in three about axes 0, 1 and 2, multiplied in this order.
    pub rotate: Vec<f64>,
    /// Coefficients of elementary shears, first to last: (0, 1), (1, 0) in two axes, (0, 1), (0, 2), (1, 0),
    /// (1, 2), (2, 0), (2, 1) in three.
    pub shear: Vec<f64>,
    /// Shift of what is looked at, in voxels, one an axis.
    pub translate: Vec<f64>,
    /// How much more is shown, one an axis.
    pub scale: Vec<f64>,
    /// How values between voxels and outside the image are made.
    pub sampling: Sampling,
}

/// Lists of this length, or empty ones; all of them finite.
fn check_lists(transform: &'static str, lists: &[(&'static str, &[f64], usize)]) -> Result<()> {
    for &(parameter, values, expected) in lists {
        if !values.is_empty() && values.len() != expected {
            return Err(Error::EntryCount {
                transform,
                parameter,
                expected,
                got: values.len(),
            });
        }
        for &value in values {
            if parameter.starts_with("scale") {
                check(transform, parameter, value, "within 0.01 and 100", |v| {
                    (0.01..=100.0).contains(&v)
                })?;
            } else {
                check(transform, parameter, value, "finite", f64::is_finite)?;
            }
        }
    }
    Ok(())
}

fn or<const D: usize>(values: &[f64], default: f64) -> [f64; D] {
    std::array::from_fn(|a| values.get(a).copied().unwrap_or(default))
}

fn identity<const D: usize>() -> [[f64; D]; D] {
    IndexMap::identity().matrix
}

/// The turn of axis `a` towards axis `b`.
fn turn<const D: usize>(a: usize, b: usize, radians: f64) -> [[f64; D]; D] {
    let (sin, cos) = libm::sincos(radians);
    let mut turn = identity();
    (turn[a][a], turn[b][b]) = (cos, cos);
    (turn[a][b], turn[b][a]) = (-sin, sin);
    turn
}

/// The map with this linear part that keeps the middle of a shape in its place, and then moves it by `shift`.
fn about_middle<const D: usize>(
    shape: [usize; D],
    matrix: [[f64; D]; D],
    shift: [f64; D],
) -> IndexMap<D> {
    let middle = shape.map(|n| (n as f64 - 1.0) / 2.0);
    let linear = IndexMap {
        matrix,
        offset: [0.0; D],
    };
    let from = linear.apply(middle);
    IndexMap {
        matrix,
        offset: std::array::from_fn(|a| middle[a] + shift[a] - from[a]),
    }
}

impl<const D: usize> SpatialOperation<D> for MonaiAffine {
    fn check(&self) -> Result<()> {
        check_lists(
            "MonaiAffine",
            &[
                ("rotate", &self.rotate, D * (D - 1) / 2),
                ("shear", &self.shear, D * (D - 1)),
                ("translate", &self.translate, D),
                ("scale", &self.scale, D),
            ],
        )
    }

    fn warp(&self, grid: &Geometry<D>) -> Result<Warp<D>> {
        let planes: &[(usize, usize)] = if D == 2 {
            &[(0, 1)]
        } else {
            &[(1, 2), (2, 0), (0, 1)]
        };
        let turns = planes.iter().zip(&self.rotate);
        let rotation = turns.fold(identity(), |all, (&(a, b), &radians)| {
            product(all, turn(a, b, radians))
        });
        let pairs = (0..D).flat_map(|i| (0..D).filter(move |&j| j != i).map(move |j| (i, j)));
        let sheared = pairs
            .zip(&self.shear)
            .fold(identity(), |all, ((i, j), &by)| {
                let mut shear = identity();
                shear[i][j] = by;
                product(shear, all)
            });
        let turned = product(rotation, sheared);
        let linear = IndexMap {
            matrix: turned,
            offset: [0.0; D],
        };
        let shift = linear.apply(or(&self.translate, 0.0));
        let mut matrix = turned;
        let scale: [f64; D] = or(&self.scale, 1.0);
        for row in &mut matrix {
            (0..D).for_each(|a| row[a] *= scale[a]);
        }
        let map = about_middle(grid.shape(), matrix, shift);
        Ok(Warp::new(grid.shape(), map, Reading::from(self.sampling)))
    }
}

/// TorchIO's `Affine` about the centre of the image: scaled and turned about the axes of the body, in
/// millimetres; for volumes of three axes.
///
/// Lists run along the body's x, y and z (right, anterior, superior), not along the axes of the image.
/// TorchIO reads linearly, labels nearest, and fills what is outside with the image's minimum.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TorchioAffine {
    /// Above 1 makes organs larger, along right, anterior and superior.
    pub scales: Vec<f64>,
    /// Angles in degrees about the axes to the right, to anterior and to superior.
    pub degrees: Vec<f64>,
    /// Shift of the patient in millimetres to the right, to anterior and to superior.
    pub translation: Vec<f64>,
    /// How values between voxels and outside the image are made.
    pub sampling: Sampling,
}

impl<const D: usize> SpatialOperation<D> for TorchioAffine {
    fn check(&self) -> Result<()> {
        const NAME: &str = "TorchioAffine";
        check_dimension(NAME, D, &[3])?;
        check_lists(
            NAME,
            &[
                ("scales", &self.scales, 3),
                ("degrees", &self.degrees, 3),
                ("translation", &self.translation, 3),
            ],
        )
    }

    fn warp(&self, grid: &Geometry<D>) -> Result<Warp<D>> {
        // In LPS, where x and y run the other way: ITK's Euler angles, Rz * Rx * Ry.
        let lps = |values: [f64; 3]| [-values[0], -values[1], values[2]];
        let [x, y, z] = lps(or(&self.degrees, 0.0)).map(f64::to_radians);
        let back = product(product(turn::<3>(2, 0, -y), turn(1, 2, -x)), turn(0, 1, -z));
        let scales: [f64; 3] = or(&self.scales, 1.0);
        let shift = lps(or(&self.translation, 0.0));
        let times = |v: [f64; 3]| -> [f64; 3] {
            std::array::from_fn(|i| (0..3).map(|j| back[i][j] * v[j]).sum())
        };
        let undone = |v: [f64; 3]| times(std::array::from_fn(|a| v[a] / scales[a]));
        let middle = grid.shape().map(|n| (n as f64 - 1.0) / 2.0);
        let centre = grid.index_to_world(middle).coordinates();
        let away = grid.origin().coordinates();
        let first = undone(std::array::from_fn(|a| away[a] - centre[a]));
        let shift = times(shift);
        let [x, y, z] = std::array::from_fn(|a| centre[a] + first[a] - shift[a]);
        let steps = grid.steps().map(|step| {
            let [x, y, z] = undone(step.components());
            Vector::new(x, y, z)
        });
        let looked_at = Geometry::new(grid.shape(), medcore::Point::new(x, y, z), steps)?;
        let map = looked_at.index_map_to(grid);
        Ok(Warp::new(grid.shape(), map, Reading::from(self.sampling)))
    }
}

/// Albumentations' `ShiftScaleRotate`: a slice is scaled, turned against the clock and shifted; for images of
/// two axes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShiftScaleRotate {
    /// Shift in whole pixels down and to the right, `int(limit * extent)` there.
    pub shift: Vec<f64>,
    /// Above 1 makes organs larger: one for both axes, or one each.
    pub scale: Vec<f64>,
    /// Angle in degrees, against the clock as the image is shown with its first row on top.
    pub degrees: f64,
    /// How values between voxels and outside the image are made.
    pub sampling: Sampling,
}

impl Default for ShiftScaleRotate {
    /// No change.
    fn default() -> Self {
        Self {
            shift: vec![],
            scale: vec![1.0],
            degrees: 0.0,
            sampling: Sampling::default(),
        }
    }
}

impl<const D: usize> SpatialOperation<D> for ShiftScaleRotate {
    fn check(&self) -> Result<()> {
        const NAME: &str = "ShiftScaleRotate";
        check_dimension(NAME, D, &[2])?;
        let scale: [f64; D] = per_axis(NAME, "scale", &self.scale)?;
        check_lists(
            NAME,
            &[
                ("shift", &self.shift, 2),
                ("scale", &scale, 2),
                ("degrees", &[self.degrees], 1),
            ],
        )
    }

    fn warp(&self, grid: &Geometry<D>) -> Result<Warp<D>> {
        // There: place = shift + turn * scale * pixel; here: where a place looks.
        let scale: [f64; D] = per_axis("ShiftScaleRotate", "scale", &self.scale)?;
        let mut matrix = turn::<2>(0, 1, -self.degrees.to_radians());
        for (row, scale) in matrix.iter_mut().zip(scale) {
            *row = row.map(|v| v / scale);
        }
        let linear = IndexMap {
            matrix,
            offset: [0.0; 2],
        };
        let shift = linear.apply(or(&self.shift, 0.0)).map(|v| -v);
        let matrix = resized(matrix.map(|row| resized(row, 0.0)), [0.0; D]);
        let map = about_middle(grid.shape(), matrix, resized(shift, 0.0));
        Ok(Warp::new(grid.shape(), map, Reading::from(self.sampling)))
    }
}
