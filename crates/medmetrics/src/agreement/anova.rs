//! Two-way analysis of variance of a full table: every rater measured every target once.

use serde::{Deserialize, Serialize};

use crate::accumulator::Accumulator;
use crate::error::{Error, Result};
use crate::statistics::ExactSum;

/// Ratings of targets (rows) by the same raters, devices or repetitions (columns).
///
/// ```
/// use medmetrics::{Accumulator, Confidence};
/// use medmetrics::agreement::{IccForm, RatingMatrix};
///
/// // Shrout and Fleiss' example: four judges, six targets.
/// let mut ratings = RatingMatrix::new(4)?;
/// for target in [[9.0, 2.0, 5.0, 8.0], [6.0, 1.0, 3.0, 2.0], [8.0, 4.0, 6.0, 8.0],
///                [7.0, 1.0, 2.0, 6.0], [10.0, 5.0, 6.0, 9.0], [6.0, 2.0, 4.0, 7.0]] {
///     ratings.push(&target)?;
/// }
/// let icc = ratings.finish()?.icc(IccForm::AgreementSingle, Confidence::default());
/// assert_eq!(icc.to_string(), "0.2898 (95 % CI 0.0188 to 0.7611, F), n = 6");
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct RatingMatrix {
    raters: usize,
    targets: Vec<Vec<f64>>,
}

/// What a table of ratings varies by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AnalysisOfVariance {
    /// Number of targets.
    pub targets: u64,
    /// Number of raters.
    pub raters: u64,
    /// Mean of all ratings.
    pub mean: f64,
    /// Mean square between targets.
    pub between_targets: f64,
    /// Mean square between raters.
    pub between_raters: f64,
    /// Mean square within targets.
    pub within: f64,
    /// Mean square of what neither targets nor raters explain.
    pub residual: f64,
    /// Mean over targets of the squared coefficient of variation; nothing if a target's mean is 0.
    pub squared_variation: Option<f64>,
}

#[derive(Deserialize)]
struct Saved {
    raters: usize,
    targets: Vec<Vec<f64>>,
}

impl TryFrom<Saved> for RatingMatrix {
    type Error = Error;
    fn try_from(saved: Saved) -> Result<Self> {
        Self::from_rows(saved.raters, saved.targets.iter().map(Vec::as_slice))
    }
}

impl RatingMatrix {
    /// No targets yet.
    ///
    /// # Errors
    /// Refuses fewer than two raters.
    pub fn new(raters: usize) -> Result<Self> {
        if raters < 2 {
            return Err(Error::TooFew {
                what: "a table of ratings",
                of: "raters",
                least: 2,
                got: raters,
            });
        }
        Ok(Self {
            raters,
            targets: Vec::new(),
        })
    }

    /// The table of complete rows, one per target.
    ///
    /// # Errors
    /// As [`RatingMatrix::new`] and [`RatingMatrix::push`].
    pub fn from_rows<'a>(raters: usize, rows: impl IntoIterator<Item = &'a [f64]>) -> Result<Self> {
        let mut matrix = Self::new(raters)?;
        rows.into_iter().try_for_each(|row| matrix.push(row))?;
        Ok(matrix)
    }
}

impl Accumulator for RatingMatrix {
    /// All raters' ratings of one target, always in the same order of raters.
    type Item<'a> = &'a [f64];
    type Output = AnalysisOfVariance;

    fn push(&mut self, target: &[f64]) -> Result<()> {
        if target.len() != self.raters {
            return Err(Error::Length {
                what: "a target's ratings",
                got: target.len(),
                against: "the raters",
                expected: self.raters,
            });
        }
        if let Some(index) = target.iter().position(|rating| !rating.is_finite()) {
            return Err(Error::InvalidValue {
                what: "a target's ratings",
                rule: "finite (leave a target with a missing rating out)",
                index,
                value: target[index],
            });
        }
        self.targets.push(target.to_vec());
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        if self.raters != other.raters {
            return Err(Error::Incompatible {
                setting: "raters",
                left: self.raters.to_string(),
                right: other.raters.to_string(),
            });
        }
        self.targets.extend_from_slice(&other.targets);
        Ok(())
    }

    /// # Errors
    /// Refuses fewer than two targets, and rows of wrong lengths in a state that was read.
    fn finish(&self) -> Result<AnalysisOfVariance> {
        let (targets, raters) = (self.targets.len(), self.raters);
        for (of, got) in [("targets", targets), ("raters", raters)] {
            if got < 2 {
                return Err(Error::TooFew {
                    what: "an analysis of variance",
                    of,
                    least: 2,
                    got,
                });
            }
        }
        let (n, k) = (targets as f64, raters as f64);
        // Sums are exact: the order of targets reaches no digit.
        let rows: Vec<f64> = (self.targets.iter())
            .map(|row| sum(row.iter().copied()) / k)
            .collect();
        let columns: Vec<f64> = (0..raters)
            .map(|rater| sum(self.targets.iter().map(|row| row[rater])) / n)
            .collect();
        let mean = sum(self.targets.iter().flatten().copied()) / (n * k);
        let square = |apart: f64| apart * apart;
        let within = |(row, mean): (&Vec<f64>, &f64)| {
            sum(row.iter().map(|rating| square(rating - mean))) / (k - 1.0)
        };
        let pairs = || self.targets.iter().zip(&rows);
        let residuals = pairs().flat_map(|(row, of_row)| {
            let ratings = row.iter().zip(&columns);
            ratings.map(move |(rating, of_column)| square((rating - of_row) - (of_column - mean)))
        });
        Ok(AnalysisOfVariance {
            targets: targets as u64,
            raters: raters as u64,
            mean,
            between_targets: k * sum(rows.iter().map(|row| square(row - mean))) / (n - 1.0),
            between_raters: n * sum(columns.iter().map(|c| square(c - mean))) / (k - 1.0),
            within: sum(pairs().map(within)) / n,
            residual: sum(residuals) / ((n - 1.0) * (k - 1.0)),
            squared_variation: rows
                .iter()
                .all(|&mean| mean != 0.0)
                .then(|| sum(pairs().map(|(row, mean)| within((row, mean)) / square(*mean))) / n),
        })
    }
}

pub(crate) fn sum(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().collect::<ExactSum>().value()
}
