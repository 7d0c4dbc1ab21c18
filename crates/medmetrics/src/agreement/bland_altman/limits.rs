//! How far a limit of agreement may lie from where it was found, in standard deviations.

use serde::{Deserialize, Serialize};

use crate::estimate::{Confidence, IntervalMethod};
use crate::statistics::distribution::{chi_squared_quantile, student_quantile};
use crate::statistics::noncentral_t;

/// How the interval of a limit of agreement is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LimitsInterval {
    /// By the noncentral t distribution (A. Carkeet, Optometry and Vision Science 92, 2015): covers as often
    /// as it says for normal differences.
    #[default]
    Exact,
    /// From the intervals of mean and standard deviation (G. Zou, Statistical Methods in Medical Research 22,
    /// 2013): 96 % instead of 95 % for 10 pairs, exact from 30 on.
    Mover,
    /// Symmetric (Bland and Altman, 1999): 93 % instead of 95 % for 10 pairs, 94 % for 30, and both ends lie
    /// too low.
    BlandAltman1999,
    /// Symmetric, with `3 / n` for the variance (Bland and Altman, 1986; pingouin's plot).
    BlandAltman1986,
}

impl LimitsInterval {
    /// The ends of the upper limit's interval, in standard deviations above the mean: `z` is the limit's own.
    #[must_use]
    pub fn factors(self, pairs: usize, z: f64, confidence: Confidence) -> [f64; 2] {
        let n = pairs as f64;
        let (freedom, tail) = (n - 1.0, confidence.tail());
        let t = -student_quantile(tail, freedom);
        let around = |variance: f64| [z - t * variance.sqrt(), z + t * variance.sqrt()];
        match self {
            Self::Exact => [tail, 1.0 - tail]
                .map(|p| noncentral_t::quantile(p, freedom, n.sqrt() * z) / n.sqrt()),
            Self::Mover => {
                let of_mean = t * t / n;
                let end = |p: f64| {
                    let scale = (freedom / chi_squared_quantile(p, freedom)).sqrt() - 1.0;
                    (of_mean + z * z * scale * scale).sqrt()
                };
                [z - end(1.0 - tail), z + end(tail)]
            }
            Self::BlandAltman1999 => around(1.0 / n + z * z / (2.0 * freedom)),
            Self::BlandAltman1986 => around(3.0 / n),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Mover => "mover",
            Self::BlandAltman1999 => "bland-altman-1999",
            Self::BlandAltman1986 => "bland-altman-1986",
        }
    }

    pub(super) fn method(self) -> IntervalMethod {
        match self {
            Self::Exact => IntervalMethod::Exact,
            Self::Mover => IntervalMethod::Mover,
            Self::BlandAltman1999 | Self::BlandAltman1986 => IntervalMethod::Student,
        }
    }
}
