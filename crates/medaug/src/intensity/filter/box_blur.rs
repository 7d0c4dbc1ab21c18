//! The mean of a box of voxels (Albumentations `Blur`, OpenCV `blur`).

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use super::border::FilterBorder;
use super::separable::separable_filter;
use crate::array::per_axis;
use crate::draw::Channels;
use crate::error::{Result, check, check_entries};
use crate::operation::{Channel, ChannelOperation};
use crate::transform::{RandomChannels, random_twin};

pub(super) const ODD: &str = "an odd number of voxels, at most 101";

pub(super) fn is_odd(value: f64) -> bool {
    (1.0..=101.0).contains(&value) && value % 2.0 == 1.0
}

/// Replaces every voxel by the mean of a box around it, mirrored at the border voxels; NaN spreads over the
/// box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoxBlur {
    /// Voxels along each axis of the box, odd: one for all axes, or one an axis.
    pub size: Vec<usize>,
}

impl ChannelOperation for BoxBlur {
    fn check(&self, dimension: usize) -> Result<()> {
        check_entries("BoxBlur", "size", self.size.len(), dimension)?;
        self.size
            .iter()
            .try_for_each(|&size| check("BoxBlur", "size", size as f64, ODD, is_odd))
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let size: [usize; D] = per_axis("BoxBlur", "size", &self.size)?;
        let kernels = size.map(|taps| vec![1.0 / taps as f32; taps]);
        separable_filter(channel.voxels, channel.shape, kernels, FilterBorder::Mirror);
        Ok(())
    }
}

/// Takes the mean of boxes of a drawn size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomBoxBlur {
    /// Probability of a sample.
    pub probability: f64,
    /// Smallest and largest number of voxels along an axis, both odd; one draw for all axes.
    pub size: [usize; 2],
    /// Whether the channels share it.
    pub channels: Channels,
}

impl Default for RandomBoxBlur {
    /// Albumentations' parameters.
    fn default() -> Self {
        Self {
            probability: 0.5,
            size: [3, 7],
            channels: Channels::Together,
        }
    }
}

/// Refuses bounds that are not odd or out of order.
pub(super) fn check_odd_range(transform: &'static str, [low, high]: [usize; 2]) -> Result<()> {
    check(transform, "size", low as f64, ODD, is_odd)?;
    check(transform, "size", high as f64, ODD, is_odd)?;
    check(
        transform,
        "size",
        high as f64,
        "at least its lower bound",
        |v| v >= low as f64,
    )
}

/// An odd number within bounds that are odd.
pub(super) fn draw_odd([low, high]: [usize; 2], random: &mut Random) -> usize {
    low + 2 * random.below((high - low) / 2 + 1)
}

impl RandomChannels for RandomBoxBlur {
    random_twin!(RandomBoxBlur => BoxBlur);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        check_odd_range(Self::NAME, self.size)
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> BoxBlur {
        BoxBlur {
            size: vec![draw_odd(self.size, random)],
        }
    }
}
