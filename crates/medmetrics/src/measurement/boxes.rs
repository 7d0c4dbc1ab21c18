//! Diameters and volumes of boxes.

use medcore::BoundingBox;
use serde::{Deserialize, Serialize};

use super::size::equivalent_diameter_mm;
use crate::error::{Error, Result};

/// Where a box ends along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoxEnds {
    /// Before `max`: its extent is `max - min`.
    #[default]
    HalfOpen,
    /// With the voxel `max`: its extent is `max - min + 1`.
    Inclusive,
}

/// The size of an axis-aligned box in the patient.
///
/// ```
/// use medcore::BoundingBox;
/// use medmetrics::measurement::{BoxEnds, BoxSize};
///
/// let nodule = BoundingBox::new([2.0, 10.0, 10.0], [5.0, 16.0, 18.0])?;
/// let size = BoxSize::new(&nodule, [2.0, 0.5, 0.5], BoxEnds::HalfOpen)?;
/// assert_eq!(size.extents_mm, [6.0, 3.0, 4.0]);
/// assert!((size.maximum_mm - 61.0f64.sqrt()).abs() < 1e-12);
/// assert_eq!((size.minimum_mm, size.measure), (3.0, 72.0));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoxSize {
    /// Its extent along each axis in mm, in storage order.
    pub extents_mm: Vec<f64>,
    /// Its diagonal in mm: the maximum Feret diameter.
    pub maximum_mm: f64,
    /// Its smallest extent in mm: the minimum Feret diameter.
    pub minimum_mm: f64,
    /// The product of its extents: mm² of a plane, mm³ of a volume.
    pub measure: f64,
    /// How its ends were read, `box:half-open` or `box:inclusive`.
    pub convention: String,
}

impl BoxSize {
    /// Measures a box in voxels of this spacing in mm; axes are taken to be perpendicular.
    ///
    /// # Errors
    /// Refuses spacings that are not positive.
    pub fn new<const D: usize>(
        bounds: &BoundingBox<D>,
        spacing: [f64; D],
        ends: BoxEnds,
    ) -> Result<Self> {
        if let Some(index) = (0..D).find(|&a| !(spacing[a].is_finite() && spacing[a] > 0.0)) {
            return Err(Error::InvalidValue {
                what: "spacing",
                rule: "positive",
                index,
                value: spacing[index],
            });
        }
        let (more, convention) = match ends {
            BoxEnds::HalfOpen => (0.0, "box:half-open"),
            BoxEnds::Inclusive => (1.0, "box:inclusive"),
        };
        let voxels = bounds.extent();
        let extents_mm: Vec<f64> = (0..D).map(|a| (voxels[a] + more) * spacing[a]).collect();
        Ok(Self {
            maximum_mm: extents_mm.iter().map(|v| v * v).sum::<f64>().sqrt(),
            minimum_mm: extents_mm.iter().copied().fold(f64::INFINITY, f64::min),
            measure: extents_mm.iter().product(),
            extents_mm,
            convention: convention.to_owned(),
        })
    }

    /// Volume in ml; `None` for a box of a plane.
    #[must_use]
    pub fn volume_ml(&self) -> Option<f64> {
        (self.extents_mm.len() == 3).then_some(self.measure / 1000.0)
    }

    /// Diameter in mm of the sphere of the same volume; `None` for a box of a plane.
    #[must_use]
    pub fn equivalent_diameter_mm(&self) -> Option<f64> {
        (self.extents_mm.len() == 3).then(|| equivalent_diameter_mm(self.measure))
    }
}
