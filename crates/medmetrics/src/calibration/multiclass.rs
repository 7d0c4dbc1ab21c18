//! Calibration of many classes: each class by itself, and the most probable one.

use medcore::Label;
use serde::{Deserialize, Serialize};

use super::binning::Binning;
use super::check;
use super::class_scores::{ClassProbabilities, class_of};
use super::table::CalibrationTable;
use crate::accumulator::Accumulator;
use crate::error::{Error, Result};
use crate::estimate::Estimate;
use crate::score::Score;

/// Tables of every class against the rest, and of the most probable class.
///
/// The two are different quantities that libraries call by one name: class-wise error (Kull et al. 2019)
/// asks whether each probability means what it says, top-label error (Guo et al. 2017) only the largest.
///
/// ```
/// use medmetrics::calibration::{Binning, ClassLayout, ClassProbabilities, MulticlassCalibration};
///
/// let mut calibration = MulticlassCalibration::new(3, Binning::equal_width(10))?;
/// let rows = [0.7, 0.2, 0.1, 0.1, 0.8, 0.1];
/// calibration.extend(&ClassProbabilities::new(&rows, 3, ClassLayout::Rows)?, &[0_u8, 1])?;
/// let error = calibration.top_label_error().value.expect("two samples");
/// assert!((error - 0.25).abs() < 1e-12);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct MulticlassCalibration {
    classes: Vec<CalibrationTable>,
    top: CalibrationTable,
}

#[derive(Deserialize)]
struct Saved {
    classes: Vec<CalibrationTable>,
    top: CalibrationTable,
}

impl TryFrom<Saved> for MulticlassCalibration {
    type Error = Error;
    fn try_from(saved: Saved) -> Result<Self> {
        check::classes(saved.classes.len())?;
        for table in &saved.classes {
            check::same_binning(saved.top.binning(), table.binning())?;
        }
        Ok(Self {
            classes: saved.classes,
            top: saved.top,
        })
    }
}

impl MulticlassCalibration {
    /// Empty tables of so many classes.
    ///
    /// # Errors
    /// Refuses fewer than two classes, and what [`Binning::edges`] refuses.
    pub fn new(classes: usize, binning: Binning) -> Result<Self> {
        check::classes(classes)?;
        let top = CalibrationTable::new(binning)?;
        Ok(Self {
            classes: vec![top.clone(); classes],
            top,
        })
    }

    /// Takes in many samples or all voxels of an image.
    ///
    /// # Errors
    /// Refuses another number of classes, another number of labels, and labels without a class; the tables
    /// are then as they were before.
    pub fn extend<P: Score, L: Label>(
        &mut self,
        probabilities: &ClassProbabilities<'_, P>,
        labels: &[L],
    ) -> Result<()> {
        check::same_classes(probabilities.classes(), self.classes.len())?;
        probabilities.check_labels(labels)?;
        for (class, table) in self.classes.iter_mut().enumerate() {
            let column = probabilities.column(class);
            table.extend_by(&column, |i| class_of(labels[i]) == class)?;
        }
        let (top, scores): (Vec<usize>, Vec<P>) = (0..probabilities.samples())
            .map(|i| probabilities.top(i))
            .unzip();
        self.top
            .extend_by(&scores, |i| class_of(labels[i]) == top[i])
    }

    /// The table of each class against the rest.
    #[must_use]
    pub fn classes(&self) -> &[CalibrationTable] {
        &self.classes
    }

    /// The table of the most probable class: is it the right one?
    #[must_use]
    pub fn top_label(&self) -> &CalibrationTable {
        &self.top
    }

    /// Expected calibration error of the most probable class.
    #[must_use]
    pub fn top_label_error(&self) -> Estimate {
        let error = self.top.expected_error();
        Estimate {
            convention: format!("top-label-{}", error.convention),
            ..error
        }
    }

    /// Mean over the classes of their expected calibration errors.
    #[must_use]
    pub fn class_wise_error(&self) -> Estimate {
        let errors = self.classes.iter().map(CalibrationTable::expected_error);
        let values: Option<Vec<f64>> = errors.map(|error| error.value).collect();
        let some = values.filter(|values| !values.is_empty());
        let mean = some.map(|v| v.iter().sum::<f64>() / v.len() as f64);
        let error = self.top.expected_error();
        Estimate {
            value: mean,
            convention: format!("class-wise-{}", error.convention),
            ..error
        }
    }
}

impl Accumulator for MulticlassCalibration {
    /// The probabilities of all classes, and the class it is.
    type Item<'a> = (&'a [f64], u32);
    /// The class-wise error and the top-label error.
    type Output = [Estimate; 2];

    fn push(&mut self, (row, label): (&[f64], u32)) -> Result<()> {
        self.extend(&ClassProbabilities::row(row)?, &[label])
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        check::same_classes(other.classes.len(), self.classes.len())?;
        let mut merged = self.clone();
        merged.top.merge(&other.top)?;
        for (table, more) in merged.classes.iter_mut().zip(&other.classes) {
            table.merge(more)?;
        }
        *self = merged;
        Ok(())
    }

    fn finish(&self) -> Result<Self::Output> {
        Ok([self.class_wise_error(), self.top_label_error()])
    }
}
