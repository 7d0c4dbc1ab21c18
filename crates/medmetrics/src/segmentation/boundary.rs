//! Boundary IoU: the intersection over union of what lies close to the boundaries, so that large insides do
//! not hide bad edges (Cheng et al., "Boundary IoU", CVPR 2021).

use medcore::components::Connectivity;
use medcore::{distance, morphology};
use serde::{Deserialize, Serialize};

use super::crop::Crop;
use super::pair::{PREDICTION, REFERENCE};
use crate::error::{Error, Result};

/// How wide the band inside the boundary is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BoundaryBand {
    /// Voxels whose centre lies at most this many millimetres from the centre of a voxel outside the mask;
    /// the image ends in background. Anisotropic voxels count as they are.
    Millimetres(f64),
    /// COCO's rule: what as many erosions by the 3 x 3 square (the cube in 3D) take away as this share of
    /// the image's diagonal in voxels, 0.02 in COCO, rounded to even, at least one.
    Coco(f64),
    /// MetricsReloaded's: voxels of the mask less than this many voxels from its eroded surface; it takes 1
    /// and does not look at the spacing.
    MetricsReloaded(f64),
}

impl Default for BoundaryBand {
    fn default() -> Self {
        Self::Millimetres(2.0)
    }
}

impl BoundaryBand {
    /// Says whether there can be such a band.
    ///
    /// # Errors
    /// Refuses widths that are not positive and finite.
    pub fn check(self) -> Result<()> {
        let (Self::Millimetres(width) | Self::Coco(width) | Self::MetricsReloaded(width)) = self;
        if width > 0.0 && width.is_finite() {
            return Ok(());
        }
        Err(Error::InvalidParameter {
            parameter: "width of the boundary",
            rule: "positive and finite",
            value: width,
        })
    }

    /// Its name in [`crate::Estimate::convention`].
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Millimetres(mm) => format!("{mm}mm"),
            Self::Coco(share) => format!("coco-{share}"),
            Self::MetricsReloaded(voxels) => format!("metrics-reloaded-{voxels}"),
        }
    }

    /// Whether it needs millimetres.
    pub(super) fn needs_spacing(self) -> bool {
        matches!(self, Self::Millimetres(_))
    }

    /// The intersection over union of the bands of two masks, neither empty.
    pub(crate) fn iou<const D: usize>(
        self,
        crop: &Crop<D>,
        image: [usize; D],
        spacing: [f64; D],
    ) -> Result<f64> {
        let band = |side| self.band(&crop.mask(side), crop.shape, image, spacing);
        let (reference, prediction) = (band(REFERENCE)?, band(PREDICTION)?);
        let pairs = || reference.iter().zip(&prediction);
        let both = pairs().filter(|&(&r, &p)| r && p).count();
        let either = pairs().filter(|&(&r, &p)| r || p).count();
        Ok(both as f64 / either as f64)
    }

    fn band<const D: usize>(
        self,
        mask: &[bool],
        shape: [usize; D],
        image: [usize; D],
        spacing: [f64; D],
    ) -> Result<Vec<bool>> {
        let without = |inside: Vec<bool>| {
            let pairs = mask.iter().zip(inside);
            pairs.map(|(&mask, inside)| mask && !inside).collect()
        };
        match self {
            Self::Millimetres(mm) => {
                let squared = distance::squared_to_feature(mask, shape, spacing, |&v| !v)?;
                // What rounds to the width belongs to the band.
                let limit = (mm * mm * (1.0 + 1e-6)) as f32;
                Ok(without(squared.into_iter().map(|d| d > limit).collect()))
            }
            Self::Coco(share) => {
                let squares = image.iter().map(|&n| (n * n) as f64);
                let steps = (share * squares.sum::<f64>().sqrt()).round_ties_even();
                // More steps than the box is wide leave nothing either way.
                let most = shape.into_iter().max().unwrap_or(1);
                let steps = (steps as usize).clamp(1, most);
                let inside = morphology::erode_steps(mask, shape, Connectivity::Corner, steps)?;
                Ok(without(inside))
            }
            Self::MetricsReloaded(voxels) => {
                let inside = morphology::erode_steps(mask, shape, Connectivity::Face, 1)?;
                let surface: Vec<bool> = without(inside);
                let squared = distance::squared_to_feature(&surface, shape, [1.0; D], |&v| v)?;
                let limit = voxels * voxels;
                Ok(without(
                    squared.into_iter().map(|d| f64::from(d) >= limit).collect(),
                ))
            }
        }
    }
}
