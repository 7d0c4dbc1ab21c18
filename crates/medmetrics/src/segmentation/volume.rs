//! How far the volume of a prediction is from that of the reference.

use serde::{Deserialize, Serialize};

use super::overlap::Overlap;

/// Two volumes; the masks may lie anywhere.
///
/// ```
/// use medmetrics::Overlap;
/// use medmetrics::segmentation::VolumeErrors;
///
/// let overlap = Overlap { true_positive: 700, false_positive: 200, false_negative: 300, true_negative: 0 };
/// let volumes = VolumeErrors::new(&overlap, Some(0.002));
/// assert_eq!(volumes.absolute_ml(), Some(0.2));
/// assert_eq!(volumes.relative(), Some(-0.1));
/// assert_eq!(volumes.similarity(), Some(1.0 - 100.0 / 1900.0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct VolumeErrors {
    /// Voxels of the reference.
    pub reference: u64,
    /// Voxels of the prediction.
    pub prediction: u64,
    /// Millilitres of a voxel, if known.
    pub voxel_ml: Option<f64>,
}

impl VolumeErrors {
    /// The volumes behind an overlap; `voxel_ml` is the volume of a voxel in millilitres, if it has one.
    #[must_use]
    pub fn new(overlap: &Overlap, voxel_ml: Option<f64>) -> Self {
        Self {
            reference: overlap.reference(),
            prediction: overlap.prediction(),
            voxel_ml,
        }
    }

    /// By how many voxels the sizes differ (MONAI calls this the absolute volume difference).
    #[must_use]
    pub fn absolute_voxels(&self) -> u64 {
        self.reference.abs_diff(self.prediction)
    }

    /// By how many millilitres the volumes differ; `None` without millilitres.
    #[must_use]
    pub fn absolute_ml(&self) -> Option<f64> {
        Some(self.absolute_voxels() as f64 * self.voxel_ml?)
    }

    /// Predicted too much (positive) or too little, relative to the reference; `None` without one.
    #[must_use]
    pub fn relative(&self) -> Option<f64> {
        let difference = self.prediction as f64 - self.reference as f64;
        (self.reference > 0).then(|| difference / self.reference as f64)
    }

    /// `1 - |P - R| / (P + R)` (Taha and Hanbury, BMC Medical Imaging 15:29, 2015); `None` for two empty
    /// masks.
    #[must_use]
    pub fn similarity(&self) -> Option<f64> {
        let both = self.reference + self.prediction;
        (both > 0).then(|| 1.0 - self.absolute_voxels() as f64 / both as f64)
    }
}
