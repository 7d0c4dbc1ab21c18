//! Analyze 7.5 headers, as SPM2 and nibabel read them.
//!
//! The format does not say where the patient's right is. The rule here is nibabel's: axes along the world's,
//! x to the left, SPM's origin voxel at zero if the header has one and the middle of the grid if not.
//! `orient` and a `.mat` file beside the pair are not used, and the report says so.

use super::header::{Fields, Header, Version, datatype};
use crate::fault::Fault;

/// Reads the fields that are of use; the others are as in an empty NIfTI header.
pub(super) fn parse(at: &Fields<'_>) -> Result<Header, Fault> {
    let (scl_slope, scl_inter) = scaling(at)?;
    let mut spm_origin = [0; 3];
    for (axis, voxel) in spm_origin.iter_mut().enumerate() {
        *voxel = at.i16(axis.saturating_mul(2).saturating_add(253))?;
    }
    Ok(Header {
        version: Version::Analyze,
        endian: at.endian,
        single_file: false,
        dim: at.each(40, 2, |o| at.i16(o).map(i64::from))?,
        datatype: datatype(at.i16(70)?, 70)?,
        bitpix: at.i16(72)?,
        pixdim: at.each(76, 4, |o| at.f32(o))?,
        vox_offset: at.f32(108)?,
        scl_slope,
        scl_inter,
        xyzt_units: 2,
        qform_code: 0,
        sform_code: 0,
        quatern: [0.0; 3],
        qoffset: [0.0; 3],
        srow: [[0.0; 4]; 3],
        intent_code: 0,
        intent_p: [0.0; 3],
        intent_name: String::new(),
        descrip: at.text::<80>(148)?,
        aux_file: at.text::<24>(228)?,
        cal_max: at.f32(124)?,
        cal_min: at.f32(128)?,
        dim_info: 0,
        slice_code: i32::from(at.u8(252)?), // `orient`
        slice_start: 0,
        slice_end: 0,
        slice_duration: 0.0,
        toffset: 0.0,
        spm_origin,
    })
}

/// SPM2's rule: its own slope and intercept, else the ranges of stored and calibrated values.
fn scaling(at: &Fields<'_>) -> Result<(f64, f64), Fault> {
    let (slope, inter) = (at.f32(112)?, at.f32(116)?);
    if slope.is_finite() && slope != 0.0 {
        return Ok((slope, if inter.is_finite() { inter } else { 0.0 }));
    }
    let (cal_max, cal_min) = (at.f32(124)?, at.f32(128)?);
    let (gl_max, gl_min) = (f64::from(at.i32(140)?), f64::from(at.i32(144)?));
    let (values, stored) = (cal_max - cal_min, gl_max - gl_min);
    if stored != 0.0 && values != 0.0 && values.is_finite() {
        let slope = values / stored;
        return Ok((slope, cal_min - slope * gl_min));
    }
    Ok((0.0, 0.0))
}
