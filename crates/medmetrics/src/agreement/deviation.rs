//! How many differences of two methods stay within a limit, and which limit most of them stay within.
//!
//! L. Lin, A. Hedayat, B. Sinha and M. Yang, "Statistical methods in assessing agreement", JASA 97, 2002.
//! Differences are taken for normal; the errors come of the delta method on the logit and the logarithm.

use serde::{Deserialize, Serialize};

use crate::agreement::anova::sum;
use crate::agreement::paired::PairedMeasurements;
use crate::error::{Error, Result};
use crate::estimate::{Confidence, Estimate, Interval, IntervalMethod};
use crate::statistics::distribution::{bisect, normal_cdf, normal_quantile};

/// Total deviation index and coverage probability of normal differences.
///
/// ```
/// use medmetrics::agreement::{Deviation, PairedMeasurements};
///
/// let pairs = PairedMeasurements::new(&[1.0, 2.0, 3.0, 4.0], &[1.1, 1.8, 3.3, 4.0])?;
/// let deviation = Deviation::default();
/// let index = deviation.total_deviation_index(&pairs, 0.9)?.value.expect("differences vary");
/// let coverage = deviation.coverage_probability(&pairs, index)?.value.expect("differences vary");
/// assert!((coverage - 0.9).abs() < 1e-12);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Deviation {
    /// How often intervals are to hold the true value.
    pub confidence: Confidence,
}

impl Deviation {
    /// The limit within which a share of all differences lies (TDI), in the unit of the measurements.
    ///
    /// An interval of 95 % holds the truth about 92 times of 100 for 10 pairs, 94 times for 50.
    ///
    /// # Errors
    /// Refuses a share that is not between 0 and 1, and fewer than two pairs.
    pub fn total_deviation_index(
        &self,
        pairs: &PairedMeasurements,
        share: f64,
    ) -> Result<Estimate> {
        if !(share > 0.0 && share < 1.0) {
            return Err(Error::InvalidParameter {
                parameter: "share",
                rule: "between 0 and 1, such as 0.9",
                value: share,
            });
        }
        let convention = format!("tdi/{share}/normal");
        let differences = Differences::of(pairs)?;
        let n = pairs.len() as u64;
        if !differences.vary() {
            return Ok(Estimate::undefined(n, convention));
        }
        let most = differences.mean.abs() - differences.sd * normal_quantile(0.5 * (1.0 - share));
        let limit = bisect(|limit| differences.within(limit) - share, 0.0, most);
        let error = differences.error(limit) / (differences.slope(limit) * limit);
        let interval = self.around(error, |by| limit * libm::exp(by));
        Ok(Estimate::new(limit, n, convention).with_interval(interval))
    }

    /// The share of all differences within a limit in the unit of the measurements (CP).
    ///
    /// # Errors
    /// Refuses a limit that is not positive, and fewer than two pairs.
    pub fn coverage_probability(&self, pairs: &PairedMeasurements, limit: f64) -> Result<Estimate> {
        if !(limit > 0.0 && limit.is_finite()) {
            return Err(Error::InvalidParameter {
                parameter: "limit",
                rule: "positive and finite",
                value: limit,
            });
        }
        let convention = format!("cp/{limit}/normal");
        let differences = Differences::of(pairs)?;
        let n = pairs.len() as u64;
        if !differences.vary() {
            return Ok(Estimate::undefined(n, convention));
        }
        let share = differences.within(limit);
        let error = differences.error(limit) / (share * (1.0 - share));
        let logit = libm::log(share / (1.0 - share));
        let interval = self.around(error, |by| 1.0 / (1.0 + libm::exp(-logit - by)));
        Ok(Estimate::new(share, n, convention).with_interval(interval))
    }

    fn around(&self, error: f64, back: impl Fn(f64) -> f64) -> Option<Interval> {
        let reach = -normal_quantile(self.confidence.tail()) * error;
        let [low, high] = [back(-reach), back(reach)];
        (low.is_finite() && high.is_finite()).then_some(Interval {
            low,
            high,
            confidence: self.confidence,
            method: IntervalMethod::Normal,
        })
    }
}

struct Differences {
    n: f64,
    mean: f64,
    sd: f64,
}

impl Differences {
    fn of(pairs: &PairedMeasurements) -> Result<Self> {
        pairs.at_least(2, "a distribution of differences")?;
        let n = pairs.len() as f64;
        let all = || pairs.iter().map(|[first, second]| first - second);
        let mean = sum(all()) / n;
        let squares = sum(all().map(|difference| (difference - mean) * (difference - mean)));
        Ok(Self {
            n,
            mean,
            sd: (squares / (n - 1.0)).sqrt(),
        })
    }

    fn vary(&self) -> bool {
        self.sd > 0.0 && self.sd.is_finite()
    }

    fn ends(&self, limit: f64) -> [f64; 2] {
        [-limit, limit].map(|end| (end - self.mean) / self.sd)
    }

    fn within(&self, limit: f64) -> f64 {
        let [low, high] = self.ends(limit);
        // The smaller tails keep their digits.
        if low > 0.0 {
            normal_cdf(-low) - normal_cdf(-high)
        } else {
            normal_cdf(high) - normal_cdf(low)
        }
    }

    /// Standard error of the share within a limit.
    fn error(&self, limit: f64) -> f64 {
        let [low, high] = self.ends(limit);
        let of_mean = density(high) - density(low);
        let of_sd = high * density(high) - low * density(low);
        ((of_mean * of_mean + 0.5 * of_sd * of_sd) / self.n).sqrt()
    }

    /// How fast the share within a limit grows with it.
    fn slope(&self, limit: f64) -> f64 {
        let [low, high] = self.ends(limit);
        (density(low) + density(high)) / self.sd
    }
}

fn density(z: f64) -> f64 {
    libm::exp(-0.5 * z * z) / (2.0 * std::f64::consts::PI).sqrt()
}
