//! A blurred image sharpened by its differences from a more blurred one (MONAI `GaussianSharpen`).

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use super::gaussian_smooth::{SIGMA, check_sigma, is_sigma, smooth};
use crate::array::per_axis;
use crate::draw::{Channels, Draw};
use crate::error::{Result, check};
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::for_each_chunk_with;
use crate::transform::{RandomChannels, random_twin};

const NAME: &str = "GaussianSharpen";

/// `b + alpha (b - b')`, where `b` is the blurred image and `b'` blurs it again, both by
/// [`GaussianSmooth`](crate::GaussianSmooth). NaN spreads over the kernels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GaussianSharpen {
    /// Standard deviation of the first blur in voxels: one for all axes, or one an axis.
    pub sigma1_voxels: Vec<f64>,
    /// Standard deviation of the second blur in voxels: one for all axes, or one an axis.
    pub sigma2_voxels: Vec<f64>,
    /// How much of the differences is added.
    pub alpha: f32,
}

impl Default for GaussianSharpen {
    /// MONAI's parameters.
    fn default() -> Self {
        Self {
            sigma1_voxels: vec![3.0],
            sigma2_voxels: vec![1.0],
            alpha: 30.0,
        }
    }
}

impl ChannelOperation for GaussianSharpen {
    fn check(&self, dimension: usize) -> Result<()> {
        check_sigma(NAME, "sigma1_voxels", &self.sigma1_voxels, dimension)?;
        check_sigma(NAME, "sigma2_voxels", &self.sigma2_voxels, dimension)?;
        check(NAME, "alpha", self.alpha.into(), "finite", f64::is_finite)
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let first = per_axis(NAME, "sigma1_voxels", &self.sigma1_voxels)?;
        let second = per_axis(NAME, "sigma2_voxels", &self.sigma2_voxels)?;
        smooth(channel.voxels, channel.shape, first);
        let mut twice = channel.voxels.to_vec();
        smooth(&mut twice, channel.shape, second);
        for_each_chunk_with(channel.voxels, &twice, |v, twice| {
            v + self.alpha * (v - twice)
        });
        Ok(())
    }
}

/// Sharpens by drawn blurs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomGaussianSharpen {
    /// Probability of a sample.
    pub probability: f64,
    /// Standard deviation of the first blur in voxels, drawn for each axis.
    pub sigma1_voxels: Draw,
    /// Smallest standard deviation of the second blur in voxels; along each axis it is uniform from here to
    /// that of the first.
    pub sigma2_from: f64,
    /// How much of the differences is added.
    pub alpha: Draw,
    /// Whether the channels share the draws.
    pub channels: Channels,
}

impl Default for RandomGaussianSharpen {
    /// MONAI's parameters.
    fn default() -> Self {
        Self {
            probability: 0.1,
            sigma1_voxels: Draw::Uniform {
                low: 0.5,
                high: 1.0,
            },
            sigma2_from: 0.5,
            alpha: Draw::Uniform {
                low: 10.0,
                high: 30.0,
            },
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomGaussianSharpen {
    random_twin!(RandomGaussianSharpen => GaussianSharpen);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        let (lowest, _) = self.sigma1_voxels.bounds();
        self.sigma1_voxels
            .check(Self::NAME, "sigma1_voxels", SIGMA, is_sigma)?;
        check(
            Self::NAME,
            "sigma2_from",
            self.sigma2_from,
            "within 0 and the first blur",
            |v| v >= 0.0 && v <= lowest,
        )?;
        self.alpha.check(Self::NAME, "alpha", "finite", |_| true)
    }

    fn draw(&self, dimension: usize, random: &mut Random) -> GaussianSharpen {
        let first: Vec<f64> = (0..dimension)
            .map(|_| self.sigma1_voxels.draw(random))
            .collect();
        let second = first
            .iter()
            .map(|&sigma| random.uniform_in(self.sigma2_from, sigma));
        GaussianSharpen {
            sigma2_voxels: second.collect(),
            sigma1_voxels: first,
            alpha: self.alpha.draw(random) as f32,
        }
    }
}
