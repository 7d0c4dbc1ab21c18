//! Structural similarity, and whose (Wang et al., IEEE Trans. Image Process. 13:600, 2004).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::pair::{ImagePair, check_range};
use super::similarity::{Kernel, Similarity};
use crate::error::{Error, Result};
use crate::estimate::Estimate;

/// The weights of a voxel's neighbourhood, the same along each axis.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SsimWindow {
    /// A Gaussian, cut to a width.
    Gaussian {
        /// Standard deviation in voxels.
        sigma: f64,
        /// Width in voxels, odd.
        size: usize,
    },
    /// Equal weights.
    Uniform {
        /// Width in voxels, odd.
        size: usize,
    },
}

/// By what sums of squares are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Covariance {
    /// The number of voxels of the window, as in the paper.
    Population,
    /// One less.
    Sample,
}

/// What happens where the window reaches beyond the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SsimBorder {
    /// Such voxels do not count.
    Valid,
    /// The image is mirrored at its outermost voxels, which are not repeated; all voxels count.
    Mirror,
}

/// The conventions of a library, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SsimConvention {
    /// The paper's: a Gaussian of 1.5 voxels cut to 11, population covariance, whole windows only; MONAI's
    /// `SSIMMetric`, and scikit-image's with `gaussian_weights` and without `use_sample_covariance`.
    #[default]
    Monai,
    /// scikit-image's defaults: equal weights of 7 voxels, sample covariance, whole windows only.
    ScikitImage,
    /// torchmetrics' defaults: as the paper's, but with the border mirrored.
    Torchmetrics,
}

/// How structural similarity is computed; by default [`SsimConvention::Monai`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct SsimConfig {
    /// The weights.
    pub window: SsimWindow,
    /// The covariance.
    pub covariance: Covariance,
    /// The border.
    pub border: SsimBorder,
    /// The constant of luminance, in data ranges: 0.01.
    pub k1: f64,
    /// The constant of contrast, in data ranges: 0.03.
    pub k2: f64,
}

impl Default for SsimConfig {
    fn default() -> Self {
        SsimConvention::default().into()
    }
}

impl From<SsimConvention> for SsimConfig {
    fn from(convention: SsimConvention) -> Self {
        let gaussian = SsimWindow::Gaussian {
            sigma: 1.5,
            size: 11,
        };
        let (window, covariance, border) = match convention {
            SsimConvention::Monai => (gaussian, Covariance::Population, SsimBorder::Valid),
            SsimConvention::Torchmetrics => (gaussian, Covariance::Population, SsimBorder::Mirror),
            SsimConvention::ScikitImage => (
                SsimWindow::Uniform { size: 7 },
                Covariance::Sample,
                SsimBorder::Valid,
            ),
        };
        Self {
            window,
            covariance,
            border,
            k1: 0.01,
            k2: 0.03,
        }
    }
}

/// Such as `gaussian11-1.5/population/valid`.
impl fmt::Display for SsimConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.window {
            SsimWindow::Gaussian { sigma, size } => write!(f, "gaussian{size}-{sigma}")?,
            SsimWindow::Uniform { size } => write!(f, "uniform{size}")?,
        }
        f.write_str(match self.covariance {
            Covariance::Population => "/population",
            Covariance::Sample => "/sample",
        })?;
        f.write_str(match self.border {
            SsimBorder::Valid => "/valid",
            SsimBorder::Mirror => "/mirror",
        })
    }
}

impl SsimConfig {
    /// The window's weights along an axis.
    pub(crate) fn weights(&self) -> Result<Vec<f64>> {
        let size = match self.window {
            SsimWindow::Gaussian { size, .. } | SsimWindow::Uniform { size } => size,
        };
        let refused = |parameter, rule, value| {
            Err(Error::InvalidParameter {
                parameter,
                rule,
                value,
            })
        };
        if size % 2 == 0 || size > MOST {
            return refused("size of the SSIM window", "odd, up to 255", size as f64);
        }
        for (parameter, k) in [("k1", self.k1), ("k2", self.k2)] {
            if !(k.is_finite() && k >= 0.0) {
                return refused(parameter, "finite and not negative", k);
            }
        }
        let weights: Vec<f64> = match self.window {
            SsimWindow::Uniform { size } => vec![1.0; size],
            SsimWindow::Gaussian { sigma, .. } if !(sigma.is_finite() && sigma > 0.0) => {
                return refused("sigma of the SSIM window", "positive, in voxels", sigma);
            }
            SsimWindow::Gaussian { sigma, size } => (0..size)
                .map(|i| {
                    let distance = (i as f64 - (size / 2) as f64) / sigma;
                    libm::exp(-0.5 * distance * distance)
                })
                .collect(),
        };
        let sum: f64 = weights.iter().sum();
        Ok(weights.into_iter().map(|weight| weight / sum).collect())
    }
}

/// The widest window.
const MOST: usize = 255;

pub(crate) fn of_pair<T: Copy + Into<f64> + Sync, const D: usize>(
    pair: &ImagePair<'_, T, D>,
    data_range: f64,
    config: &SsimConfig,
) -> Result<Estimate> {
    check_range(data_range)?;
    let kernel = Kernel::new(config, data_range, D)?;
    let mut sum = Similarity::default();
    for images in pair.channels() {
        sum.add(&kernel.similarity(images, pair.shape(), pair.mask())?);
    }
    let convention = format!("ssim:{config}");
    Ok(match sum.mean_ssim() {
        Some(mean) => Estimate::new(mean, sum.n, convention),
        None => Estimate::undefined(0, convention),
    })
}
