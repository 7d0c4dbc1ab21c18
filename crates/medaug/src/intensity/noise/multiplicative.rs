//! Every voxel multiplied by a factor of its own (Albumentations `MultiplicativeNoise`, `elementwise`).

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use super::{chunk_key, noise_key};
use crate::draw::Channels;
use crate::error::{Result, check};
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::for_each_chunk;
use crate::transform::{RandomChannels, random_twin};

/// Voxels whose noise is made at once.
const BLOCK: usize = 512;

/// Multiplies each voxel by a factor uniform in `[low, high)`; NaN stays NaN.
///
/// One factor for all voxels is [`Brightness`](crate::Brightness). Nothing is clipped.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultiplicativeNoise {
    /// Smallest factor.
    pub low: f32,
    /// Largest factor.
    pub high: f32,
    /// Names the noise: the same seed gives the same, channel by channel.
    pub seed: u64,
}

impl ChannelOperation for MultiplicativeNoise {
    fn check(&self, _dimension: usize) -> Result<()> {
        check_factors("MultiplicativeNoise", [self.low, self.high])
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        const UNIT: f32 = 1.0 / (1 << 24) as f32;
        let key = noise_key(self.seed, channel.number);
        let (low, width) = (self.low, self.high - self.low);
        for_each_chunk(channel.voxels, |i, chunk| {
            let mut random = chunk_key(key, i).stream("noise");
            let mut bits = [0_u32; BLOCK];
            for block in chunk.chunks_mut(BLOCK) {
                random.fill_u32(&mut bits);
                for (v, &bits) in block.iter_mut().zip(&bits) {
                    *v *= low + width * ((bits >> 8) as i32 as f32 * UNIT);
                }
            }
        });
        Ok(())
    }
}

fn check_factors(transform: &'static str, [low, high]: [f32; 2]) -> Result<()> {
    check(transform, "low", low.into(), "finite", f64::is_finite)?;
    check(
        transform,
        "high",
        high.into(),
        "finite and at least low",
        |v| v.is_finite() && v >= low.into(),
    )
}

/// Multiplies each voxel by a factor of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomMultiplicativeNoise {
    /// Probability of a sample.
    pub probability: f64,
    /// Smallest and largest factor.
    pub factors: [f32; 2],
    /// Whether all channels are changed (the noise itself is always their own).
    pub channels: Channels,
}

impl Default for RandomMultiplicativeNoise {
    /// Albumentations' parameters.
    fn default() -> Self {
        Self {
            probability: 0.5,
            factors: [0.9, 1.1],
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomMultiplicativeNoise {
    random_twin!(RandomMultiplicativeNoise => MultiplicativeNoise);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        check_factors(Self::NAME, self.factors)
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> MultiplicativeNoise {
        MultiplicativeNoise {
            low: self.factors[0],
            high: self.factors[1],
            seed: random.next_u64(),
        }
    }
}
