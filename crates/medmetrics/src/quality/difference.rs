//! Errors voxel by voxel.

use serde::{Deserialize, Serialize};

use super::pair::{ImagePair, check_range};
use crate::error::Result;
use crate::estimate::Estimate;

/// Sums of the errors of an image's voxels, over all channels.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Differences {
    /// Number of voxels, each counted once a channel.
    pub n: u64,
    /// Sum of absolute errors.
    pub absolute: f64,
    /// Sum of squared errors.
    pub squared: f64,
    /// The largest absolute error.
    pub largest: f64,
}

impl Differences {
    pub(crate) fn of<T: Copy + Into<f64> + Sync, const D: usize>(
        pair: &ImagePair<'_, T, D>,
    ) -> Self {
        let parts = pair.parts(Self::default, |sum, reference, image| {
            let error = (image - reference).abs();
            sum.n += 1;
            sum.absolute += error;
            sum.squared += error * error;
            sum.largest = sum.largest.max(error);
        });
        parts.into_iter().fold(Self::default(), |a, b| Self {
            n: a.n + b.n,
            absolute: a.absolute + b.absolute,
            squared: a.squared + b.squared,
            largest: a.largest.max(b.largest),
        })
    }

    /// The mean absolute error (MAE), in units of intensity.
    #[must_use]
    pub fn mean_absolute(&self) -> Estimate {
        self.estimate("mae", self.absolute / self.n as f64)
    }

    /// The mean squared error (MSE), in squared units of intensity.
    #[must_use]
    pub fn mean_squared(&self) -> Estimate {
        self.estimate("mse", self.squared / self.n as f64)
    }

    /// The root of the mean squared error (RMSE), in units of intensity.
    #[must_use]
    pub fn root_mean_squared(&self) -> Estimate {
        self.estimate("rmse", (self.squared / self.n as f64).sqrt())
    }

    /// The peak signal-to-noise ratio for intensities that span `data_range`, in dB:
    /// `10 log10(data_range² / MSE)`; infinite for equal images.
    ///
    /// # Errors
    /// Refuses a range that is not positive.
    pub fn psnr(&self, data_range: f64) -> Result<Estimate> {
        check_range(data_range)?;
        Ok(self.estimate("psnr", psnr(data_range, self.squared / self.n as f64)))
    }

    fn estimate(&self, convention: &str, value: f64) -> Estimate {
        match self.n {
            0 => Estimate::undefined(0, convention),
            n => Estimate::new(value, n, convention),
        }
    }
}

/// The ratio in dB, infinite without error.
pub(crate) fn psnr(data_range: f64, mean_squared: f64) -> f64 {
    match mean_squared == 0.0 {
        true => f64::INFINITY,
        false => 20.0 * libm::log10(data_range) - 10.0 * libm::log10(mean_squared),
    }
}
