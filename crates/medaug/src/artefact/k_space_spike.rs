//! Spikes in k-space by the logarithm of their magnitude (MONAI `KSpaceSpikeNoise`).

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use super::spectrum::Spectrum;
use super::spike::{check_places, waves};
use super::wave::Wave;
use crate::draw::{Channels, Draw};
use crate::error::{Error, Result, check};
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::Statistics;
use crate::transform::{RandomChannels, random_twin};

/// How high a spike of [`KSpaceSpikeNoise`] is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SpikeIntensity {
    /// The natural logarithm of its magnitude, which grows with the image.
    Log(f64),
    /// This many times the mean logarithm of the magnitudes of the channel.
    OfMeanLog(f64),
}

impl Default for SpikeIntensity {
    /// MONAI's, if it is given none.
    fn default() -> Self {
        Self::OfMeanLog(2.5)
    }
}

impl SpikeIntensity {
    fn check(self) -> Result<()> {
        let (Self::Log(v) | Self::OfMeanLog(v)) = self;
        check("KSpaceSpikeNoise", "intensity", v, "finite", f64::is_finite)
    }
}

/// Gives some points of k-space another magnitude; their phase stays.
///
/// [`Spike`](crate::Spike) adds to what is there, as TorchIO does. A channel with NaN is refused, and
/// spikes above 1e30, which grow beyond what an `f32` holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KSpaceSpikeNoise {
    /// Places in k-space, the lowest frequency in the middle: one coordinate from 0 to 1 an axis.
    pub places: Vec<Vec<f64>>,
    /// How high they are.
    #[serde(default)]
    pub intensity: SpikeIntensity,
}

impl ChannelOperation for KSpaceSpikeNoise {
    fn check(&self, dimension: usize) -> Result<()> {
        check_places("KSpaceSpikeNoise", &self.places, dimension)?;
        self.intensity.check()
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        if !Statistics::of(channel.voxels).is_finite() {
            let channel = channel.number;
            return Err(Error::NotFinite { channel });
        }
        let magnitude = libm::exp(match self.intensity {
            SpikeIntensity::Log(log) => log,
            SpikeIntensity::OfMeanLog(factor) => {
                factor * Spectrum::of(channel.voxels, channel.shape).mean_log()
            }
        });
        let rule = "so low that no voxel becomes infinite";
        check("KSpaceSpikeNoise", "intensity", magnitude, rule, |v| {
            v <= 1e30
        })?;
        let mut done: Vec<Wave<D>> = vec![];
        for wave in waves(&self.places, channel.shape) {
            if done.iter().any(|other| other.same_as(&wave)) {
                continue;
            }
            let [real, imaginary] = wave.value(channel.voxels);
            let before = libm::hypot(real, imaginary);
            // Exactly zero has the phase zero, as numpy's `angle` says.
            let missing = if before > 0.0 {
                let factor = magnitude / before - 1.0;
                [real * factor, imaginary * factor]
            } else {
                [magnitude, 0.0]
            };
            wave.add(channel.voxels, missing);
            done.push(wave);
        }
        Ok(())
    }
}

/// Gives one drawn point of k-space another magnitude.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomKSpaceSpikeNoise {
    /// Probability of a sample.
    pub probability: f64,
    /// Height as a multiple of the mean logarithm of the magnitudes of a channel.
    pub of_mean_log: Draw,
    /// Whether the channels share place and height.
    pub channels: Channels,
}

impl Default for RandomKSpaceSpikeNoise {
    /// MONAI's parameters.
    fn default() -> Self {
        Self {
            probability: 0.1,
            of_mean_log: Draw::Uniform {
                low: 2.5 * 0.95,
                high: 2.5 * 1.1,
            },
            channels: Channels::Each { probability: 1.0 },
        }
    }
}

impl RandomChannels for RandomKSpaceSpikeNoise {
    random_twin!(RandomKSpaceSpikeNoise => KSpaceSpikeNoise);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        self.of_mean_log
            .check(Self::NAME, "of_mean_log", "finite", |_| true)
    }

    fn draw(&self, dimension: usize, random: &mut Random) -> KSpaceSpikeNoise {
        KSpaceSpikeNoise {
            intensity: SpikeIntensity::OfMeanLog(self.of_mean_log.draw(random)),
            places: vec![(0..dimension).map(|_| random.uniform()).collect()],
        }
    }
}
