//! Logarithmic loss: what the probability of the outcome was.

use medcore::Label;
use serde::{Deserialize, Serialize};

use super::check;
use super::class_scores::{ClassProbabilities, class_of};
use super::score::Score;
use crate::accumulator::Accumulator;
use crate::error::{Error, Result};
use crate::estimate::Estimate;
use crate::statistics::ExactSum;

/// What an outcome costs that was called impossible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LogLossRule {
    /// Infinity.
    #[default]
    Exact,
    /// 36.04: probabilities are kept within the relative precision of `f64` from 0 and 1, as scikit-learn
    /// keeps them.
    ScikitLearn,
}

/// Mean of the negative natural logarithms of the probabilities of what happened (nats).
///
/// ```
/// use medmetrics::Accumulator;
/// use medmetrics::calibration::{LogLoss, LogLossRule};
///
/// let mut loss = LogLoss::new(LogLossRule::Exact);
/// loss.extend(&[0.5, 0.5], &[true, false])?;
/// assert_eq!(loss.finish()?.value, Some(std::f64::consts::LN_2));
/// loss.push(0.0)?;
/// assert_eq!(loss.finish()?.value, Some(f64::INFINITY));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LogLoss {
    rule: LogLossRule,
    count: u64,
    /// Outcomes that were called impossible.
    impossible: u64,
    /// Of the others.
    sum: ExactSum,
}

impl LogLoss {
    /// No outcomes.
    #[must_use]
    pub fn new(rule: LogLossRule) -> Self {
        Self {
            rule,
            ..Self::default()
        }
    }

    /// Takes in probabilities of one event, and whether it happened.
    ///
    /// # Errors
    /// Refuses lists of different lengths and what is no probability; the sum is then as it was before.
    pub fn extend<P: Score>(&mut self, scores: &[P], labels: &[bool]) -> Result<()> {
        check::same_length("labels", labels.len(), scores.len())?;
        check::probabilities(scores, 0)?;
        for (&score, &label) in scores.iter().zip(labels) {
            let p: f64 = score.into();
            if label {
                self.add(p, libm::log);
            } else {
                self.add(p, |p| libm::log1p(-p));
            }
        }
        Ok(())
    }

    /// Takes in probabilities of several classes, and which it is.
    ///
    /// # Errors
    /// Refuses another number of labels, and labels without a class; the sum is then as it was before.
    pub fn extend_classes<P: Score, L: Label>(
        &mut self,
        probabilities: &ClassProbabilities<'_, P>,
        labels: &[L],
    ) -> Result<()> {
        probabilities.check_labels(labels)?;
        for (sample, &label) in labels.iter().enumerate() {
            self.add(probabilities.get(sample, class_of(label)).into(), libm::log);
        }
        Ok(())
    }

    fn add(&mut self, p: f64, logarithm: impl Fn(f64) -> f64) {
        let p = match self.rule {
            LogLossRule::Exact => p,
            LogLossRule::ScikitLearn => p.clamp(f64::EPSILON, 1.0 - f64::EPSILON),
        };
        self.count = self.count.saturating_add(1);
        match logarithm(p) {
            f64::NEG_INFINITY => self.impossible = self.impossible.saturating_add(1),
            finite => self.sum.add(-finite),
        }
    }
}

impl Accumulator for LogLoss {
    /// The probability that was given to what happened.
    type Item<'a> = f64;
    type Output = Estimate;

    fn push(&mut self, probability: f64) -> Result<()> {
        self.extend(&[probability], &[true])
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        if self.rule != other.rule {
            return Err(Error::Incompatible {
                setting: "rules of log loss",
                left: format!("{:?}", self.rule),
                right: format!("{:?}", other.rule),
            });
        }
        self.count = self.count.saturating_add(other.count);
        self.impossible = self.impossible.saturating_add(other.impossible);
        self.sum.merge(&other.sum);
        Ok(())
    }

    /// The mean; undefined of nothing, infinite if something happened that was called impossible.
    fn finish(&self) -> Result<Estimate> {
        let convention = match self.rule {
            LogLossRule::Exact => "log-loss",
            LogLossRule::ScikitLearn => "log-loss:scikit-learn",
        };
        Ok(match (self.count, self.impossible) {
            (0, _) => Estimate::undefined(0, convention),
            (n, 0) => Estimate::new(self.sum.value() / n as f64, n, convention),
            (n, _) => Estimate::new(f64::INFINITY, n, convention),
        })
    }
}
