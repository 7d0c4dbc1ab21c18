//! How often each class was taken for each class.

use serde::{Deserialize, Serialize};

use super::counts::{BinaryCounts, check_lengths};
use super::matthews::{MatthewsRule, correlation};
use super::measure::ratio;
use crate::accumulator::Accumulator;
use crate::error::{Error, Result, check_table_sizes};
use crate::estimate::Estimate;

/// Counts of decisions among several classes: rows are true classes, columns decisions.
///
/// Whole numbers only: parts merge in any order to the same matrix. Kappa and its relatives take the
/// counts from here.
///
/// ```
/// use medmetrics::classification::{AveragingRule, BinaryMeasure, ConfusionMatrix};
///
/// let matrix = ConfusionMatrix::of(&[0, 0, 1, 1, 2], &[0, 1, 1, 1, 0], 3)?;
/// assert_eq!(matrix.count(0, 1), 1);
/// assert_eq!(matrix.accuracy().value, Some(0.6));
/// let f1 = matrix.average(BinaryMeasure::FBeta(1.0), &AveragingRule::SCIKIT_LEARN);
/// assert!((f1.value.expect("a value") - (0.5 + 0.8 + 0.0) / 3.0).abs() < 1e-15);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct ConfusionMatrix {
    classes: usize,
    counts: Vec<u64>,
    ignored_label: Option<u32>,
    ignored: u64,
}

/// A table of more classes than this is a mistake.
const MAX_CLASSES: usize = 4096;

impl ConfusionMatrix {
    /// An empty matrix for classes 0 to below `classes`.
    ///
    /// # Errors
    /// Refuses fewer than two classes and more than 4096.
    pub fn new(classes: usize) -> Result<Self> {
        if !(2..=MAX_CLASSES).contains(&classes) {
            return Err(Error::InvalidParameter {
                parameter: "classes",
                rule: "from 2 to 4096",
                value: classes as f64,
            });
        }
        Ok(Self {
            classes,
            counts: vec![0; classes * classes],
            ignored_label: None,
            ignored: 0,
        })
    }

    /// The same for data in which a true label means "unknown"; such items are counted apart.
    #[must_use]
    pub fn with_ignored_label(self, label: u32) -> Self {
        Self {
            ignored_label: Some(label),
            ..self
        }
    }

    /// Counts labels from 0 to below `classes`.
    ///
    /// # Errors
    /// Refuses lists of different lengths and labels that were not declared.
    pub fn of(truth: &[u32], decisions: &[u32], classes: usize) -> Result<Self> {
        let mut matrix = Self::new(classes)?;
        matrix.extend(truth, decisions)?;
        Ok(matrix)
    }

    /// Counts the class with the highest score of each row of `classes` scores; ties go to the first.
    ///
    /// # Errors
    /// Refuses rows of other lengths, NaN, and labels that were not declared.
    pub fn of_highest(truth: &[u32], scores: &[f64], classes: usize) -> Result<Self> {
        let mut matrix = Self::new(classes)?;
        check_lengths("scores", scores.len(), truth.len().saturating_mul(classes))?;
        if let Some(index) = scores.iter().position(|score| score.is_nan()) {
            return Err(super::counts::nan_score(index));
        }
        for (&label, row) in truth.iter().zip(scores.chunks_exact(classes)) {
            let best = (1..classes).fold(0, |best, c| if row[c] > row[best] { c } else { best });
            matrix.push((label, best as u32))?;
        }
        Ok(matrix)
    }

    /// Adds lists of labels; refused lists leave the matrix as it was.
    ///
    /// # Errors
    /// Refuses lists of different lengths and labels that were not declared.
    pub fn extend(&mut self, truth: &[u32], decisions: &[u32]) -> Result<()> {
        check_lengths("decisions", decisions.len(), truth.len())?;
        let mut more = Self {
            counts: vec![0; self.counts.len()],
            ignored: 0,
            ..*self
        };
        for (&label, &decision) in truth.iter().zip(decisions) {
            more.push((label, decision))?;
        }
        self.merge(&more)
    }

    /// Number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How often this class was taken for that one; 0 for classes that were not declared.
    #[must_use]
    pub fn count(&self, truth: u32, decision: u32) -> u64 {
        let (row, column) = (truth as usize, decision as usize);
        match row < self.classes && column < self.classes {
            true => self.counts[row * self.classes + column],
            false => 0,
        }
    }

