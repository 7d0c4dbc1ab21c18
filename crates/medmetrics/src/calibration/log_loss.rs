//! Logarithmic loss: what the probability of the outcome was.

use medcore::Label;
use serde::{Deserialize, Serialize};

use super::check;
use super::class_scores::{ClassProbabilities, class_of};
use crate::accumulator::Accumulator;
use crate::error::{Error, Result};
use crate::estimate::Estimate;
use crate::score::Score;
use crate::statistics::ExactSum;

/// What an outcome costs that was called impossible.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LogLossRule {
    /// Infinity.
    #[default]
    Exact,
    /// 36.04: probabilities are kept within the relative precision of `f64` from 0 and 1, as scikit-learn
    /// keeps them.
    ScikitLearn,
    /// Probabilities are kept so far from 0 and 1; more than 0 and below 0.5.
    Clipped(f64),
}

impl LogLossRule {
    /// How far probabilities are kept from 0 and 1; what is no such distance is refused.
    fn distance(self) -> Result<f64> {
        match self {
            Self::Exact => Ok(0.0),
            Self::ScikitLearn => Ok(f64::EPSILON),
            Self::Clipped(clip) if clip > 0.0 && clip < 0.5 => Ok(clip),
            Self::Clipped(clip) => Err(Error::InvalidParameter {
                parameter: "clip",
                rule: "more than 0 and below 0.5",
                value: clip,
            }),
        }
    }
}

/// Probabilities of a row may miss 1 by this much: single precision, rounded to three decimals.
const SUM_TOLERANCE: f64 = 1e-2;

/// Mean of the negative natural logarithms of the probabilities of what happened (cross-entropy, in nats).
///
/// [`LogLoss::clipped`] says for how many outcomes the rule mattered.
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
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogLoss {
    rule: LogLossRule,
    count: u64,
    /// Outcomes whose probability was changed.
    clipped: u64,
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

    /// Number of outcomes whose probability was changed by the rule.
    #[must_use]
    pub fn clipped(&self) -> u64 {
        self.clipped
    }

    /// Takes in probabilities of one event, and whether it happened.
    ///
    /// # Errors
    /// Refuses lists of different lengths, what is no probability, and a rule without a valid distance; the
    /// sum is then as it was before.
    pub fn extend<P: Score>(&mut self, scores: &[P], labels: &[bool]) -> Result<()> {
        check::same_length("labels", labels.len(), scores.len())?;
        check::probabilities(scores, 0)?;
        let clip = self.rule.distance()?;
        for (&score, &label) in scores.iter().zip(labels) {
            let p: f64 = score.into();
            if label {
                self.add(p, clip, libm::log);
            } else {
                self.add(p, clip, |p| libm::log1p(-p));
            }
        }
        Ok(())
    }

    /// Takes in probabilities of several classes, and which it is.
    ///
    /// # Errors
    /// Refuses another number of labels, labels without a class, probabilities whose sum is not 1 (within
    /// 0.01), and a rule without a valid distance; the sum is then as it was before.
    pub fn extend_classes<P: Score, L: Label>(
        &mut self,
        probabilities: &ClassProbabilities<'_, P>,
        labels: &[L],
    ) -> Result<()> {
        probabilities.check_labels(labels)?;
        let clip = self.rule.distance()?;
        let sum = |sample: usize| -> f64 {
            let row = (0..probabilities.classes()).map(|class| probabilities.get(sample, class));
            row.map(Into::into).sum()
        };
        let off = |&sample: &usize| (sum(sample) - 1.0).abs() > SUM_TOLERANCE;
        if let Some(index) = (0..labels.len()).find(off) {
            return Err(Error::InvalidValue {
                what: "sums of probabilities",
                rule: "1",
                index,
                value: sum(index),
            });
        }
        for (sample, &label) in labels.iter().enumerate() {
            let p = probabilities.get(sample, class_of(label)).into();
            self.add(p, clip, libm::log);
        }
        Ok(())
    }

    fn add(&mut self, probability: f64, clip: f64, logarithm: impl Fn(f64) -> f64) {
        let p = probability.clamp(clip, 1.0 - clip);
        self.clipped = self.clipped.saturating_add(u64::from(p != probability));
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
        self.clipped = self.clipped.saturating_add(other.clipped);
        self.impossible = self.impossible.saturating_add(other.impossible);
        self.sum.merge(&other.sum);
        Ok(())
    }

    /// The mean; undefined of nothing, infinite if something happened that was called impossible.
    fn finish(&self) -> Result<Estimate> {
        let convention = match self.rule {
            LogLossRule::Exact => "log-loss".to_owned(),
            LogLossRule::ScikitLearn => "log-loss:scikit-learn".to_owned(),
            LogLossRule::Clipped(clip) => format!("log-loss:clip-{clip:e}"),
        };
        Ok(match (self.count, self.impossible) {
            (0, _) => Estimate::undefined(0, convention),
            (n, 0) => Estimate::new(self.sum.value() / n as f64, n, convention),
            (n, _) => Estimate::new(f64::INFINITY, n, convention),
        })
    }
}
