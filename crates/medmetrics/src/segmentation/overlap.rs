//! Overlap of classes from one table of counts: Dice, intersection over union, volumes.

use medcore::{GeometryTolerance, Label, LabelMap};
use serde::{Deserialize, Serialize};

use super::empty::{EmptyCase, EmptyPolicy, Measured, Substitutes};
use super::sweep::Sweep;
use crate::error::{Error, Result, check_table_sizes};

/// How often each label of the reference meets each label of the prediction.
///
/// One sweep over two label maps gives Dice, IoU and volumes of all classes; tables of several cases add
/// up to pooled ("micro") measures.
///
/// ```
/// use medcore::{Geometry, LabelMap};
/// use medmetrics::{EmptyPolicy, JointHistogram};
///
/// let grid = Geometry::<2>::axis_aligned([2, 3], [1.0, 1.0])?;
/// let reference = LabelMap::new(grid, vec![0u8, 1, 1, 0, 1, 1])?;
/// let prediction = LabelMap::new(grid, vec![0u8, 1, 1, 0, 0, 0])?;
/// let table = JointHistogram::between(&reference, &prediction, 3)?;
/// let dice = |class| table.overlap(&[class]).dice(&EmptyPolicy::WORST);
/// assert_eq!(dice(1).value, Some(2.0 * 2.0 / (4.0 + 2.0)));
/// assert_eq!(dice(2).value, None, "neither map has a 2");
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct JointHistogram {
    labels: usize,
    /// `counts[reference * labels + prediction]`.
    counts: Vec<u64>,
}

/// A table whose counts have not been compared with its labels.
#[derive(Deserialize)]
struct Unchecked {
    labels: usize,
    counts: Vec<u64>,
}

impl TryFrom<Unchecked> for JointHistogram {
    type Error = Error;
    fn try_from(Unchecked { labels, counts }: Unchecked) -> Result<Self> {
        let table = Self::new(labels)?;
        if counts.len() != table.counts.len() {
            return Err(Error::Length {
                what: "a table of label pairs",
                got: counts.len(),
                against: "the square of its labels",
                expected: table.counts.len(),
            });
        }
        // Every sum of these counts fits as well, doubled too.
        let sum = counts.iter().try_fold(0_u64, |sum, &n| sum.checked_add(n));
        match sum {
            Some(sum) if sum <= MAX_VOXELS => Ok(Self { counts, ..table }),
            _ => Err(Error::InvalidParameter {
                parameter: "voxels of a table of label pairs",
                rule: "at most 2^62 together",
                value: counts.iter().map(|&n| n as f64).sum(),
            }),
        }
    }
}

/// More voxels than any data set has; twice as many can still be counted.
const MAX_VOXELS: u64 = 1 << 62;

/// More labels than this make a table that no sweep can keep in a cache.
pub(crate) const MAX_LABELS: usize = 1024;

impl JointHistogram {
    /// Counts the voxels of two maps on the same grid; labels run from 0 to below `labels`.
    ///
    /// # Errors
    /// Refuses maps on different grids (beyond [`GeometryTolerance::default`]), labels that were not
    /// declared, and more than 1024 labels.
    pub fn between<A: Label, B: Label, const D: usize>(
        reference: &LabelMap<A, D>,
        prediction: &LabelMap<B, D>,
        labels: usize,
    ) -> Result<Self> {
        Ok(Sweep::over(reference, prediction, labels, &GeometryTolerance::default())?.histogram)
    }

    pub(crate) fn new(labels: usize) -> Result<Self> {
        if labels == 0 || labels > MAX_LABELS {
            return Err(Error::InvalidParameter {
                parameter: "labels",
                rule: "from 1 to 1024",
                value: labels as f64,
            });
        }
        Ok(Self {
            labels,
            counts: vec![0; labels * labels],
        })
    }

    pub(crate) fn add(&mut self, reference: usize, prediction: usize, count: u64) {
        self.counts[reference * self.labels + prediction] += count;
    }

    /// Number of labels.
    #[must_use]
    pub fn labels(&self) -> usize {
        self.labels
    }

    /// Voxels with this pair of labels; 0 for labels that were not declared.
    #[must_use]
    pub fn count(&self, reference: u32, prediction: u32) -> u64 {
        let (r, p) = (reference as usize, prediction as usize);
        if r < self.labels && p < self.labels {
            self.counts[r * self.labels + p]
        } else {
            0
        }
    }

