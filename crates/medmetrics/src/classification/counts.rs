//! Decisions about one class by agreement with the truth.

use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::segmentation::Overlap;

/// How often a decision between positive and negative was right and wrong.
///
/// ```
/// use medmetrics::classification::{BinaryCounts, BinaryMeasure, Threshold};
///
/// let truth = [true, true, true, false, false, false, false];
/// let scores = [0.9, 0.6, 0.2, 0.7, 0.3, 0.1, 0.4];
/// let counts = BinaryCounts::thresholded(&truth, &scores, Threshold::AtLeast(0.5))?;
/// assert_eq!(counts.measure(BinaryMeasure::Sensitivity), Some(2.0 / 3.0));
/// assert_eq!(counts.measure(BinaryMeasure::Specificity), Some(0.75));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BinaryCounts {
    /// Positives called positive.
    pub true_positive: u64,
    /// Negatives called positive.
    pub false_positive: u64,
    /// Positives called negative.
    pub false_negative: u64,
    /// Negatives called negative.
    pub true_negative: u64,
}

/// From which score on something is called positive.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// Scores of at least this much: points of a ROC curve, MONAI, decision curves.
    AtLeast(f64),
    /// Scores above this: torchmetrics and scikit-learn's classifiers.
    Above(f64),
}

impl Threshold {
    /// Whether a score is called positive.
    #[must_use]
    pub fn calls(self, score: f64) -> bool {
        match self {
            Self::AtLeast(least) => score >= least,
            Self::Above(bound) => score > bound,
        }
    }
}

impl BinaryCounts {
    /// Counts decisions.
    ///
    /// # Errors
    /// Refuses lists of different lengths.
    pub fn of(truth: &[bool], decisions: &[bool]) -> Result<Self> {
        check_lengths("decisions", decisions.len(), truth.len())?;
        Ok(truth
            .iter()
            .zip(decisions)
            .map(|(&t, &d)| Self::one(t, d))
            .sum())
    }

    /// Counts what scores say at a threshold.
    ///
    /// # Errors
    /// Refuses lists of different lengths and scores that are NaN.
    pub fn thresholded(truth: &[bool], scores: &[f64], threshold: Threshold) -> Result<Self> {
        check_lengths("scores", scores.len(), truth.len())?;
        if let Some(index) = scores.iter().position(|score| score.is_nan()) {
            return Err(nan_score(index));
        }
        let decided = truth.iter().zip(scores);
        Ok(decided
            .map(|(&t, &score)| Self::one(t, threshold.calls(score)))
            .sum())
    }

    /// The counts of a single decision.
    #[must_use]
    pub fn one(truth: bool, decision: bool) -> Self {
        let mut counts = Self::default();
        *match (truth, decision) {
            (true, true) => &mut counts.true_positive,
            (false, true) => &mut counts.false_positive,
            (true, false) => &mut counts.false_negative,
            (false, false) => &mut counts.true_negative,
        } = 1;
        counts
    }

    /// Everything truly positive.
    #[must_use]
    pub fn positives(&self) -> u64 {
        self.true_positive.saturating_add(self.false_negative)
    }

    /// Everything truly negative.
    #[must_use]
    pub fn negatives(&self) -> u64 {
        self.true_negative.saturating_add(self.false_positive)
    }

    /// Everything called positive.
    #[must_use]
    pub fn called_positive(&self) -> u64 {
        self.true_positive.saturating_add(self.false_positive)
    }

    /// Everything called negative.
    #[must_use]
    pub fn called_negative(&self) -> u64 {
        self.true_negative.saturating_add(self.false_negative)
    }

    /// Everything counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.positives().saturating_add(self.negatives())
    }
}

impl Add for BinaryCounts {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            true_positive: self.true_positive.saturating_add(other.true_positive),
            false_positive: self.false_positive.saturating_add(other.false_positive),
            false_negative: self.false_negative.saturating_add(other.false_negative),
            true_negative: self.true_negative.saturating_add(other.true_negative),
        }
    }
}

impl AddAssign for BinaryCounts {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for BinaryCounts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), Add::add)
    }
}

impl From<Overlap> for BinaryCounts {
    fn from(voxels: Overlap) -> Self {
        Self {
            true_positive: voxels.true_positive,
            false_positive: voxels.false_positive,
            false_negative: voxels.false_negative,
            true_negative: voxels.true_negative,
        }
    }
}

pub(super) fn check_lengths(what: &'static str, got: usize, expected: usize) -> Result<()> {
    let against = "truth";
    match got == expected {
        true => Ok(()),
        false => Err(Error::Length {
            what,
            got,
            against,
            expected,
        }),
    }
}

pub(super) fn nan_score(index: usize) -> Error {
    Error::InvalidValue {
        what: "scores",
        rule: "a number",
        index,
        value: f64::NAN,
    }
}
