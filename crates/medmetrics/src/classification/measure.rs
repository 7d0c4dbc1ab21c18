//! Everything that four counts of decisions say.

use serde::{Deserialize, Serialize};

use super::counts::BinaryCounts;
use crate::estimate::Estimate;

/// A measure of decisions between positive and negative.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BinaryMeasure {
    /// Share of positives called positive (recall, true positive rate).
    Sensitivity,
    /// Share of negatives called negative (true negative rate).
    Specificity,
    /// Share of those called positive that are (precision).
    PositivePredictiveValue,
    /// Share of those called negative that are.
    NegativePredictiveValue,
    /// Share of positives called negative (false negative rate).
    MissRate,
    /// Share of negatives called positive (false positive rate).
    FallOut,
    /// Share of those called positive that are not.
    FalseDiscoveryRate,
    /// Share of those called negative that are positive.
    FalseOmissionRate,
    /// Share of right decisions.
    Accuracy,
    /// Share of positives among all.
    Prevalence,
    /// Mean of sensitivity and specificity.
    BalancedAccuracy,
    /// Weighted harmonic mean of predictive value and sensitivity, which counts `beta` times as much
    /// (C. van Rijsbergen, Information Retrieval, 1979); Dice for 1.
    FBeta(f64),
    /// `TP / (TP + FP + FN)`: intersection over union, threat score, critical success index.
    Jaccard,
    /// Correlation of truth and decision (B. Matthews, 1975), -1 to 1.
    Matthews,
    /// Geometric mean of predictive value and sensitivity (Fowlkes and Mallows, 1983).
    FowlkesMallows,
    /// Sensitivity + specificity - 1: Youden's J.
    Informedness,
    /// Both predictive values - 1.
    Markedness,
    /// Sensitivity / (1 - specificity), 0 to infinity.
    PositiveLikelihoodRatio,
    /// (1 - sensitivity) / specificity, 0 to infinity.
    NegativeLikelihoodRatio,
    /// `TP TN / (FP FN)`, 0 to infinity.
    DiagnosticOddsRatio,
    /// The prevalence below which the positive predictive value falls fastest (J. Balayla, 2020).
    PrevalenceThreshold,
}

impl BinaryMeasure {
    /// The name that results carry as their convention.
    #[must_use]
    pub fn name(self) -> String {
        let name = match self {
            Self::Sensitivity => "sensitivity",
            Self::Specificity => "specificity",
            Self::PositivePredictiveValue => "ppv",
            Self::NegativePredictiveValue => "npv",
            Self::MissRate => "miss-rate",
            Self::FallOut => "fall-out",
            Self::FalseDiscoveryRate => "false-discovery-rate",
            Self::FalseOmissionRate => "false-omission-rate",
            Self::Accuracy => "accuracy",
            Self::Prevalence => "prevalence",
            Self::BalancedAccuracy => "balanced-accuracy",
            Self::FBeta(beta) => return format!("f-beta:{beta}"),
            Self::Jaccard => "jaccard",
            Self::Matthews => "mcc",
            Self::FowlkesMallows => "fowlkes-mallows",
            Self::Informedness => "informedness",
            Self::Markedness => "markedness",
            Self::PositiveLikelihoodRatio => "lr+",
            Self::NegativeLikelihoodRatio => "lr-",
            Self::DiagnosticOddsRatio => "dor",
            Self::PrevalenceThreshold => "prevalence-threshold",
        };
        name.to_owned()
    }

    /// For a plain proportion, how many of how many.
    #[must_use]
    pub fn proportion(self, counts: &BinaryCounts) -> Option<(u64, u64)> {
        let c = counts;
        Some(match self {
            Self::Sensitivity => (c.true_positive, c.positives()),
            Self::Specificity => (c.true_negative, c.negatives()),
            Self::PositivePredictiveValue => (c.true_positive, c.called_positive()),
            Self::NegativePredictiveValue => (c.true_negative, c.called_negative()),
            Self::MissRate => (c.false_negative, c.positives()),
            Self::FallOut => (c.false_positive, c.negatives()),
            Self::FalseDiscoveryRate => (c.false_positive, c.called_positive()),
            Self::FalseOmissionRate => (c.false_negative, c.called_negative()),
            Self::Accuracy => (c.true_positive.saturating_add(c.true_negative), c.total()),
            Self::Prevalence => (c.positives(), c.total()),
            Self::Jaccard => (
                c.true_positive,
                c.called_positive().saturating_add(c.false_negative),
            ),
            _ => return None,
        })
    }
}

