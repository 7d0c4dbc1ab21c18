//! Additive Gaussian noise (batchgeneratorsv2 `GaussianNoiseTransform`, Apache-2.0, read for its
//! parameters).

use medcore::random::{Key, Random};
use serde::{Deserialize, Serialize};

use crate::draw::{Channels, Draw};
use crate::error::{Result, check};
use crate::math;
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::for_each_chunk;
use crate::transform::RandomChannels;

/// Adds independent normal noise.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GaussianNoise {
    /// Standard deviation, in the image's own unit.
    pub sigma: f32,
    /// Names the noise: the same seed gives the same, channel by channel.
    pub seed: u64,
}

/// Adds independent normal noise of standard deviation `sigma` to every voxel, drawn under `key`.
pub fn gaussian_noise(voxels: &mut [f32], sigma: f32, key: Key) {
    for_each_chunk(voxels, |i, chunk| {
        let mut random = key.fork("chunk", i as u64).stream("noise");
        math::add_normals(chunk, sigma, &mut random);
    });
}

impl ChannelOperation for GaussianNoise {
    fn check(&self, _dimension: usize) -> Result<()> {
        check(
            "GaussianNoise",
            "sigma",
            self.sigma.into(),
            "finite and at least 0",
            |v| v.is_finite() && v >= 0.0,
        )
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let key = Key::new(self.seed).fork("noise", channel.number as u64);
        gaussian_noise(channel.voxels, self.sigma, key);
        Ok(())
    }
}

/// Adds Gaussian noise with a drawn standard deviation, in the image's own unit.
///
/// nnU-Net calls the drawn number a variance and uses it as the standard deviation; this is the
/// standard deviation, with its range.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomGaussianNoise {
    /// Probability of a sample.
    pub probability: f64,
    /// Standard deviation.
    pub sigma: Draw,
    /// Whether the channels share the standard deviation (the noise itself is always their own).
    pub channels: Channels,
}

impl Default for RandomGaussianNoise {
    /// nnU-Net's parameters.
    fn default() -> Self {
        Self {
            probability: 0.1,
            sigma: Draw::Uniform {
                low: 0.0,
                high: 0.1,
            },
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomGaussianNoise {
    type Operation = GaussianNoise;

    const NAME: &'static str = "RandomGaussianNoise";

    fn probability(&self) -> f64 {
        self.probability
    }

    fn channels(&self) -> Channels {
        self.channels
    }

    fn check_for(&self, _dimension: usize) -> Result<()> {
        self.sigma
            .check(Self::NAME, "sigma", "at least 0", |v| v >= 0.0)
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> GaussianNoise {
        GaussianNoise {
            sigma: self.sigma.draw(random) as f32,
            seed: random.next_u64(),
        }
    }
}
