//! Gamma correction that fades from one place (batchgeneratorsv2 `LocalGammaTransform`).

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use super::spot::{RandomSpot, Spot};
use crate::draw::{Channels, Draw};
use crate::error::{Result, check};
use crate::math;
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::Statistics;
use crate::transform::{RandomChannels, random_twin};

const NAME: &str = "LocalGamma";
/// Ranges narrower than this are not stretched.
const SMALLEST: f32 = 1e-8;

/// Blends an image with its gamma correction over the range present, all of it where the [`Spot`] is strongest.
/// A constant image keeps its value; NaN stays where it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalGamma {
    /// Where.
    pub spot: Spot,
    /// The exponent; above 1 darkens.
    pub exponent: f32,
}

impl ChannelOperation for LocalGamma {
    fn check(&self, dimension: usize) -> Result<()> {
        self.spot.check(NAME, dimension)?;
        let exponent = self.exponent.into();
        check(NAME, "exponent", exponent, "finite and above 0", |v| {
            v.is_finite() && v > 0.0
        })
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let profile = self.spot.profile(NAME, channel.shape)?;
        let Statistics { min, max, .. } = Statistics::of(channel.voxels);
        let range = (max - min).max(SMALLEST);
        profile.for_each(channel.voxels, |v, spot| {
            let unit = (*v - min) / range;
            let corrected = math::pow_unit(unit, self.exponent);
            *v = (corrected * spot + unit * (1.0 - spot)) * range + min;
        });
        Ok(())
    }
}

/// Blends with a drawn gamma correction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomLocalGamma {
    /// Probability of a sample.
    pub probability: f64,
    /// Where.
    pub spot: RandomSpot,
    /// The exponent of one half of the draws, brighter in DA5.
    pub brighter: Draw,
    /// The exponent of the other half.
    pub darker: Draw,
    /// Whether the channels share spot and exponent.
    pub channels: Channels,
}

impl Default for RandomLocalGamma {
    /// That of nnU-Net's DA5.
    fn default() -> Self {
        Self {
            probability: 0.3,
            spot: RandomSpot::default(),
            brighter: Draw::Uniform {
                low: 0.01,
                high: 0.8,
            },
            darker: Draw::Uniform {
                low: 1.5,
                high: 4.0,
            },
            channels: Channels::Each { probability: 0.5 },
        }
    }
}

impl RandomChannels for RandomLocalGamma {
    random_twin!(RandomLocalGamma => LocalGamma);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        self.spot.check(Self::NAME)?;
        for (draw, parameter) in [(&self.brighter, "brighter"), (&self.darker, "darker")] {
            draw.check(Self::NAME, parameter, "above 0", |v| v > 0.0)?;
        }
        Ok(())
    }

    fn draw(&self, dimension: usize, random: &mut Random) -> LocalGamma {
        let spot = self.spot.draw(dimension, random);
        let exponent = if random.chance(0.5) {
            self.brighter.draw(random)
        } else {
            self.darker.draw(random)
        };
        LocalGamma {
            spot,
            exponent: exponent as f32,
        }
    }
}
