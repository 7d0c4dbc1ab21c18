//! Lin's concordance: how near pairs lie to the line on which both methods say the same.
//!
//! L. Lin, "A concordance correlation coefficient to evaluate reproducibility", Biometrics 45, 1989, with the
//! corrected variance of Biometrics 56, 2000.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::accumulator::Accumulator;
use crate::agreement::paired::{PairMoments, PairedMeasurements};
use crate::error::Result;
use crate::estimate::{Confidence, Estimate, Interval, IntervalMethod};
use crate::statistics::distribution::normal_quantile;

/// How concordance is computed.
///
/// ```
/// use medmetrics::agreement::{Concordance, PairedMeasurements};
///
/// let pairs = PairedMeasurements::new(&[1.0, 2.0, 3.0, 4.0, 5.0], &[1.1, 2.2, 2.8, 4.5, 5.4])?;
/// let ccc = Concordance::default().of(&pairs)?.estimate;
/// assert!((ccc.value.expect("values differ") - 0.977578).abs() < 1e-6);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Concordance {
    /// What variances are divided by.
    pub convention: ConcordanceConvention,
    /// How often the interval is to hold the true value.
    pub confidence: Confidence,
}

/// What variances are divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConcordanceConvention {
    /// By `n`, as Lin does.
    #[default]
    Lin,
    /// By `n - 1`, as torchmetrics does: a little larger for few pairs of different means.
    Torchmetrics,
}

/// Concordance and what it is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConcordanceEstimate {
    /// The concordance correlation coefficient; undefined if all values are the same.
    pub estimate: Estimate,
    /// Pearson's correlation: how near the pairs lie to any line.
    pub correlation: Option<f64>,
    /// How near that line lies to the line of equality, between 0 and 1 (`C_b`).
    pub accuracy: Option<f64>,
    /// Difference of the means over the geometric mean of the standard deviations.
    pub location_shift: Option<f64>,
    /// Standard deviation of the first method over that of the second.
    pub scale_shift: Option<f64>,
}

impl Concordance {
    /// The concordance of two methods.
    ///
    /// The interval is Fisher's z with Lin's variance: under normality one of 95 % holds the truth about 93
    /// times of 100 for 10 pairs and 95 times from 50 on. Skewed measurements are covered more rarely.
    ///
    /// # Errors
    /// Refuses fewer than two pairs.
    pub fn of(&self, pairs: &PairedMeasurements) -> Result<ConcordanceEstimate> {
        pairs.at_least(2, "concordance")?;
        Ok(self.of_moments(&pairs.finish()?))
    }

    pub(crate) fn of_moments(&self, moments: &PairMoments) -> ConcordanceEstimate {
        let n = moments.n as f64;
        let scale = match self.convention {
            ConcordanceConvention::Lin => 1.0,
            ConcordanceConvention::Torchmetrics => n / (n - 1.0),
        };
        let [first, second] = moments.variances.map(|variance| scale * variance);
        let bias = moments.bias();
        let apart = first + second + bias * bias;
        if !(apart > 0.0 && apart.is_finite()) {
            return ConcordanceEstimate {
                estimate: Estimate::undefined(moments.n, self.to_string()),
                correlation: None,
                accuracy: None,
                location_shift: None,
                scale_shift: None,
            };
        }
        let value = 2.0 * scale * moments.covariance / apart;
        let spread = (first * second).sqrt();
        let shift = (spread > 0.0).then(|| bias / spread.sqrt());
        let correlation = moments.correlation();
        let interval = (correlation.zip(shift))
            .and_then(|(r, u)| self.interval([value, r, 2.0 * spread / apart, u], n));
        ConcordanceEstimate {
            estimate: Estimate::new(value, moments.n, self.to_string()).with_interval(interval),
            correlation,
            accuracy: Some(2.0 * spread / apart),
            location_shift: shift,
            scale_shift: (spread > 0.0).then(|| (first / second).sqrt()),
        }
    }

    /// Written with the accuracy instead of a ratio of correlations, which a correlation of 0 has not.
    fn interval(&self, [c, r, accuracy, shift]: [f64; 4], n: f64) -> Option<Interval> {
        let rest = 1.0 - c * c;
        let square = shift * shift;
        let variance = ((1.0 - r * r) * accuracy * accuracy / rest
            + 2.0 * c * c * accuracy * (1.0 - c) * square / (rest * rest)
            - c * c * accuracy * accuracy * square * square / (2.0 * rest * rest))
            / (n - 2.0);
        let reach = -normal_quantile(self.confidence.tail()) * variance.sqrt();
        let [low, high] = [-reach, reach].map(|by| libm::tanh(libm::atanh(c) + by));
        (n > 2.0 && rest > 0.0 && low.is_finite() && high.is_finite()).then_some(Interval {
            low,
            high,
            confidence: self.confidence,
            method: IntervalMethod::FisherZ,
        })
    }
}

/// Such as `ccc:lin`.
impl fmt::Display for Concordance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.convention {
            ConcordanceConvention::Lin => "ccc:lin",
            ConcordanceConvention::Torchmetrics => "ccc:torchmetrics",
        })
    }
}
