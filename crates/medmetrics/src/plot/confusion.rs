//! A table of confusions as a heat map.

use medviz::{Cell, Chart, Layer};
use serde::{Deserialize, Serialize};

use super::Plot;
use crate::error::{Error, Result};

/// What each class of the reference was taken for: counts, and shares of the reference's class as shades.
///
/// A class that the reference does not hold has no shares; its row is grey.
///
/// ```
/// use medmetrics::plot::{ConfusionPlot, Plot};
///
/// let plot = ConfusionPlot::new(["benign", "malignant"], vec![90, 10, 5, 15]);
/// assert!(plot.to_svg()?.contains(">75.0 %</text>"), "15 of 20 malignant ones were found");
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfusionPlot {
    /// What stands above it.
    pub title: String,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// `counts[reference * classes + prediction]`.
    pub counts: Vec<u64>,
}

impl ConfusionPlot {
    /// A plot under the usual title; `counts` row by row, one row a class of the reference.
    #[must_use]
    pub fn new<S: Into<String>>(classes: impl IntoIterator<Item = S>, counts: Vec<u64>) -> Self {
        Self {
            title: "Confusion matrix".to_owned(),
            classes: classes.into_iter().map(Into::into).collect(),
            counts,
        }
    }

    fn cell(&self, (reference, prediction): (usize, usize), count: u64, sum: u128) -> Cell {
        let n = self.classes.len();
        let share = (sum > 0).then(|| count as f64 / sum as f64);
        let percent = share.map(|share| format!("{:.1} %", 100.0 * share));
        let of_class = match &percent {
            Some(percent) => format!(", {percent}"),
            None => String::new(),
        };
        let (truth, found) = (&self.classes[reference], &self.classes[prediction]);
        Cell {
            column: prediction,
            row: n - 1 - reference,
            share,
            lines: std::iter::once(count.to_string()).chain(percent).collect(),
            tip: format!("{truth} predicted as {found}: {count}{of_class}"),
        }
    }
}

impl Plot for ConfusionPlot {
    /// The plot as a chart.
    ///
    /// # Errors
    /// Refuses a table that is not square or has no class.
    fn chart(&self) -> Result<Chart> {
        let n = self.classes.len();
        if n == 0 {
            return Err(Error::TooFew {
                what: "a confusion matrix",
                of: "classes",
                least: 1,
                got: 0,
            });
        }
        if self.counts.len() != n * n {
            return Err(Error::Length {
                what: "the table of counts",
                got: self.counts.len(),
                against: "the square of the number of classes",
                expected: n * n,
            });
        }
        let rows: Vec<&[u64]> = self.counts.chunks_exact(n).collect();
        // Sums of counts near the largest integer must not wrap round.
        let total = |row: &[u64]| row.iter().map(|&count| u128::from(count)).sum::<u128>();
        let all: u128 = rows.iter().map(|row| total(row)).sum();
        let right: u128 = (0..n).map(|i| u128::from(rows[i][i])).sum();
        let cells = (rows.iter().enumerate()).flat_map(|(i, row)| {
            let sum = total(row);
            (row.iter().enumerate()).map(move |(j, &count)| self.cell((i, j), count, sum))
        });
        let names = (self.classes.iter().zip(&rows).rev())
            .map(|(class, row)| format!("{class}\nn = {}", total(row)));
        let side = match n {
            0..=4 => 92,
            5..=8 => 72,
            9..=16 => 50,
            _ => 26,
        };
        let longest = self.classes.iter().map(|c| c.chars().count()).max();
        let width = 110 + 8 * longest.unwrap_or(0).min(24) + side * n;
        Ok(Chart::new(&self.title)
            .description(format!("{n} classes, {right} of {all} on the diagonal."))
            .x_label("predicted")
            .y_label("reference")
            .size(u32::try_from(width.max(360)).unwrap_or(u32::MAX), 400)
            .square()
            .x_names(&self.classes)
            .y_names(names)
            .layer(Layer::cells(cells)))
    }

    fn title_mut(&mut self) -> &mut String {
        &mut self.title
    }
}
