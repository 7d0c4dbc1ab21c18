//! Precision against recall, and the rules that make one number of the curve.

use serde::{Deserialize, Serialize};

use super::coco::linspace;
use super::table::ClassTable;
use crate::error::{Error, Result};

/// Precision and recall behind each detection, by falling score.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DetectionCurve {
    /// The score of the detection.
    pub score: Vec<f64>,
    /// The share of the annotations found so far.
    pub recall: Vec<f64>,
    /// The share of the detections so far that are right.
    pub precision: Vec<f64>,
}

impl DetectionCurve {
    /// The curve of a table at one threshold; `None` without annotations.
    pub(super) fn of_table(table: &ClassTable, range: usize, threshold: usize) -> Option<Self> {
        let positives = table.positives(range, |_| 1);
        if positives == 0 {
            return None;
        }
        let mut curve = Self::default();
        let (mut right, mut wrong) = (0_u64, 0_u64);
        for row in &table.rows {
            let outcome = table.outcome(row, range);
            if outcome.ignored >> threshold & 1 == 1 {
                continue;
            }
            match outcome.matched >> threshold & 1 {
                0 => wrong += 1,
                _ => right += 1,
            }
            curve.score.push(row.score);
            curve.recall.push(right as f64 / positives as f64);
            curve.precision.push(right as f64 / (right + wrong) as f64);
        }
        Some(curve)
    }

    /// The highest precision at or behind each recall, from recall 0 on: the steps whose area is VOC's
    /// average precision since 2010.
    #[must_use]
    pub fn steps(&self) -> Vec<(f64, f64)> {
        let highest = envelope(self.precision.iter().copied());
        let first = highest.first().map(|&best| (0.0, best));
        let points = self.recall.iter().copied().zip(highest);
        first.into_iter().chain(points).collect()
    }

    /// One number for the curve.
    #[must_use]
    pub fn average_precision(&self, rule: ApRule) -> f64 {
        rule.of_curve(&self.recall, &self.precision)
    }
}

/// How a curve of precision against recall becomes average precision.
///
/// The rules disagree: a detector that finds the first half of all objects without a mistake and the second
/// half never has 0.5050, 0.5455, 0.5, 0.75 or 0.495.
///
/// ```
/// use medmetrics::detection::ApRule;
///
/// let of = |rule: ApRule| rule.average_precision(&[0.25, 0.5], &[1.0, 1.0]);
/// assert!((of(ApRule::Coco101)? - 51.0 / 101.0).abs() < 1e-12);
/// assert!((of(ApRule::Voc07)? - 6.0 / 11.0).abs() < 1e-12);
/// assert!((of(ApRule::Voc)? - 0.5).abs() < 1e-12);
/// assert!((of(ApRule::UltralyticsOld)? - 0.75).abs() < 1e-12);
/// assert!((of(ApRule::UltralyticsNew)? - 0.495).abs() < 1e-12);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ApRule {
    /// The mean of the highest precision at or behind each of the recalls 0, 0.01 to 1.
    #[default]
    Coco101,
    /// The same at 0, 0.1 to 1 (M. Everingham et al., "The Pascal Visual Object Classes Challenge", IJCV
    /// 2010), as VOC had it until 2009.
    Voc07,
    /// The area under the highest precision at or behind each recall, as VOC has it since 2010.
    Voc,
    /// What ultralytics gave until 8.4: 101 points joined by straight lines, with a ramp from the last recall
    /// to precision 0 at recall 1. Too high by up to half of the recall that was never reached.
    UltralyticsOld,
    /// What ultralytics 8.4 gives: the same with a drop to 0 at the last recall.
    UltralyticsNew,
}

impl ApRule {
    /// The average precision of a curve: `recall` and `precision` behind each detection, by falling score.
    ///
    /// # Errors
    /// Refuses lists of different lengths, recalls that fall, and numbers outside 0..1.
    pub fn average_precision(self, recall: &[f64], precision: &[f64]) -> Result<f64> {
        if recall.len() != precision.len() {
            return Err(Error::Length {
                what: "a list of precisions",
                got: precision.len(),
                against: "the list of recalls",
                expected: recall.len(),
            });
        }
        let outside = |v: &f64| !(0.0..=1.0).contains(v);
        let falls = |i: usize| i > 0 && recall[i] < recall[i - 1];
        let recalls = (0..recall.len()).find(|&i| outside(&recall[i]) || falls(i));
        let wrong = recalls
            .map(|i| ("recalls", "ascending between 0 and 1", i, recall[i]))
            .or_else(|| {
                let i = precision.iter().position(outside)?;
                Some(("precisions", "between 0 and 1", i, precision[i]))
            });
        match wrong {
            None => Ok(self.of_curve(recall, precision)),
            Some((what, rule, index, value)) => Err(Error::InvalidValue {
                what,
                rule,
                index,
                value,
            }),
        }
    }

