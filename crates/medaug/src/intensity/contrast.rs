//! Contrast about the mean (batchgeneratorsv2 `ContrastTransform`).

use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::each_channel;
use crate::draw::{Channels, Draw};
use crate::error::{Result, check_probability};
use crate::parallel::{Statistics, for_each_chunk};
use crate::sample::Sample;
use crate::transform::Transform;

/// What happens to intensities that leave the range they came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContrastRange {
    /// They are clipped to it.
    #[default]
    Preserved,
    /// They stay as they are.
    Free,
}

/// Multiplies the differences from the mean by `factor`.
pub fn contrast(voxels: &mut [f32], factor: f32, range: ContrastRange) {
    let statistics = Statistics::of(voxels);
    let mean = statistics.mean as f32;
    let (low, high) = match range {
        ContrastRange::Preserved => (statistics.min, statistics.max),
        ContrastRange::Free => (f32::NEG_INFINITY, f32::INFINITY),
    };
    for_each_chunk(voxels, |_, chunk| {
        for v in chunk {
            let changed = (*v - mean) * factor + mean;
            let raised = if changed < low { low } else { changed };
            *v = if raised > high { high } else { raised };
        }
    });
}

/// Multiplies the differences from a channel's mean by a drawn factor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomContrast {
    /// Probability of a sample.
    pub probability: f64,
    /// The factor.
    pub factor: Draw,
    /// Whether intensities are clipped to the range they came from.
    pub range: ContrastRange,
    /// Whether the channels share the factor.
    pub channels: Channels,
}

impl Default for RandomContrast {
    /// nnU-Net's parameters.
    fn default() -> Self {
        Self {
            probability: 0.15,
            factor: Draw::Balanced {
                low: 0.75,
                high: 1.25,
            },
            range: ContrastRange::Preserved,
            channels: Channels::Each { probability: 1.0 },
        }
    }
}

impl<const D: usize> Transform<D> for RandomContrast {
    fn name(&self) -> &'static str {
        "RandomContrast"
    }

    fn check(&self) -> Result<()> {
        const NAME: &str = "RandomContrast";
        check_probability(NAME, self.probability)?;
        self.channels.check(NAME)?;
        self.factor
            .check(NAME, "factor", "at least 0", |v| v >= 0.0)
    }

    fn apply(&self, sample: Sample<D>, key: Key) -> Result<Sample<D>> {
        if !key.stream("apply").chance(self.probability) {
            return Ok(sample);
        }
        let channels = sample.image().channels();
        let factors = self
            .channels
            .draw(channels, key, |random| self.factor.draw(random) as f32);
        Ok(each_channel(sample, factors, |voxels, factor| {
            contrast(voxels, factor, self.range);
        }))
    }
}
