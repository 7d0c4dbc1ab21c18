//! Curves over all thresholds: ROC and precision-recall.

use serde::{Deserialize, Serialize};

use super::counts::BinaryCounts;
use super::operating::OperatingPoint;
use super::ranking::Ranking;
use crate::score::Score;

/// Sensitivity over false positive rate, from the strictest threshold to the most lenient.
///
/// Points carry counts; the first one has an infinite threshold and calls nothing positive.
///
/// ```
/// use medmetrics::classification::Ranking;
///
/// let ranking = Ranking::of(&[true, false, true, false], &[0.9, 0.5, 0.5, 0.2])?;
/// let roc = ranking.roc();
/// assert_eq!(roc.points(), Some(vec![[0.0, 0.0], [0.0, 0.5], [0.5, 1.0], [1.0, 1.0]]));
/// assert_eq!(roc.thresholds(), [f64::INFINITY, 0.9, 0.5, 0.2]);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roc {
    #[serde(with = "thresholds")]
    thresholds: Vec<f64>,
    true_positives: Vec<u64>,
    false_positives: Vec<u64>,
    positives: u64,
    negatives: u64,
}

impl Roc {
    /// From which score on cases are called positive, in descending order.
    #[must_use]
    pub fn thresholds(&self) -> &[f64] {
        &self.thresholds
    }

    /// Positives at or above each threshold.
    #[must_use]
    pub fn true_positives(&self) -> &[u64] {
        &self.true_positives
    }

    /// Negatives at or above each threshold.
    #[must_use]
    pub fn false_positives(&self) -> &[u64] {
        &self.false_positives
    }

    /// Number of positive cases.
    #[must_use]
    pub fn positives(&self) -> u64 {
        self.positives
    }

    /// Number of negative cases.
    #[must_use]
    pub fn negatives(&self) -> u64 {
        self.negatives
    }

    /// Pairs of false positive rate and sensitivity; `None` unless there are cases of both kinds.
    #[must_use]
    pub fn points(&self) -> Option<Vec<[f64; 2]>> {
        let both = self.positives > 0 && self.negatives > 0;
        let counts = self.false_positives.iter().zip(&self.true_positives);
        let rates = counts.map(|(&fp, &tp)| {
            [
                fp as f64 / self.negatives as f64,
                tp as f64 / self.positives as f64,
            ]
        });
        both.then(|| rates.collect())
    }

    /// The points as decisions, with everything that follows from their counts.
    pub fn operating_points(&self) -> impl Iterator<Item = OperatingPoint> {
        let counts = self.true_positives.iter().zip(&self.false_positives);
        self.thresholds
            .iter()
            .zip(counts)
            .map(|(&threshold, (&tp, &fp))| OperatingPoint {
                threshold,
                counts: BinaryCounts {
                    true_positive: tp,
                    false_positive: fp,
                    false_negative: self.positives.saturating_sub(tp),
                    true_negative: self.negatives.saturating_sub(fp),
                },
            })
    }

    /// The curve without points that lie in the middle of a straight line between their neighbours
    /// (`drop_intermediate` of scikit-learn): the same line with fewer points, the same area.
    #[must_use]
    pub fn without_intermediate(&self) -> Self {
        let (tps, fps) = (&self.true_positives, &self.false_positives);
        let length = self.thresholds.len().min(tps.len()).min(fps.len());
        let last = length.saturating_sub(1);
        // The second differences, in whole numbers; scikit-learn never drops the highest score's point.
        let bends = |counts: &[u64], i: usize| {
            u128::from(counts[i - 1]) + u128::from(counts[i + 1]) != 2 * u128::from(counts[i])
        };
        let kept: Vec<usize> = (0..length)
            .filter(|&i| i <= 1 || i == last || bends(fps, i) || bends(tps, i))
            .collect();
        Self {
            thresholds: kept.iter().map(|&i| self.thresholds[i]).collect(),
            true_positives: kept.iter().map(|&i| tps[i]).collect(),
            false_positives: kept.iter().map(|&i| fps[i]).collect(),
            ..*self
        }
    }
}

/// Precision over recall, from the strictest threshold to the most lenient.
///
/// ```
/// use medmetrics::classification::Ranking;
///
/// let ranking = Ranking::of(&[true, false, true], &[0.9, 0.5, 0.2])?;
/// let curve = ranking.precision_recall();
/// assert_eq!(curve.precision(), [1.0, 0.5, 2.0 / 3.0]);
/// assert_eq!(curve.recall(), Some(vec![0.5, 0.5, 1.0]));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrecisionRecall {
    #[serde(with = "thresholds")]
    thresholds: Vec<f64>,
    true_positives: Vec<u64>,
    called_positive: Vec<u64>,
    positives: u64,
}

impl PrecisionRecall {
    /// From which score on cases are called positive, in descending order.
    #[must_use]
    pub fn thresholds(&self) -> &[f64] {
        &self.thresholds
    }

    /// Number of positive cases.
    #[must_use]
    pub fn positives(&self) -> u64 {
        self.positives
    }

    /// Share of positives among those called positive.
    #[must_use]
    pub fn precision(&self) -> Vec<f64> {
        let counts = self.true_positives.iter().zip(&self.called_positive);
        counts
            .map(|(&tp, &called)| tp as f64 / called as f64)
            .collect()
    }

    /// Share of positives that are called so; `None` without positives, where scikit-learn says 1.
    #[must_use]
    pub fn recall(&self) -> Option<Vec<f64>> {
        let share = |&tp: &u64| tp as f64 / self.positives as f64;
        (self.positives > 0).then(|| self.true_positives.iter().map(share).collect())
    }
}

impl<S: Score> Ranking<S> {
    /// The ROC curve with a point for every distinct score.
    #[must_use]
    pub fn roc(&self) -> Roc {
        let mut roc = Roc {
            thresholds: vec![f64::INFINITY],
            true_positives: vec![0],
            false_positives: vec![0],
            positives: self.positives(),
            negatives: self.negatives(),
        };
        for step in self.steps() {
            roc.thresholds.push(step.threshold.as_f64());
            roc.true_positives.push(step.true_positives);
            roc.false_positives.push(step.false_positives);
        }
        roc
    }

    /// The precision-recall curve with a point for every distinct score.
    #[must_use]
    pub fn precision_recall(&self) -> PrecisionRecall {
        let mut curve = PrecisionRecall {
            thresholds: Vec::new(),
            true_positives: Vec::new(),
            called_positive: Vec::new(),
            positives: self.positives(),
        };
        for step in self.steps() {
            curve.thresholds.push(step.threshold.as_f64());
            curve.true_positives.push(step.true_positives);
            curve
                .called_positive
                .push(step.true_positives + step.false_positives);
        }
        curve
    }
}

/// Lists of numbers that may be infinite.
mod thresholds {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Number(#[serde(with = "crate::number")] Option<f64>);

    pub(super) fn serialize<S: Serializer>(values: &[f64], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(values.iter().map(|&value| Number(Some(value))))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
        let missing = || serde::de::Error::custom("a threshold is missing");
        let numbers = Vec::<Number>::deserialize(from)?;
        numbers
            .into_iter()
            .map(|number| number.0.ok_or_else(missing))
            .collect()
    }
}
