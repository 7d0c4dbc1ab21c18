//! A constant is added to all intensities (MONAI `ShiftIntensity`).

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use crate::draw::{Channels, Draw};
use crate::error::{Result, check};
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::for_each_chunk;
use crate::transform::{RandomChannels, random_twin};

/// Adds a constant; NaN stays NaN.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShiftIntensity {
    /// What is added, in the image's own unit.
    pub offset: f32,
}

impl ChannelOperation for ShiftIntensity {
    fn check(&self, _dimension: usize) -> Result<()> {
        let offset = self.offset.into();
        check("ShiftIntensity", "offset", offset, "finite", f64::is_finite)
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        for_each_chunk(channel.voxels, |_, chunk| {
            chunk.iter_mut().for_each(|v| *v += self.offset);
        });
        Ok(())
    }
}

/// Adds a drawn constant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomShiftIntensity {
    /// Probability of a sample.
    pub probability: f64,
    /// What is added, in the image's own unit.
    pub offset: Draw,
    /// Whether the channels share it.
    pub channels: Channels,
}

impl Default for RandomShiftIntensity {
    /// MONAI's probability; up to a tenth of a unit up or down, as its bundles shift images scaled to 0..1.
    fn default() -> Self {
        Self {
            probability: 0.1,
            offset: Draw::symmetric(0.1),
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomShiftIntensity {
    random_twin!(RandomShiftIntensity => ShiftIntensity);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        self.offset.check(Self::NAME, "offset", "finite", |_| true)
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> ShiftIntensity {
        ShiftIntensity {
            offset: self.offset.draw(random) as f32,
        }
    }
}