    /// All counts, row by row of the true classes.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Decisions counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        sum(self.counts.iter())
    }

    /// Items left out because their true label means "unknown".
    #[must_use]
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    /// How often each class is true.
    #[must_use]
    pub fn support(&self) -> Vec<u64> {
        let rows = self.counts.chunks_exact(self.classes);
        rows.map(|row| sum(row.iter())).collect()
    }

    /// How often each class was decided for.
    #[must_use]
    pub fn decided(&self) -> Vec<u64> {
        let column = |c| sum(self.counts.iter().skip(c).step_by(self.classes));
        (0..self.classes).map(column).collect()
    }

    /// Each class against all others.
    #[must_use]
    pub fn one_vs_rest(&self) -> Vec<BinaryCounts> {
        let (total, support, decided) = (self.total(), self.support(), self.decided());
        let class = |c: usize| {
            let hits = self.counts[c * self.classes + c];
            BinaryCounts {
                true_positive: hits,
                false_positive: decided[c] - hits,
                false_negative: support[c] - hits,
                true_negative: total.saturating_sub(support[c].saturating_add(decided[c]) - hits),
            }
        };
        (0..self.classes).map(class).collect()
    }

    /// For two classes, class 1 as the positive one.
    #[must_use]
    pub fn binary(&self) -> Option<BinaryCounts> {
        (self.classes == 2).then(|| self.one_vs_rest()[1])
    }

    /// Share of right decisions.
    #[must_use]
    pub fn accuracy(&self) -> Estimate {
        let hits = sum(self.counts.iter().step_by(self.classes + 1));
        self.estimate(ratio(hits as f64, self.total() as f64), "accuracy")
    }

    /// Mean sensitivity of the classes that occur; the others count as undefined (scikit-learn's rule).
    #[must_use]
    pub fn balanced_accuracy(&self, scale: ChanceLevel) -> Estimate {
        let classes = self.one_vs_rest();
        let found = classes.iter().filter(|class| class.positives() > 0);
        let rates: Vec<f64> = found
            .map(|class| class.true_positive as f64 / class.positives() as f64)
            .collect();
        let occurring = rates.len() as f64;
        let mean = ratio(rates.iter().sum(), occurring);
        let (value, convention) = match scale {
            ChanceLevel::Kept => (mean, "balanced-accuracy"),
            ChanceLevel::Removed => (
                mean.filter(|_| rates.len() > 1)
                    .map(|mean| (mean - 1.0 / occurring) / (1.0 - 1.0 / occurring)),
                "balanced-accuracy:adjusted",
            ),
        };
        self.estimate(value, convention)
            .with_undefined((self.classes - rates.len()) as u64)
    }

    /// Correlation of truth and decision over all classes (R_K: J. Gorodkin, Comput. Biol. Chem. 28, 2004).
    #[must_use]
    pub fn matthews(&self, rule: MatthewsRule) -> Estimate {
        self.estimate(correlation(self, rule), rule.name())
    }

    pub(super) fn estimate(&self, value: Option<f64>, convention: &str) -> Estimate {
        match value {
            Some(value) => Estimate::new(value, self.total(), convention),
            None => Estimate::undefined(self.total(), convention),
        }
    }
}

/// Whether what chance gives is taken off a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChanceLevel {
    /// The score as it is.
    #[default]
    Kept,
    /// 0 for chance, 1 for perfection (`adjusted=True` of scikit-learn).
    Removed,
}

impl Accumulator for ConfusionMatrix {
    /// The true class and the decision.
    type Item<'a> = (u32, u32);
    type Output = Self;

    fn push(&mut self, (truth, decision): (u32, u32)) -> Result<()> {
        if self.ignored_label == Some(truth) {
            self.ignored = self.ignored.saturating_add(1);
            return Ok(());
        }
        for (side, label) in [("truth", truth), ("decision", decision)] {
            if label as usize >= self.classes {
                let classes = self.classes;
                return Err(Error::UnknownLabel {
                    side,
                    label,
                    classes,
                });
            }
        }
        let count = &mut self.counts[truth as usize * self.classes + decision as usize];
        *count = count.saturating_add(1);
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        check_table_sizes(self.classes, other.classes)?;
        if self.ignored_label != other.ignored_label {
            return Err(Error::Incompatible {
                setting: "ignored label",
                left: format!("{:?}", self.ignored_label),
                right: format!("{:?}", other.ignored_label),
            });
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
        self.ignored = self.ignored.saturating_add(other.ignored);
        Ok(())
    }

    fn finish(&self) -> Result<Self> {
        Ok(self.clone())
    }
}

fn sum<'a>(counts: impl Iterator<Item = &'a u64>) -> u64 {
    counts.fold(0, |sum, &count| sum.saturating_add(count))
}

/// The written form, checked when it is read.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    classes: usize,
    counts: Vec<u64>,
    ignored_label: Option<u32>,
    ignored: u64,
}

impl From<ConfusionMatrix> for Written {
    fn from(matrix: ConfusionMatrix) -> Self {
        Self {
            classes: matrix.classes,
            counts: matrix.counts,
            ignored_label: matrix.ignored_label,
            ignored: matrix.ignored,
        }
    }
}

impl TryFrom<Written> for ConfusionMatrix {
    type Error = Error;
    fn try_from(written: Written) -> Result<Self> {
        let empty = Self::new(written.classes)?;
        let (got, expected) = (written.counts.len(), empty.counts.len());
        if got != expected {
            let (what, against) = ("counts", "a square of the classes");
            return Err(Error::Length {
                what,
                got,
                against,
                expected,
            });
        }
        Ok(Self {
            counts: written.counts,
            ignored_label: written.ignored_label,
            ignored: written.ignored,
            ..empty
        })
    }
}
