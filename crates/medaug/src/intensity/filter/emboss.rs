//! Pictures as if pressed into paper (Albumentations `Emboss`).

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use super::convolve::{check_picture, filter_picture, picture, square_taps};
use crate::draw::{Channels, Draw};
use crate::error::{Result, check};
use crate::operation::{Channel, ChannelOperation};
use crate::transform::{RandomChannels, random_twin};

/// Mixes a picture with its slope from the first to the last corner, as light from there shows it.
///
/// Nothing is clipped, unlike in Albumentations, and a constant picture keeps its value. NaN spreads to the neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Emboss {
    /// The share of the embossed picture, within 0 and 1.
    pub alpha: f64,
    /// How steep the relief is.
    pub strength: f64,
}

const SHARE: &str = "within 0 and 1";
const STRENGTH: &str = "finite and at least 0";

fn is_share(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}

fn is_strength(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

impl ChannelOperation for Emboss {
    fn check(&self, dimension: usize) -> Result<()> {
        check_picture("Emboss", dimension)?;
        check("Emboss", "alpha", self.alpha, SHARE, is_share)?;
        check("Emboss", "strength", self.strength, STRENGTH, is_strength)
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let shape = picture("Emboss", channel.shape)?;
        let near = (self.alpha * self.strength) as f32;
        let far = (self.alpha * (1.0 + self.strength)) as f32;
        let taps = square_taps([[-far, -near, 0.0], [-near, 1.0, near], [0.0, near, far]]);
        filter_picture(channel.voxels, shape, &taps);
        Ok(())
    }
}

/// Embosses pictures by a drawn kernel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomEmboss {
    /// Probability of a sample.
    pub probability: f64,
    /// The share of the embossed picture.
    pub alpha: Draw,
    /// How steep the relief is.
    pub strength: Draw,
    /// Whether the channels share the kernel.
    pub channels: Channels,
}

impl Default for RandomEmboss {
    /// Albumentations' parameters.
    fn default() -> Self {
        Self {
            probability: 0.5,
            alpha: Draw::Uniform {
                low: 0.2,
                high: 0.5,
            },
            strength: Draw::Uniform {
                low: 0.2,
                high: 0.7,
            },
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomEmboss {
    random_twin!(RandomEmboss => Emboss);

    fn check_for(&self, dimension: usize) -> Result<()> {
        check_picture(Self::NAME, dimension)?;
        self.alpha.check(Self::NAME, "alpha", SHARE, is_share)?;
        self.strength
            .check(Self::NAME, "strength", STRENGTH, is_strength)
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> Emboss {
        Emboss {
            alpha: self.alpha.draw(random),
            strength: self.strength.draw(random),
        }
    }
}
