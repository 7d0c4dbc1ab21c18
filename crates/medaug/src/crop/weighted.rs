//! A block around a voxel that is drawn by its weight.

use medcore::random::Key;
use medcore::resample::Outside;
use serde::{Deserialize, Serialize};

use super::region::{Block, check_outside, check_voxels};
use crate::array::per_axis;
use crate::error::{Error, Result};
use crate::patch::{BatchSlot, Guide, PatchChoice, PatchSampler, WeightMap};
use crate::sample::{Contents, Layer, LazySample};
use crate::step::Operation;
use crate::transform::Transform;

/// Keeps a block whose middle is drawn by the weights of a layer (MONAI `RandWeightedCrop`, one crop at a time), as a map of what
/// a network got wrong.
///
/// Voxels too near the border to be the middle of a block inside the image have no weight (TorchIO's rule; MONAI moves such blocks
/// inwards). A layer that is 0 at all others, negative anywhere or not finite is refused. For training on whole cases a
/// [`PatchPipeline`](crate::PatchPipeline) sums the weights up once for each case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomWeightedCrop {
    /// Voxels that are kept; one for all axes, or one an axis.
    pub shape: Vec<usize>,
    /// The layer whose first channel holds the weights.
    pub weights: String,
    /// What stands for voxels outside a smaller image; `None` refuses it.
    #[serde(default)]
    pub outside: Option<Outside<f32>>,
    /// Class outside the image, where there is a value outside.
    #[serde(default)]
    pub outside_label: u8,
}

const NAME: &str = "RandomWeightedCrop";

impl RandomWeightedCrop {
    /// Blocks of one shape in images that are large enough, by the weights of a layer.
    #[must_use]
    pub fn new(shape: impl Into<Vec<usize>>, weights: impl Into<String>) -> Self {
        Self {
            shape: shape.into(),
            weights: weights.into(),
            outside: None,
            outside_label: 0,
        }
    }
}

impl<const D: usize> Transform<D> for RandomWeightedCrop {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self) -> Result<()> {
        check_voxels(NAME, "shape", &self.shape, D)?;
        check_outside(NAME, self.outside)
    }

    fn needs(&self) -> Contents {
        Contents {
            layers: [self.weights.clone()].into(),
            ..Contents::default()
        }
    }

    fn draw(&self, sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        let patch = per_axis(NAME, "shape", &self.shape)?;
        let image = sample.shape();
        let Layer::Image(weights) = sample.sample()?.require_layer(NAME, &self.weights)? else {
            return Err(Error::TargetLayer {
                layer: self.weights.clone(),
                rule: "an image of weights",
            });
        };
        let weights = WeightMap::new(weights.channel(0), image, patch)?;
        let sampler = PatchSampler {
            patch,
            choice: PatchChoice::Weights,
        };
        let guide = Guide {
            classes: None,
            lesions: None,
            weights: Some(&weights),
        };
        let one = BatchSlot { index: 0, size: 1 };
        let place = sampler.place(image, guide, one, key)?;
        let block = Block {
            start: place.start,
            shape: patch,
        };
        Ok(vec![block.crop(self.outside, self.outside_label).into()])
    }
}
