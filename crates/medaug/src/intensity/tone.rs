//! Few tones and turned tones (torchvision and Albumentations `Invert`, `Posterize`, `Solarize`).

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use crate::draw::{Channels, Draw};
use crate::error::{Result, check, check_range};
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::for_each_chunk;
use crate::transform::{RandomChannels, random_twin};

fn each(voxels: &mut [f32], f: impl Fn(f32) -> f32 + Sync) {
    for_each_chunk(voxels, |_, chunk| chunk.iter_mut().for_each(|v| *v = f(*v)));
}

/// Turns dark into bright from a threshold on: `low + high - v` where `v` is not below it. NaN stays NaN.
///
/// With a threshold at the lower end all is turned, which is `Invert`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Solarize {
    /// Intensities below stay as they are.
    pub threshold: f32,
    /// Black and white, which change places.
    pub range: [f32; 2],
}

impl Default for Solarize {
    /// The upper half of 0 to 1.
    fn default() -> Self {
        Self {
            threshold: 0.5,
            range: [0.0, 1.0],
        }
    }
}

impl ChannelOperation for Solarize {
    fn check(&self, _dimension: usize) -> Result<()> {
        check(
            "Solarize",
            "threshold",
            self.threshold.into(),
            "a number",
            |v| !v.is_nan(),
        )?;
        check_range("Solarize", self.range)
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let [low, high] = self.range;
        each(channel.voxels, |v| {
            if v >= self.threshold {
                high + low - v
            } else {
                v
            }
        });
        Ok(())
    }
}

/// Turns dark into bright: `low + high - v`, as a negative does. NaN stays NaN.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Invert {
    /// Black and white, which change places.
    pub range: [f32; 2],
}

impl Default for Invert {
    /// From 0 to 1.
    fn default() -> Self {
        Self { range: [0.0, 1.0] }
    }
}

impl ChannelOperation for Invert {
    fn check(&self, _dimension: usize) -> Result<()> {
        check_range("Invert", self.range)
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let [low, high] = self.range;
        each(channel.voxels, |v| high + low - v);
        Ok(())
    }
}

/// Leaves `2^bits` tones, each the lower end of its part of the range (torchvision's rule for images of floats);
/// what is outside the range gets the closest tone. NaN stays NaN.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Posterize {
    /// Bits of a tone.
    pub bits: u32,
    /// Black and white.
    pub range: [f32; 2],
}

impl Default for Posterize {
    /// Sixteen tones of 0 to 1.
    fn default() -> Self {
        Self {
            bits: 4,
            range: [0.0, 1.0],
        }
    }
}

const BITS: &str = "within 0 and 16";

fn is_bits(value: f64) -> bool {
    (0.0..=16.0).contains(&value)
}

impl ChannelOperation for Posterize {
    fn check(&self, _dimension: usize) -> Result<()> {
        check("Posterize", "bits", self.bits.into(), BITS, is_bits)?;
        check_range("Posterize", self.range)
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let [low, high] = self.range;
        let tones = (1_u32 << self.bits.min(16)) as f32;
        let extent = high - low;
        each(channel.voxels, |v| {
            let tone = ((v - low) / extent * tones).floor();
            tone.clamp(0.0, tones - 1.0) / tones * extent + low
        });
        Ok(())
    }
}

/// Turns dark into bright with a probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomInvert {
    /// Probability of a sample.
    pub probability: f64,
    /// Black and white, which change places.
    pub range: [f32; 2],
    /// Whether all channels are turned.
    pub channels: Channels,
}

impl Default for RandomInvert {
    /// Half of the samples, from 0 to 1.
    fn default() -> Self {
        Self {
            probability: 0.5,
            range: Invert::default().range,
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomInvert {
    random_twin!(RandomInvert => Invert);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        check_range(Self::NAME, self.range)
    }

    fn draw(&self, _dimension: usize, _: &mut Random) -> Invert {
        Invert { range: self.range }
    }
}

/// Turns dark into bright from a drawn threshold on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomSolarize {
    /// Probability of a sample.
    pub probability: f64,
    /// Intensities below stay as they are.
    pub threshold: Draw,
    /// Black and white, which change places.
    pub range: [f32; 2],
    /// Whether the channels share the threshold.
    pub channels: Channels,
}

impl Default for RandomSolarize {
    /// Albumentations' parameters.
    fn default() -> Self {
        Self {
            probability: 0.5,
            threshold: Draw::Fixed(0.5),
            range: [0.0, 1.0],
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomSolarize {
    random_twin!(RandomSolarize => Solarize);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        self.threshold
            .check(Self::NAME, "threshold", "finite", |_| true)?;
        check_range(Self::NAME, self.range)
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> Solarize {
        Solarize {
            threshold: self.threshold.draw(random) as f32,
            range: self.range,
        }
    }
}

/// Leaves few tones, a drawn number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomPosterize {
    /// Probability of a sample.
    pub probability: f64,
    /// Fewest and most bits of a tone.
    pub bits: [u32; 2],
    /// Black and white.
    pub range: [f32; 2],
    /// Whether the channels share the bits.
    pub channels: Channels,
}

impl Default for RandomPosterize {
    /// Albumentations' parameters.
    fn default() -> Self {
        Self {
            probability: 0.5,
            bits: [4, 4],
            range: [0.0, 1.0],
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomPosterize {
    random_twin!(RandomPosterize => Posterize);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        let [low, high] = self.bits.map(f64::from);
        check(Self::NAME, "bits", low, BITS, is_bits)?;
        check(
            Self::NAME,
            "bits",
            high,
            "at least its lower bound and at most 16",
            |v| v >= low && is_bits(v),
        )?;
        check_range(Self::NAME, self.range)
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> Posterize {
        let [low, high] = self.bits;
        let more = random.below(high.saturating_sub(low) as usize + 1);
        Posterize {
            bits: low + more as u32,
            range: self.range,
        }
    }
}
