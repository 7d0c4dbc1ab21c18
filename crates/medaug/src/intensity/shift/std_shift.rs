//! A multiple of the image's standard deviation is added (MONAI `StdShiftIntensity`).

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use crate::draw::{Channels, Draw};
use crate::error::{Error, Result, check};
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::{Statistics, for_each_chunk};
use crate::transform::{RandomChannels, random_twin};

/// Adds `factor` standard deviations (divisor n) of the channel; a constant channel stays, NaN is refused.
///
/// MONAI measures all channels together unless told otherwise; here each channel is measured on its own.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StdShiftIntensity {
    /// What is added, in standard deviations.
    pub factor: f32,
    /// Whether voxels of exactly 0 are left out and stay 0.
    #[serde(default)]
    pub masked: bool,
}

impl ChannelOperation for StdShiftIntensity {
    fn check(&self, _dimension: usize) -> Result<()> {
        let factor = self.factor.into();
        check(
            "StdShiftIntensity",
            "factor",
            factor,
            "finite",
            f64::is_finite,
        )
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let statistics = if self.masked {
            Statistics::of_non_zero(channel.voxels)
        } else {
            Statistics::of(channel.voxels)
        };
        if !statistics.is_finite() {
            return Err(Error::NotFinite {
                channel: channel.number,
            });
        }
        let offset = (f64::from(self.factor) * statistics.std()) as f32;
        let masked = self.masked;
        for_each_chunk(channel.voxels, |_, chunk| {
            for v in chunk {
                *v = if masked && *v == 0.0 { *v } else { *v + offset };
            }
        });
        Ok(())
    }
}

/// Adds a drawn multiple of the standard deviation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomStdShiftIntensity {
    /// Probability of a sample.
    pub probability: f64,
    /// What is added, in standard deviations.
    pub factor: Draw,
    /// Whether voxels of exactly 0 are left out and stay 0.
    pub masked: bool,
    /// Whether the channels share the factor.
    pub channels: Channels,
}

impl Default for RandomStdShiftIntensity {
    /// MONAI's probability; up to a tenth of a standard deviation up or down.
    fn default() -> Self {
        Self {
            probability: 0.1,
            factor: Draw::symmetric(0.1),
            masked: false,
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomStdShiftIntensity {
    random_twin!(RandomStdShiftIntensity => StdShiftIntensity);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        self.factor.check(Self::NAME, "factor", "finite", |_| true)
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> StdShiftIntensity {
        StdShiftIntensity {
            factor: self.factor.draw(random) as f32,
            masked: self.masked,
        }
    }
}
