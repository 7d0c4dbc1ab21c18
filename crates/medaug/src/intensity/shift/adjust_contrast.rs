//! MONAI's gamma correction (`AdjustContrast`): [`Gamma`](crate::Gamma) with MONAI's small numbers.
//!
//! It adds 1e-7 to the range it divides by, and 1e-8 to the deviation it restores, where batchgeneratorsv2
//! does not let them fall below 1e-7; on images whose range is that small the two differ. MONAI takes range
//! and statistics of all channels together; here each channel has its own.

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use crate::draw::{Channels, Draw};
use crate::error::{Result, check};
use crate::intensity::gamma::{Gamma, SmallRange, correct};
use crate::operation::{Channel, ChannelOperation};
use crate::transform::{RandomChannels, random_twin};

const GAMMA: &str = "finite and above 0";

/// Raises intensities, scaled to 0..1 over the range present, to a power; a constant stays, NaN stays NaN.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdjustContrast {
    /// The exponent; above 1 darkens.
    pub gamma: f32,
    /// Whether the image is negated before and after, so that the bright end is stretched.
    #[serde(default)]
    pub inverted: bool,
    /// Whether mean and standard deviation are restored.
    #[serde(default)]
    pub retain_statistics: bool,
}

impl ChannelOperation for AdjustContrast {
    fn check(&self, _dimension: usize) -> Result<()> {
        check("AdjustContrast", "gamma", self.gamma.into(), GAMMA, |v| {
            v.is_finite() && v > 0.0
        })
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let parameters = Gamma {
            exponent: self.gamma,
            inverted: self.inverted,
            retain_statistics: self.retain_statistics,
        };
        correct(channel.voxels, parameters, SmallRange::Widened);
        Ok(())
    }
}

/// Applies a drawn gamma correction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomAdjustContrast {
    /// Probability of a sample.
    pub probability: f64,
    /// The exponent.
    pub gamma: Draw,
    /// Whether the image is negated before and after.
    pub inverted: bool,
    /// Whether mean and standard deviation are restored.
    pub retain_statistics: bool,
    /// Whether the channels share the exponent.
    pub channels: Channels,
}

impl Default for RandomAdjustContrast {
    /// MONAI's parameters.
    fn default() -> Self {
        Self {
            probability: 0.1,
            gamma: Draw::Uniform {
                low: 0.5,
                high: 4.5,
            },
            inverted: false,
            retain_statistics: false,
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomAdjustContrast {
    random_twin!(RandomAdjustContrast => AdjustContrast);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        self.gamma.check(Self::NAME, "gamma", GAMMA, |v| v > 0.0)
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> AdjustContrast {
        AdjustContrast {
            gamma: self.gamma.draw(random) as f32,
            inverted: self.inverted,
            retain_statistics: self.retain_statistics,
        }
    }
}
