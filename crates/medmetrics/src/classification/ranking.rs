//! Sorted scores: areas under curves without the curves.

use serde::{Deserialize, Serialize};

use super::convention::RankingConvention;
use super::scores::Scores;
use crate::error::{Error, Result};
use crate::estimate::Estimate;
use crate::score::Score;

/// The scores of positive and negative cases in order, ties included.
///
/// Areas are computed from counts of pairs and steps, not from rounded rates, and independently of the
/// order in which scores came.
///
/// ```
/// use medmetrics::classification::{PartialRange, Ranking};
///
/// let truth = [true, true, false, true, false, false];
/// let ranking = Ranking::of(&truth, &[0.9, 0.8, 0.7, 0.6, 0.6, 0.1])?;
/// assert_eq!(ranking.auc().value, Some(7.5 / 9.0));
/// let partial = ranking.partial_auc(PartialRange::FalsePositiveRate { low: 0.0, high: 0.3 })?;
/// assert!((partial.area.value.expect("both classes") - 0.2).abs() < 1e-12);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking<S: Score> {
    positives: Vec<S::Key>,
    negatives: Vec<S::Key>,
}

/// Everything at or above a score is called positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step<S> {
    /// The score.
    pub threshold: S,
    /// Positives at or above it.
    pub true_positives: u64,
    /// Negatives at or above it.
    pub false_positives: u64,
}

/// Which part of a ROC curve an area is taken over.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartialRange {
    /// False positive rates from `low` to `high`: the area below the curve.
    FalsePositiveRate {
        /// Where the range begins.
        low: f64,
        /// Where it ends.
        high: f64,
    },
    /// Sensitivities from `low` to `high`: the area of specificity beside the curve.
    Sensitivity {
        /// Where the range begins.
        low: f64,
        /// Where it ends.
        high: f64,
    },
}

/// An area under part of a ROC curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartialAuc {
    /// The area itself.
    pub area: Estimate,
    /// The area on a scale where chance gives 0.5 and perfection 1 (D. McClish, Med. Decis. Making 9, 1989).
    pub standardised: Estimate,
}

/// How precision is summed over recall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AveragePrecisionRule {
    /// The precision of each step times its gain in recall: scikit-learn, torchmetrics, MONAI.
    #[default]
    Step,
    /// Straight lines between points from (0, 1) on: Metrics Reloaded. Too hopeful between points far apart,
    /// because precision does not run straight between them (Davis and Goadrich, ICML 2006).
    Trapezoid,
}

impl<S: Score> Ranking<S> {
    /// Sorts scores of cases that are positive where `truth` says so.
    ///
    /// # Errors
    /// Refuses lists of different lengths and scores that are NaN.
    pub fn of(truth: &[bool], scores: &[S]) -> Result<Self> {
        Ok(Scores::of(truth, scores)?.into_ranking())
    }

    pub(super) fn sorted(scores: Scores<S>) -> Self {
        Self {
            positives: scores.positives,
            negatives: scores.negatives,
        }
    }

    /// Number of positive cases.
    #[must_use]
    pub fn positives(&self) -> u64 {
        self.positives.len() as u64
    }

    /// Number of negative cases.
    #[must_use]
    pub fn negatives(&self) -> u64 {
        self.negatives.len() as u64
    }

