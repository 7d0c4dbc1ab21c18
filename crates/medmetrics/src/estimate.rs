//! A number with what a reader needs to believe it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A measured value, its interval, and what went into it.
///
/// ```
/// use medmetrics::{Confidence, Estimate, Interval, IntervalMethod};
///
/// let interval = Interval {
///     low: 0.81,
///     high: 0.93,
///     confidence: Confidence::default(),
///     method: IntervalMethod::Wilson,
/// };
/// let sensitivity = Estimate::new(0.88, 120, "sensitivity").with_interval(interval);
/// assert_eq!(sensitivity.to_string(), "0.8800 (95 % CI 0.8100 to 0.9300, Wilson), n = 120");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The value; `None` when nothing defines it. Infinity is written as `"inf"`.
    #[serde(with = "crate::number")]
    pub value: Option<f64>,
    /// Where the true value may lie; `None` when no interval was asked for or none is defined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// Number of observations that made the value.
    pub n: u64,
    /// Number of observations that were left out because they have no value.
    pub undefined: u64,
    /// Whose definition was used, such as `hd95:max-of-directed/linear/erode`.
    pub convention: String,
}

impl Estimate {
    /// A value made of `n` observations, all of them defined.
    #[must_use]
    pub fn new(value: f64, n: u64, convention: impl Into<String>) -> Self {
        Self {
            value: Some(value),
            interval: None,
            n,
            undefined: 0,
            convention: convention.into(),
        }
    }

    /// No value: of the `n` observations nothing defines it.
    #[must_use]
    pub fn undefined(n: u64, convention: impl Into<String>) -> Self {
        Self {
            value: None,
            interval: None,
            n,
            undefined: 0,
            convention: convention.into(),
        }
    }

    /// The same with an interval.
    #[must_use]
    pub fn with_interval(self, interval: impl Into<Option<Interval>>) -> Self {
        Self {
            interval: interval.into(),
            ..self
        }
    }

    /// The same with a number of observations that were left out.
    #[must_use]
    pub fn with_undefined(self, undefined: u64) -> Self {
        Self { undefined, ..self }
    }
}

/// Four decimals, the interval with its method, and the counts.
impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Some(value) => write!(f, "{value:.4}")?,
            None => f.write_str("undefined")?,
        }
        if let Some(interval) = &self.interval {
            write!(f, " ({interval})")?;
        }
        write!(f, ", n = {}", self.n)?;
        match self.undefined {
            0 => Ok(()),
            left_out => write!(f, ", {left_out} undefined"),
        }
    }
}

/// A range that holds the true value with a stated confidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Its lower end. Infinity is written as `"-inf"` or `"inf"`.
    #[serde(with = "crate::number::never_missing")]
    pub low: f64,
    /// Its upper end.
    #[serde(with = "crate::number::never_missing")]
    pub high: f64,
    /// How often such a range holds the true value.
    pub confidence: Confidence,
    /// How it was found.
    pub method: IntervalMethod,
}

impl Interval {
    /// Whether a value lies in the range, ends included.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} % CI {:.4} to {:.4}, {}",
            100.0 * self.confidence.level(),
            self.low,
            self.high,
            self.method
        )
    }
}

/// How often an interval is to hold the true value, 0.95 by default.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Confidence(f64);

impl Confidence {
    /// A confidence between 0 and 1, both excluded.
    ///
    /// # Errors
    /// Refuses anything else.
    pub fn new(level: f64) -> Result<Self> {
        if level > 0.0 && level < 1.0 {
            return Ok(Self(level));
        }
        Err(Error::InvalidParameter {
            parameter: "confidence",
            rule: "between 0 and 1, such as 0.95",
            value: level,
        })
    }

    /// The confidence as a share.
    #[must_use]
    pub fn level(self) -> f64 {
        self.0
    }

    /// The probability below the lower end of a two-sided interval, 0.025 for 0.95.
    #[must_use]
    pub fn tail(self) -> f64 {
        (1.0 - self.0) / 2.0
    }
}

