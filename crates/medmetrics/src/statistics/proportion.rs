//! Intervals of one proportion: a sensitivity, an accuracy, a share of cases found.
//!
//! L. Brown, T. Cai and A. DasGupta, "Interval estimation for a binomial proportion", Statistical Science
//! 16, 2001, compares them; the names and values are those of statsmodels' `proportion_confint`.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::estimate::{Confidence, Estimate, Interval, IntervalMethod};
use crate::statistics::distribution::{beta_quantile, normal_quantile};

/// A number of successes among a number of trials.
///
/// ```
/// use medmetrics::statistics::{Proportion, ProportionInterval};
/// use medmetrics::Confidence;
///
/// let found = Proportion::new(45, 50)?;
/// let sensitivity = found.estimate(ProportionInterval::Wilson, Confidence::default(), "sensitivity");
/// assert_eq!(
///     sensitivity.to_string(),
///     "0.9000 (95 % CI 0.7864 to 0.9565, Wilson), n = 50"
/// );
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Proportion {
    successes: u64,
    trials: u64,
}

impl Proportion {
    /// So many successes among so many trials.
    ///
    /// # Errors
    /// Refuses more successes than trials.
    pub fn new(successes: u64, trials: u64) -> Result<Self> {
        if successes > trials {
            return Err(Error::InvalidParameter {
                parameter: "the number of successes",
                rule: "at most the number of trials",
                value: successes as f64,
            });
        }
        Ok(Self { successes, trials })
    }

    /// The share of `true` among outcomes.
    #[must_use]
    pub fn of(outcomes: &[bool]) -> Self {
        Self {
            successes: outcomes.iter().filter(|&&success| success).count() as u64,
            trials: outcomes.len() as u64,
        }
    }

    /// Counts that are known to belong together.
    pub(super) fn of_counts(successes: u64, trials: u64) -> Self {
        Self {
            successes: successes.min(trials),
            trials,
        }
    }

    /// Number of successes.
    #[must_use]
    pub fn successes(self) -> u64 {
        self.successes
    }

    /// Number of trials.
    #[must_use]
    pub fn trials(self) -> u64 {
        self.trials
    }

    /// Successes by trials; `None` without trials.
    #[must_use]
    pub fn value(self) -> Option<f64> {
        (self.trials > 0).then(|| self.successes as f64 / self.trials as f64)
    }

    /// The value with its interval; undefined without trials.
    #[must_use]
    pub fn estimate(
        self,
        method: ProportionInterval,
        confidence: Confidence,
        convention: impl Into<String>,
    ) -> Estimate {
        match self.value() {
            Some(value) => Estimate::new(value, self.trials, convention)
                .with_interval(method.interval(self, confidence)),
            None => Estimate::undefined(0, convention),
        }
    }
}

/// How the interval of a proportion is found.
///
/// Coverage below is the exact probability that an interval of 95 % holds the truth, for truths from 0.01 to
/// 0.99 and 10 to 200 trials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProportionInterval {
    /// Normal approximation around the value, cut to 0..1 (Wald). Covers far too little for few trials or
    /// shares near 0 and 1 (10 % for 10 trials of 0.99), a point for none or all: not for reports.
    Wald,
    /// Wilson's score interval (E. Wilson, JASA 22, 1927): 95 % on average, for some truths near 0 and 1 down
    /// to 84 %.
    #[default]
    Wilson,
    /// Wilson's interval with continuity correction (R. Newcombe, Statistics in Medicine 17, 1998, method 4):
    /// as cautious as Clopper and Pearson's.
    WilsonCorrected,
    /// The exact interval of C. Clopper and E. Pearson, Biometrika 26, 1934: never below the stated
    /// confidence, 97 % on average.
    ClopperPearson,
    /// Normal approximation around Wilson's centre (A. Agresti and B. Coull, The American Statistician 52,
    /// 1998), cut to 0..1: 96 % on average, never below 92 %.
    AgrestiCoull,
    /// Quantiles of the posterior under Jeffreys' prior: 95 % on average, down to 87 % for some truths near 0
    /// and 1.
    Jeffreys,
}

impl ProportionInterval {
    /// The interval of a proportion; `None` without trials.
    #[must_use]
    pub fn interval(self, proportion: Proportion, confidence: Confidence) -> Option<Interval> {
        let share = proportion.value()?;
        let (successes, trials) = (proportion.successes as f64, proportion.trials as f64);
        let failures = trials - successes;
        let tail = confidence.tail();
        let z = -normal_quantile(tail);
        let around = |centre: f64, trials: f64| {
            let half = z * (centre * (1.0 - centre) / trials).sqrt();
            [(centre - half).max(0.0), (centre + half).min(1.0)]
        };
        let [low, high] = match self {
            Self::Wald => around(share, trials),
            Self::Wilson => wilson(proportion, z),
            Self::WilsonCorrected => wilson_corrected(proportion, z),
            Self::ClopperPearson => {
                let low = match proportion.successes {
                    0 => 0.0,
                    _ => beta_quantile(tail, successes, failures + 1.0),
                };
                let high = match failures {
                    0.0 => 1.0,
                    _ => beta_quantile(1.0 - tail, successes + 1.0, failures),
                };
                [low, high]
            }
            Self::AgrestiCoull => {
                let trials = trials + z * z;
                around((successes + 0.5 * z * z) / trials, trials)
            }
            Self::Jeffreys => {
                [tail, 1.0 - tail].map(|p| beta_quantile(p, successes + 0.5, failures + 0.5))
            }
        };
        let method = match self {
            Self::Wald => IntervalMethod::Normal,
            Self::Wilson => IntervalMethod::Wilson,
            Self::WilsonCorrected => IntervalMethod::WilsonCorrected,
            Self::ClopperPearson => IntervalMethod::ClopperPearson,
            Self::AgrestiCoull => IntervalMethod::AgrestiCoull,
            Self::Jeffreys => IntervalMethod::Jeffreys,
        };
        Some(Interval {
            low,
            high,
            confidence,
            method,
        })
    }
}

/// Both ends of Wilson's interval, `z` standard deviations wide to either side.
pub(super) fn wilson(proportion: Proportion, z: f64) -> [f64; 2] {
    let (successes, trials) = (proportion.successes as f64, proportion.trials as f64);
    let failures = trials - successes;
    let centre = successes + 0.5 * z * z;
    let half = z * (successes * failures / trials + 0.25 * z * z).sqrt();
    ends(
        proportion,
        [centre - half, centre + half].map(|end| end / (trials + z * z)),
    )
}

fn wilson_corrected(proportion: Proportion, z: f64) -> [f64; 2] {
    let (successes, trials) = (proportion.successes as f64, proportion.trials as f64);
    let failures = trials - successes;
    let share = successes / trials;
    let centre = 2.0 * successes + z * z;
    let half = |correction: f64| {
        let root = z * z - 1.0 / trials - 2.0 * correction + 4.0 * share * (failures + correction);
        z * root.max(0.0).sqrt() + 1.0
    };
    ends(
        proportion,
        [centre - half(1.0), centre + half(-1.0)].map(|end| end / (2.0 * (trials + z * z))),
    )
}

/// Ends that are 0 and 1 by definition, without the rounding of a formula.
fn ends(proportion: Proportion, [low, high]: [f64; 2]) -> [f64; 2] {
    let none = proportion.successes == 0;
    let all = proportion.successes == proportion.trials;
    [
        if none { 0.0 } else { low.max(0.0) },
        if all { 1.0 } else { high.min(1.0) },
    ]
}
