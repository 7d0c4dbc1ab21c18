//! Speckle: noise in proportion to the intensity (scikit-image `random_noise` with `speckle`).

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use super::{check_sigma, chunk_key, noise_key};
use crate::draw::{Channels, Draw};
use crate::error::Result;
use crate::math;
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::for_each_chunk;
use crate::transform::{RandomChannels, random_twin};

/// Voxels whose noise is made at once.
const BLOCK: usize = 512;

/// Turns `v` into `v + v n` with normal noise `n`; NaN stays NaN.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpeckleNoise {
    /// Standard deviation of the noise as a share of the intensity.
    pub sigma: f32,
    /// Names the noise: the same seed gives the same, channel by channel.
    pub seed: u64,
}

impl ChannelOperation for SpeckleNoise {
    fn check(&self, _dimension: usize) -> Result<()> {
        check_sigma("SpeckleNoise", self.sigma)
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let key = noise_key(self.seed, channel.number);
        for_each_chunk(channel.voxels, |i, chunk| {
            let mut random = chunk_key(key, i).stream("noise");
            let mut factors = [0.0_f32; BLOCK];
            for block in chunk.chunks_mut(BLOCK) {
                factors.fill(1.0);
                math::add_normals(&mut factors, self.sigma, &mut random);
                block.iter_mut().zip(&factors).for_each(|(v, f)| *v *= f);
            }
        });
        Ok(())
    }
}

/// Applies speckle of a drawn strength.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomSpeckleNoise {
    /// Probability of a sample.
    pub probability: f64,
    /// Standard deviation as a share of the intensity.
    pub sigma: Draw,
    /// Whether the channels share it (the noise itself is always their own).
    pub channels: Channels,
}

impl Default for RandomSpeckleNoise {
    /// A tenth of the time, up to scikit-image's standard deviation of 0.1.
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

impl RandomChannels for RandomSpeckleNoise {
    random_twin!(RandomSpeckleNoise => SpeckleNoise);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        self.sigma
            .check(Self::NAME, "sigma", "at least 0", |v| v >= 0.0)
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> SpeckleNoise {
        SpeckleNoise {
            sigma: self.sigma.draw(random) as f32,
            seed: random.next_u64(),
        }
    }
}
