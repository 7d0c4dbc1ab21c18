//! The middle of an image.

use medcore::Geometry;
use medcore::resample::Outside;
use serde::{Deserialize, Serialize};

use super::region::{Block, CropShape, check_outside};
use crate::error::Result;
use crate::operation::SpatialOperation;
use crate::warp::Warp;

/// Keeps the middle of an image, from voxel `n / 2 - shape / 2` on, both rounded down (MONAI
/// `CenterSpatialCrop` and `CenterScaleCrop`).
///
/// MONAI keeps an axis that is shorter than the crop as it is; here it is refused unless it may be filled up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CenterCrop {
    /// Voxels that are kept.
    pub shape: CropShape,
    /// What stands for voxels outside a smaller image; `None` refuses it.
    #[serde(default)]
    pub outside: Option<Outside<f32>>,
    /// Class outside the image, where there is a value outside.
    #[serde(default)]
    pub outside_label: u8,
}

const NAME: &str = "CenterCrop";

impl CenterCrop {
    /// The middle of an image that is large enough.
    #[must_use]
    pub fn new(shape: impl Into<CropShape>) -> Self {
        Self {
            shape: shape.into(),
            outside: None,
            outside_label: 0,
        }
    }
}

impl<const D: usize> SpatialOperation<D> for CenterCrop {
    fn check(&self) -> Result<()> {
        self.shape.check(NAME, D)?;
        check_outside(NAME, self.outside)
    }

    fn warp(&self, grid: &Geometry<D>) -> Result<Warp<D>> {
        let shape = self.shape.of(NAME, grid.shape())?;
        let outside = self.outside.map(|o| (o, self.outside_label));
        Block::centred(shape, grid.shape()).warp(NAME, grid, outside)
    }
}
