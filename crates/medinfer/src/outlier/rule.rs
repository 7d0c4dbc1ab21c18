//! Scores by name, and thresholds on them.

use serde::{Deserialize, Serialize};

use crate::classify::{LabelKind, refuse};
use crate::error::Result;

/// A number that is larger, the less an image is like those of training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OutlierScore {
    /// One less the largest probability, uncalibrated (Hendrycks and Gimpel, ICLR 2017,
    /// <https://arxiv.org/abs/1610.02136>); of a softmax.
    MaximumSoftmax,
    /// The free energy `-T ln sum exp(logit / T)` (Liu et al., NeurIPS 2020, <https://arxiv.org/abs/2010.03759>); where
    /// each logit has a sigmoid of its own the sum of theirs, `-T sum ln(1 + exp(logit / T))` (Wang et al., NeurIPS 2021,
    /// <https://arxiv.org/abs/2111.12797>).
    Energy {
        /// `T`, 1 in the papers.
        temperature: f64,
    },
    /// The squared Mahalanobis distance of features from the nearest class of a
    /// [`FeatureReference`](crate::FeatureReference) (Lee et al., NeurIPS 2018, <https://arxiv.org/abs/1807.03888>).
    Mahalanobis,
}

impl OutlierScore {
    /// The energy at temperature 1.
    #[must_use]
    pub fn energy() -> Self {
        Self::Energy { temperature: 1.0 }
    }

    /// The score of the logits of one image; `None` for one that needs features.
    ///
    /// ```
    /// use medinfer::{LabelKind, OutlierScore};
    ///
    /// let energy = OutlierScore::energy().of_logits(&[0.0, 0.0], LabelKind::Exclusive);
    /// assert!((energy.unwrap() + std::f64::consts::LN_2).abs() < 1e-15);
    /// ```
    #[must_use]
    pub fn of_logits(&self, logits: &[f32], kind: LabelKind) -> Option<f64> {
        let logits = logits.iter().map(|&logit| f64::from(logit));
        match (*self, kind) {
            (Self::Mahalanobis, _) => None,
            (Self::MaximumSoftmax, _) => {
                let largest = logits.clone().fold(f64::NEG_INFINITY, f64::max);
                Some(1.0 - libm::exp(largest - log_sum_exp(logits)))
            }
            (Self::Energy { temperature }, kind) if kind.is_softmax() => {
                Some(-temperature * log_sum_exp(logits.map(|logit| logit / temperature)))
            }
            (Self::Energy { temperature }, _) => {
                let softplus = |z: f64| z.max(0.0) + libm::log1p(libm::exp(-z.abs()));
                let sum: f64 = logits.map(|logit| softplus(logit / temperature)).sum();
                Some(-temperature * sum)
            }
        }
    }
}

/// The logarithm of the sum of exponentials, the largest taken out first.
fn log_sum_exp(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = values.clone().fold(f64::NEG_INFINITY, f64::max);
    largest + libm::log(values.map(|value| libm::exp(value - largest)).sum())
}

/// A score, and from where on an image counts as none of the kind.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct OutlierRule {
    /// The score.
    pub score: OutlierScore,
    /// Images of a larger score are outside; none is where nothing is said.
    #[serde(default)]
    pub threshold: Option<f64>,
}

impl From<OutlierScore> for OutlierRule {
    fn from(score: OutlierScore) -> Self {
        Self {
            score,
            threshold: None,
        }
    }
}

impl OutlierRule {
    /// Sets the score above which an image is outside; the 95th percentile of validation images, for instance.
    #[must_use]
    pub fn with_threshold(self, threshold: f64) -> Self {
        Self {
            threshold: Some(threshold),
            ..self
        }
    }

    pub(crate) fn check(&self, kind: LabelKind) -> Result<()> {
        match self.score {
            OutlierScore::Energy { temperature }
                if !(temperature > 0.0 && temperature.is_finite()) =>
            {
                return refuse(
                    "temperature",
                    "positive and finite",
                    temperature.to_string(),
                );
            }
            OutlierScore::MaximumSoftmax if !kind.is_softmax() => {
                let value = "maximum_softmax".to_owned();
                return refuse(
                    "outlier_rules",
                    "energy or distance where there is no softmax",
                    value,
                );
            }
            _ => {}
        }
        match self.threshold {
            Some(threshold) if !threshold.is_finite() => {
                refuse("outlier threshold", "finite", threshold.to_string())
            }
            _ => Ok(()),
        }
    }

    /// What the rule says; a score that needs features is their `distance`.
    pub(crate) fn judge(&self, logits: &[f32], kind: LabelKind, distance: Option<f64>) -> Outlier {
        let value = self.score.of_logits(logits, kind).or(distance);
        let value = value.unwrap_or(f64::INFINITY);
        Outlier {
            score: self.score,
            value,
            is_outside: self.threshold.map(|threshold| value > threshold),
        }
    }
}

/// How unlike the images of training an image is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Outlier {
    /// By which score.
    pub score: OutlierScore,
    /// The score, larger for what is less alike.
    pub value: f64,
    /// Whether it is above the threshold, if there is one.
    pub is_outside: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_have_their_closed_forms() {
        let logits = [1.0, 3.0, -2.0f32];
        let sum = 1f64.exp() + 3f64.exp() + (-2f64).exp();
        let of = |score: OutlierScore, kind| score.of_logits(&logits, kind).unwrap();
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        close(of(OutlierScore::energy(), LabelKind::Exclusive), -sum.ln());
        close(
            of(OutlierScore::MaximumSoftmax, LabelKind::Exclusive),
            1.0 - 3f64.exp() / sum,
        );
        let half = OutlierScore::Energy { temperature: 2.0 };
        let labels = [0.5f64, 1.5, -1.0].map(|z| (1.0 + z.exp()).ln());
        close(
            of(half, LabelKind::Independent),
            -2.0 * labels.iter().sum::<f64>(),
        );
    }

    #[test]
    fn far_logits_do_not_overflow() {
        let energy = OutlierScore::energy();
        for kind in [LabelKind::Exclusive, LabelKind::Independent] {
            assert_eq!(energy.of_logits(&[1e5, -1e5], kind), Some(-1e5));
        }
    }
}
