//! Bins of probabilities with what came true in them.

use serde::{Deserialize, Serialize};

use super::binning::Binning;
use super::check;
use super::tally::{Cell, ONE, tally};
use crate::accumulator::Accumulator;
use crate::error::{Error, Result};
use crate::estimate::{Confidence, Interval};
use crate::score::Score;
use crate::statistics::{Proportion, ProportionInterval};

/// Counts of probabilities and of what came true, bin by bin.
///
/// Probabilities are rounded to multiples of 2^-52 and then summed exactly, so that neither the order nor
/// the number of scores changes a result: sums in `float32` give half of the error for ten million scores
/// and none of it for forty.
///
/// ```
/// use medmetrics::calibration::{Binning, CalibrationTable};
///
/// let mut table = CalibrationTable::new(Binning::equal_width(10))?;
/// table.extend(&[0.95_f32, 0.95, 0.15, 0.15], &[true, false, false, false])?;
/// let ece = table.expected_error();
/// assert!((ece.value.unwrap() - (0.45 + 0.15) / 2.0).abs() < 1e-7);
/// assert_eq!(ece.convention, "ece:10-equal-width/left-closed");
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct CalibrationTable {
    binning: Binning,
    cells: Vec<Cell>,
}

/// A table as it is read; bins that belong to another binning are refused.
#[derive(Deserialize)]
struct Saved {
    binning: Binning,
    cells: Vec<Cell>,
}

impl TryFrom<Saved> for CalibrationTable {
    type Error = Error;
    fn try_from(saved: Saved) -> Result<Self> {
        let empty = Self::new(saved.binning)?;
        check::cells(saved.cells.len(), empty.cells.len())?;
        check::possible(saved.cells.iter().map(Cell::is_possible))?;
        Ok(Self {
            cells: saved.cells,
            ..empty
        })
    }
}

/// One bin of a [`CalibrationTable`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CalibrationBin {
    /// Where it begins.
    pub low: f64,
    /// Where it ends.
    pub high: f64,
    /// Number of scores.
    pub count: u64,
    /// Number of scores whose event happened.
    pub positives: u64,
    /// Mean of the probabilities; `None` in an empty bin.
    pub mean_probability: Option<f64>,
    /// Share of the scores whose event happened; `None` in an empty bin.
    pub observed: Option<f64>,
}

impl CalibrationBin {
    /// The interval of the observed share; `None` in an empty bin.
    ///
    /// It takes the events as independent; scores of one patient are not, and need
    /// [`bootstrap_error`](super::bootstrap_error).
    #[must_use]
    pub fn interval(&self, method: ProportionInterval, confidence: Confidence) -> Option<Interval> {
        let share = Proportion::new(self.positives, self.count).ok()?;
        method.interval(share, confidence)
    }
}

impl CalibrationTable {
    /// An empty table.
    ///
    /// # Errors
    /// Refuses what [`Binning::edges`] refuses.
    pub fn new(binning: Binning) -> Result<Self> {
        let cells = vec![Cell::default(); binning.starts()?.len() + 1];
        Ok(Self { binning, cells })
    }

    /// The table of these scores.
    ///
    /// # Errors
    /// Refuses what [`Self::new`] and [`Self::extend`] refuse.
    pub fn of<P: Score>(binning: Binning, scores: &[P], labels: &[bool]) -> Result<Self> {
        let mut table = Self::new(binning)?;
        table.extend(scores, labels)?;
        Ok(table)
    }

    /// Takes in many scores at once: probabilities, and whether the event happened.
    ///
    /// # Errors
    /// Refuses lists of different lengths and what is no probability, NaN among them, with its place; the
    /// table is then as it was before.
    pub fn extend<P: Score>(&mut self, scores: &[P], labels: &[bool]) -> Result<()> {
        check::same_length("labels", labels.len(), scores.len())?;
        self.extend_by(scores, |i| labels[i])
    }

    /// Takes in many scores with a rule that says whose event happened.
    pub(crate) fn extend_by<P: Score>(
        &mut self,
        scores: &[P],
        positive: impl Fn(usize) -> bool,
    ) -> Result<()> {
        let mut cells = vec![Cell::default(); self.cells.len()];
        tally(scores, positive, &self.binning.starts()?, &mut cells)?;
        self.add(&cells);
        Ok(())
    }

    /// How probabilities are put into bins.
    #[must_use]
    pub fn binning(&self) -> &Binning {
        &self.binning
    }

    /// Number of scores in bins; a convention may leave some out.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.filled().map(|cell| cell.count).sum()
    }

    /// Number of scores that the convention leaves out.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        let outside = &self.cells[..self.binning.left_out()];
        outside.iter().map(|cell| cell.count).sum()
    }

    /// All bins from 0 to 1, the empty ones too: the data of a reliability diagram.
    ///
    /// # Errors
    /// Refuses what [`Binning::edges`] refuses.
    pub fn bins(&self) -> Result<Vec<CalibrationBin>> {
        let edges = self.binning.edges()?;
        let cells = &self.cells[self.binning.left_out()..];
        let bin = |(cell, ends): (&Cell, &[f64])| CalibrationBin {
            low: ends[0],
            high: ends[1],
            count: cell.count,
            positives: cell.positives,
            mean_probability: cell.mean_probability(),
            observed: cell.observed(),
        };
        Ok(cells.iter().zip(edges.windows(2)).map(bin).collect())
    }

    /// The bins that hold something.
    pub(crate) fn filled(&self) -> impl Iterator<Item = &Cell> {
        let bins = self.cells[self.binning.left_out()..].iter();
        bins.filter(|cell| cell.count > 0)
    }

    /// Adds another table of the same binning so many times.
    pub(crate) fn add_times(&mut self, other: &Self, times: u32) {
        let pairs = self.cells.iter_mut().zip(&other.cells);
        for (cell, more) in pairs.filter(|(_, more)| more.count > 0) {
            cell.count += more.count * u64::from(times);
            cell.positives += more.positives * u64::from(times);
            cell.sum += more.sum * u128::from(times);
        }
    }

    fn add(&mut self, cells: &[Cell]) {
        for (cell, more) in self.cells.iter_mut().zip(cells) {
            cell.add(more);
        }
    }
}

impl Cell {
    pub(crate) fn mean_probability(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / ONE as f64 / self.count as f64)
    }

    pub(crate) fn observed(&self) -> Option<f64> {
        (self.count > 0).then(|| self.positives as f64 / self.count as f64)
    }
}

impl Accumulator for CalibrationTable {
    /// A probability, and whether its event happened.
    type Item<'a> = (f64, bool);
    type Output = Vec<CalibrationBin>;

    fn push(&mut self, (score, positive): (f64, bool)) -> Result<()> {
        self.extend(&[score], &[positive])
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        check::same_binning(&self.binning, &other.binning)?;
        self.add(&other.cells);
        Ok(())
    }

    fn finish(&self) -> Result<Self::Output> {
        self.bins()
    }
}
