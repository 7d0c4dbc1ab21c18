//! Ringing at edges of MRI (MONAI `GibbsNoise`).

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use super::lines::shifted;
use super::spectrum::Spectrum;
use crate::draw::{Channels, Draw};
use crate::error::{Result, check};
use crate::operation::{Channel, ChannelOperation};
use crate::transform::{RandomChannels, random_twin};

/// Takes the high frequencies away, as a scan does that stops too early: edges ring.
///
/// A NaN spreads over the channel.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GibbsNoise {
    /// How many are taken, from 0 (none) to 1: a ball of `(1 - alpha) * sqrt(2) / 2` times the longest axis is left.
    pub alpha: f64,
}

/// Keeps the ball of k-space that `alpha` leaves of one channel.
///
/// Its middle lies between the voxels of k-space, as MONAI's does: half a frequency beside the lowest where an axis
/// has an even length.
///
/// # Panics
/// If `voxels` is not as long as `shape` says.
pub fn gibbs_noise<const D: usize>(voxels: &mut [f32], shape: [usize; D], alpha: f64) {
    assert_eq!(voxels.len(), shape.iter().product::<usize>());
    let longest = shape.iter().copied().max().unwrap_or(0);
    let radius = (1.0 - alpha) * longest as f64 * std::f64::consts::SQRT_2 / 2.0;
    let inside = |k: [usize; D]| {
        let square: f64 = (0..D)
            .map(|a| shifted(k[a], shape[a]) as f64 - (shape[a] as f64 - 1.0) / 2.0)
            .map(|distance| distance * distance)
            .sum();
        if square.sqrt() <= radius { 0.5 } else { 0.0 }
    };
    let mut spectrum = Spectrum::of(voxels, shape);
    // The real part of an image takes the mean of each frequency and its mirror image.
    spectrum.multiply(|k| {
        let mirror = std::array::from_fn(|a| (shape[a] - k[a]) % shape[a]);
        inside(k) + inside(mirror)
    });
    spectrum.invert(voxels);
}

const ALPHA: &str = "within 0 and 1";

fn is_alpha(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}

impl ChannelOperation for GibbsNoise {
    fn check(&self, _dimension: usize) -> Result<()> {
        check("GibbsNoise", "alpha", self.alpha, ALPHA, is_alpha)
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        gibbs_noise(channel.voxels, channel.shape, self.alpha);
        Ok(())
    }
}

/// Takes a drawn part of the high frequencies away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomGibbsNoise {
    /// Probability of a sample.
    pub probability: f64,
    /// How many frequencies are taken.
    pub alpha: Draw,
    /// Whether the channels share it.
    pub channels: Channels,
}

impl Default for RandomGibbsNoise {
    /// MONAI's parameters.
    fn default() -> Self {
        Self {
            probability: 0.1,
            alpha: Draw::Uniform {
                low: 0.0,
                high: 1.0,
            },
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomGibbsNoise {
    random_twin!(RandomGibbsNoise => GibbsNoise);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        self.alpha.check(Self::NAME, "alpha", ALPHA, is_alpha)
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> GibbsNoise {
        GibbsNoise {
            alpha: self.alpha.draw(random),
        }
    }
}
