//! Where a frame lies and what its millimetres mean (PS3.3 sections C.7.6.2 and 10.7.1.3).

use medcore::{Calibration, Geometry, Lps, Point, Vector};

use super::super::dataset::Dataset;
use super::super::fault::Fault;
use super::super::functional_group::group_or_top;
use super::super::tag::Tag;

/// The place of a frame in the patient, as far as its attributes say it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct FramePlane {
    /// Centre of the first pixel, in LPS millimetres.
    pub position: Option<Point<Lps>>,
    /// Unit vectors along a row (to the next column) and along a column (to the next row).
    pub orientation: Option<[Vector<Lps>; 2]>,
    /// Millimetres from row to row and from column to column.
    pub spacing: Option<[f64; 2]>,
    /// What these millimetres mean.
    pub calibration: Calibration,
}

/// How far direction cosines may be from unit length and from a right angle.
const ORTHONORMAL: f64 = 1e-3;

impl FramePlane {
    /// Reads position, orientation and spacing of a frame; each may be absent, none may be wrong.
    pub(crate) fn of(dataset: &Dataset, frame: usize) -> Result<Self, Fault> {
        let place = group_or_top(dataset, frame, Tag::PLANE_POSITION_SEQUENCE);
        let position = place.float_array(Tag::IMAGE_POSITION_PATIENT)?;
        let position = position.map(|[x, y, z]| Point::new(x, y, z));
        let turn = group_or_top(dataset, frame, Tag::PLANE_ORIENTATION_SEQUENCE);
        let cosines = turn.float_array::<6>(Tag::IMAGE_ORIENTATION_PATIENT)?;
        let orientation = cosines.map(orthonormal).transpose()?;
        let measures = group_or_top(dataset, frame, Tag::PIXEL_MEASURES_SEQUENCE);
        let mut spacing = spacing_of(measures, Tag::PIXEL_SPACING)?;
        let mut calibration = match (spacing, orientation) {
            (None, _) => Calibration::Unknown,
            // Projections give the detector's spacing, corrected or not (PS3.3 section 10.7.1.3).
            (Some(_), None) => Calibration::DetectorPlane,
            (Some(_), Some(_)) => Calibration::Patient,
        };
        if spacing.is_none() {
            spacing = spacing_of(dataset, Tag::IMAGER_PIXEL_SPACING)?;
            if spacing.is_some() {
                calibration = Calibration::DetectorPlane;
            }
        }
        Ok(Self {
            position,
            orientation,
            spacing,
            calibration,
        })
    }

    /// The grid of one frame; without a place in the patient it starts at the origin.
    pub(crate) fn geometry(&self, rows: usize, columns: usize) -> Result<Geometry<2>, Fault> {
        let [row_spacing, column_spacing] = self.spacing.unwrap_or([1.0, 1.0]);
        let axes = [Vector::new(1.0, 0.0, 0.0), Vector::new(0.0, 1.0, 0.0)];
        let [along_row, along_column] = self.orientation.unwrap_or(axes);
        let origin = self.position.unwrap_or(Point::new(0.0, 0.0, 0.0));
        let steps = [along_column * row_spacing, along_row * column_spacing];
        let geometry = Geometry::new([rows, columns], origin, steps);
        let geometry = geometry.map_err(Fault::core("geometry"))?;
        Ok(geometry.with_calibration(self.calibration))
    }
}

/// `SliceThickness` of a frame in millimetres, if it has one.
pub(crate) fn slice_thickness(dataset: &Dataset, frame: usize) -> Option<f64> {
    let measures = group_or_top(dataset, frame, Tag::PIXEL_MEASURES_SEQUENCE);
    let thickness = measures.float(Tag::SLICE_THICKNESS).ok().flatten();
    thickness.filter(|mm| *mm > 0.0)
}

pub(super) fn spacing_of(dataset: &Dataset, tag: Tag) -> Result<Option<[f64; 2]>, Fault> {
    let Some(spacing) = dataset.float_array::<2>(tag)? else {
        return Ok(None);
    };
    if spacing.iter().any(|mm| *mm <= 0.0) {
        return Err(Fault::attribute(
            tag,
            "above 0",
            format_args!("{spacing:?}"),
        ));
    }
    Ok(Some(spacing))
}

/// Checks direction cosines and removes the rounding of their decimal strings.
fn orthonormal(cosines: [f64; 6]) -> Result<[Vector<Lps>; 2], Fault> {
    let [a, b, c, d, e, f] = cosines;
    let (row, column) = (Vector::new(a, b, c), Vector::<Lps>::new(d, e, f));
    let off_length = |v: Vector<Lps>| (v.norm() - 1.0).abs() > ORTHONORMAL;
    if off_length(row) || off_length(column) || row.dot(column).abs() > ORTHONORMAL {
        return Err(Fault::attribute(
            Tag::IMAGE_ORIENTATION_PATIENT,
            "two unit vectors at right angles",
            format_args!("{cosines:?}"),
        ));
    }
    let row = row * (1.0 / row.norm());
    let column = column + row * -row.dot(column);
    Ok([row, column * (1.0 / column.norm())])
}