    /// Adds the counts of another case.
    ///
    /// # Errors
    /// Refuses a table of another number of labels, and more than 2^62 voxels together.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        check_table_sizes(self.labels, other.labels)?;
        let voxels = |table: &Self| table.counts.iter().map(|&n| u128::from(n)).sum::<u128>();
        let both = voxels(self) + voxels(other);
        if both > u128::from(MAX_VOXELS) {
            return Err(Error::InvalidParameter {
                parameter: "voxels of a table of label pairs",
                rule: "at most 2^62 together",
                value: both as f64,
            });
        }
        for (sum, count) in self.counts.iter_mut().zip(&other.counts) {
            *sum += count;
        }
        Ok(())
    }

    /// The table without the voxels whose reference is `label`: "not annotated here".
    #[must_use]
    pub fn ignoring(&self, label: u32) -> Self {
        let mut kept = self.clone();
        if let Some(row) = kept
            .counts
            .chunks_exact_mut(self.labels)
            .nth(label as usize)
        {
            row.fill(0);
        }
        kept
    }

    /// The overlap of the structure made of these labels (several for a region such as "whole tumour").
    #[must_use]
    pub fn overlap(&self, structure: &[u32]) -> Overlap {
        let mut overlap = Overlap::default();
        let inside = |label: usize| structure.contains(&(label as u32));
        for (position, &count) in self.counts.iter().enumerate() {
            if count == 0 {
                continue;
            }
            match (
                inside(position / self.labels),
                inside(position % self.labels),
            ) {
                (true, true) => overlap.true_positive += count,
                (false, true) => overlap.false_positive += count,
                (true, false) => overlap.false_negative += count,
                (false, false) => overlap.true_negative += count,
            }
        }
        overlap
    }
}

/// Voxels of one structure by agreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Overlap {
    /// In both.
    pub true_positive: u64,
    /// In the prediction alone.
    pub false_positive: u64,
    /// In the reference alone.
    pub false_negative: u64,
    /// In neither.
    pub true_negative: u64,
}

impl Overlap {
    /// Voxels of the reference.
    #[must_use]
    pub fn reference(&self) -> u64 {
        self.true_positive.saturating_add(self.false_negative)
    }

    /// Voxels of the prediction.
    #[must_use]
    pub fn prediction(&self) -> u64 {
        self.true_positive.saturating_add(self.false_positive)
    }

    /// Which mask is empty.
    #[must_use]
    pub fn empty(&self) -> Option<EmptyCase> {
        EmptyCase::of(self.reference(), self.prediction())
    }

    /// `2 TP / (2 TP + FP + FN)` (Dice 1945).
    #[must_use]
    pub fn dice(&self, policy: &EmptyPolicy) -> Measured {
        let shared = 2 * u128::from(self.true_positive);
        self.ratio(shared, shared + self.wrong(), &policy.overlap)
    }

    /// `TP / (TP + FP + FN)` (Jaccard 1912).
    #[must_use]
    pub fn iou(&self, policy: &EmptyPolicy) -> Measured {
        let shared = u128::from(self.true_positive);
        self.ratio(shared, shared + self.wrong(), &policy.iou)
    }

    /// Share of the prediction that is right, `TP / (TP + FP)`; `None` without a prediction.
    #[must_use]
    pub fn precision(&self) -> Option<f64> {
        share(self.true_positive, self.prediction())
    }

    /// Share of the reference that was found, `TP / (TP + FN)`; `None` without a reference.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        share(self.true_positive, self.reference())
    }

    /// Voxels predicted too many (positive) or too few, relative to the reference; `None` without one.
    #[must_use]
    pub fn relative_volume_difference(&self) -> Option<f64> {
        let difference = self.prediction() as f64 - self.reference() as f64;
        (self.reference() > 0).then(|| difference / self.reference() as f64)
    }

    /// Voxels in one mask alone; wide, since a count can be anything.
    fn wrong(&self) -> u128 {
        u128::from(self.false_positive) + u128::from(self.false_negative)
    }

    fn ratio(&self, part: u128, whole: u128, substitutes: &Substitutes) -> Measured {
        match self.empty() {
            Some(empty) => substitutes.measured(empty, f64::NAN),
            None => Measured::value(part as f64 / whole as f64),
        }
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
