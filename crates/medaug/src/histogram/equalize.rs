//! Equalisation in 8 bits (Pillow's and torchvision's `equalize`, OpenCV's `equalizeHist`, which Albumentations uses).

use medcore::random::Random;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::check_finite;
use crate::draw::Channels;
use crate::error::Result;
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::{CHUNK, for_each_chunk};
use crate::transform::{RandomChannels, random_twin};

const LEVELS: usize = 256;

/// What each of 256 levels becomes.
type Table = [u8; LEVELS];

/// Whose rule says what a level becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EqualizeRule {
    /// By steps of as many voxels as there are to a level (Pillow, torchvision): a channel of fewer than 256 voxels that are
    /// not of its brightest level stays as it is. Intensities belong to the level below, as torchvision counts.
    #[default]
    Pillow,
    /// By the share of voxels that are not brighter (OpenCV, Albumentations). Intensities belong to the nearest level.
    OpenCv,
}

/// Makes all of 256 levels about as frequent; from 0..1 to 0..1 in steps of 1/255, values outside clipped.
///
/// A channel with NaN is refused, a constant one keeps its level.
/// [`HistogramNormalize`](crate::HistogramNormalize) is the one without levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Equalize {
    /// Whose rule says what a level becomes.
    pub rule: EqualizeRule,
}

impl EqualizeRule {
    fn level(self, v: f32) -> u8 {
        match self {
            // A number a little below 256, so that 1 belongs to the last level.
            Self::Pillow => (v * (256.0 - 1e-3)) as u8,
            Self::OpenCv => (v * 255.0).round_ties_even() as u8,
        }
    }

    fn table(self, counts: &[usize; LEVELS]) -> Table {
        let mut table: Table = std::array::from_fn(|level| level as u8);
        let total: usize = counts.iter().sum();
        let used = |level: &usize| counts[*level] > 0;
        let ends = (0..LEVELS).find(used).zip((0..LEVELS).rfind(used));
        let Some((first, last)) = ends else {
            return table;
        };
        let mut below = 0;
        match self {
            Self::Pillow => {
                let step = (total - counts[last]) / 255;
                for level in 0..LEVELS {
                    // Without a step nothing changes.
                    let Some(new) = (below + step / 2).checked_div(step) else {
                        return table;
                    };
                    table[level] = new.min(255) as u8;
                    below += counts[level];
                }
            }
            Self::OpenCv => {
                let rest = total - counts[first];
                if rest > 0 {
                    let scale = 255.0 / rest as f32;
                    table[..=first].fill(0);
                    for level in first + 1..LEVELS {
                        below += counts[level];
                        table[level] = (below as f32 * scale).round_ties_even() as u8;
                    }
                }
            }
        }
        table
    }
}

impl ChannelOperation for Equalize {
    fn check(&self, _dimension: usize) -> Result<()> {
        Ok(())
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        check_finite(channel.voxels, channel.number)?;
        let parts: Vec<[usize; LEVELS]> = channel
            .voxels
            .par_chunks(CHUNK)
            .map(|chunk| {
                let mut counts = [0; LEVELS];
                for &v in chunk {
                    counts[usize::from(self.rule.level(v))] += 1;
                }
                counts
            })
            .collect();
        let counts = std::array::from_fn(|level| parts.iter().map(|part| part[level]).sum());
        let table = self.rule.table(&counts);
        for_each_chunk(channel.voxels, |_, chunk| {
            for v in chunk {
                *v = f32::from(table[usize::from(self.rule.level(*v))]) / 255.0;
            }
        });
        Ok(())
    }
}

/// Equalises with a probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomEqualize {
    /// Probability of a sample.
    pub probability: f64,
    /// Whose rule says what a level becomes.
    pub rule: EqualizeRule,
    /// Whether all channels are equalised.
    pub channels: Channels,
}

impl Default for RandomEqualize {
    /// Half of the samples, as torchvision.
    fn default() -> Self {
        Self {
            probability: 0.5,
            rule: EqualizeRule::default(),
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomEqualize {
    random_twin!(RandomEqualize => Equalize);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        Ok(())
    }

    fn draw(&self, _dimension: usize, _: &mut Random) -> Equalize {
        Equalize { rule: self.rule }
    }
}
