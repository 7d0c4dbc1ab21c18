//! Rician noise, that of magnitudes in magnetic resonance (MONAI `RandRicianNoise`).

use medcore::random::{Key, Random};
use serde::{Deserialize, Serialize};

use super::{NoiseUnit, check_sigma, chunk_key, noise_key};
use crate::draw::{Channels, Draw};
use crate::error::Result;
use crate::math;
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::for_each_chunk;
use crate::transform::{RandomChannels, random_twin};

/// Voxels whose noise is made at once.
const BLOCK: usize = 512;

/// The magnitude `sqrt((v + real)^2 + imaginary^2)` under given noise of both parts; stops at the shortest
/// slice.
pub fn rician(voxels: &mut [f32], real: &[f32], imaginary: &[f32]) {
    for ((v, &a), &b) in voxels.iter_mut().zip(real).zip(imaginary) {
        let real = *v + a;
        *v = (real * real + b * b).sqrt();
    }
}

/// Turns a channel into the magnitude of itself with normal noise in both parts; nothing stays negative, NaN
/// stays NaN.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RicianNoise {
    /// Standard deviation of either part.
    pub sigma: f32,
    /// What it is measured in.
    #[serde(default)]
    pub unit: NoiseUnit,
    /// Names the noise: the same seed gives the same, channel by channel.
    pub seed: u64,
}

fn rician_noise(voxels: &mut [f32], sigma: f32, key: Key) {
    for_each_chunk(voxels, |i, chunk| {
        let mut random = chunk_key(key, i).stream("noise");
        let mut parts = [[0.0_f32; BLOCK]; 2];
        for block in chunk.chunks_mut(BLOCK) {
            for part in &mut parts {
                part.fill(0.0);
                math::add_normals(part, sigma, &mut random);
            }
            rician(block, &parts[0], &parts[1]);
        }
    });
}

impl ChannelOperation for RicianNoise {
    fn check(&self, _dimension: usize) -> Result<()> {
        check_sigma("RicianNoise", self.sigma)
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let sigma = self.unit.in_intensity(self.sigma, &channel)?;
        rician_noise(channel.voxels, sigma, noise_key(self.seed, channel.number));
        Ok(())
    }
}

/// Applies Rician noise with a drawn standard deviation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomRicianNoise {
    /// Probability of a sample.
    pub probability: f64,
    /// Standard deviation of either part.
    pub sigma: Draw,
    /// What it is measured in.
    pub unit: NoiseUnit,
    /// Whether the channels share the standard deviation (the noise itself is always their own).
    pub channels: Channels,
}

impl Default for RandomRicianNoise {
    /// MONAI's parameters.
    fn default() -> Self {
        Self {
            probability: 0.1,
            sigma: Draw::Uniform {
                low: 0.0,
                high: 1.0,
            },
            unit: NoiseUnit::Intensity,
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomRicianNoise {
    random_twin!(RandomRicianNoise => RicianNoise);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        self.sigma
            .check(Self::NAME, "sigma", "at least 0", |v| v >= 0.0)
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> RicianNoise {
        RicianNoise {
            sigma: self.sigma.draw(random) as f32,
            unit: self.unit,
            seed: random.next_u64(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_have_the_mean_of_the_distribution() {
        // E[R^2] = v^2 + 2 sigma^2; without a signal, E[R] = sigma sqrt(pi / 2) (Rayleigh).
        let mean = |signal: f32, power: i32| {
            let mut voxels = vec![signal; 200_001];
            rician_noise(&mut voxels, 2.0, noise_key(5, 0));
            let sum: f64 = voxels.iter().map(|&v| f64::from(v).powi(power)).sum();
            sum / voxels.len() as f64
        };
        assert!((mean(3.0, 2) / 17.0 - 1.0).abs() < 0.01, "{}", mean(3.0, 2));
        let rayleigh = 2.0 * (std::f64::consts::PI / 2.0).sqrt();
        assert!(
            (mean(0.0, 1) / rayleigh - 1.0).abs() < 0.01,
            "{}",
            mean(0.0, 1)
        );
    }
}
