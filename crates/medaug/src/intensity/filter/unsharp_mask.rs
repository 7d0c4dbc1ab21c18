//! Differences from a blurred image are added (Albumentations `UnsharpMask`, and `Sharpen` with `method="gaussian"`).

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use super::border::FilterBorder;
use super::box_blur::{ODD, is_odd};
use super::separable::{sampled_gaussian, separable_filter};
use crate::draw::{Channels, Draw};
use crate::error::{Result, check};
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::for_each_chunk_with;
use crate::transform::{RandomChannels, random_twin};

/// `v + amount (v - blurred)`; nothing is clipped, unlike in Albumentations. NaN spreads over the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnsharpMask {
    /// How much of the differences is added.
    pub amount: f32,
    /// Standard deviation of the Gaussian in voxels.
    pub sigma_voxels: f64,
    /// Voxels of the kernel along each axis, odd.
    pub size: usize,
    /// Differences no larger than this are taken for noise and not added; the border between both is blurred by the same
    /// kernel (Albumentations' `UnsharpMask`, whose threshold is 255 times as large). Without it all are added.
    #[serde(default)]
    pub threshold: Option<f32>,
}

fn check_threshold(transform: &'static str, threshold: Option<f32>) -> Result<()> {
    threshold.map_or(Ok(()), |threshold| {
        let rule = "finite and at least 0";
        check(transform, "threshold", threshold.into(), rule, |v| {
            v.is_finite() && v >= 0.0
        })
    })
}

fn is_sigma(value: f64) -> bool {
    value > 0.0 && value <= 100.0
}

const SIGMA: &str = "above 0 and at most 100";

impl ChannelOperation for UnsharpMask {
    fn check(&self, _dimension: usize) -> Result<()> {
        const NAME: &str = "UnsharpMask";
        check(
            NAME,
            "amount",
            self.amount.into(),
            "finite and at least 0",
            |v| v.is_finite() && v >= 0.0,
        )?;
        check(NAME, "sigma_voxels", self.sigma_voxels, SIGMA, is_sigma)?;
        check_threshold(NAME, self.threshold)?;
        check(NAME, "size", self.size as f64, ODD, is_odd)
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let kernel = sampled_gaussian(self.sigma_voxels, self.size);
        let blur = |voxels: &mut [f32]| {
            let kernels = std::array::from_fn(|_| kernel.clone());
            separable_filter(voxels, channel.shape, kernels, FilterBorder::Mirror);
        };
        let mut blurred = channel.voxels.to_vec();
        blur(&mut blurred);
        let Some(threshold) = self.threshold else {
            for_each_chunk_with(channel.voxels, &blurred, |v, blurred| {
                v + self.amount * (v - blurred)
            });
            return Ok(());
        };
        // The differences take the place of the blurred image, and are weighted by the blurred mask of large ones.
        for_each_chunk_with(&mut blurred, channel.voxels, |blurred, v| v - blurred);
        let differences = blurred;
        let large = |difference: &f32| f32::from(u8::from(difference.abs() > threshold));
        let mut mask: Vec<f32> = differences.iter().map(large).collect();
        blur(&mut mask);
        for_each_chunk_with(&mut mask, &differences, |weight, difference| {
            weight * difference
        });
        for_each_chunk_with(channel.voxels, &mask, |v, difference| {
            v + self.amount * difference
        });
        Ok(())
    }
}

/// Sharpens by drawn amounts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomUnsharpMask {
    /// Probability of a sample.
    pub probability: f64,
    /// How much of the differences is added.
    pub amount: Draw,
    /// Standard deviation of the Gaussian in voxels.
    pub sigma_voxels: Draw,
    /// Voxels of the kernel along each axis, odd.
    pub size: usize,
    /// Differences no larger than this are not added.
    pub threshold: Option<f32>,
    /// Whether the channels share the draws.
    pub channels: Channels,
}

impl Default for RandomUnsharpMask {
    /// Albumentations' parameters.
    fn default() -> Self {
        Self {
            probability: 0.5,
            amount: Draw::Uniform {
                low: 0.2,
                high: 0.5,
            },
            sigma_voxels: Draw::Fixed(1.0),
            size: 5,
            threshold: None,
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomUnsharpMask {
    random_twin!(RandomUnsharpMask => UnsharpMask);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        self.amount
            .check(Self::NAME, "amount", "at least 0", |v| v >= 0.0)?;
        self.sigma_voxels
            .check(Self::NAME, "sigma_voxels", SIGMA, is_sigma)?;
        check_threshold(Self::NAME, self.threshold)?;
        check(Self::NAME, "size", self.size as f64, ODD, is_odd)
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> UnsharpMask {
        UnsharpMask {
            amount: self.amount.draw(random) as f32,
            sigma_voxels: self.sigma_voxels.draw(random),
            size: self.size,
            threshold: self.threshold,
        }
    }
}
