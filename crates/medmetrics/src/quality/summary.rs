//! Image quality over many cases.

use serde::{Deserialize, Serialize};

use super::difference::{Differences, psnr};
use super::pair::check_range;
use crate::accumulator::Accumulator;
use crate::error::{Error, Result};
use crate::estimate::Estimate;
use crate::statistics::ExactSum;

/// Errors of many images, over all their voxels and case by case.
///
/// ```
/// use medmetrics::Accumulator;
/// use medmetrics::quality::{Differences, PooledErrors};
///
/// let mut errors = PooledErrors::new(255.0)?;
/// for squared in [100.0, 300.0] {
///     errors.push(&Differences { n: 100, absolute: squared / 2.0, squared, largest: 2.0 })?;
/// }
/// let summary = errors.finish()?;
/// assert_eq!(summary.mean_squared.value, Some(2.0));
/// assert!(summary.psnr.value < summary.mean_psnr.value);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PooledErrors {
    data_range: f64,
    voxels: u64,
    absolute: ExactSum,
    squared: ExactSum,
    cases: u64,
    empty: u64,
    psnr: ExactSum,
}

/// What [`PooledErrors`] come to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorSummary {
    /// Mean absolute error over all voxels.
    pub mean_absolute: Estimate,
    /// Mean squared error over all voxels.
    pub mean_squared: Estimate,
    /// Its root.
    pub root_mean_squared: Estimate,
    /// The ratio of the mean squared error over all voxels, in dB (torchmetrics).
    pub psnr: Estimate,
    /// The mean of the cases' ratios, in dB (MONAI); infinite if one of them is.
    pub mean_psnr: Estimate,
}

impl PooledErrors {
    /// No errors yet, of intensities that span `data_range`.
    ///
    /// # Errors
    /// Refuses a range that is not positive.
    pub fn new(data_range: f64) -> Result<Self> {
        check_range(data_range)?;
        Ok(Self {
            data_range,
            voxels: 0,
            absolute: ExactSum::new(),
            squared: ExactSum::new(),
            cases: 0,
            empty: 0,
            psnr: ExactSum::new(),
        })
    }
}

impl Accumulator for PooledErrors {
    type Item<'a> = &'a Differences;
    type Output = ErrorSummary;

    fn push(&mut self, case: &Differences) -> Result<()> {
        if case.n == 0 {
            self.empty += 1;
            return Ok(());
        }
        let sums = [case.absolute, case.squared, case.largest];
        if let Some(index) = sums.iter().position(|sum| sum.is_nan() || *sum < 0.0) {
            return Err(Error::InvalidValue {
                what: "the sums of errors (absolute, squared, largest)",
                rule: "numbers from 0 on",
                index,
                value: sums[index],
            });
        }
        let ratio = case.psnr(self.data_range)?.value;
        self.voxels += case.n;
        self.absolute.add(case.absolute);
        self.squared.add(case.squared);
        self.cases += 1;
        self.psnr.add(ratio.unwrap_or_default());
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        if self.data_range != other.data_range {
            return Err(Error::Incompatible {
                setting: "data range",
                left: self.data_range.to_string(),
                right: other.data_range.to_string(),
            });
        }
        self.voxels += other.voxels;
        self.absolute.merge(&other.absolute);
        self.squared.merge(&other.squared);
        self.cases += other.cases;
        self.empty += other.empty;
        self.psnr.merge(&other.psnr);
        Ok(())
    }

    fn finish(&self) -> Result<ErrorSummary> {
        check_range(self.data_range)?;
        let over = |n: u64, name: &str, value: f64| match n {
            0 => Estimate::undefined(0, name),
            n => Estimate::new(value, n, name),
        };
        let voxels = self.voxels as f64;
        let mean_squared = self.squared.value() / voxels;
        let cases = self.cases as f64;
        Ok(ErrorSummary {
            mean_absolute: over(self.voxels, "mae:pooled", self.absolute.value() / voxels),
            mean_squared: over(self.voxels, "mse:pooled", mean_squared),
            root_mean_squared: over(self.voxels, "rmse:pooled", mean_squared.sqrt()),
            psnr: over(
                self.voxels,
                "psnr:pooled",
                psnr(self.data_range, mean_squared),
            ),
            mean_psnr: over(self.cases, "psnr:mean-of-cases", self.psnr.value() / cases)
                .with_undefined(self.empty),
        })
    }
}

/// The mean of one measure over cases, such as SSIM.
///
/// Cases without a value are counted apart. Measures of different conventions do not mix.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CaseMean {
    convention: Option<String>,
    cases: u64,
    undefined: u64,
    sum: ExactSum,
}

impl CaseMean {
    /// No cases yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes on the convention of what comes, or refuses it.
    fn agree(&mut self, convention: &str) -> Result<()> {
        match &self.convention {
            None => self.convention = Some(convention.to_owned()),
            Some(ours) if ours == convention => {}
            Some(ours) => {
                return Err(Error::Incompatible {
                    setting: "convention",
                    left: ours.clone(),
                    right: convention.to_owned(),
                });
            }
        }
        Ok(())
    }
}

impl Accumulator for CaseMean {
    type Item<'a> = &'a Estimate;
    type Output = Estimate;

    fn push(&mut self, case: &Estimate) -> Result<()> {
        if let Some(value) = case.value.filter(|value| value.is_nan()) {
            return Err(Error::InvalidParameter {
                parameter: "the value of a case",
                rule: "a number, or none",
                value,
            });
        }
        self.agree(&case.convention)?;
        match case.value {
            Some(value) => {
                self.cases += 1;
                self.sum.add(value);
            }
            None => self.undefined += 1,
        }
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        if let Some(convention) = &other.convention {
            self.agree(convention)?;
        }
        self.cases += other.cases;
        self.undefined += other.undefined;
        self.sum.merge(&other.sum);
        Ok(())
    }

    fn finish(&self) -> Result<Estimate> {
        let name = self.convention.as_deref().unwrap_or("nothing measured");
        let convention = format!("{name}/mean-of-cases");
        let mean = match self.cases {
            0 => Estimate::undefined(0, convention),
            n => Estimate::new(self.sum.value() / n as f64, n, convention),
        };
        Ok(mean.with_undefined(self.undefined))
    }
}