    /// A short name, as it stands in the convention of an estimate.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Coco101 => "coco-101-point",
            Self::Voc07 => "voc07-11-point",
            Self::Voc => "voc-all-points",
            Self::UltralyticsOld => "ultralytics-old",
            Self::UltralyticsNew => "ultralytics-new",
        }
    }

    fn of_curve(self, recall: &[f64], precision: &[f64]) -> f64 {
        match self {
            Self::Coco101 => at_recalls(recall, precision, &linspace(0.0, 1.0, 101)),
            Self::Voc07 => at_recalls(recall, precision, &linspace(0.0, 1.0, 11)),
            Self::Voc => area(recall, precision),
            // It skips classes of which nothing was found; the ramp alone would give a half.
            Self::UltralyticsOld if recall.is_empty() => 0.0,
            Self::UltralyticsOld => ultralytics(recall, precision, &[(1.0, 0.0)]),
            Self::UltralyticsNew => {
                let last = recall.last().copied().unwrap_or(0.0);
                ultralytics(recall, precision, &[(last, 0.0), (1.0, 0.0)])
            }
        }
    }
}

/// The highest precision at or behind each point.
fn envelope(precision: impl DoubleEndedIterator<Item = f64>) -> Vec<f64> {
    let mut best = 0.0;
    let mut highest: Vec<f64> = precision
        .rev()
        .map(|p| {
            best = p.max(best);
            best
        })
        .collect();
    highest.reverse();
    highest
}

/// The mean of the envelope at some recalls.
fn at_recalls(recall: &[f64], precision: &[f64], wanted: &[f64]) -> f64 {
    let highest = envelope(precision.iter().copied());
    let values = wanted.iter().map(|wanted| {
        let reached = recall.partition_point(|r| r < wanted);
        highest.get(reached).copied().unwrap_or(0.0)
    });
    values.sum::<f64>() / wanted.len() as f64
}

/// The area under the envelope.
fn area(recall: &[f64], precision: &[f64]) -> f64 {
    let highest = envelope(precision.iter().copied());
    let mut before = 0.0;
    let strips = recall.iter().zip(highest).map(|(&r, p)| {
        let strip = (r - before) * p;
        before = r;
        strip
    });
    strips.sum()
}

/// The area under straight lines between 101 points of the envelope, which ends in `tail`.
fn ultralytics(recall: &[f64], precision: &[f64], tail: &[(f64, f64)]) -> f64 {
    let points = recall.iter().copied().zip(precision.iter().copied());
    let points: Vec<_> = std::iter::once((0.0, 1.0))
        .chain(points)
        .chain(tail.iter().copied())
        .collect();
    let recalls: Vec<f64> = points.iter().map(|(r, _)| *r).collect();
    let highest = envelope(points.iter().map(|(_, p)| *p));
    let values: Vec<f64> = (0..=100)
        .map(|i| interpolated(f64::from(i) / 100.0, &recalls, &highest))
        .collect();
    let panels = values.windows(2).map(|pair| 0.5 * (pair[0] + pair[1]));
    panels.sum::<f64>() / 100.0
}

/// The line through ascending points at a place, as `numpy.interp` has it: the last one of points that share
/// a place, and the end values outside.
pub(super) fn interpolated(at: f64, places: &[f64], values: &[f64]) -> f64 {
    let behind = places.partition_point(|place| *place <= at);
    match (behind, places.len()) {
        (0, _) => values.first().copied().unwrap_or(0.0),
        (behind, count) if behind == count => values[count - 1],
        (behind, _) => {
            let before = behind - 1;
            let slope = (values[behind] - values[before]) / (places[behind] - places[before]);
            slope * (at - places[before]) + values[before]
        }
    }
}
