//! Intensities multiplied by 1 + factor (MONAI `ScaleIntensity` with `factor`).

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use crate::draw::{Channels, Draw};
use crate::error::{Result, check};
use crate::intensity::brightness::brightness;
use crate::operation::{Channel, ChannelOperation};
use crate::transform::{RandomChannels, random_twin};

/// Multiplies by `1 + factor`; to a range of intensities leads [`RescaleIntensity`](crate::RescaleIntensity).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScaleIntensity {
    /// By how much intensities grow: 0.1 by a tenth.
    pub factor: f32,
}

impl ChannelOperation for ScaleIntensity {
    fn check(&self, _dimension: usize) -> Result<()> {
        let factor = self.factor.into();
        check("ScaleIntensity", "factor", factor, "finite", f64::is_finite)
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        brightness(channel.voxels, 1.0 + self.factor);
        Ok(())
    }
}

/// Multiplies by a drawn factor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomScaleIntensity {
    /// Probability of a sample.
    pub probability: f64,
    /// By how much intensities grow.
    pub factor: Draw,
    /// Whether the channels share it.
    pub channels: Channels,
}

impl Default for RandomScaleIntensity {
    /// MONAI's probability; up to a tenth up or down, as in its bundles.
    fn default() -> Self {
        Self {
            probability: 0.1,
            factor: Draw::symmetric(0.1),
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomScaleIntensity {
    random_twin!(RandomScaleIntensity => ScaleIntensity);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        self.factor.check(Self::NAME, "factor", "finite", |_| true)
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> ScaleIntensity {
        ScaleIntensity {
            factor: self.factor.draw(random) as f32,
        }
    }
}
