//! Pictures sharpened by a kernel of 3 x 3 voxels (Albumentations `Sharpen`).

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use super::convolve::{check_picture, filter_picture, picture, square_taps};
use crate::draw::{Channels, Draw};
use crate::error::{Result, check};
use crate::operation::{Channel, ChannelOperation};
use crate::transform::{RandomChannels, random_twin};

/// Mixes a picture with its differences from its neighbours. Nothing is clipped, unlike in Albumentations;
/// images of any dimension are sharpened by [`UnsharpMask`](crate::UnsharpMask). NaN spreads to the
/// neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sharpen {
    /// The share of the differences, within 0 and 1.
    pub alpha: f64,
    /// What the voxel itself counts beyond its eight differences; 1 keeps the brightness.
    pub lightness: f64,
}

const SHARE: &str = "within 0 and 1";

fn is_share(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}

impl ChannelOperation for Sharpen {
    fn check(&self, dimension: usize) -> Result<()> {
        check_picture("Sharpen", dimension)?;
        check("Sharpen", "alpha", self.alpha, SHARE, is_share)?;
        check(
            "Sharpen",
            "lightness",
            self.lightness,
            "finite",
            f64::is_finite,
        )
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let shape = picture("Sharpen", channel.shape)?;
        let around = -self.alpha as f32;
        let own = (1.0 - self.alpha + self.alpha * (8.0 + self.lightness)) as f32;
        let taps = square_taps([[around; 3], [around, own, around], [around; 3]]);
        filter_picture(channel.voxels, shape, &taps);
        Ok(())
    }
}

/// Sharpens pictures by a drawn kernel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomSharpen {
    /// Probability of a sample.
    pub probability: f64,
    /// The share of the differences.
    pub alpha: Draw,
    /// What the voxel itself counts.
    pub lightness: Draw,
    /// Whether the channels share the kernel.
    pub channels: Channels,
}

impl Default for RandomSharpen {
    /// Albumentations' parameters.
    fn default() -> Self {
        Self {
            probability: 0.5,
            alpha: Draw::Uniform {
                low: 0.2,
                high: 0.5,
            },
            lightness: Draw::Uniform {
                low: 0.5,
                high: 1.0,
            },
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomSharpen {
    random_twin!(RandomSharpen => Sharpen);

    fn check_for(&self, dimension: usize) -> Result<()> {
        check_picture(Self::NAME, dimension)?;
        self.alpha.check(Self::NAME, "alpha", SHARE, is_share)?;
        self.lightness
            .check(Self::NAME, "lightness", "finite", |_| true)
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> Sharpen {
        Sharpen {
            alpha: self.alpha.draw(random),
            lightness: self.lightness.draw(random),
        }
    }
}
