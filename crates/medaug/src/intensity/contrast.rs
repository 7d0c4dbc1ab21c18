//! Contrast about the mean (batchgeneratorsv2 `ContrastTransform`).

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use crate::draw::{Channels, Draw};
use crate::error::{Result, check};
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::{Statistics, for_each_chunk};
use crate::transform::{RandomChannels, random_twin};

/// What happens to intensities that leave the range they came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContrastRange {
    /// They are clipped to it.
    #[default]
    Preserved,
    /// They stay as they are.
    Free,
}

/// Multiplies the differences from the channel's mean by a factor.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contrast {
    /// The factor.
    pub factor: f32,
    /// Whether intensities are clipped to the range they came from.
    #[serde(default)]
    pub range: ContrastRange,
}

/// Multiplies the differences from the mean by `factor`.
pub fn contrast(voxels: &mut [f32], factor: f32, range: ContrastRange) {
    let statistics = Statistics::of(voxels);
    let mean = statistics.mean as f32;
    let (low, high) = match range {
        ContrastRange::Preserved => (statistics.min, statistics.max),
        ContrastRange::Free => (f32::NEG_INFINITY, f32::INFINITY),
    };
    for_each_chunk(voxels, |_, chunk| {
        for v in chunk {
            let changed = (*v - mean) * factor + mean;
            let raised = if changed < low { low } else { changed };
            *v = if raised > high { high } else { raised };
        }
    });
}

impl ChannelOperation for Contrast {
    fn check(&self, _dimension: usize) -> Result<()> {
        check(
            "Contrast",
            "factor",
            self.factor.into(),
            "finite and at least 0",
            |v| v.is_finite() && v >= 0.0,
        )
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        contrast(channel.voxels, self.factor, self.range);
        Ok(())
    }
}

/// Multiplies the differences from a channel's mean by a drawn factor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomContrast {
    /// Probability of a sample.
    pub probability: f64,
    /// The factor.
    pub factor: Draw,
    /// Whether intensities are clipped to the range they came from.
    pub range: ContrastRange,
    /// Whether the channels share the factor.
    pub channels: Channels,
}

impl Default for RandomContrast {
    /// nnU-Net's parameters.
    fn default() -> Self {
        Self {
            probability: 0.15,
            factor: Draw::Balanced {
                low: 0.75,
                high: 1.25,
            },
            range: ContrastRange::Preserved,
            channels: Channels::Each { probability: 1.0 },
        }
    }
}

impl RandomChannels for RandomContrast {
    random_twin!(RandomContrast => Contrast);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        self.factor
            .check(Self::NAME, "factor", "at least 0", |v| v >= 0.0)
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> Contrast {
        Contrast {
            factor: self.factor.draw(random) as f32,
            range: self.range,
        }
    }
}
