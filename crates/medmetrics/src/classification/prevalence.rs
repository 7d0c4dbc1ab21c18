//! What a result means where positives are rarer or commoner than among the cases that were studied.

use serde::{Deserialize, Serialize};

use super::counts::BinaryCounts;
use super::measure::BinaryMeasure;
use crate::error::{Error, Result};
use crate::estimate::{Confidence, Estimate, Interval, IntervalMethod};
use crate::statistics::distribution::normal_quantile;

/// The prevalence at which decisions will be made, and how intervals are found.
///
/// ```
/// use medmetrics::classification::{AtPrevalence, BinaryCounts};
///
/// let counts = BinaryCounts {
///     true_positive: 90,
///     false_negative: 10,
///     false_positive: 10,
///     true_negative: 90,
/// };
/// let screening = AtPrevalence::new(0.01)?.predictive_values(&counts);
/// assert!((screening.positive.value.expect("both kinds") - 0.0833).abs() < 1e-4);
/// assert!((screening.negative.value.expect("both kinds") - 0.9989).abs() < 1e-4);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct AtPrevalence {
    prevalence: f64,
    interval: PredictiveInterval,
    confidence: Confidence,
}

/// How the interval of a predictive value at a stated prevalence is found.
///
/// Both are normal on the logit scale with the delta method's variance (N. Mercaldo, K. Lau and X. Zhou,
/// Statistics in Medicine 26, 2007). The prevalence counts as known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PredictiveInterval {
    /// Around the value itself; `None` where everything that was called so is right, or all of it wrong. From
    /// 15 cases of each kind on, an interval of 95 % holds the truth in 94 to 97 % of samples that define it.
    Logit,
    /// Around the value after half a case was added to each of the four counts: always defined. An interval
    /// of 95 % holds the truth in 93 % of samples of 15 cases of each kind, in 94 to 95 % of larger ones.
    #[default]
    CorrectedLogit,
}

/// Both predictive values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PredictiveValues {
    /// The probability that a case called positive is.
    pub positive: Estimate,
    /// The probability that a case called negative is.
    pub negative: Estimate,
}

impl AtPrevalence {
    /// At a share of positives between 0 and 1, both excluded.
    ///
    /// # Errors
    /// Refuses anything else.
    pub fn new(prevalence: f64) -> Result<Self> {
        check_probability("prevalence", prevalence)?;
        Ok(Self {
            prevalence,
            interval: PredictiveInterval::default(),
            confidence: Confidence::default(),
        })
    }

    /// The same with another kind of interval.
    #[must_use]
    pub fn with_interval(self, interval: PredictiveInterval, confidence: Confidence) -> Self {
        Self {
            interval,
            confidence,
            ..self
        }
    }

    /// Predictive values by Bayes' theorem from sensitivity and specificity; undefined without cases of both
    /// kinds, or where nothing would be called so.
    #[must_use]
    pub fn predictive_values(&self, counts: &BinaryCounts) -> PredictiveValues {
        let value = |name: &str, of: fn([f64; 2], f64) -> Option<f64>| {
            let convention = format!("{name}:prevalence-{}", self.prevalence);
            let rates = rates(counts, 0.0);
            match rates.and_then(|rates| of(rates, self.prevalence)) {
                Some(value) => Estimate::new(value, counts.total(), convention),
                None => Estimate::undefined(counts.total(), convention),
            }
        };
        let (positive, negative) = (value("ppv", positive_value), value("npv", negative_value));
        let [for_positive, for_negative] = self.intervals(counts);
        PredictiveValues {
            positive: positive.with_interval(for_positive),
            negative: negative.with_interval(for_negative),
        }
    }

    fn intervals(&self, counts: &BinaryCounts) -> [Option<Interval>; 2] {
        let z = -normal_quantile(self.confidence.tail());
        let added = match self.interval {
            PredictiveInterval::Logit => 0.0,
            PredictiveInterval::CorrectedLogit => 0.5,
        };
        let Some([found, cleared]) = rates(counts, added) else {
            return [None; 2];
        };
        let positives = counts.positives() as f64 + 2.0 * added;
        let negatives = counts.negatives() as f64 + 2.0 * added;
        let odds = |p: f64| p / (1.0 - p);
        let variances = [
            1.0 / (odds(found) * positives) + odds(cleared) / negatives,
            odds(found) / positives + 1.0 / (odds(cleared) * negatives),
        ];
        let values = [
            positive_value([found, cleared], self.prevalence),
            negative_value([found, cleared], self.prevalence),
        ];
        std::array::from_fn(|i| {
            let centre = values[i].map(|value| libm::log(odds(value)))?;
            let half = z * variances[i].sqrt();
            let end = |logit: f64| 1.0 / (1.0 + libm::exp(-logit));
            let defined = centre.is_finite() && half.is_finite();
            defined.then(|| Interval {
                low: end(centre - half),
                high: end(centre + half),
                confidence: self.confidence,
                method: IntervalMethod::LogitNormal,
            })
        })
    }
}