impl BinaryCounts {
    /// The value of a measure; `None` where it is 0 / 0, infinite where only its denominator is 0.
    #[must_use]
    pub fn measure(&self, measure: BinaryMeasure) -> Option<f64> {
        use BinaryMeasure as M;
        if let Some((part, whole)) = measure.proportion(self) {
            return ratio(part as f64, whole as f64);
        }
        let of = |measure| self.measure(measure);
        match measure {
            M::BalancedAccuracy => Some(0.5 * (of(M::Sensitivity)? + of(M::Specificity)?)),
            M::FBeta(beta) => {
                let weight = beta * beta;
                let right = (1.0 + weight) * self.true_positive as f64;
                let wrong = weight * self.false_negative as f64 + self.false_positive as f64;
                ratio(right, right + wrong)
            }
            M::Matthews => self.matthews(),
            M::FowlkesMallows => {
                Some((of(M::PositivePredictiveValue)? * of(M::Sensitivity)?).sqrt())
            }
            M::Informedness => Some(of(M::Sensitivity)? + of(M::Specificity)? - 1.0),
            M::Markedness => {
                Some(of(M::PositivePredictiveValue)? + of(M::NegativePredictiveValue)? - 1.0)
            }
            M::PositiveLikelihoodRatio => ratio(of(M::Sensitivity)?, of(M::FallOut)?),
            M::NegativeLikelihoodRatio => ratio(of(M::MissRate)?, of(M::Specificity)?),
            M::DiagnosticOddsRatio => ratio(
                self.true_positive as f64 * self.true_negative as f64,
                self.false_positive as f64 * self.false_negative as f64,
            ),
            M::PrevalenceThreshold => {
                let (found, false_alarms) = (of(M::Sensitivity)?, of(M::FallOut)?);
                ratio(
                    (found * false_alarms).sqrt() - false_alarms,
                    found - false_alarms,
                )
            }
            _ => None,
        }
    }

    /// The value with the number of decisions it rests on.
    #[must_use]
    pub fn estimate(&self, measure: BinaryMeasure) -> Estimate {
        let whole = measure.proportion(self).map(|(_, whole)| whole);
        let n = whole.unwrap_or_else(|| self.total());
        match self.measure(measure) {
            Some(value) => Estimate::new(value, n, measure.name()),
            None => Estimate::undefined(n, measure.name()),
        }
    }

    /// Products of counts are whole numbers: nothing cancels, however rare the positives are.
    fn matthews(&self) -> Option<f64> {
        let product = |a: u64, b: u64| u128::from(a) * u128::from(b);
        let right = product(self.true_positive, self.true_negative);
        let wrong = product(self.false_positive, self.false_negative);
        let covariance = match right >= wrong {
            true => (right - wrong) as f64,
            false => -((wrong - right) as f64),
        };
        let truth = product(self.positives(), self.negatives()) as f64;
        let called = product(self.called_positive(), self.called_negative()) as f64;
        let scale = truth.sqrt() * called.sqrt();
        (scale > 0.0).then(|| covariance / scale)
    }
}

/// A quotient; `None` for 0 / 0.
pub(super) fn ratio(part: f64, whole: f64) -> Option<f64> {
    let ratio = part / whole;
    (!ratio.is_nan()).then_some(ratio)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_counted_defines_nothing() {
        let none = BinaryCounts::default();
        for measure in [
            BinaryMeasure::Accuracy,
            BinaryMeasure::FBeta(1.0),
            BinaryMeasure::Matthews,
        ] {
            assert_eq!(none.measure(measure), None, "{measure:?}");
        }
        let all_found = BinaryCounts {
            true_positive: 3,
            true_negative: 4,
            ..none
        };
        assert_eq!(
            all_found.measure(BinaryMeasure::PositiveLikelihoodRatio),
            Some(f64::INFINITY)
        );
        assert_eq!(
            all_found.measure(BinaryMeasure::DiagnosticOddsRatio),
            Some(f64::INFINITY)
        );
        assert_eq!(
            all_found.measure(BinaryMeasure::NegativeLikelihoodRatio),
            Some(0.0)
        );
    }
}
