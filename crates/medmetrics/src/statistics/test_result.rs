//! What a test of a hypothesis says.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::statistics::distribution::normal_cdf;

/// A test's statistic and the probability of one as extreme if the hypothesis were true.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestResult {
    /// The statistic; `None` where nothing defines it. Infinity is written as `"inf"`.
    #[serde(with = "crate::number")]
    pub statistic: Option<f64>,
    /// The p value; `None` where nothing defines it.
    pub p: Option<f64>,
    /// Number of observations.
    pub n: u64,
    /// Which test, such as `mcnemar:exact`.
    pub convention: String,
}

impl TestResult {
    pub(crate) fn new(
        statistic: impl Into<Option<f64>>,
        p: impl Into<Option<f64>>,
        n: u64,
        convention: impl Into<String>,
    ) -> Self {
        Self {
            statistic: statistic.into(),
            p: p.into(),
            n,
            convention: convention.into(),
        }
    }

    /// Two-sided, of a deviation that is normal with this variance under the hypothesis. Nothing deviates:
    /// p is 1. Something deviates without variance: undefined.
    pub(crate) fn normal(
        deviation: f64,
        variance: f64,
        n: u64,
        convention: impl Into<String>,
    ) -> Self {
        if variance > 0.0 {
            let z = deviation / variance.sqrt();
            return Self::new(z, 2.0 * normal_cdf(-z.abs()), n, convention);
        }
        Self::new(None, (deviation == 0.0).then_some(1.0), n, convention)
    }
}

/// The p value, the statistic and the number of observations.
impl fmt::Display for TestResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.p {
            Some(p) if p < 1e-4 => f.write_str("p < 0.0001")?,
            Some(p) => write!(f, "p = {p:.4}")?,
            None => f.write_str("p undefined")?,
        }
        if let Some(statistic) = self.statistic {
            write!(f, ", statistic {statistic:.4}")?;
        }
        write!(f, ", n = {}, {}", self.n, self.convention)
    }
}

/// Which deviations count against the hypothesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alternative {
    /// Deviations to either side.
    #[default]
    TwoSided,
    /// The first is smaller than the second, or the value below the supposed one.
    Less,
    /// The first is larger than the second, or the value above the supposed one.
    Greater,
}
