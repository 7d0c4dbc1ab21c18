//! Brightness that fades from one place (batchgeneratorsv2 `BrightnessGradientAdditiveTransform`).

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use super::spot::{RandomSpot, Spot};
use crate::draw::{Channels, Draw};
use crate::error::{Result, check};
use crate::operation::{Channel, ChannelOperation};
use crate::transform::{RandomChannels, random_twin};

const NAME: &str = "BrightnessGradient";

/// Adds a [`Spot`] of brightness; NaN stays where it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrightnessGradient {
    /// Where.
    pub spot: Spot,
    /// What is added where it is strongest, in units of intensity; negative darkens.
    pub strength: f32,
    /// Whether the mean of the image is kept: less is added far away, and `strength` is the largest change.
    #[serde(default)]
    pub keep_mean: bool,
}

impl ChannelOperation for BrightnessGradient {
    fn check(&self, dimension: usize) -> Result<()> {
        self.spot.check(NAME, dimension)?;
        check(
            NAME,
            "strength",
            self.strength.into(),
            "finite",
            f64::is_finite,
        )
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let profile = self.spot.profile(NAME, channel.shape)?;
        let mean = if self.keep_mean { profile.mean() } else { 0.0 };
        let strongest = mean.max(1.0 - mean);
        let factor = self.strength / strongest;
        profile.for_each(channel.voxels, |v, spot| *v += (spot - mean) * factor);
        Ok(())
    }
}

/// Adds a drawn spot of brightness.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomBrightnessGradient {
    /// Probability of a sample.
    pub probability: f64,
    /// Where.
    pub spot: RandomSpot,
    /// Largest change in units of intensity, added or taken away with equal probability.
    pub strength: Draw,
    /// Whether the mean of the image is kept.
    pub keep_mean: bool,
    /// Whether the channels share the spot.
    pub channels: Channels,
}

impl Default for RandomBrightnessGradient {
    /// That of nnU-Net's DA5, for images of mean 0 and deviation 1.
    fn default() -> Self {
        Self {
            probability: 0.3,
            spot: RandomSpot::default(),
            strength: Draw::Uniform {
                low: 1.0,
                high: 5.0,
            },
            keep_mean: false,
            channels: Channels::Each { probability: 0.5 },
        }
    }
}

impl RandomChannels for RandomBrightnessGradient {
    random_twin!(RandomBrightnessGradient => BrightnessGradient);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        self.spot.check(Self::NAME)?;
        self.strength
            .check(Self::NAME, "strength", "finite", |_| true)
    }

    fn draw(&self, dimension: usize, random: &mut Random) -> BrightnessGradient {
        let spot = self.spot.draw(dimension, random);
        let sign = if random.chance(0.5) { -1.0 } else { 1.0 };
        BrightnessGradient {
            spot,
            strength: (sign * self.strength.draw(random)) as f32,
            keep_mean: self.keep_mean,
        }
    }
}
