//! Noise: every operation holds the seed of its field, so that it can be done again.

mod gaussian;
mod multiplicative;
mod poisson;
mod rician;
mod salt_pepper;
mod speckle;

use medcore::random::Key;
use serde::{Deserialize, Serialize};

pub use gaussian::{GaussianNoise, RandomGaussianNoise, gaussian_noise};
pub use multiplicative::{MultiplicativeNoise, RandomMultiplicativeNoise};
pub(crate) use poisson::poisson;
pub use poisson::{PoissonNoise, RandomPoissonNoise};
pub use rician::{RandomRicianNoise, RicianNoise, rician};
pub use salt_pepper::{Extremes, RandomSaltAndPepper, SaltAndPepper};
pub use speckle::{RandomSpeckleNoise, SpeckleNoise};

use crate::error::{Error, Result, check};
use crate::operation::Channel;
use crate::parallel::Statistics;

/// What the strength of noise is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoiseUnit {
    /// The image's own unit.
    #[default]
    Intensity,
    /// Standard deviations of the channel, divisor n (MONAI's `relative`, which divides by n - 1); voxels
    /// that are not finite are refused.
    Deviation,
}

impl NoiseUnit {
    fn in_intensity<const D: usize>(self, sigma: f32, channel: &Channel<'_, D>) -> Result<f32> {
        match self {
            Self::Intensity => Ok(sigma),
            Self::Deviation => {
                let statistics = Statistics::of(channel.voxels);
                if statistics.is_finite() {
                    Ok((f64::from(sigma) * statistics.std()) as f32)
                } else {
                    Err(Error::NotFinite {
                        channel: channel.number,
                    })
                }
            }
        }
    }
}

/// Refuses what is no standard deviation.
fn check_sigma(transform: &'static str, sigma: f32) -> Result<()> {
    let rule = "finite and at least 0";
    check(transform, "sigma", sigma.into(), rule, |v| {
        v.is_finite() && v >= 0.0
    })
}

/// The key of a channel's noise.
fn noise_key(seed: u64, channel: usize) -> Key {
    Key::new(seed).fork("noise", channel as u64)
}

/// The key of a chunk of a channel's noise.
fn chunk_key(key: Key, chunk: usize) -> Key {
    key.fork("chunk", chunk as u64)
}
