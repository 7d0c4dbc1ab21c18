//! How the planes of a volume lie, as attributes say it (PS3.3 sections C.7.6.2 and C.7.6.16.2).
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "millimetres, and counts of planes"
)]

use medcore::{Geometry, Lps, Vector};

use super::super::dataset::Dataset;
use super::super::fault::Fault;
use super::super::pixels::slice_thickness;
use super::super::tag::Tag;
use super::fields::Field;
use super::source::Source;

/// How far from a right angle rows and columns may be, as a cosine.
///
/// PS3.3 section C.7.6.2.1.1 asks for right angles and gives no tolerance; 1e-4 is what `dciodvfy` lets pass
/// and what highdicom makes volumes of. Other formats' rounding stays far below it.
const RIGHT_ANGLE: f64 = 1e-4;

/// The planes of a volume; they may be shifted along themselves, as by a tilted gantry.
#[derive(Debug, Clone)]
pub(in super::super) struct Raster {
    geometry: Geometry<3>,
    row: Vector<Lps>,
    column: Vector<Lps>,
    normal: Vector<Lps>,
    thickness: Option<f64>,
}

impl Raster {
    /// The planes of a grid, as thick as they lie apart.
    pub(in super::super) fn of(geometry: &Geometry<3>) -> Result<Self, Fault> {
        let [_, to_row, to_column] = geometry.steps();
        let unit = |v: Vector<Lps>| v * (1.0 / v.norm());
        let (row, column) = (unit(to_column), unit(to_row));
        if row.dot(column).abs() > RIGHT_ANGLE {
            let angle = row.dot(column).clamp(-1.0, 1.0).acos().to_degrees();
            return Err(Fault::attribute(
                Tag::IMAGE_ORIENTATION_PATIENT,
                "rows and columns at right angles",
                format_args!("{angle} degrees"),
            ));
        }
        for (tag, size) in { [Tag::ROWS, Tag::COLUMNS].into_iter() }.zip(&geometry.shape()[1..]) {
            if u16::try_from(*size).is_err() {
                return Err(Fault::attribute(tag, "at most 65535", size));
            }
        }
        Ok(Self {
            geometry: *geometry,
            row,
            column,
            normal: row.cross(column),
            thickness: None,
        })
    }

    /// The planes of a source's grid, as thick as its images say they are.
    pub(in super::super) fn of_source(source: &Source) -> Result<Self, Fault> {
        Ok(Self {
            thickness: slice_thickness(source.header(), 0),
            ..Self::of(source.geometry())?
        })
    }

    /// `[planes, rows, columns]`
    pub(in super::super) fn shape(&self) -> [usize; 3] {
        self.geometry.shape()
    }

    /// Centre of the first pixel of a plane, in LPS millimetres.
    pub(in super::super) fn position(&self, plane: usize) -> [f64; 3] {
        let origin = self.geometry.index_to_world([plane as f64, 0.0, 0.0]);
        origin.coordinates()
    }

    /// Distance of a plane from the origin along the normal, in millimetres.
    pub(in super::super) fn location(&self, plane: usize) -> f64 {
        let [x, y, z] = self.position(plane);
        self.normal.dot(Vector::new(x, y, z))
    }

    /// Distance of the planes along their normal, in millimetres: shear moves them along themselves only.
    pub(in super::super) fn distance(&self) -> f64 {
        let [step, _, _] = self.geometry.steps();
        step.dot(self.normal).abs()
    }

    /// Whether the planes lie straight behind one another.
    pub(in super::super) fn is_straight(&self) -> bool {
        let [step, _, _] = self.geometry.steps();
        let aside = step + self.normal * -self.normal.dot(step);
        aside.norm() <= 1e-3 * step.norm()
    }

    /// `ImagePositionPatient` of a plane.
    pub(in super::super) fn plane_position(&self, plane: usize) -> Result<Dataset, Fault> {
        Dataset::of([(
            Tag::IMAGE_POSITION_PATIENT,
            Field::Floats(&self.position(plane)),
        )])
    }

    /// `ImageOrientationPatient`
    pub(in super::super) fn plane_orientation(&self) -> Result<Dataset, Fault> {
        let cosines = [self.row.components(), self.column.components()].concat();
        Dataset::of([(Tag::IMAGE_ORIENTATION_PATIENT, Field::Floats(&cosines))])
    }

    /// `PixelSpacing`, `SliceThickness` and `SpacingBetweenSlices`, in millimetres.
    pub(in super::super) fn pixel_measures(&self) -> Result<Dataset, Fault> {
        let [_, rows, columns] = self.geometry.spacing();
        let distance = self.distance();
        let thickness = self.thickness.unwrap_or(distance);
        Dataset::of([
            (Tag::PIXEL_SPACING, Field::Floats(&[rows, columns])),
            (Tag::SLICE_THICKNESS, Field::Float(thickness)),
            (Tag::SPACING_BETWEEN_SLICES, Field::Float(distance)),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use medcore::Point;

    #[test]
    fn rows_and_columns_stand_at_right_angles() {
        let step = |x, y, z| Vector::new(x, y, z);
        let origin = Point::new(0.0, 0.0, 0.0);
        let grid = |steps| Geometry::new([2, 3, 4], origin, steps).unwrap();
        let tilted = grid([
            step(0.0, 1.0, 2.0),
            step(0.0, 1.0, 0.0),
            step(0.5, 0.0, 0.0),
        ]);
        let raster = Raster::of(&tilted).unwrap();
        assert_eq!(raster.distance(), 2.0);
        assert!(!raster.is_straight());
        assert_eq!(raster.position(1), [0.0, 1.0, 2.0]);
        let skewed = |by| {
            let steps = [step(0.0, 0.0, 2.0), step(by, 1.0, 0.0), step(0.5, 0.0, 0.0)];
            Raster::of(&grid(steps))
        };
        assert!(skewed(0.9e-4).is_ok());
        let refused = skewed(1.1e-4).unwrap_err().to_string();
        assert!(refused.contains("right angles"), "{refused}");
    }
}
