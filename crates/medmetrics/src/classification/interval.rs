//! Intervals of what four counts say.

use serde::{Deserialize, Serialize};

use super::counts::BinaryCounts;
use super::measure::BinaryMeasure;
use crate::estimate::{Confidence, Estimate, Interval, IntervalMethod};
use crate::statistics::distribution::normal_quantile;
use crate::statistics::{DifferenceInterval, Proportion, ProportionInterval};

/// How intervals of measures of decisions are found.
///
/// Cases must be independent: with several lesions of a patient, bootstrap patients instead.
///
/// ```
/// use medmetrics::classification::{BinaryCounts, BinaryMeasure, DecisionIntervals};
///
/// let counts = BinaryCounts {
///     true_positive: 45,
///     false_negative: 5,
///     false_positive: 8,
///     true_negative: 92,
/// };
/// let sensitivity = DecisionIntervals::default().estimate(&counts, BinaryMeasure::Sensitivity);
/// assert_eq!(sensitivity.to_string(), "0.9000 (95 % CI 0.7864 to 0.9565, Wilson), n = 50");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DecisionIntervals {
    /// For proportions: sensitivity, predictive values, accuracy.
    pub proportion: ProportionInterval,
    /// For differences of two proportions: informedness and markedness.
    pub difference: DifferenceInterval,
    /// How often an interval is to hold the true value.
    pub confidence: Confidence,
}

impl DecisionIntervals {
    /// The measure with its interval; `None` where the measure has no interval of its own (bootstrap it).
    ///
    /// Likelihood ratios and odds ratios get normal intervals on the scale of logarithms (D. Simel et al.,
    /// J. Clin. Epidemiol. 44, 1991; B. Woolf, 1955), which need counts that are not 0. From 15 cases of each
    /// kind on, an interval of 95 % holds a likelihood ratio in 94 to 97 % of samples that define it, an odds
    /// ratio in 96 to 97 %.
    #[must_use]
    pub fn estimate(&self, counts: &BinaryCounts, measure: BinaryMeasure) -> Estimate {
        counts
            .estimate(measure)
            .with_interval(self.interval(counts, measure))
    }

    fn interval(&self, counts: &BinaryCounts, measure: BinaryMeasure) -> Option<Interval> {
        use BinaryMeasure as M;
        let proportion = |measure: M| {
            let (part, whole) = measure.proportion(counts)?;
            Proportion::new(part, whole).ok()
        };
        let difference = |more: M, less: M| {
            let confidence = self.confidence;
            self.difference
                .estimate(proportion(more)?, proportion(less)?, confidence, "")
                .interval
        };
        match measure {
            M::Informedness => difference(M::Sensitivity, M::FallOut),
            M::Markedness => difference(M::PositivePredictiveValue, M::FalseOmissionRate),
            M::BalancedAccuracy => difference(M::Sensitivity, M::FallOut).map(|j| Interval {
                low: 0.5 * (1.0 + j.low),
                high: 0.5 * (1.0 + j.high),
                ..j
            }),
            M::PositiveLikelihoodRatio | M::NegativeLikelihoodRatio | M::DiagnosticOddsRatio => {
                self.of_ratio(counts, measure)
            }
            _ => self
                .proportion
                .interval(proportion(measure)?, self.confidence),
        }
    }

    /// Normal on the scale of logarithms.
    fn of_ratio(&self, counts: &BinaryCounts, measure: BinaryMeasure) -> Option<Interval> {
        let value = counts.measure(measure)?;
        let part = |part: u64| 1.0 / part as f64;
        let [tp, fp, fn_, tn] = [
            counts.true_positive,
            counts.false_positive,
            counts.false_negative,
            counts.true_negative,
        ]
        .map(part);
        let [positives, negatives] = [counts.positives(), counts.negatives()].map(part);
        let variance = match measure {
            BinaryMeasure::PositiveLikelihoodRatio => tp - positives + fp - negatives,
            BinaryMeasure::NegativeLikelihoodRatio => fn_ - positives + tn - negatives,
            _ => tp + fp + fn_ + tn,
        };
        if !variance.is_finite() || value == 0.0 {
            return None;
        }
        let factor = libm::exp(-normal_quantile(self.confidence.tail()) * variance.sqrt());
        Some(Interval {
            low: value / factor,
            high: value * factor,
            confidence: self.confidence,
            method: IntervalMethod::LogNormal,
        })
    }
}
