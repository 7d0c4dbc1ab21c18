//! Brier's score and what it is made of.

use serde::{Deserialize, Serialize};

use super::binning::Binning;
use super::check;
use super::class_scores::{ClassProbabilities, class_of};
use super::tally::{Cell, ONE, fixed};
use crate::accumulator::Accumulator;
use crate::error::{Error, Result};
use crate::estimate::Estimate;
use crate::score::Score;

/// Sums of squared differences between probabilities and events, bin by bin.
///
/// The bins serve the decomposition alone; the score does not depend on them.
///
/// ```
/// use medmetrics::Accumulator;
/// use medmetrics::calibration::{Binning, BrierTable};
///
/// let mut table = BrierTable::new(Binning::equal_width(10))?;
/// table.extend(&[0.9, 0.8, 0.3, 0.15], &[true, true, false, true])?;
/// let brier = table.finish()?;
/// let parts = brier.decomposition.expect("four scores");
/// assert!((brier.score.value.unwrap() - parts.sum()).abs() < 1e-15);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct BrierTable {
    binning: Binning,
    cells: Vec<Squares>,
}

#[derive(Deserialize)]
struct Saved {
    binning: Binning,
    cells: Vec<Squares>,
}

impl TryFrom<Saved> for BrierTable {
    type Error = Error;
    fn try_from(saved: Saved) -> Result<Self> {
        let empty = Self::new(saved.binning)?;
        check::cells(saved.cells.len(), empty.cells.len())?;
        check::possible(saved.cells.iter().map(Squares::is_possible))?;
        Ok(Self {
            cells: saved.cells,
            ..empty
        })
    }
}

/// What a bin holds, sums in units of 2^-52.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Squares {
    cell: Cell,
    /// Sum of the squared probabilities.
    squared: u128,
    /// Sum of the probabilities of what happened.
    happened: u128,
}

impl Squares {
    /// Whether scores from 0 to 1 can have made it; squares are rounded one by one.
    fn is_possible(&self) -> bool {
        self.cell.is_possible()
            && self.squared <= u128::from(self.cell.count) * ONE
            && self.happened <= self.cell.sum.min(u128::from(self.cell.positives) * ONE)
    }

    fn add(&mut self, other: &Self) {
        self.cell.add(&other.cell);
        self.squared += other.squared;
        self.happened += other.happened;
    }

    fn of(p: f64, positive: bool) -> Self {
        Self {
            cell: Cell::of(p, positive),
            squared: u128::from(fixed(p * p)),
            happened: if positive { u128::from(fixed(p)) } else { 0 },
        }
    }
}

/// Brier's score of probabilities of one event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BrierScore {
    /// Mean squared difference between probability and event, 0 at best (Brier 1950).
    pub score: Estimate,
    /// 1 less the ratio to the score of always forecasting the observed share: scikit-learn's
    /// `d2_brier_score`. Undefined when all events agree.
    pub skill: Estimate,
    /// What the score is made of; `None` of nothing.
    pub decomposition: Option<BrierDecomposition>,
}

/// The parts of Brier's score: reliability - resolution + uncertainty (A. Murphy 1973) + the variance and
/// - the covariance inside bins (Stephenson, Coelho and Jolliffe 2008).
///
/// With a bin for each distinct probability ([`Binning::distinct`]) the last two are 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BrierDecomposition {
    /// Mean squared gap between a bin's mean probability and its observed share; 0 at best.
    pub reliability: f64,
    /// Mean squared distance of the bins' observed shares from the overall one; the larger the better.
    pub resolution: f64,
    /// Variance of the events, whatever the forecast.
    pub uncertainty: f64,
    /// Mean variance of the probabilities inside bins.
    pub within_bin_variance: f64,
    /// Twice the mean covariance of probability and event inside bins.
    pub within_bin_covariance: f64,
}

impl BrierDecomposition {
    /// The score again.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.reliability - self.resolution + self.uncertainty + self.within_bin_variance
            - self.within_bin_covariance
    }
}

