//! The family of calibration errors, each one number from a table of bins.

use super::check;
use super::table::CalibrationTable;
use super::tally::{Cell, ONE};
use crate::error::{Error, Result};
use crate::estimate::Estimate;
use crate::statistics::Bootstrap;

/// How one number is made of the bins' gaps between mean probability and observed share.
///
/// Every one of them but [`Self::DebiasedSquared`] is biased upwards: a perfectly calibrated model has gaps
/// by chance, the larger the fewer scores a bin holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CalibrationError {
    /// Mean of the gaps, weighted by count: ECE (Naeini et al. 2015; Guo et al. 2017).
    Expected,
    /// The largest gap: MCE.
    Maximum,
    /// Mean of the gaps over bins that hold something, unweighted: MONAI's average, ACE on bins of equal mass
    /// (Nixon et al. 2019).
    Average,
    /// Root of the mean squared gap, weighted by count: torchmetrics' `l2`.
    RootMeanSquare,
    /// Mean squared gap without what chance adds to it (Kumar et al. 2019); may be negative. Bins of one
    /// score add nothing.
    DebiasedSquared,
    /// Root of [`Self::DebiasedSquared`], and 0 where that is negative.
    DebiasedRootMeanSquare,
}

impl CalibrationError {
    fn name(self) -> &'static str {
        match self {
            Self::Expected => "ece",
            Self::Maximum => "mce",
            Self::Average => "ace",
            Self::RootMeanSquare => "rmsce",
            Self::DebiasedSquared => "debiased-squared-ce",
            Self::DebiasedRootMeanSquare => "debiased-rmsce",
        }
    }
}

impl CalibrationTable {
    /// Expected calibration error; undefined of nothing.
    #[must_use]
    pub fn expected_error(&self) -> Estimate {
        self.error(CalibrationError::Expected)
    }

    /// A calibration error; undefined of nothing. `undefined` counts the scores a convention leaves out.
    #[must_use]
    pub fn error(&self, error: CalibrationError) -> Estimate {
        let convention = format!("{}:{}", error.name(), self.binning());
        let estimate = match self.error_value(error) {
            Some(value) => Estimate::new(value, self.count(), convention),
            None => Estimate::undefined(self.count(), convention),
        };
        estimate.with_undefined(self.left_out())
    }

    /// The number alone.
    pub(crate) fn error_value(&self, error: CalibrationError) -> Option<f64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let bins = || self.filled();
        let weight = |cell: &Cell| cell.count as f64 / count as f64;
        let squared = || {
            bins()
                .map(|c| weight(c) * c.mean_gap() * c.mean_gap())
                .sum::<f64>()
        };
        let debiased = || bins().map(|c| weight(c) * c.debiased_square()).sum::<f64>();
        Some(match error {
            CalibrationError::Expected => {
                let gaps: u128 = bins().map(Cell::gap).sum();
                gaps as f64 / ONE as f64 / count as f64
            }
            CalibrationError::Maximum => bins().map(Cell::mean_gap).fold(0.0, f64::max),
            CalibrationError::Average => {
                bins().map(Cell::mean_gap).sum::<f64>() / bins().count() as f64
            }
            CalibrationError::RootMeanSquare => squared().sqrt(),
            CalibrationError::DebiasedSquared => debiased(),
            CalibrationError::DebiasedRootMeanSquare => debiased().max(0.0).sqrt(),
        })
    }
}

impl Cell {
    /// Distance between the sum of probabilities and the positives, in units of 2^-52, exact.
    fn gap(&self) -> u128 {
        self.sum.abs_diff(u128::from(self.positives) * ONE)
    }

    /// The same for one score.
    fn mean_gap(&self) -> f64 {
        self.gap() as f64 / ONE as f64 / self.count as f64
    }

    /// The squared gap less the variance of the observed share.
    fn debiased_square(&self) -> f64 {
        if self.count < 2 {
            return 0.0;
        }
        let share = self.positives as f64 / self.count as f64;
        let variance = share * (1.0 - share) / (self.count - 1) as f64;
        self.mean_gap() * self.mean_gap() - variance
    }
}

/// A calibration error of many patients together, with an interval by drawing patients again.
///
/// There is one table for each patient (or scan, or score: whatever is independent of the others). The
/// replicates carry the upward bias of the error twice, so an interval holds the true error less often than
/// it says where that is small: of percentile intervals of 95 % for 100 scores in 5 bins, 96 % hold a true
/// error of 0.15, and none a true error of 0.02. They say how stable the number is, not how far off it is.
///
/// ```
/// use medmetrics::calibration::{Binning, CalibrationError, CalibrationTable, bootstrap_error};
/// use medmetrics::statistics::Bootstrap;
///
/// let patient = |p: f64, sick| CalibrationTable::of(Binning::equal_width(5), &[p, p], &[sick, true]);
/// let tables = [patient(0.9, true)?, patient(0.5, false)?, patient(0.7, true)?, patient(0.3, false)?];
/// let ece = bootstrap_error(&tables, CalibrationError::Expected, &Bootstrap::default())?;
/// assert!(ece.interval.expect("an interval").contains(ece.value.expect("a value")));
/// # Ok::<(), medmetrics::Error>(())
/// ```
///
/// # Errors
/// Refuses tables of different bins, fewer than two, and what [`Bootstrap::estimate`] refuses.
pub fn bootstrap_error(
    units: &[CalibrationTable],
    error: CalibrationError,
    bootstrap: &Bootstrap,
) -> Result<Estimate> {
    let Some(first) = units.first() else {
        return Err(Error::TooFew {
            what: "a bootstrap interval",
            of: "units",
            least: 2,
            got: 0,
        });
    };
    for table in units {
        check::same_binning(first.binning(), table.binning())?;
    }
    let empty = CalibrationTable::new(first.binning().clone())?;
    let convention = format!("{}:{}", error.name(), first.binning());
    bootstrap.estimate(units.len(), convention, |times| {
        let mut drawn = empty.clone();
        for (table, &times) in units.iter().zip(times).filter(|(_, times)| **times > 0) {
            drawn.add_times(table, times);
        }
        drawn.error_value(error)
    })
}