/// Sensitivity and specificity after so much was added to each of the four counts.
fn rates(counts: &BinaryCounts, added: f64) -> Option<[f64; 2]> {
    let rate = |part: u64, whole: u64| {
        (whole > 0).then(|| (part as f64 + added) / (whole as f64 + 2.0 * added))
    };
    let found = rate(counts.true_positive, counts.positives())?;
    Some([found, rate(counts.true_negative, counts.negatives())?])
}

fn positive_value([found, cleared]: [f64; 2], prevalence: f64) -> Option<f64> {
    let (hits, alarms) = (found * prevalence, (1.0 - cleared) * (1.0 - prevalence));
    (hits + alarms > 0.0).then(|| hits / (hits + alarms))
}

fn negative_value([found, cleared]: [f64; 2], prevalence: f64) -> Option<f64> {
    positive_value([cleared, found], 1.0 - prevalence)
}

/// The probability after a result with this likelihood ratio: odds times ratio.
///
/// ```
/// use medmetrics::classification::post_test_probability;
///
/// let after = post_test_probability(0.2, 8.0)?;
/// assert!((after - 2.0 / 3.0).abs() < 1e-15);
/// assert_eq!(post_test_probability(0.2, f64::INFINITY)?, 1.0);
/// # Ok::<(), medmetrics::Error>(())
/// ```
///
/// # Errors
/// Refuses a probability outside 0 to 1 (both excluded) and a ratio that is negative or NaN.
pub fn post_test_probability(pre_test: f64, likelihood_ratio: f64) -> Result<f64> {
    check_probability("pre-test probability", pre_test)?;
    if likelihood_ratio.is_nan() || likelihood_ratio < 0.0 {
        return Err(Error::InvalidParameter {
            parameter: "likelihood ratio",
            rule: "a number from 0 on",
            value: likelihood_ratio,
        });
    }
    if likelihood_ratio == f64::INFINITY {
        return Ok(1.0);
    }
    let weighted = pre_test * likelihood_ratio;
    Ok(weighted / (weighted + 1.0 - pre_test))
}

impl BinaryCounts {
    /// The probability of a positive case after a positive and after a negative result.
    ///
    /// # Errors
    /// Refuses a probability outside 0 to 1, both excluded.
    pub fn post_test_probabilities(&self, pre_test: f64) -> Result<[Option<f64>; 2]> {
        check_probability("pre-test probability", pre_test)?;
        let after = |measure| {
            let ratio = self.measure(measure);
            ratio
                .map(|ratio| post_test_probability(pre_test, ratio))
                .transpose()
        };
        Ok([
            after(BinaryMeasure::PositiveLikelihoodRatio)?,
            after(BinaryMeasure::NegativeLikelihoodRatio)?,
        ])
    }
}

fn check_probability(parameter: &'static str, value: f64) -> Result<()> {
    if value > 0.0 && value < 1.0 {
        return Ok(());
    }
    let rule = "between 0 and 1";
    Err(Error::InvalidParameter {
        parameter,
        rule,
        value,
    })
}

/// The written form, checked when it is read.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    prevalence: f64,
    #[serde(default)]
    interval: PredictiveInterval,
    #[serde(default)]
    confidence: Confidence,
}

impl From<AtPrevalence> for Written {
    fn from(at: AtPrevalence) -> Self {
        Self {
            prevalence: at.prevalence,
            interval: at.interval,
            confidence: at.confidence,
        }
    }
}

impl TryFrom<Written> for AtPrevalence {
    type Error = Error;
    fn try_from(written: Written) -> Result<Self> {
        Ok(Self::new(written.prevalence)?.with_interval(written.interval, written.confidence))
    }
}
