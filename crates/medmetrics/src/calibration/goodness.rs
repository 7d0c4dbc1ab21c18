//! Tests and regressions of probabilities on what happened.

use serde::{Deserialize, Serialize};

use super::binning::Binning;
use super::check;
use super::logistic::{Predictor, Problem};
use super::table::CalibrationTable;
use super::tally::ONE;
use crate::error::{Error, Result};
use crate::estimate::{Confidence, Estimate, Interval, IntervalMethod};
use crate::score::Score;
use crate::statistics::TestResult;
use crate::statistics::distribution::{chi_squared_upper, normal_quantile};

/// Cox's logistic recalibration of probabilities against what happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recalibration {
    /// Slope of the events on the logits: 1 at best, below 1 when probabilities are too extreme.
    pub slope: Estimate,
    /// Intercept of the same regression.
    pub intercept: Estimate,
    /// Intercept with the slope held at 1, calibration-in-the-large: 0 at best, positive when probabilities
    /// are too low.
    pub in_the_large: Estimate,
}

impl Recalibration {
    /// Regresses events on the logits of their probabilities (Cox 1958), with Wald's intervals.
    ///
    /// Wald's intervals are too narrow for few events: a hundred of each kind are a common rule.
    ///
    /// ```
    /// use medmetrics::Confidence;
    /// use medmetrics::calibration::Recalibration;
    ///
    /// let p = [0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9];
    /// let y = [false, false, true, false, true, false, true, true];
    /// let fit = Recalibration::of(&p, &y, Confidence::default())?;
    /// assert!(fit.in_the_large.value.expect("both kinds").abs() < 1e-12, "half are expected");
    /// # Ok::<(), medmetrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// Refuses lists of different lengths, probabilities without a logit, and events that the probabilities
    /// separate or that all agree.
    pub fn of<P: Score>(scores: &[P], labels: &[bool], confidence: Confidence) -> Result<Self> {
        check::same_length("labels", labels.len(), scores.len())?;
        check::open_probabilities(scores)?;
        check::both_kinds("recalibration", labels)?;
        let logits: Vec<f64> = scores.iter().map(|&p| logit(p.into())).collect();
        let target = |i: usize, class| f64::from(u8::from(labels[i] == (class == 1)));
        let problem = |what, predictors, parameters| Problem {
            what,
            samples: logits.len(),
            classes: 2,
            ridge: vec![0.0; parameters],
            start: vec![0.0; parameters],
            predictors,
            target: &target,
        };
        let both = |i: usize, classes: &mut [Predictor]| {
            classes[1].terms.extend([(0, logits[i]), (1, 1.0)]);
        };
        let shift = |i: usize, classes: &mut [Predictor]| {
            classes[1].offset = logits[i];
            classes[1].terms.push((0, 1.0));
        };
        let line = problem("the slope of calibration", &both, 2).fit()?;
        let large = problem("calibration in the large", &shift, 1).fit()?;
        let estimate = |fit: &super::logistic::Fit, parameter: usize, convention: &str| {
            let value = fit.parameters[parameter];
            let half = fit.standard_error(parameter);
            let half = half.map(|se| se * normal_quantile(1.0 - confidence.tail()));
            let interval = half.map(|half| Interval {
                low: value - half,
                high: value + half,
                confidence,
                method: IntervalMethod::Normal,
            });
            Estimate::new(value, labels.len() as u64, convention).with_interval(interval)
        };
        Ok(Self {
            slope: estimate(&line, 0, "calibration-slope:cox"),
            intercept: estimate(&line, 1, "calibration-intercept:cox"),
            in_the_large: estimate(&large, 0, "calibration-in-the-large"),
        })
    }
}

/// `ln(p / (1 - p))`.
pub(super) fn logit(p: f64) -> f64 {
    libm::log(p) - libm::log1p(-p)
}

/// Spiegelhalter's z: is Brier's score what it should be if the probabilities were right (Spiegelhalter
/// 1986)? Two-sided; without a statistic when all probabilities are 0, 0.5 or 1.
///
/// # Errors
/// Refuses lists of different lengths and what is no probability.
pub fn spiegelhalter<P: Score>(scores: &[P], labels: &[bool]) -> Result<TestResult> {
    check::same_length("labels", labels.len(), scores.len())?;
    check::probabilities(scores, 0)?;
    let (mut excess, mut variance) = (0.0, 0.0);
    for (&score, &label) in scores.iter().zip(labels) {
        let p: f64 = score.into();
        let tilt = 1.0 - 2.0 * p;
        excess += (f64::from(u8::from(label)) - p) * tilt;
        variance += tilt * tilt * p * (1.0 - p);
    }
    let n = labels.len() as u64;
    Ok(TestResult::normal(excess, variance, n, "spiegelhalter"))
}

/// Where the probabilities come from, which decides the degrees of freedom of [`hosmer_lemeshow`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ScoredBy {
    /// A model that has not seen these cases: as many as there are groups.
    #[default]
    AnotherSample,
    /// A logistic model fitted to these cases: two fewer.
    ThisSample,
}

/// Hosmer and Lemeshow's chi-squared over groups of equal size (10 by custom).
///
/// Groups are cut at quantiles of the probabilities, equal ones stay together. The test depends on the
/// number of groups, and with many cases refuses any model: a reliability diagram says more.
///
/// # Errors
/// Refuses lists of different lengths, what is no probability, and fewer than three groups that differ.
pub fn hosmer_lemeshow<P: Score>(
    scores: &[P],
    labels: &[bool],
    groups: usize,
    scored_by: ScoredBy,
) -> Result<TestResult> {
    let table = CalibrationTable::of(Binning::equal_mass(scores, groups)?, scores, labels)?;
    let used = table.filled().count();
    if used < 3 {
        return Err(Error::TooFew {
            what: "Hosmer and Lemeshow's test",
            of: "groups of different probabilities",
            least: 3,
            got: used,
        });
    }
    let mut statistic = 0.0;
    for group in table.filled() {
        let n = group.count as f64;
        let expected = group.sum as f64 / ONE as f64;
        let off = group.positives as f64 - expected;
        if off != 0.0 {
            statistic += off * off / (expected * (1.0 - expected / n));
        }
    }
    let (degrees, name) = match scored_by {
        ScoredBy::AnotherSample => (used as u64, "g"),
        ScoredBy::ThisSample => (used as u64 - 2, "g-2"),
    };
    Ok(TestResult::new(
        statistic,
        chi_squared_upper(statistic, degrees as f64),
        labels.len() as u64,
        format!("hosmer-lemeshow:{groups}-equal-mass/df={name}={degrees}"),
    ))
}
