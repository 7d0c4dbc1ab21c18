//! Results as tables: CSV, JSON and Markdown.
//!
//! A [`Table`] has named columns of one kind each. Estimates keep everything a reader needs: CSV spreads
//! them over columns, Markdown writes value and interval in one cell, JSON (by serde) keeps them whole.
//!
//! ```
//! use medmetrics::table::{Column, Table};
//! use medmetrics::{Confidence, Estimate, Interval, IntervalMethod};
//!
//! let interval = Interval {
//!     low: 0.81,
//!     high: 0.93,
//!     confidence: Confidence::default(),
//!     method: IntervalMethod::Wilson,
//! };
//! let sensitivity = Estimate::new(0.88, 120, "sensitivity").with_interval(interval);
//! let mut table = Table::new(vec![Column::text("class"), Column::estimate("sensitivity", 2)]);
//! table.push(vec!["nodule".into(), sensitivity.into()])?;
//! assert_eq!(
//!     table.to_markdown(),
//!     "| class | sensitivity |\n\
//!      | --- | --: |\n\
//!      | nodule | 0.88 (0.81 to 0.93) |\n"
//! );
//! assert_eq!(
//!     table.to_csv().lines().nth(1),
//!     Some("nodule,0.88,0.81,0.93,0.95,Wilson,120,0,sensitivity")
//! );
//! # Ok::<(), medmetrics::Error>(())
//! ```

mod agreement;
mod calibration;
mod cell;
mod classification;
mod csv;
mod detection;
mod drift;
mod json;
mod markdown;
mod segmentation;

use serde::{Deserialize, Serialize};

pub use cell::{Cell, Column, Kind};
pub use segmentation::MeanOverCases;

use crate::error::{Error, Result};
use crate::estimate::Estimate;

/// Named columns and rows in the order in which they were added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "json::Unchecked")]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table without rows.
    #[must_use]
    pub fn new(columns: Vec<Column>) -> Self {
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    /// One row for each named estimate: its name, the estimate, its counts and its convention.
    ///
    /// ```
    /// use medmetrics::Estimate;
    /// use medmetrics::table::Table;
    ///
    /// let table = Table::of_estimates([("AUC", Estimate::new(0.9, 50, "auc:delong"))], 3)?;
    /// assert!(table.to_markdown().ends_with("| AUC | 0.900 | 50 | 0 | auc:delong |\n"));
    /// # Ok::<(), medmetrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// Refuses NaN among the values and the ends of intervals.
    pub fn of_estimates<S: Into<String>>(
        estimates: impl IntoIterator<Item = (S, Estimate)>,
        digits: usize,
    ) -> Result<Self> {
        let mut table = Self::new(vec![
            Column::text("measure"),
            Column::estimate("value", digits),
            Column::count("n"),
            Column::count("undefined"),
            Column::text("convention"),
        ]);
        for (name, estimate) in estimates {
            table.push(vec![
                Cell::Text(name.into()),
                Cell::from(estimate.clone()),
                estimate.n.into(),
                estimate.undefined.into(),
                estimate.convention.into(),
            ])?;
        }
        Ok(table)
    }

    /// Adds a row.
    ///
    /// # Errors
    /// Refuses a row with more or fewer cells than columns, a cell of another kind than its column, and NaN;
    /// the table is then as it was before.
    pub fn push(&mut self, row: Vec<Cell>) -> Result<()> {
        if row.len() != self.columns.len() {
            return Err(Error::Length {
                what: "a row",
                got: row.len(),
                against: "the list of columns",
                expected: self.columns.len(),
            });
        }
        for (cell, column) in row.iter().zip(&self.columns) {
            let number = self.rows.len();
            column.check(cell).map_err(|rule| Error::InvalidCell {
                column: column.name.clone(),
                row: number,
                rule,
            })?;
        }
        self.rows.push(row);
        Ok(())
    }

    /// The columns from left to right.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The rows from top to bottom.
    #[must_use]
    pub fn rows(&self) -> &[Vec<Cell>] {
        &self.rows
    }
}
