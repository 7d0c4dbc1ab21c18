//! MONAI's Gaussian blur (`GaussianSmooth`): [`GaussianBlur`](crate::GaussianBlur) by another kernel.
//!
//! A tap is the integral of the Gaussian over its voxel, up to 4 sigma; beyond the image lie zeros, and what
//! the kernel loses there and in its tails is not made up for, so borders darken.

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use super::border::FilterBorder;
use super::separable::separable_filter;
use crate::array::per_axis;
use crate::draw::{Channels, Draw};
use crate::error::{Result, check, check_entries};
use crate::operation::{Channel, ChannelOperation};
use crate::transform::{RandomChannels, random_twin};

pub(super) const SIGMA: &str = "at least 0 and at most 100";

pub(super) fn is_sigma(value: f64) -> bool {
    (0.0..=100.0).contains(&value)
}

/// Blurs as MONAI does, for networks that were trained with it; NaN spreads over the kernel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GaussianSmooth {
    /// Standard deviation in voxels: one for all axes, or one an axis.
    pub sigma_voxels: Vec<f64>,
}

/// Taps that integrate the Gaussian over voxels.
pub(crate) fn erf_kernel(sigma: f64) -> Vec<f32> {
    let tail = ((sigma * 4.0).max(0.5) + 0.5) as i64;
    let t = std::f64::consts::FRAC_1_SQRT_2 / sigma.max(f64::MIN_POSITIVE);
    (-tail..=tail)
        .map(|x| {
            let x = x as f64;
            (0.5 * (libm::erf(t * (x + 0.5)) - libm::erf(t * (x - 0.5)))) as f32
        })
        .collect()
}

pub(super) fn smooth<const D: usize>(voxels: &mut [f32], shape: [usize; D], sigma: [f64; D]) {
    separable_filter(voxels, shape, sigma.map(erf_kernel), FilterBorder::Zero);
}

pub(super) fn check_sigma(
    transform: &'static str,
    parameter: &'static str,
    sigma: &[f64],
    dimension: usize,
) -> Result<()> {
    check_entries(transform, parameter, sigma.len(), dimension)?;
    sigma
        .iter()
        .try_for_each(|&sigma| check(transform, parameter, sigma, SIGMA, is_sigma))
}

impl ChannelOperation for GaussianSmooth {
    fn check(&self, dimension: usize) -> Result<()> {
        check_sigma(
            "GaussianSmooth",
            "sigma_voxels",
            &self.sigma_voxels,
            dimension,
        )
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let sigma = per_axis("GaussianSmooth", "sigma_voxels", &self.sigma_voxels)?;
        smooth(channel.voxels, channel.shape, sigma);
        Ok(())
    }
}

/// Blurs as MONAI does with a drawn standard deviation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomGaussianSmooth {
    /// Probability of a sample.
    pub probability: f64,
    /// Standard deviation in voxels, drawn for each axis.
    pub sigma_voxels: Draw,
    /// Whether the channels share it.
    pub channels: Channels,
}

impl Default for RandomGaussianSmooth {
    /// MONAI's parameters.
    fn default() -> Self {
        Self {
            probability: 0.1,
            sigma_voxels: Draw::Uniform {
                low: 0.25,
                high: 1.5,
            },
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomGaussianSmooth {
    random_twin!(RandomGaussianSmooth => GaussianSmooth);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        self.sigma_voxels
            .check(Self::NAME, "sigma_voxels", SIGMA, is_sigma)
    }

    fn draw(&self, dimension: usize, random: &mut Random) -> GaussianSmooth {
        GaussianSmooth {
            sigma_voxels: (0..dimension)
                .map(|_| self.sigma_voxels.draw(random))
                .collect(),
        }
    }
}
