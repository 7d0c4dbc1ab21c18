//! Another distance between voxels.

use medcore::Geometry;
use medcore::resample::{Interpolation, LabelInterpolation};
use serde::{Deserialize, Serialize};

use super::shape::along_axes;
use super::{inside, interpolation, labels};
use crate::array::per_axis;
use crate::error::{Result, check, check_entries};
use crate::operation::SpatialOperation;
use crate::preprocess::GridRule;
use crate::warp::Warp;

/// Brings an image to a spacing (MONAI `Spacing`, TorchIO `Resample`, nnU-Net's target spacing).
///
/// Axes keep their directions, oblique ones too. A spacing that is already there, to a thousandth, changes
/// nothing. nnU-Net reads thick slices in two passes of different interpolation, which
/// [`Preprocess`](crate::Preprocess) does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spacing {
    /// Millimetres between voxels: one for all axes, or one an axis.
    pub spacing: Vec<f64>,
    /// How many voxels that gives, and where they lie.
    #[serde(default)]
    pub rule: GridRule,
    /// Between voxels of the image.
    #[serde(default = "interpolation")]
    pub interpolation: Interpolation,
    /// Between voxels of labels.
    #[serde(default = "labels")]
    pub labels: LabelInterpolation,
}

impl Spacing {
    /// Linear interpolation about the same middle.
    #[must_use]
    pub fn new(spacing: impl Into<Vec<f64>>) -> Self {
        Self {
            spacing: spacing.into(),
            rule: GridRule::default(),
            interpolation: interpolation(),
            labels: labels(),
        }
    }
}

impl<const D: usize> SpatialOperation<D> for Spacing {
    fn check(&self) -> Result<()> {
        check_entries("Spacing", "spacing", self.spacing.len(), D)?;
        self.spacing.iter().try_for_each(|&spacing| {
            check("Spacing", "spacing", spacing, "above 0 and finite", |v| {
                v > 0.0 && v.is_finite()
            })
        })
    }

    fn warp(&self, grid: &Geometry<D>) -> Result<Warp<D>> {
        let spacing = per_axis("Spacing", "spacing", &self.spacing)?;
        Ok(match self.rule.resampled(grid, spacing) {
            None => Warp::identity(grid.shape()),
            Some((shape, scale, offset)) => {
                let reading = inside(self.interpolation, self.labels);
                Warp::new(shape, along_axes(scale, offset), reading)
            }
        })
    }
}
