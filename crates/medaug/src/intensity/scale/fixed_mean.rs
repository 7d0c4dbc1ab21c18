//! Scaling about the mean (MONAI `ScaleIntensityFixedMean`): [`Contrast`](crate::Contrast) by 1 + factor.

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use crate::draw::{Channels, Draw};
use crate::error::{Result, check};
use crate::intensity::contrast::{ContrastRange, contrast};
use crate::operation::{Channel, ChannelOperation};
use crate::transform::{RandomChannels, random_twin};

const FACTOR: &str = "at least -1";

/// Multiplies the differences from a channel's mean by `1 + factor`; NaN spreads over the channel.
///
/// MONAI takes the mean of all channels together unless told otherwise; here each has its own.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScaleIntensityFixedMean {
    /// By how much differences grow: 0.1 by a tenth.
    pub factor: f32,
    /// Whether intensities are clipped to the range they came from.
    #[serde(default = "free")]
    pub range: ContrastRange,
}

fn free() -> ContrastRange {
    ContrastRange::Free
}

impl ChannelOperation for ScaleIntensityFixedMean {
    fn check(&self, _dimension: usize) -> Result<()> {
        check(
            "ScaleIntensityFixedMean",
            "factor",
            self.factor.into(),
            FACTOR,
            |v| v.is_finite() && v >= -1.0,
        )
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        contrast(channel.voxels, 1.0 + self.factor, self.range);
        Ok(())
    }
}

/// Scales about the mean by a drawn factor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomScaleIntensityFixedMean {
    /// Probability of a sample.
    pub probability: f64,
    /// By how much differences grow.
    pub factor: Draw,
    /// Whether intensities are clipped to the range they came from.
    pub range: ContrastRange,
    /// Whether the channels share the factor.
    pub channels: Channels,
}

impl Default for RandomScaleIntensityFixedMean {
    /// MONAI's probability; a tenth up or down.
    fn default() -> Self {
        Self {
            probability: 0.1,
            factor: Draw::symmetric(0.1),
            range: ContrastRange::Free,
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomScaleIntensityFixedMean {
    random_twin!(RandomScaleIntensityFixedMean => ScaleIntensityFixedMean);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        self.factor
            .check(Self::NAME, "factor", FACTOR, |v| v >= -1.0)
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> ScaleIntensityFixedMean {
        ScaleIntensityFixedMean {
            factor: self.factor.draw(random) as f32,
            range: self.range,
        }
    }
}
