//! An image of a given shape, whatever it had before.

use medcore::Geometry;
use medcore::resample::Outside;
use serde::{Deserialize, Serialize};

use super::pad::zero;
use super::region::{Block, check_outside, check_voxels};
use crate::array::per_axis;
use crate::error::Result;
use crate::operation::SpatialOperation;
use crate::warp::Warp;

/// On which side an odd voxel is cut off or added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Centring {
    /// MONAI `ResizeWithPadOrCrop`: added behind; a crop starts at `n / 2 - shape / 2`, both rounded down.
    #[default]
    Monai,
    /// TorchIO `CropOrPad`: the odd voxel is added or cut off in front.
    Torchio,
}

/// Cuts off what is too much and fills up what is missing on both sides, each axis for itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CropOrPad {
    /// Voxels along each axis then; one for all axes, or one an axis.
    pub shape: Vec<usize>,
    /// On which side the odd voxel is.
    #[serde(default)]
    pub centring: Centring,
    /// What the border shows.
    #[serde(default = "zero")]
    pub outside: Outside<f32>,
    /// Class of the border, where it has a value.
    #[serde(default)]
    pub outside_label: u8,
}

const NAME: &str = "CropOrPad";

impl CropOrPad {
    /// Zeros and background where something is missing.
    #[must_use]
    pub fn new(shape: impl Into<Vec<usize>>) -> Self {
        Self {
            shape: shape.into(),
            centring: Centring::Monai,
            outside: zero(),
            outside_label: 0,
        }
    }
}

impl<const D: usize> SpatialOperation<D> for CropOrPad {
    fn check(&self) -> Result<()> {
        check_voxels(NAME, "shape", &self.shape, D)?;
        check_outside(NAME, Some(self.outside))
    }

    fn warp(&self, grid: &Geometry<D>) -> Result<Warp<D>> {
        let (image, shape) = (grid.shape(), per_axis(NAME, "shape", &self.shape)?);
        let block = match self.centring {
            Centring::Monai => Block::centred(shape, image),
            Centring::Torchio => Block {
                start: std::array::from_fn(|a| {
                    let more = image[a] as isize - shape[a] as isize;
                    more.signum() * (more.abs() + 1).div_euclid(2)
                }),
                shape,
            },
        };
        block.warp(NAME, grid, Some((self.outside, self.outside_label)))
    }
}