impl Default for Confidence {
    fn default() -> Self {
        Self(0.95)
    }
}

impl TryFrom<f64> for Confidence {
    type Error = Error;
    fn try_from(level: f64) -> Result<Self> {
        Self::new(level)
    }
}

impl From<Confidence> for f64 {
    fn from(confidence: Confidence) -> Self {
        confidence.0
    }
}

/// How an interval was found; each procedure's documentation says when it covers too little or too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IntervalMethod {
    /// Wilson's score interval of a proportion.
    Wilson,
    /// Wilson's score interval with continuity correction.
    WilsonCorrected,
    /// Wilson's score interval for the number of independent observations that clustered ones are worth.
    ClusteredWilson,
    /// Clopper and Pearson's exact interval of a proportion.
    ClopperPearson,
    /// Agresti and Coull's interval of a proportion.
    AgrestiCoull,
    /// Jeffreys' interval of a proportion.
    Jeffreys,
    /// Agresti and Caffo's interval of a difference of proportions.
    AgrestiCaffo,
    /// Newcombe's interval of a difference of proportions.
    Newcombe,
    /// Miettinen and Nurminen's score interval of a difference of proportions.
    MiettinenNurminen,
    /// Tango's score interval of a difference of paired proportions.
    Tango,
    /// The normal approximation around the estimate (Wald).
    Normal,
    /// Student's t around the estimate.
    Student,
    /// The normal approximation on the scale of logarithms.
    LogNormal,
    /// The normal approximation on the logit scale.
    LogitNormal,
    /// DeLong's variance, on the scale of the value.
    DeLong,
    /// DeLong's variance, on the logit scale.
    LogitDeLong,
    /// Percentiles of bootstrap replicates.
    BootstrapPercentile,
    /// Percentiles of bootstrap replicates, mirrored at the estimate.
    BootstrapBasic,
    /// Percentiles of studentised bootstrap replicates.
    BootstrapStudentised,
    /// Bias-corrected and accelerated percentiles of bootstrap replicates.
    BootstrapBca,
    /// Fisher's z transformation.
    FisherZ,
    /// The F distribution of variance ratios.
    VarianceRatio,
    /// The exact distribution of the estimator.
    Exact,
    /// An exact bound on one side; the other end is that of the scale.
    ExactBound,
    /// The intervals of its parts put together (MOVER).
    Mover,
    /// The scatter of estimates with one observation left out (the jackknife).
    Jackknife,
    /// Ranks of the terms whose median is the estimate.
    Ranks,
}

impl fmt::Display for IntervalMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wilson => "Wilson",
            Self::WilsonCorrected => "Wilson with continuity correction",
            Self::ClusteredWilson => "clustered Wilson",
            Self::ClopperPearson => "Clopper-Pearson",
            Self::AgrestiCoull => "Agresti-Coull",
            Self::Jeffreys => "Jeffreys",
            Self::AgrestiCaffo => "Agresti-Caffo",
            Self::Newcombe => "Newcombe",
            Self::MiettinenNurminen => "Miettinen-Nurminen",
            Self::Tango => "Tango",
            Self::Normal => "normal",
            Self::Student => "Student's t",
            Self::LogNormal => "normal on logarithms",
            Self::LogitNormal => "normal on logits",
            Self::DeLong => "DeLong",
            Self::LogitDeLong => "DeLong on logits",
            Self::BootstrapPercentile => "bootstrap percentiles",
            Self::BootstrapBasic => "basic bootstrap",
            Self::BootstrapStudentised => "studentised bootstrap",
            Self::BootstrapBca => "bootstrap BCa",
            Self::FisherZ => "Fisher's z",
            Self::VarianceRatio => "F",
            Self::Exact => "exact",
            Self::ExactBound => "exact one-sided bound",
            Self::Mover => "MOVER",
            Self::Jackknife => "jackknife",
            Self::Ranks => "ranks",
        })
    }
}
