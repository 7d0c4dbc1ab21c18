//! The smallest block around what is not background.

use medcore::random::Key;
use medcore::resample::Outside;
use serde::{Deserialize, Serialize};

use super::region::{Block, WhenAbsent, check_outside, check_voxels};
use crate::array::per_axis;
use crate::error::{Result, check, check_entries};
use crate::preprocess::{ForegroundRule, bounds};
use crate::sample::{Contents, LazySample};
use crate::step::Operation;
use crate::transform::Transform;

/// What a [`CropForeground`] looks at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ForegroundSource {
    /// The intensities of any channel.
    Voxels(ForegroundRule),
    /// These labels; all but background if there are none.
    Labels(Vec<u8>),
}

/// Keeps the smallest block around the foreground (MONAI `CropForeground`).
///
/// It draws nothing; it stands among the random transforms because the block depends on the voxels, and what
/// it leaves behind is a [`Crop`](super::Crop) with its numbers. NaN is not above any intensity, and is not
/// zero.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CropForeground {
    /// Which voxels count.
    pub source: ForegroundSource,
    /// Voxels kept around them; one for all axes, or one an axis.
    pub margin: Vec<usize>,
    /// The number of voxels becomes a multiple of this, by more voxels on both sides, the odd one behind.
    pub divisible: Vec<usize>,
    /// What is done with an image of background: it stays whole, or it is refused.
    pub absent: WhenAbsent,
    /// What stands for voxels outside the image. With `None` margins end at the border (MONAI
    /// `allow_smaller`), and a block that has to be larger to be divisible is refused.
    pub outside: Option<Outside<f32>>,
    /// Class outside the image, where there is a value outside.
    pub outside_label: u8,
}

impl Default for CropForeground {
    /// Above zero, no margin: MONAI's.
    fn default() -> Self {
        Self {
            source: ForegroundSource::Voxels(ForegroundRule::Above(0.0)),
            margin: vec![0],
            divisible: vec![1],
            absent: WhenAbsent::GoOn,
            outside: None,
            outside_label: 0,
        }
    }
}

const NAME: &str = "CropForeground";

impl<const D: usize> Transform<D> for CropForeground {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self) -> Result<()> {
        if let ForegroundSource::Voxels(ForegroundRule::Above(threshold)) = self.source {
            check(NAME, "source", threshold, "a number", |v| !v.is_nan())?;
        }
        check_entries(NAME, "margin", self.margin.len(), D)?;
        check_voxels(NAME, "divisible", &self.divisible, D)?;
        check_outside(NAME, self.outside)
    }

    fn needs(&self) -> Contents {
        match self.source {
            ForegroundSource::Voxels(_) => Contents::default(),
            ForegroundSource::Labels(_) => Contents::labels(),
        }
    }

    fn is_random(&self) -> bool {
        false
    }

    fn draw(&self, sample: &mut LazySample<D>, _key: Key) -> Result<Vec<Operation>> {
        let image = sample.shape();
        let sample = sample.sample()?;
        let voxels = sample.image().as_slice();
        let found = match &self.source {
            ForegroundSource::Voxels(ForegroundRule::NonZero) => {
                bounds(voxels, image, |v| v != 0.0)
            }
            ForegroundSource::Voxels(ForegroundRule::Above(threshold)) => {
                let threshold = *threshold as f32;
                bounds(voxels, image, move |v| v > threshold)
            }
            ForegroundSource::Labels(labels) => {
                let mut counts = [labels.is_empty(); 256];
                counts[0] = false;
                for &label in labels {
                    counts[usize::from(label)] = true;
                }
                let classes = sample.require_labels(NAME)?.as_slice();
                bounds(classes, image, move |v| counts[usize::from(v)])
            }
        };
        let Some(found) = found else {
            self.absent.check(NAME, "foreground")?;
            return Ok(vec![]);
        };
        let margin: [usize; D] = per_axis(NAME, "margin", &self.margin)?;
        let divisible: [usize; D] = per_axis(NAME, "divisible", &self.divisible)?;
        let mut block = Block {
            start: [0; D],
            shape: [0; D],
        };
        for a in 0..D {
            let mut start = found.start()[a] as isize - margin[a] as isize;
            let mut end = found.end()[a] as isize + margin[a] as isize;
            if self.outside.is_none() {
                (start, end) = (start.max(0), end.min(image[a] as isize));
            }
            let voxels = (end - start) as usize;
            block.shape[a] = voxels.next_multiple_of(divisible[a]);
            block.start[a] = start - ((block.shape[a] - voxels) / 2) as isize;
        }
        Ok(vec![block.crop(self.outside, self.outside_label).into()])
    }
}