impl BrierTable {
    /// An empty table.
    ///
    /// # Errors
    /// Refuses what [`Binning::edges`] refuses.
    pub fn new(binning: Binning) -> Result<Self> {
        let cells = vec![Squares::default(); binning.starts()?.len() + 1];
        Ok(Self { binning, cells })
    }

    /// Takes in many scores at once: probabilities, and whether the event happened.
    ///
    /// # Errors
    /// Refuses lists of different lengths and what is no probability; the table is then as it was before.
    pub fn extend<P: Score>(&mut self, scores: &[P], labels: &[bool]) -> Result<()> {
        check::same_length("labels", labels.len(), scores.len())?;
        check::probabilities(scores, 0)?;
        let starts = self.binning.starts()?;
        for (&score, &label) in scores.iter().zip(labels) {
            let p = score.into();
            let cell = starts.partition_point(|&start| start <= p);
            self.cells[cell].add(&Squares::of(p, label));
        }
        Ok(())
    }

    fn decomposition(&self, total: &Squares) -> BrierDecomposition {
        let all = total.cell.count as f64;
        let share = total.cell.positives as f64 / all;
        let mut parts = BrierDecomposition {
            reliability: 0.0,
            resolution: 0.0,
            uncertainty: share * (1.0 - share),
            within_bin_variance: 0.0,
            within_bin_covariance: 0.0,
        };
        for bin in &self.cells {
            let (Some(mean), Some(observed)) = (bin.cell.mean_probability(), bin.cell.observed())
            else {
                continue;
            };
            let n = bin.cell.count as f64;
            let per_score = |sum: u128| sum as f64 / ONE as f64 / n;
            let weight = n / all;
            parts.reliability += weight * (mean - observed) * (mean - observed);
            parts.resolution += weight * (observed - share) * (observed - share);
            parts.within_bin_variance += weight * (per_score(bin.squared) - mean * mean);
            parts.within_bin_covariance +=
                2.0 * weight * (per_score(bin.happened) - mean * observed);
        }
        parts
    }
}

impl Accumulator for BrierTable {
    /// A probability, and whether its event happened.
    type Item<'a> = (f64, bool);
    type Output = BrierScore;

    fn push(&mut self, (score, positive): (f64, bool)) -> Result<()> {
        self.extend(&[score], &[positive])
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        check::same_binning(&self.binning, &other.binning)?;
        for (cell, more) in self.cells.iter_mut().zip(&other.cells) {
            cell.add(more);
        }
        Ok(())
    }

    fn finish(&self) -> Result<BrierScore> {
        let mut total = Squares::default();
        self.cells.iter().for_each(|cell| total.add(cell));
        let n = total.cell.count;
        if n == 0 {
            return Ok(BrierScore {
                score: Estimate::undefined(0, "brier"),
                skill: Estimate::undefined(0, "brier-skill"),
                decomposition: None,
            });
        }
        // (p - y)^2 = p^2 - 2 p y + y; rounding of squares may leave a little less than nothing.
        let events = u128::from(total.cell.positives) * ONE;
        let sum = (total.squared + events).saturating_sub(2 * total.happened);
        let score = sum as f64 / ONE as f64 / n as f64;
        let decomposition = self.decomposition(&total);
        let skill = match decomposition.uncertainty {
            0.0 => Estimate::undefined(n, "brier-skill"),
            uncertainty => Estimate::new(1.0 - score / uncertainty, n, "brier-skill"),
        };
        Ok(BrierScore {
            score: Estimate::new(score, n, "brier"),
            skill,
            decomposition: Some(decomposition),
        })
    }
}

/// How the squared differences of several classes become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BrierScale {
    /// Their sum, 0 to 2 (Brier 1950): scikit-learn's for three classes and more.
    #[default]
    Sum,
    /// Half of their sum, 0 to 1: for two classes the score of one event.
    Half,
}

/// Brier's score of the probabilities of several classes.
///
/// ```
/// use medmetrics::calibration::{BrierScale, ClassLayout, ClassProbabilities, MulticlassBrier};
///
/// let mut brier = MulticlassBrier::new(3)?;
/// let rows = ClassProbabilities::new(&[0.5, 0.3, 0.2], 3, ClassLayout::Rows)?;
/// brier.extend(&rows, &[0_u8])?;
/// let score = brier.score(BrierScale::Sum).value.expect("a sample");
/// assert!((score - (0.25 + 0.09 + 0.04)).abs() < 1e-12);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "SavedSums")]
pub struct MulticlassBrier {
    /// Samples of each class.
    counts: Vec<u64>,
    /// Sum of squared differences, in units of 2^-52.
    squared: u128,
}

