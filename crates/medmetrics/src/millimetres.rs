//! Lengths that mean something.

use medcore::{Calibration, Geometry};

use crate::error::Result;

/// The spacing of a grid in millimetres, in storage order.
///
/// # Errors
/// Refuses grids whose millimetres are not known.
pub(crate) fn spacing<const D: usize>(geometry: &Geometry<D>) -> Result<[f64; D]> {
    let calibration = geometry.calibration();
    if calibration == Calibration::Unknown {
        let calibration = calibration.name();
        return Err(medcore::Error::Uncalibrated { calibration }.into());
    }
    Ok(geometry.spacing())
}
