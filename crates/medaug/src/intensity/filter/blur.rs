//! Gaussian blur in millimetres (TorchIO `Blur`, `scipy.ndimage.gaussian_filter`): the same for all spacings.
//!
//! The kernel is the sampled Gaussian up to 4 sigma, normalised to 1; the image is mirrored at its outer
//! faces.

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use super::border::FilterBorder;
use super::gaussian_smooth::{SIGMA, check_sigma, is_sigma};
use super::separable::{sampled_gaussian, separable_filter};
use crate::array::per_axis;
use crate::draw::{Channels, Draw};
use crate::error::{Result, check};
use crate::operation::{Channel, ChannelOperation};
use crate::transform::{RandomChannels, random_twin};

/// Blurs by a Gaussian of the same width in the patient, whatever the spacing; NaN spreads over the kernel.
///
/// On an axis where the width is many voxels, up to 100, the kernel may reach beyond the image several times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blur {
    /// Standard deviation in millimetres: one for all axes, or one a storage axis.
    pub sigma_mm: Vec<f64>,
}

impl ChannelOperation for Blur {
    fn check(&self, dimension: usize) -> Result<()> {
        check_sigma("Blur", "sigma_mm", &self.sigma_mm, dimension)
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let sigma_mm: [f64; D] = per_axis("Blur", "sigma_mm", &self.sigma_mm)?;
        let mut kernels = std::array::from_fn(|_| vec![1.0]);
        for axis in 0..D {
            let sigma = sigma_mm[axis] / channel.spacing[axis];
            let rule = "at most 100 voxels of this image along each axis";
            check("Blur", "sigma_mm", sigma, rule, |v| v <= 100.0)?;
            kernels[axis] = sampled_gaussian(sigma, 2 * (4.0 * sigma + 0.5) as usize + 1);
        }
        separable_filter(
            channel.voxels,
            channel.shape,
            kernels,
            FilterBorder::Reflect,
        );
        Ok(())
    }
}

/// Blurs by a drawn number of millimetres.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomBlur {
    /// Probability of a sample.
    pub probability: f64,
    /// Standard deviation in millimetres, drawn for each axis.
    pub sigma_mm: Draw,
    /// Whether the channels share it.
    pub channels: Channels,
}

impl Default for RandomBlur {
    /// TorchIO's parameters; it is always done.
    fn default() -> Self {
        Self {
            probability: 1.0,
            sigma_mm: Draw::Uniform {
                low: 0.0,
                high: 2.0,
            },
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomBlur {
    random_twin!(RandomBlur => Blur);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        self.sigma_mm.check(Self::NAME, "sigma_mm", SIGMA, is_sigma)
    }

    fn draw(&self, dimension: usize, random: &mut Random) -> Blur {
        Blur {
            sigma_mm: (0..dimension).map(|_| self.sigma_mm.draw(random)).collect(),
        }
    }
}
