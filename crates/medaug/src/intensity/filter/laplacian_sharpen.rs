//! Differences from the neighbours are added (batchgeneratorsv2 `SharpeningTransform`).

use medcore::random::Random;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::border::{FilterBorder, three_axes};
use crate::draw::{Channels, Draw};
use crate::error::{Result, check};
use crate::intensity::ContrastRange;
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::{Statistics, for_each_chunk};
use crate::transform::{RandomChannels, random_twin};

const NAME: &str = "LaplacianSharpen";
const RANDOM: &str = "RandomLaplacianSharpen";

/// Adds to each voxel its differences from its neighbours along all axes, times a strength; the border is continued. NaN
/// spreads to the neighbours, and a constant image stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaplacianSharpen {
    /// How much of the differences is added.
    pub strength: f32,
    /// Whether the result is clipped to the range of the channel.
    pub range: ContrastRange,
}

const STRENGTH: &str = "finite and at least 0";

fn is_strength(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

impl ChannelOperation for LaplacianSharpen {
    fn check(&self, _dimension: usize) -> Result<()> {
        check(
            NAME,
            "strength",
            self.strength.into(),
            STRENGTH,
            is_strength,
        )
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let [depth, height, width] = three_axes(channel.shape);
        let source = channel.voxels.to_vec();
        let row = |d: usize, h: usize| &source[(d * height + h) * width..][..width];
        let beside = |at: usize, step: isize, len: usize| {
            let seen = FilterBorder::Edge.source(at as isize + step, len);
            seen.unwrap_or(at)
        };
        let rows = channel.voxels.par_chunks_exact_mut(width).enumerate();
        rows.for_each(|(number, out)| {
            let (d, h) = (number / height, number % height);
            let own = row(d, h);
            let across = [
                row(beside(d, -1, depth), h),
                row(beside(d, 1, depth), h),
                row(d, beside(h, -1, height)),
                row(d, beside(h, 1, height)),
            ];
            for neighbours in across {
                for ((v, &own), &other) in out.iter_mut().zip(own).zip(neighbours) {
                    *v += self.strength * (own - other);
                }
            }
            for (v, pair) in out[1..].iter_mut().zip(own.windows(2)) {
                *v += self.strength * (pair[1] - pair[0]);
            }
            for (v, pair) in out.iter_mut().zip(own.windows(2)) {
                *v += self.strength * (pair[0] - pair[1]);
            }
        });
        if self.range == ContrastRange::Preserved {
            let Statistics { min, max, .. } = Statistics::of(&source);
            for_each_chunk(channel.voxels, |_, chunk| {
                for v in chunk {
                    let raised = if *v < min { min } else { *v };
                    *v = if raised > max { max } else { raised };
                }
            });
        }
        Ok(())
    }
}

/// Sharpens by a drawn strength.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomLaplacianSharpen {
    /// Probability of a sample.
    pub probability: f64,
    /// How much of the differences is added.
    pub strength: Draw,
    /// Whether the result is clipped to the range of the channel.
    pub range: ContrastRange,
    /// Whether the channels share the strength.
    pub channels: Channels,
}

impl Default for RandomLaplacianSharpen {
    /// The parameters of nnU-Net's `nnUNetTrainerDA5`.
    fn default() -> Self {
        Self {
            probability: 0.2,
            strength: Draw::Uniform {
                low: 0.1,
                high: 1.0,
            },
            range: ContrastRange::Free,
            channels: Channels::Each { probability: 0.5 },
        }
    }
}

impl RandomChannels for RandomLaplacianSharpen {
    random_twin!(RandomLaplacianSharpen => LaplacianSharpen);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        self.strength
            .check(RANDOM, "strength", STRENGTH, is_strength)
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> LaplacianSharpen {
        LaplacianSharpen {
            strength: self.strength.draw(random) as f32,
            range: self.range,
        }
    }
}