    /// Number of cases.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.positives() + self.negatives()
    }

    /// The distinct scores from the highest on, with what lies at or above them.
    pub fn steps(&self) -> impl Iterator<Item = Step<S>> {
        let (mut positives, mut negatives) = (self.positives.as_slice(), self.negatives.as_slice());
        std::iter::from_fn(move || {
            let key = match (positives.last(), negatives.last()) {
                (Some(&p), Some(&n)) => p.max(n),
                (Some(&only), None) | (None, Some(&only)) => only,
                (None, None) => return None,
            };
            while let Some((_, rest)) = positives.split_last().filter(|(last, _)| **last == key) {
                positives = rest;
            }
            while let Some((_, rest)) = negatives.split_last().filter(|(last, _)| **last == key) {
                negatives = rest;
            }
            Some(Step {
                threshold: S::of_key(key),
                true_positives: (self.positives.len() - positives.len()) as u64,
                false_positives: (self.negatives.len() - negatives.len()) as u64,
            })
        })
    }

    /// All scores from the lowest on, with whether the case is positive; negatives first among equals.
    pub(super) fn ascending(&self) -> impl Iterator<Item = (S, bool)> {
        let mut positives = self.positives.iter().peekable();
        let mut negatives = self.negatives.iter().peekable();
        std::iter::from_fn(move || {
            let positive = match (positives.peek(), negatives.peek()) {
                (Some(p), Some(n)) => p < n,
                (positive, _) => positive.is_some(),
            };
            let next = if positive {
                positives.next()
            } else {
                negatives.next()
            };
            next.map(|&key| (S::of_key(key), positive))
        })
    }

    /// The lowest and the highest score of each class.
    pub(super) fn extremes(&self) -> [Option<f64>; 4] {
        let score = |key: Option<&S::Key>| key.map(|&key| S::of_key(key).as_f64());
        let (positives, negatives) = (&self.positives, &self.negatives);
        [
            positives.first(),
            positives.last(),
            negatives.first(),
            negatives.last(),
        ]
        .map(score)
    }

    /// How many positives and negatives score at least this much.
    pub(super) fn reaching(&self, threshold: f64) -> (u64, u64) {
        let below = |key: &S::Key| S::of_key(*key).as_f64() < threshold;
        let reaching = |keys: &[S::Key]| (keys.len() - keys.partition_point(below)) as u64;
        (reaching(&self.positives), reaching(&self.negatives))
    }

    /// Twice the number of pairs in which the positive case has the higher score, ties counting half
    /// (Mann and Whitney's U).
    #[must_use]
    pub fn doubled_wins(&self) -> u128 {
        doubled_wins(&self.positives, &self.negatives)
    }

    /// Area under the ROC curve: the probability that a positive case scores higher than a negative one,
    /// ties counting half; undefined without both.
    #[must_use]
    pub fn auc(&self) -> Estimate {
        self.auc_by(RankingConvention::Exact)
    }

    /// The same with a library's value where one class is missing.
    #[must_use]
    pub fn auc_by(&self, convention: RankingConvention) -> Estimate {
        let pairs = u128::from(self.positives()) * u128::from(self.negatives());
        let value = match pairs {
            0 => convention.auc_of_one_class(),
            pairs => Some(self.doubled_wins() as f64 / (2 * pairs) as f64),
        };
        self.estimate(value, convention.named("auc:mann-whitney/ties-half"))
    }

    /// Area under the precision-recall curve; undefined without positives.
    #[must_use]
    pub fn average_precision(&self, rule: AveragePrecisionRule) -> Estimate {
        self.average_precision_by(rule, RankingConvention::Exact)
    }

    /// The same with a library's value where there are no positives.
    #[must_use]
    pub fn average_precision_by(
        &self,
        rule: AveragePrecisionRule,
        convention: RankingConvention,
    ) -> Estimate {
        let name = match rule {
            AveragePrecisionRule::Step => "average-precision:step",
            AveragePrecisionRule::Trapezoid => "average-precision:trapezoid",
        };
        let (mut area, mut found, mut before) = (0.0, 0, 1.0);
        for step in self.steps() {
            let called = step.true_positives + step.false_positives;
            let precision = step.true_positives as f64 / called as f64;
            let height = match rule {
                AveragePrecisionRule::Step => precision,
                AveragePrecisionRule::Trapezoid => 0.5 * (before + precision),
            };
            area += (step.true_positives - found) as f64 * height;
            (found, before) = (step.true_positives, precision);
        }
        let value = match found {
            0 => convention.average_precision_without_positives(self.total()),
            _ if convention.needs_negatives() && self.negatives.is_empty() => None,
            found => Some(area / found as f64),
        };
        self.estimate(value, convention.named(name))
    }

    /// Area under part of the ROC curve, straight between its points.
    ///
    /// # Errors
    /// Refuses a range that is empty or leaves 0 to 1.
    pub fn partial_auc(&self, range: PartialRange) -> Result<PartialAuc> {
        let (low, high, axis) = match range {
            PartialRange::FalsePositiveRate { low, high } => (low, high, "fpr"),
            PartialRange::Sensitivity { low, high } => (low, high, "sensitivity"),
        };
        if !(0.0 <= low && low < high && high <= 1.0) {
            return Err(Error::InvalidParameter {
                parameter: "partial range",
                rule: "an increasing range within 0 to 1",
                value: if (0.0..1.0).contains(&low) { high } else { low },
            });
        }
        let area = self.area_between(range, low, high);
        let (most, below_diagonal) = (high - low, 0.5 * (high * high - low * low));
        let chance = match range {
            PartialRange::FalsePositiveRate { .. } => below_diagonal,
            PartialRange::Sensitivity { .. } => most - below_diagonal,
        };
        let scaled = area.map(|area| 0.5 * (1.0 + (area - chance) / (most - chance)));
        let convention = format!("partial-auc:{axis}:{low}-{high}");
        Ok(PartialAuc {
            standardised: self.estimate(scaled, format!("{convention}/mcclish")),
            area: self.estimate(area, convention),
        })
    }

    fn area_between(&self, range: PartialRange, low: f64, high: f64) -> Option<f64> {
        let (positives, negatives) = (self.positives() as f64, self.negatives() as f64);
        if positives == 0.0 || negatives == 0.0 {
            return None;
        }
        let point = |true_positives: u64, false_positives: u64| {
            let (found, alarms) = (
                true_positives as f64 / positives,
                false_positives as f64 / negatives,
            );
            match range {
                PartialRange::FalsePositiveRate { .. } => (alarms, found),
                PartialRange::Sensitivity { .. } => (found, 1.0 - alarms),
            }
        };
        let (mut area, mut from) = (0.0, point(0, 0));
        for step in self.steps() {
            let to = point(step.true_positives, step.false_positives);
            let (start, end) = (from.0.max(low), to.0.min(high));
            if start < end {
                let height = |x: f64| from.1 + (to.1 - from.1) * ((x - from.0) / (to.0 - from.0));
                area += (end - start) * 0.5 * (height(start) + height(end));
            }
            from = to;
        }
        Some(area)
    }

    pub(super) fn estimate(&self, value: Option<f64>, convention: impl Into<String>) -> Estimate {
        match value {
            Some(value) => Estimate::new(value, self.total(), convention),
            None => Estimate::undefined(self.total(), convention),
        }
    }
}

/// Twice the pairs won by the first of two ascending lists, ties counting half.
pub(super) fn doubled_wins<K: Ord + Copy>(winners: &[K], losers: &[K]) -> u128 {
    let (mut below, mut upto, mut wins) = (0usize, 0usize, 0u128);
    let mut at = 0;
    while let Some(&key) = winners.get(at) {
        below = upto;
        while below < losers.len() && losers[below] < key {
            below += 1;
        }
        upto = below;
        while upto < losers.len() && losers[upto] == key {
            upto += 1;
        }
        while winners.get(at) == Some(&key) {
            wins += (below + upto) as u128;
            at += 1;
        }
    }
    debug_assert!(below <= upto);
    wins
}
