//! Pictures between blurred and sharpened (torchvision and Pillow `adjust_sharpness`).

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use super::convolve::{check_picture, filter_picture, picture, square_taps};
use crate::draw::{Channels, Draw};
use crate::error::{Result, check, check_range};
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::{for_each_chunk, for_each_chunk_with};
use crate::transform::{RandomChannels, random_twin};

/// Changes the distances of voxels from a blurred picture by a factor, and clips.
///
/// 0 blurs, 1 leaves the picture, 2 sharpens it. The kernel counts the voxel itself 5 times and each of its 8 neighbours once;
/// the outermost rows and columns are clipped and nothing else. NaN spreads to the neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdjustSharpness {
    /// Factor of the distances.
    pub factor: f32,
    /// Black and white, to which the result is clipped.
    #[serde(default = "unit")]
    pub range: [f32; 2],
}

fn unit() -> [f32; 2] {
    [0.0, 1.0]
}

const FACTOR: &str = "finite and at least 0";

fn is_factor(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

impl ChannelOperation for AdjustSharpness {
    fn check(&self, dimension: usize) -> Result<()> {
        const NAME: &str = "AdjustSharpness";
        check_picture(NAME, dimension)?;
        check(NAME, "factor", self.factor.into(), FACTOR, is_factor)?;
        check_range(NAME, self.range)
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let [height, width] = picture("AdjustSharpness", channel.shape)?;
        if height <= 2 || width <= 2 {
            return Ok(());
        }
        let mut blurred = channel.voxels.to_vec();
        let taps = square_taps([[1.0, 1.0, 1.0], [1.0, 5.0, 1.0], [1.0, 1.0, 1.0]]);
        filter_picture(&mut blurred, [height, width], &taps);
        let inner = &mut channel.voxels[width..(height - 1) * width];
        let rows = inner.chunks_exact_mut(width);
        let share = 1.0 - self.factor;
        for (row, blurred) in rows.zip(blurred[width..].chunks_exact(width)) {
            let (row, blurred) = (&mut row[1..width - 1], &blurred[1..width - 1]);
            for_each_chunk_with(row, blurred, |v, sum| v + (sum / 13.0 - v) * share);
        }
        let [low, high] = self.range;
        for_each_chunk(channel.voxels, |_, chunk| {
            chunk.iter_mut().for_each(|v| *v = v.clamp(low, high));
        });
        Ok(())
    }
}

/// Blurs or sharpens pictures by a drawn factor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomAdjustSharpness {
    /// Probability of a sample.
    pub probability: f64,
    /// Factor of the distances from a blurred picture.
    pub factor: Draw,
    /// Black and white, to which the result is clipped.
    pub range: [f32; 2],
    /// Whether the channels share the factor.
    pub channels: Channels,
}

impl Default for RandomAdjustSharpness {
    /// Half of the samples, as torchvision, with twice the sharpness of its example.
    fn default() -> Self {
        Self {
            probability: 0.5,
            factor: Draw::Fixed(2.0),
            range: unit(),
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomAdjustSharpness {
    random_twin!(RandomAdjustSharpness => AdjustSharpness);

    fn check_for(&self, dimension: usize) -> Result<()> {
        check_picture(Self::NAME, dimension)?;
        self.factor.check(Self::NAME, "factor", FACTOR, is_factor)?;
        check_range(Self::NAME, self.range)
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> AdjustSharpness {
        AdjustSharpness {
            factor: self.factor.draw(random) as f32,
            range: self.range,
        }
    }
}
