//! A block anywhere in an image.

use medcore::random::Key;
use medcore::resample::Outside;
use serde::{Deserialize, Serialize};

use super::region::{Block, CropShape, check_outside};
use crate::error::{Result, check};
use crate::patch::uniform_start;
use crate::sample::LazySample;
use crate::step::Operation;
use crate::transform::Transform;

/// Keeps a block at any place with the same probability (MONAI `RandSpatialCrop` and `RandScaleCrop`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomCrop {
    /// Voxels that are kept; the fewest if there is a `largest`.
    pub shape: CropShape,
    /// The most voxels: each axis draws its own number between both.
    #[serde(default)]
    pub largest: Option<CropShape>,
    /// Whether the block is the middle of the image and only its shape is drawn.
    #[serde(default)]
    pub centred: bool,
    /// What stands for voxels outside a smaller image, which the block then shows in its middle; `None`
    /// refuses it.
    #[serde(default)]
    pub outside: Option<Outside<f32>>,
    /// Class outside the image, where there is a value outside.
    #[serde(default)]
    pub outside_label: u8,
}

const NAME: &str = "RandomCrop";

impl RandomCrop {
    /// A block of one shape in images that are large enough.
    #[must_use]
    pub fn new(shape: impl Into<CropShape>) -> Self {
        Self {
            shape: shape.into(),
            largest: None,
            centred: false,
            outside: None,
            outside_label: 0,
        }
    }
}

impl<const D: usize> Transform<D> for RandomCrop {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self) -> Result<()> {
        self.shape.check(NAME, D)?;
        if let Some(largest) = &self.largest {
            largest.check(NAME, D)?;
        }
        check_outside(NAME, self.outside)
    }

    fn draw(&self, sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        let image = sample.shape();
        let mut shape = self.shape.of(NAME, image)?;
        if let Some(largest) = &self.largest {
            let most = largest.of(NAME, image)?;
            let mut random = key.stream("shape");
            for a in 0..D {
                check(NAME, "largest", most[a] as f64, "at least `shape`", |_| {
                    most[a] >= shape[a]
                })?;
                shape[a] += random.below(most[a] - shape[a] + 1);
            }
        }
        let block = if self.centred {
            Block::centred(shape, image)
        } else {
            let start = uniform_start(image, shape, &mut key.stream("place"));
            Block { start, shape }
        };
        Ok(vec![block.crop(self.outside, self.outside_label).into()])
    }
}
