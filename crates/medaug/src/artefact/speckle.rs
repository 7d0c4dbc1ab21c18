//! The grain of ultrasound: echoes of many scatterers that add up or cancel (Burckhardt, "Speckle in ultrasound
//! B-mode scans", 1978).

use medcore::random::{Key, Random};
use serde::{Deserialize, Serialize};

use crate::array::per_axis;
use crate::draw::{Channels, Draw};
use crate::error::{Result, check, check_entries};
use crate::intensity::{gaussian_blur, gaussian_noise};
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::{CHUNK, Statistics, for_each_chunk};
use crate::transform::{RandomChannels, random_twin};

/// Multiplies amplitudes by a Rayleigh-distributed grain of mean 1, as wide as the scanner's point spread.
///
/// The grain is the magnitude of a complex normal field blurred by the point spread. It is made for amplitudes; a
/// B-mode image is their logarithm. A NaN stays where it is, a constant image gets the grain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UltrasoundSpeckle {
    /// From 0 (none) to 1 (fully developed): the factor is `1 + strength * (grain - 1)`.
    pub strength: f32,
    /// Standard deviation of the point spread in millimetres: one for all axes, or one an axis; 0 is a single voxel.
    pub spread_mm: Vec<f64>,
    /// Names the grain: the same seed gives the same, channel by channel.
    pub seed: u64,
}

const STRENGTH: &str = "within 0 and 1";
const SPREAD: &str = "finite and at least 0";

fn is_strength(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}

fn is_spread(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

impl ChannelOperation for UltrasoundSpeckle {
    fn check(&self, dimension: usize) -> Result<()> {
        const NAME: &str = "UltrasoundSpeckle";
        check(
            NAME,
            "strength",
            self.strength.into(),
            STRENGTH,
            is_strength,
        )?;
        check_entries(NAME, "spread_mm", self.spread_mm.len(), dimension)?;
        self.spread_mm
            .iter()
            .try_for_each(|&v| check(NAME, "spread_mm", v, SPREAD, is_spread))
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        const NAME: &str = "UltrasoundSpeckle";
        let spread: [f64; D] = per_axis(NAME, "spread_mm", &self.spread_mm)?;
        let sigma: [f64; D] = std::array::from_fn(|a| spread[a] / channel.spacing[a]);
        for &voxels in &sigma {
            check(NAME, "spread_mm", voxels, "at most 100 voxels", |v| {
                v <= 100.0
            })?;
        }
        let field = |part: &str| {
            let mut field = vec![0.0; channel.voxels.len()];
            let key = Key::new(self.seed).fork(part, channel.number as u64);
            gaussian_noise(&mut field, 1.0, key);
            gaussian_blur(&mut field, channel.shape, sigma);
            field
        };
        let mut grain = field("real");
        let imaginary = field("imaginary");
        for_each_chunk(&mut grain, |i, chunk| {
            for (g, v) in chunk.iter_mut().zip(&imaginary[i * CHUNK..]) {
                *g = (*g * *g + v * v).sqrt();
            }
        });
        let scale = 1.0 / Statistics::of(&grain).mean.max(f64::MIN_POSITIVE) as f32;
        for_each_chunk(channel.voxels, |i, chunk| {
            for (v, g) in chunk.iter_mut().zip(&grain[i * CHUNK..]) {
                *v *= 1.0 + self.strength * (g * scale - 1.0);
            }
        });
        Ok(())
    }
}

/// Adds grain of drawn strength and width.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomUltrasoundSpeckle {
    /// Probability of a sample.
    pub probability: f64,
    /// Strength of the grain.
    pub strength: Draw,
    /// Standard deviation of the point spread in millimetres, drawn for each axis.
    pub spread_mm: Draw,
    /// Whether the channels share strength and width.
    pub channels: Channels,
}

impl Default for RandomUltrasoundSpeckle {
    /// A third of the samples, grain of a third to a millimetre.
    fn default() -> Self {
        Self {
            probability: 0.3,
            strength: Draw::Uniform {
                low: 0.1,
                high: 0.6,
            },
            spread_mm: Draw::Uniform {
                low: 0.3,
                high: 1.0,
            },
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomUltrasoundSpeckle {
    random_twin!(RandomUltrasoundSpeckle => UltrasoundSpeckle);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        self.strength
            .check(Self::NAME, "strength", STRENGTH, is_strength)?;
        self.spread_mm
            .check(Self::NAME, "spread_mm", SPREAD, is_spread)
    }

    fn draw(&self, dimension: usize, random: &mut Random) -> UltrasoundSpeckle {
        UltrasoundSpeckle {
            strength: self.strength.draw(random) as f32,
            spread_mm: (0..dimension)
                .map(|_| self.spread_mm.draw(random))
                .collect(),
            seed: random.next_u64(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grain(spread_mm: f64) -> Vec<f32> {
        let mut voxels = vec![1.0; 200 * 300];
        let speckle = UltrasoundSpeckle {
            strength: 1.0,
            spread_mm: vec![spread_mm],
            seed: 5,
        };
        let channel = Channel {
            voxels: &mut voxels,
            shape: [200, 300],
            spacing: [0.5, 0.5],
            number: 0,
        };
        speckle.apply(channel).unwrap();
        voxels
    }

    fn neighbours(voxels: &[f32], step: usize) -> f64 {
        let pairs = voxels.iter().zip(&voxels[step..]);
        let products: f64 = pairs.map(|(a, b)| f64::from((a - 1.0) * (b - 1.0))).sum();
        let squares: f64 = voxels.iter().map(|v| f64::from(v - 1.0).powi(2)).sum();
        products / squares
    }

    #[test]
    fn grain_is_rayleigh_and_as_wide_as_the_point_spread() {
        let single = grain(0.0);
        let statistics = Statistics::of(&single);
        assert!((statistics.mean - 1.0).abs() < 1e-3);
        // Deviation over mean of a Rayleigh distribution.
        let ratio = (4.0 / std::f64::consts::PI - 1.0).sqrt();
        assert!(
            (statistics.std() - ratio).abs() < 0.01,
            "{}",
            statistics.std()
        );
        assert!(neighbours(&single, 1).abs() < 0.02);
        let wide = grain(1.0);
        assert!((Statistics::of(&wide).std() - ratio).abs() < 0.06);
        // Blurred by two voxels: neighbours go together, those seven standard deviations away do not.
        assert!(neighbours(&wide, 1) > 0.8);
        assert!(neighbours(&wide, 14).abs() < 0.1);
    }
}
