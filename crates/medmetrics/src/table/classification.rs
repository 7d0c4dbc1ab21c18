//! Tables of decisions.

use super::{Cell, Column, Table};
use crate::classification::{BinaryCounts, BinaryMeasure, ConfusionMatrix, DecisionIntervals};
use crate::error::{Error, Result};

/// What is said of each class, with decimals.
const OF_CLASSES: [(&str, BinaryMeasure); 5] = [
    ("sensitivity", BinaryMeasure::Sensitivity),
    ("specificity", BinaryMeasure::Specificity),
    ("PPV", BinaryMeasure::PositivePredictiveValue),
    ("NPV", BinaryMeasure::NegativePredictiveValue),
    ("F1", BinaryMeasure::FBeta(1.0)),
];

/// What is said of one threshold.
const OF_DECISIONS: [(&str, BinaryMeasure); 9] = [
    ("sensitivity", BinaryMeasure::Sensitivity),
    ("specificity", BinaryMeasure::Specificity),
    (
        "positive predictive value",
        BinaryMeasure::PositivePredictiveValue,
    ),
    (
        "negative predictive value",
        BinaryMeasure::NegativePredictiveValue,
    ),
    ("accuracy", BinaryMeasure::Accuracy),
    ("prevalence", BinaryMeasure::Prevalence),
    ("F1", BinaryMeasure::FBeta(1.0)),
    (
        "positive likelihood ratio",
        BinaryMeasure::PositiveLikelihoodRatio,
    ),
    (
        "negative likelihood ratio",
        BinaryMeasure::NegativeLikelihoodRatio,
    ),
];

impl ConfusionMatrix {
    /// One row a class against all others: how often it is true, sensitivity, specificity, predictive values
    /// and F1, those with an interval of their own with it.
    ///
    /// ```
    /// use medmetrics::classification::{ConfusionMatrix, DecisionIntervals};
    ///
    /// let matrix = ConfusionMatrix::of(&[0, 0, 1, 1, 1], &[0, 1, 1, 1, 0], 2)?;
    /// let table = matrix.table(["benign", "malignant"], &DecisionIntervals::default())?;
    /// assert!(table.to_markdown().contains("| malignant | 3 | 0.667 (0.208 to 0.939) |"));
    /// # Ok::<(), medmetrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// Refuses more or fewer names than classes.
    pub fn table<L: Into<String>>(
        &self,
        classes: impl IntoIterator<Item = L>,
        intervals: &DecisionIntervals,
    ) -> Result<Table> {
        let names: Vec<String> = classes.into_iter().map(Into::into).collect();
        if names.len() != self.classes() {
            return Err(Error::Length {
                what: "the names of classes",
                got: names.len(),
                against: "the confusion matrix",
                expected: self.classes(),
            });
        }
        let mut columns = vec![Column::text("class"), Column::count("n")];
        columns.extend(OF_CLASSES.map(|(name, _)| Column::estimate(name, 3)));
        let mut table = Table::new(columns);
        for (name, counts) in names.into_iter().zip(self.one_vs_rest()) {
            let measures = OF_CLASSES.map(|(_, measure)| intervals.estimate(&counts, measure));
            let head = [Cell::Text(name), Cell::Count(counts.positives())];
            let row = head.into_iter().chain(measures.map(Cell::from));
            table.push(row.collect())?;
        }
        Ok(table)
    }
}

impl DecisionIntervals {
    /// One row for each measure of the decisions at one threshold, with its interval.
    ///
    /// # Errors
    /// None for counts that this crate made.
    pub fn table(&self, counts: &BinaryCounts) -> Result<Table> {
        let row = |(name, measure)| (name, self.estimate(counts, measure));
        Table::of_estimates(OF_DECISIONS.map(row), 3)
    }
}
