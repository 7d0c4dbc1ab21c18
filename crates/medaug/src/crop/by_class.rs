//! A block around a voxel of a class.

use medcore::random::Key;
use medcore::resample::Outside;
use serde::{Deserialize, Serialize};

use super::region::{Block, WhenAbsent, check_outside, check_voxels};
use crate::array::per_axis;
use crate::error::{Result, check};
use crate::patch::{BatchSlot, ClassLocations, PatchChoice, PatchSampler};
use crate::sample::{Contents, LazySample};
use crate::step::Operation;
use crate::transform::Transform;

/// Keeps a block whose place is chosen by the classes of its voxels (MONAI `RandCropByPosNegLabel` and
/// `RandCropByLabelClasses`, one crop at a time).
///
/// The classes are looked up in the labels of every sample. For training on whole cases a
/// [`PatchPipeline`](crate::PatchPipeline) does so once for each case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomCropByClass {
    /// Voxels that are kept; one for all axes, or one an axis.
    pub shape: Vec<usize>,
    /// How the place is chosen; [`PatchChoice::ForcedForeground`], which counts places in a batch, is
    /// refused.
    pub choice: PatchChoice,
    /// What is done with labels that hold none of the classes that are looked for: a crop at any place
    /// (nnU-Net), or a refusal.
    #[serde(default)]
    pub absent: WhenAbsent,
    /// A class that counts as absent, as that of voxels nobody has labelled.
    #[serde(default)]
    pub ignored: Option<u8>,
    /// Background counts only where a channel is brighter than this, so that crops without a class do not show air alone
    /// (MONAI's `image_threshold`); everywhere if there is none.
    #[serde(default)]
    pub background_above: Option<f32>,
    /// What stands for voxels outside a smaller image; `None` refuses it.
    #[serde(default)]
    pub outside: Option<Outside<f32>>,
    /// Class outside the image, where there is a value outside.
    #[serde(default)]
    pub outside_label: u8,
}

const NAME: &str = "RandomCropByClass";

impl RandomCropByClass {
    /// Blocks of one shape in images that are large enough, anywhere if no class is there.
    #[must_use]
    pub fn new(shape: impl Into<Vec<usize>>, choice: PatchChoice) -> Self {
        Self {
            shape: shape.into(),
            choice,
            absent: WhenAbsent::GoOn,
            ignored: None,
            background_above: None,
            outside: None,
            outside_label: 0,
        }
    }

    fn sampler<const D: usize>(&self) -> Result<PatchSampler<D>> {
        Ok(PatchSampler {
            patch: per_axis(NAME, "shape", &self.shape)?,
            choice: self.choice.clone(),
        })
    }
}

impl<const D: usize> Transform<D> for RandomCropByClass {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self) -> Result<()> {
        check_voxels(NAME, "shape", &self.shape, D)?;
        if let PatchChoice::ForcedForeground { fraction } = self.choice {
            let rule = "`foreground` with a probability; a single crop has no batch";
            check(NAME, "choice", fraction, rule, |_| false)?;
        }
        if let Some(threshold) = self.background_above {
            let threshold = f64::from(threshold);
            check(NAME, "background_above", threshold, "a number", |v| {
                !v.is_nan()
            })?;
        }
        self.sampler::<D>()?.check()?;
        check_outside(NAME, self.outside)
    }

    fn needs(&self) -> Contents {
        if self.choice == PatchChoice::Uniform {
            Contents::default()
        } else {
            Contents::labels()
        }
    }

    fn draw(&self, sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        let sampler = self.sampler::<D>()?;
        let locations = if sampler.needs_labels() {
            let sample = sample.sample()?;
            let labels = sample.require_labels(NAME)?;
            let limit = ClassLocations::<D>::DEFAULT_LIMIT;
            let mut found = ClassLocations::collect(labels, self.ignored, limit, key);
            if let Some(threshold) = self.background_above {
                let image = sample.image();
                let channels: Vec<&[f32]> =
                    (0..image.channels()).map(|c| image.channel(c)).collect();
                found = found.with_background(labels, limit, key, |voxel| {
                    channels.iter().any(|voxels| voxels[voxel] > threshold)
                });
            }
            if !sampler.finds_a_class_in(&found) {
                self.absent.check(NAME, "class that its choice looks for")?;
            }
            Some(found)
        } else {
            None
        };
        let one = BatchSlot { index: 0, size: 1 };
        let place = sampler.place(sample.shape(), locations.as_ref(), one, key)?;
        // nnU-Net's patches reach over the far border; a crop does so only where it may.
        let start = std::array::from_fn(|a| {
            let room = sample.shape()[a] as isize - sampler.patch[a] as isize;
            if self.outside.is_none() && room >= 0 {
                place.start[a].min(room)
            } else {
                place.start[a]
            }
        });
        let block = Block {
            start,
            shape: sampler.patch,
        };
        Ok(vec![block.crop(self.outside, self.outside_label).into()])
    }
}
