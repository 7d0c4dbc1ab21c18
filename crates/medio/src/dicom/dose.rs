//! Planes of a radiotherapy dose grid (PS3.3 section C.8.8.3.2).
#![allow(
    clippy::arithmetic_side_effects,
    reason = "vectors of millimetres; whole numbers are checked"
)]

use super::dataset::Dataset;
use super::fault::Fault;
use super::pixels::{FramePlane, ImagePixels};
use super::tag::Tag;

/// `RTDoseStorage`
const DOSE_CLASS: &str = "1.2.840.10008.5.1.4.1.1.481.2";
/// More planes than a grid ever has.
const MOST_PLANES: usize = 4096;

/// How far from its first plane each frame of a dose grid lies, in millimetres along the planes' normal; none
/// if the image is no dose grid.
pub(super) fn offsets(dataset: &Dataset, image: &ImagePixels) -> Result<Option<Vec<f64>>, Fault> {
    let tag = Tag::GRID_FRAME_OFFSET_VECTOR;
    if dataset.string(Tag::SOP_CLASS_UID).as_deref() != Some(DOSE_CLASS) {
        return Ok(None);
    }
    // One frame lies where the file says, whatever grid it was taken from.
    if image.frames == 1 {
        return Ok(None);
    }
    let offsets = dataset.floats(tag)?;
    let Some(&first) = offsets.first() else {
        return Ok(None);
    };
    if offsets.len() != image.frames || offsets.len() > MOST_PLANES {
        let got = format_args!("{} offsets for {} frames", offsets.len(), image.frames);
        return Err(Fault::attribute(tag, "one for each frame", got));
    }
    if first == 0.0 {
        return Ok(Some(offsets));
    }
    // Otherwise they are places along the patient's axis, which only transverse planes may give.
    let position = dataset.float_array::<3>(Tag::IMAGE_POSITION_PATIENT)?;
    let cosines = dataset.float_array::<6>(Tag::IMAGE_ORIENTATION_PATIENT)?;
    let along = match (position, cosines) {
        (Some([_, _, z]), Some([a, b, _, d, e, _])) if (z - first).abs() <= 1e-3 => {
            let normal = a.mul_add(e, -(b * d));
            ((normal.abs() - 1.0).abs() <= 1e-3).then_some(normal.signum())
        }
        _ => None,
    };
    let Some(sign) = along else {
        let rule = "0 first, or the place of the first of transverse planes";
        return Err(Fault::attribute(tag, rule, first));
    };
    let relative = offsets.iter().map(|offset| (offset - first) * sign);
    Ok(Some(relative.collect()))
}

/// What stored values are multiplied by to give doses, and the unit of these (`GY` or `RELATIVE`).
pub(super) fn scaling(dataset: &Dataset) -> Result<Option<(f64, Option<String>)>, Fault> {
    if dataset.string(Tag::SOP_CLASS_UID).as_deref() != Some(DOSE_CLASS) {
        return Ok(None);
    }
    let tag = Tag::DOSE_GRID_SCALING;
    let Some(scaling) = dataset.float(tag)? else {
        return Ok(None);
    };
    if scaling <= 0.0 {
        return Err(Fault::attribute(tag, "above 0", scaling));
    }
    Ok(Some((scaling, dataset.string(Tag::DOSE_UNITS))))
}

/// A plane moved along its normal.
pub(super) fn shifted(mut plane: FramePlane, mm: f64) -> FramePlane {
    if let (Some(position), Some([row, column])) = (plane.position, plane.orientation) {
        plane.position = Some(position + row.cross(column) * mm);
    }
    plane
}
