//! From a fingerprint to everything that is decided before training.

mod planner;
mod topology;

use medcore::Orientation;
use serde::{Deserialize, Serialize};

pub use planner::{MemoryModel, Planner};
pub use topology::{NetworkKind, PlannedNetwork};

use super::{GridRule, Preprocess, SliceDistance};
use crate::error::{Error, Result};
use crate::intensity::Intensity;

/// What is decided for one resolution; two entries an axis-wise list mean slices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedConfiguration {
    /// Millimetres between voxels, after transposition.
    pub spacing: Vec<f64>,
    /// Median number of voxels at this spacing.
    pub median_shape: Vec<f64>,
    /// Voxels of a patch.
    pub patch: Vec<usize>,
    /// Patches of a batch.
    pub batch: usize,
    /// Whether Dice is taken over the batch as a whole and not for each patch.
    pub batch_dice: bool,
    /// The network.
    pub network: PlannedNetwork,
}

/// Everything that is decided before training, as data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Which axis of a case comes first, second and third: the coarsest first.
    pub transpose_forward: [usize; 3],
    /// The way back.
    pub transpose_backward: [usize; 3],
    /// Median spacing of the cases in millimetres, after transposition.
    pub median_spacing: [f64; 3],
    /// Median number of voxels of the cases after the crop and transposition.
    pub median_shape: [usize; 3],
    /// How each channel is scaled.
    pub intensity: Vec<Intensity>,
    /// Volumes at the target spacing (`3d_fullres`); none if cases are single slices.
    pub full_resolution: Option<PlannedConfiguration>,
    /// Volumes at a coarser spacing (`3d_lowres`), where a patch would show too little of a case. A network of
    /// full resolution that sees its result too is nnU-Net's cascade.
    pub low_resolution: Option<PlannedConfiguration>,
    /// Slices (`2d`), which keep their distance from one another.
    pub slices: PlannedConfiguration,
}

impl Plan {
    /// The preprocessing for a configuration; `orientation` is the one that the fingerprint was taken in. Slices
    /// keep their own distance.
    ///
    /// # Errors
    /// Refuses a spacing of other than two or three axes, and broken parameters.
    pub fn preprocess(
        &self,
        configuration: &PlannedConfiguration,
        orientation: Option<Orientation>,
    ) -> Result<Preprocess> {
        let (spacing, slice_distance) = match configuration.spacing[..] {
            [depth, height, width] => ([depth, height, width], SliceDistance::Target),
            [height, width] => ([self.median_spacing[0], height, width], SliceDistance::Own),
            _ => {
                return Err(Error::EntryCount {
                    transform: "Plan",
                    parameter: "spacing",
                    expected: 3,
                    got: configuration.spacing.len(),
                });
            }
        };
        let stays = self.transpose_forward == [0, 1, 2];
        let preprocess = Preprocess {
            orientation,
            transpose: (!stays).then_some(self.transpose_forward),
            spacing: Some(spacing),
            slice_distance,
            grid: GridRule::NnUnet,
            intensity: self.intensity.clone(),
            ..Preprocess::nnunet()
        };
        preprocess.check()?;
        Ok(preprocess)
    }
}
