//! Multiplicative brightness (batchgeneratorsv2 `MultiplicativeBrightnessTransform`).

use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::each_channel;
use crate::draw::{Channels, Draw};
use crate::error::{Result, check_probability};
use crate::parallel::for_each_chunk;
use crate::sample::Sample;
use crate::transform::Transform;

/// Multiplies every voxel by `factor`.
pub fn brightness(voxels: &mut [f32], factor: f32) {
    for_each_chunk(voxels, |_, chunk| {
        chunk.iter_mut().for_each(|v| *v *= factor);
    });
}

/// Multiplies intensities by a drawn factor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomBrightness {
    /// Probability of a sample.
    pub probability: f64,
    /// The factor.
    pub factor: Draw,
    /// Whether the channels share it.
    pub channels: Channels,
}

impl Default for RandomBrightness {
    /// nnU-Net's parameters.
    fn default() -> Self {
        Self {
            probability: 0.15,
            factor: Draw::Balanced {
                low: 0.75,
                high: 1.25,
            },
            channels: Channels::Each { probability: 1.0 },
        }
    }
}

impl<const D: usize> Transform<D> for RandomBrightness {
    fn name(&self) -> &'static str {
        "RandomBrightness"
    }

    fn check(&self) -> Result<()> {
        const NAME: &str = "RandomBrightness";
        check_probability(NAME, self.probability)?;
        self.channels.check(NAME)?;
        self.factor.check(NAME, "factor", "finite", |_| true)
    }

    fn apply(&self, sample: Sample<D>, key: Key) -> Result<Sample<D>> {
        if !key.stream("apply").chance(self.probability) {
            return Ok(sample);
        }
        let channels = sample.image().channels();
        let factors = self
            .channels
            .draw(channels, key, |random| self.factor.draw(random) as f32);
        Ok(each_channel(sample, factors, brightness))
    }
}
