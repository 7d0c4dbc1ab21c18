//! The whole range of tones, for every channel by itself (torchvision and Pillow `autocontrast`).

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use crate::draw::Channels;
use crate::error::{Error, Result, check_range};
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::{Statistics, for_each_chunk};
use crate::transform::{RandomChannels, random_twin};

/// Stretches a channel, so that its darkest voxel becomes black and its brightest white.
///
/// NaN stays NaN and does not count, infinite voxels are refused. A constant channel stays as it is, but for what lies
/// outside the range.
///
/// ```
/// use medaug::{AutoContrast, Operation, Sample};
/// use medcore::{Geometry, Image};
///
/// let image = Image::new(Geometry::axis_aligned([1, 3], [1.0; 2])?, vec![0.2, 0.3, 0.6])?;
/// let done = Operation::from(AutoContrast::default()).apply_to(Sample::new(image))?;
/// assert_eq!(done.image().as_slice(), [0.0, 0.25, 1.0]);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AutoContrast {
    /// Black and white.
    pub range: [f32; 2],
}

impl Default for AutoContrast {
    /// From 0 to 1.
    fn default() -> Self {
        Self { range: [0.0, 1.0] }
    }
}

impl ChannelOperation for AutoContrast {
    fn check(&self, _dimension: usize) -> Result<()> {
        check_range("AutoContrast", self.range)
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let Statistics { min, max, .. } = Statistics::of(channel.voxels);
        if min <= max && !(min.is_finite() && max.is_finite()) {
            return Err(Error::NotFinite {
                channel: channel.number,
            });
        }
        let [low, high] = self.range;
        let (start, scale) = if min < max {
            (min, (high - low) / (max - min))
        } else {
            (low, 1.0)
        };
        for_each_chunk(channel.voxels, |_, chunk| {
            for v in chunk {
                *v = ((*v - start) * scale + low).clamp(low, high);
            }
        });
        Ok(())
    }
}

/// Stretches to the whole range of tones with a probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomAutoContrast {
    /// Probability of a sample.
    pub probability: f64,
    /// Black and white.
    pub range: [f32; 2],
    /// Whether all channels are stretched.
    pub channels: Channels,
}

impl Default for RandomAutoContrast {
    /// Half of the samples, as torchvision.
    fn default() -> Self {
        Self {
            probability: 0.5,
            range: AutoContrast::default().range,
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomAutoContrast {
    random_twin!(RandomAutoContrast => AutoContrast);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        check_range(Self::NAME, self.range)
    }

    fn draw(&self, _dimension: usize, _: &mut Random) -> AutoContrast {
        AutoContrast { range: self.range }
    }
}
