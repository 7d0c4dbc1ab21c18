//! Additive Gaussian noise (batchgeneratorsv2 `GaussianNoiseTransform`, Apache-2.0, read for its
//! parameters).

use medcore::random::Key;
use serde::{Deserialize, Serialize};

use crate::draw::{Channels, Draw};
use crate::error::{Result, check_probability};
use crate::math;
use crate::parallel::for_each_chunk;
use crate::sample::Sample;
use crate::transform::Transform;

/// Adds independent normal noise of standard deviation `sigma` to every voxel, drawn under `key`.
pub fn gaussian_noise(voxels: &mut [f32], sigma: f32, key: Key) {
    for_each_chunk(voxels, |i, chunk| {
        let mut random = key.fork("chunk", i as u64).stream("noise");
        math::add_normals(chunk, sigma, &mut random);
    });
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

impl<const D: usize> Transform<D> for RandomGaussianNoise {
    fn name(&self) -> &'static str {
        "RandomGaussianNoise"
    }

    fn check(&self) -> Result<()> {
        const NAME: &str = "RandomGaussianNoise";
        check_probability(NAME, self.probability)?;
        self.channels.check(NAME)?;
        self.sigma.check(NAME, "sigma", "at least 0", |v| v >= 0.0)
    }

    fn apply(&self, mut sample: Sample<D>, key: Key) -> Result<Sample<D>> {
        if !key.stream("apply").chance(self.probability) {
            return Ok(sample);
        }
        let channels = sample.image().channels();
        let sigmas = self
            .channels
            .draw(channels, key, |random| self.sigma.draw(random));
        for (channel, sigma) in sigmas.into_iter().enumerate() {
            if let Some(sigma) = sigma {
                let key = key.fork("noise", channel as u64);
                gaussian_noise(sample.channel_mut(channel), sigma as f32, key);
            }
        }
        Ok(sample)
    }
}