#[derive(Deserialize)]
struct SavedSums {
    counts: Vec<u64>,
    squared: u128,
}

impl TryFrom<SavedSums> for MulticlassBrier {
    type Error = Error;
    fn try_from(saved: SavedSums) -> Result<Self> {
        check::classes(saved.counts.len())?;
        check::possible(saved.counts.iter().map(|&count| count < 1 << 44))?;
        let count = saved
            .counts
            .iter()
            .map(|&count| u128::from(count))
            .sum::<u128>();
        let most = count * saved.counts.len() as u128 * ONE;
        check::possible([saved.squared <= most].into_iter())?;
        Ok(Self {
            counts: saved.counts,
            squared: saved.squared,
        })
    }
}

impl MulticlassBrier {
    /// No samples of so many classes.
    ///
    /// # Errors
    /// Refuses fewer than two classes.
    pub fn new(classes: usize) -> Result<Self> {
        check::classes(classes)?;
        Ok(Self {
            counts: vec![0; classes],
            squared: 0,
        })
    }

    /// Takes in many samples.
    ///
    /// # Errors
    /// Refuses another number of classes, another number of labels, and labels without a class; the sums
    /// are then as they were before.
    pub fn extend<P: Score, L: medcore::Label>(
        &mut self,
        probabilities: &ClassProbabilities<'_, P>,
        labels: &[L],
    ) -> Result<()> {
        check::same_classes(probabilities.classes(), self.counts.len())?;
        probabilities.check_labels(labels)?;
        for (sample, &label) in labels.iter().enumerate() {
            let label = class_of(label);
            self.counts[label] += 1;
            for class in 0..self.counts.len() {
                let p: f64 = probabilities.get(sample, class).into();
                let off = if class == label { 1.0 - p } else { p };
                self.squared += u128::from(fixed(off * off));
            }
        }
        Ok(())
    }

    /// The score; undefined of nothing.
    #[must_use]
    pub fn score(&self, scale: BrierScale) -> Estimate {
        let (factor, convention) = match scale {
            BrierScale::Sum => (1.0, "brier:sum-of-classes"),
            BrierScale::Half => (0.5, "brier:half-sum-of-classes"),
        };
        match self.mean() {
            Some(mean) => Estimate::new(factor * mean, self.count(), convention),
            None => Estimate::undefined(0, convention),
        }
    }

    /// 1 less the ratio to the score of always forecasting the observed shares; undefined of one class.
    #[must_use]
    pub fn skill(&self) -> Estimate {
        let n = self.count();
        let share = |&count: &u64| count as f64 / n as f64;
        let uncertainty: f64 = 1.0 - self.counts.iter().map(|c| share(c) * share(c)).sum::<f64>();
        match self.mean() {
            Some(mean) if !self.counts.contains(&n) => {
                Estimate::new(1.0 - mean / uncertainty, n, "brier-skill")
            }
            _ => Estimate::undefined(n, "brier-skill"),
        }
    }

    fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn mean(&self) -> Option<f64> {
        let n = self.count();
        (n > 0).then(|| self.squared as f64 / ONE as f64 / n as f64)
    }
}

impl Accumulator for MulticlassBrier {
    /// The probabilities of all classes, and the class it is.
    type Item<'a> = (&'a [f64], u32);
    /// The score of [`BrierScale::Sum`].
    type Output = Estimate;

    fn push(&mut self, (row, label): (&[f64], u32)) -> Result<()> {
        self.extend(&ClassProbabilities::row(row)?, &[label])
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        check::same_classes(other.counts.len(), self.counts.len())?;
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.squared += other.squared;
        Ok(())
    }

    fn finish(&self) -> Result<Estimate> {
        Ok(self.score(BrierScale::Sum))
    }
}
