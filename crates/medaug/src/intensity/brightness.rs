//! Multiplicative brightness (batchgeneratorsv2 `MultiplicativeBrightnessTransform`).

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use crate::draw::{Channels, Draw};
use crate::error::{Result, check};
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::for_each_chunk;
use crate::transform::{RandomChannels, random_twin};

/// Multiplies every voxel by a factor.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brightness {
    /// The factor.
    pub factor: f32,
}

/// Multiplies every voxel by `factor`.
pub fn brightness(voxels: &mut [f32], factor: f32) {
    for_each_chunk(voxels, |_, chunk| {
        chunk.iter_mut().for_each(|v| *v *= factor);
    });
}

impl ChannelOperation for Brightness {
    fn check(&self, _dimension: usize) -> Result<()> {
        check(
            "Brightness",
            "factor",
            self.factor.into(),
            "finite",
            f64::is_finite,
        )
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        brightness(channel.voxels, self.factor);
        Ok(())
    }
}

/// Multiplies intensities by a drawn factor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomBrightness {
    /// Probability of a sample.
    pub probability: f64,
    /// The factor.
    pub factor: Draw,
    /// Whether the channels share it.
    pub channels: Channels,
}

impl Default for RandomBrightness {
    /// nnU-Net's parameters.
    fn default() -> Self {
        Self {
            probability: 0.15,
            factor: Draw::Balanced {
                low: 0.75,
                high: 1.25,
            },
            channels: Channels::Each { probability: 1.0 },
        }
    }
}

impl RandomChannels for RandomBrightness {
    random_twin!(RandomBrightness => Brightness);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        self.factor.check(Self::NAME, "factor", "finite", |_| true)
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> Brightness {
        Brightness {
            factor: self.factor.draw(random) as f32,
        }
    }
}
