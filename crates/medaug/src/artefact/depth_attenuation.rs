//! Ultrasound grows weaker with depth.

use medcore::random::Random;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::draw::{Channels, Draw};
use crate::error::{Result, check, check_axes};
use crate::operation::{Channel, ChannelOperation};
use crate::transform::{RandomChannels, random_twin};

/// Weakens amplitudes by what tissue takes of the sound on its way there and back:
/// `10^(-2 * attenuation * frequency * depth / 20)`.
///
/// It is made for amplitudes; a B-mode image is their logarithm. The depth of the first voxel is 0. NaN stays where
/// it is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DepthAttenuation {
    /// Axis along which the sound runs.
    pub axis: usize,
    /// Whether the probe is at the end of the axis.
    #[serde(default)]
    pub from_end: bool,
    /// Attenuation in dB/cm/MHz: about 0.5 in soft tissue.
    pub attenuation: f64,
    /// Frequency in MHz.
    pub frequency_mhz: f64,
}

const POSITIVE: &str = "finite and at least 0";

fn is_positive(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

impl ChannelOperation for DepthAttenuation {
    fn check(&self, dimension: usize) -> Result<()> {
        const NAME: &str = "DepthAttenuation";
        check_axes(NAME, "axis", &[self.axis], dimension)?;
        check(NAME, "attenuation", self.attenuation, POSITIVE, is_positive)?;
        check(
            NAME,
            "frequency_mhz",
            self.frequency_mhz,
            POSITIVE,
            is_positive,
        )
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let (len, inner) = (
            channel.shape[self.axis],
            channel.shape[self.axis + 1..].iter().product::<usize>(),
        );
        let factors: Vec<f32> = (0..len)
            .map(|i| {
                let voxels = if self.from_end { len - 1 - i } else { i };
                let depth_cm = voxels as f64 * channel.spacing[self.axis] / 10.0;
                let decibel = 2.0 * self.attenuation * self.frequency_mhz * depth_cm;
                libm::exp10(-decibel / 20.0) as f32
            })
            .collect();
        if inner == 1 {
            channel.voxels.par_chunks_mut(len).for_each(|row| {
                row.iter_mut()
                    .zip(&factors)
                    .for_each(|(v, factor)| *v *= factor);
            });
        } else {
            let rows = channel.voxels.par_chunks_mut(inner).enumerate();
            rows.for_each(|(i, row)| row.iter_mut().for_each(|v| *v *= factors[i % len]));
        }
        Ok(())
    }
}

/// Weakens with depth by a drawn attenuation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomDepthAttenuation {
    /// Probability of a sample.
    pub probability: f64,
    /// Axis along which the sound runs.
    pub axis: usize,
    /// Whether the probe is at the end of the axis.
    pub from_end: bool,
    /// Attenuation in dB/cm/MHz.
    pub attenuation: Draw,
    /// Frequency in MHz.
    pub frequency_mhz: Draw,
    /// Whether the channels share it.
    pub channels: Channels,
}

impl Default for RandomDepthAttenuation {
    /// A third of the samples; what is left after depth compensation for the wrong tissue, at 3 to 7 MHz.
    fn default() -> Self {
        Self {
            probability: 0.3,
            axis: 0,
            from_end: false,
            attenuation: Draw::Uniform {
                low: 0.0,
                high: 0.3,
            },
            frequency_mhz: Draw::Uniform {
                low: 3.0,
                high: 7.0,
            },
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomDepthAttenuation {
    random_twin!(RandomDepthAttenuation => DepthAttenuation);

    fn check_for(&self, dimension: usize) -> Result<()> {
        check_axes(Self::NAME, "axis", &[self.axis], dimension)?;
        self.attenuation
            .check(Self::NAME, "attenuation", POSITIVE, is_positive)?;
        self.frequency_mhz
            .check(Self::NAME, "frequency_mhz", POSITIVE, is_positive)
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> DepthAttenuation {
        DepthAttenuation {
            axis: self.axis,
            from_end: self.from_end,
            attenuation: self.attenuation.draw(random),
            frequency_mhz: self.frequency_mhz.draw(random),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_decibels_halve_the_amplitude() {
        for (axis, from_end, far) in [(0, false, 4), (1, true, 0)] {
            let mut voxels = vec![8.0; 5 * 3];
            let attenuation = DepthAttenuation {
                axis,
                from_end,
                attenuation: 0.602_06,
                frequency_mhz: 5.0,
            };
            let channel = Channel {
                voxels: &mut voxels,
                shape: [5, 3],
                spacing: [10.0 / 4.0, 10.0 / 2.0],
                number: 0,
            };
            attenuation.apply(channel).unwrap();
            // One centimetre there and back at 5 MHz: 6.02 dB, half.
            let at = if axis == 0 { far * 3 } else { far };
            assert!((voxels[at] - 4.0).abs() < 1e-4, "{voxels:?}");
        }
    }
}
