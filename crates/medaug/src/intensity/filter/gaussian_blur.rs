//! Separable Gaussian blur (batchgeneratorsv2 `GaussianBlurTransform`).
//!
//! The kernel is the sampled Gaussian over the odd number of voxels nearest to 6 sigma + 0.5,
//! normalised to 1; the image is mirrored at its border voxels.

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use super::border::FilterBorder;
use super::separable::{sampled_gaussian, separable_filter};
use crate::array::per_axis;
use crate::draw::{Channels, Draw};
use crate::error::{Result, check, check_entries};
use crate::operation::{Channel, ChannelOperation};
use crate::transform::{RandomChannels, random_twin};

/// Width of the kernel in standard deviations.
const WIDTH: f64 = 6.0;

/// Blurs one channel of `shape` (up to three axes) with a standard deviation for each axis, in voxels.
///
/// # Panics
/// If `voxels` is not as long as `shape` says, or has more than three axes.
pub fn gaussian_blur<const D: usize>(
    voxels: &mut [f32],
    shape: [usize; D],
    sigma_voxels: [f64; D],
) {
    separable_filter(
        voxels,
        shape,
        sigma_voxels.map(kernel),
        FilterBorder::Mirror,
    );
}

fn kernel(sigma: f64) -> Vec<f32> {
    let wanted = sigma * WIDTH + 0.5;
    let rounded = wanted.round_ties_even();
    let taps = match rounded as usize {
        odd if odd % 2 == 1 => odd,
        even if wanted >= rounded => even + 1,
        even => even.saturating_sub(1).max(1),
    };
    sampled_gaussian(sigma, taps)
}

/// Blurs by a Gaussian kernel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GaussianBlur {
    /// Standard deviation in voxels: one for all axes, or one an axis.
    pub sigma_voxels: Vec<f64>,
}

const SIGMA: &str = "above 0 and at most 100";

fn is_sigma(value: f64) -> bool {
    value > 0.0 && value <= 100.0
}

impl ChannelOperation for GaussianBlur {
    fn check(&self, dimension: usize) -> Result<()> {
        const NAME: &str = "GaussianBlur";
        check_entries(NAME, "sigma_voxels", self.sigma_voxels.len(), dimension)?;
        self.sigma_voxels
            .iter()
            .try_for_each(|&sigma| check(NAME, "sigma_voxels", sigma, SIGMA, is_sigma))
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let sigmas = per_axis("GaussianBlur", "sigma_voxels", &self.sigma_voxels)?;
        gaussian_blur(channel.voxels, channel.shape, sigmas);
        Ok(())
    }
}

/// Blurs with a drawn standard deviation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomGaussianBlur {
    /// Probability of a sample.
    pub probability: f64,
    /// Standard deviation in voxels, drawn for each axis.
    pub sigma_voxels: Draw,
    /// Whether the channels share it.
    pub channels: Channels,
}

impl Default for RandomGaussianBlur {
    /// nnU-Net's parameters.
    fn default() -> Self {
        Self {
            probability: 0.2,
            sigma_voxels: Draw::Uniform {
                low: 0.5,
                high: 1.0,
            },
            channels: Channels::Each { probability: 0.5 },
        }
    }
}

impl RandomChannels for RandomGaussianBlur {
    random_twin!(RandomGaussianBlur => GaussianBlur);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        self.sigma_voxels
            .check(Self::NAME, "sigma_voxels", SIGMA, is_sigma)
    }

    fn draw(&self, dimension: usize, random: &mut Random) -> GaussianBlur {
        GaussianBlur {
            sigma_voxels: (0..dimension)
                .map(|_| self.sigma_voxels.draw(random))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_stays_constant_and_the_sum_is_kept_inside() {
        let mut voxels = vec![3.0_f32; 5 * 7];
        gaussian_blur(&mut voxels, [5, 1, 7], [1.3, 0.8, 2.0]);
        assert!(voxels.iter().all(|v| (v - 3.0).abs() < 1e-6));
        let mut point = vec![0.0_f32; 9 * 11];
        point[4 * 11 + 5] = 1.0;
        gaussian_blur(&mut point, [9, 11], [0.5, 1.0]);
        assert!((point.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!(
            point[4 * 11 + 4] > point[3 * 11 + 5],
            "the wider axis is the last"
        );
    }

    #[test]
    fn kernels_have_the_odd_width_nearest_to_six_sigma() {
        // sigma * 6 + 0.5: 3.5, 4.7, 6.5 and 1.1, rounded half to even and then to the nearer odd number.
        for (sigma, taps) in [(0.5, 3), (0.7, 5), (1.0, 7), (0.1, 1)] {
            assert_eq!(kernel(sigma).len(), taps, "sigma {sigma}");
        }
    }
}
