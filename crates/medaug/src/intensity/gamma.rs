//! Gamma correction of the intensity range (batchgeneratorsv2 `GammaTransform`).

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use crate::draw::{Channels, Draw};
use crate::error::{Result, check};
use crate::math;
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::{Statistics, for_each_chunk};
use crate::transform::{RandomChannels, random_twin};

/// Ranges narrower than this are not stretched (batchgeneratorsv2's `eps`).
const SMALLEST: f64 = 1e-7;

/// One gamma correction.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gamma {
    /// The exponent; above 1 darkens.
    pub exponent: f32,
    /// Whether the image is negated before and after, so that the bright end is stretched.
    #[serde(default)]
    pub inverted: bool,
    /// Whether mean and standard deviation are restored.
    #[serde(default)]
    pub retain_statistics: bool,
}

/// How division by a range or a deviation near 0 is avoided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SmallRange {
    /// Neither falls below 1e-7 (batchgeneratorsv2).
    Bounded,
    /// 1e-7 is added to the range, 1e-8 to the deviation (MONAI).
    Widened,
}

/// Raises intensities, scaled to 0..1 over the range present, to a power, and scales them back.
pub fn gamma(voxels: &mut [f32], parameters: Gamma) {
    correct(voxels, parameters, SmallRange::Bounded);
}

pub(super) fn correct(voxels: &mut [f32], parameters: Gamma, small: SmallRange) {
    let before = Statistics::of(voxels);
    let sign = if parameters.inverted { -1.0_f32 } else { 1.0 };
    let (min, max) = if parameters.inverted {
        (-before.max, -before.min)
    } else {
        (before.min, before.max)
    };
    let range = max - min;
    let divisor = match small {
        SmallRange::Bounded => range.max(SMALLEST as f32),
        SmallRange::Widened => range + SMALLEST as f32,
    };
    for_each_chunk(voxels, |_, chunk| {
        for v in chunk {
            let unit = (*v * sign - min) / divisor;
            *v = math::pow_unit(unit, parameters.exponent) * range + min;
        }
    });
    if !parameters.retain_statistics {
        if parameters.inverted {
            for_each_chunk(voxels, |_, chunk| chunk.iter_mut().for_each(|v| *v = -*v));
        }
        return;
    }
    let after = Statistics::of(voxels);
    let mean = (before.mean * f64::from(sign)) as f32;
    let shift = after.mean as f32;
    let deviation = match small {
        SmallRange::Bounded => after.unbiased_std().max(SMALLEST),
        SmallRange::Widened => after.unbiased_std() + SMALLEST / 10.0,
    };
    let scale = (before.unbiased_std() / deviation) as f32;
    for_each_chunk(voxels, |_, chunk| {
        for v in chunk {
            *v = ((*v - shift) * scale + mean) * sign;
        }
    });
}

impl ChannelOperation for Gamma {
    fn check(&self, _dimension: usize) -> Result<()> {
        check(
            "Gamma",
            "exponent",
            self.exponent.into(),
            "finite and above 0",
            |v| v.is_finite() && v > 0.0,
        )
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        gamma(channel.voxels, *self);
        Ok(())
    }
}

/// Applies a drawn gamma correction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomGamma {
    /// Probability of a sample.
    pub probability: f64,
    /// The exponent.
    pub exponent: Draw,
    /// Whether the image is negated before and after.
    pub inverted: bool,
    /// Whether mean and standard deviation are restored.
    pub retain_statistics: bool,
    /// Whether the channels share the exponent.
    pub channels: Channels,
}

impl Default for RandomGamma {
    /// nnU-Net's parameters of the plain correction.
    fn default() -> Self {
        Self {
            probability: 0.3,
            exponent: Draw::Balanced {
                low: 0.7,
                high: 1.5,
            },
            inverted: false,
            retain_statistics: true,
            channels: Channels::Each { probability: 1.0 },
        }
    }
}

impl RandomChannels for RandomGamma {
    random_twin!(RandomGamma => Gamma);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        self.exponent
            .check(Self::NAME, "exponent", "above 0", |v| v > 0.0)
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> Gamma {
        Gamma {
            exponent: self.exponent.draw(random) as f32,
            inverted: self.inverted,
            retain_statistics: self.retain_statistics,
        }
    }
}
