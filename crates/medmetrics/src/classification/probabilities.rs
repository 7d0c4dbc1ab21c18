//! Rows of probabilities, one for each class, against the true class.

use serde::{Deserialize, Serialize};

use super::counts::nan_score;
use super::multiclass::check_row;
use crate::accumulator::Accumulator;
use crate::error::{Error, Result};
use crate::estimate::Estimate;
use crate::statistics::ExactSum;

/// Mean negative logarithm of the true class's probability (cross-entropy, in nats).
///
/// Probabilities are brought into `clip` to `1 - clip` first, as scikit-learn does with the precision of its
/// numbers; [`LogLoss::clipped`] says for how many cases that mattered. Without it a single case decides.
///
/// ```
/// use medmetrics::Accumulator;
/// use medmetrics::classification::LogLoss;
///
/// let mut loss = LogLoss::new(2)?;
/// loss.push((1, &[0.5, 0.5]))?;
/// loss.push((0, &[0.25, 0.75]))?;
/// assert_eq!(loss.finish()?.value, Some(1.5 * std::f64::consts::LN_2));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "SavedLogLoss")]
pub struct LogLoss {
    classes: usize,
    clip: f64,
    sum: ExactSum,
    cases: u64,
    clipped: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedLogLoss {
    classes: usize,
    clip: f64,
    sum: ExactSum,
    cases: u64,
    clipped: u64,
}

impl TryFrom<SavedLogLoss> for LogLoss {
    type Error = Error;
    fn try_from(saved: SavedLogLoss) -> Result<Self> {
        Ok(Self {
            sum: saved.sum,
            cases: saved.cases,
            clipped: saved.clipped,
            ..Self::new(saved.classes)?.with_clip(saved.clip)?
        })
    }
}

impl LogLoss {
    /// No cases yet; clipped at the precision of `f64`, 2.2e-16.
    ///
    /// # Errors
    /// Refuses fewer than two classes.
    pub fn new(classes: usize) -> Result<Self> {
        check_classes(classes)?;
        Ok(Self {
            classes,
            clip: f64::EPSILON,
            sum: ExactSum::new(),
            cases: 0,
            clipped: 0,
        })
    }

    /// The same with another least probability; 0 lets a case have an infinite loss.
    ///
    /// # Errors
    /// Refuses what is not from 0 to below 0.5.
    pub fn with_clip(self, clip: f64) -> Result<Self> {
        if (0.0..0.5).contains(&clip) {
            return Ok(Self { clip, ..self });
        }
        Err(Error::InvalidParameter {
            parameter: "clip",
            rule: "from 0 to below 0.5",
            value: clip,
        })
    }

    /// Number of cases whose loss was bounded by clipping.
    #[must_use]
    pub fn clipped(&self) -> u64 {
        self.clipped
    }
}

/// Probabilities of a row may miss 1 by this much: single precision, rounded to three decimals.
const SUM_TOLERANCE: f64 = 1e-2;

impl Accumulator for LogLoss {
    /// The true class, and the probability of each class.
    type Item<'a> = (u32, &'a [f64]);
    type Output = Estimate;

    fn push(&mut self, (truth, probabilities): (u32, &[f64])) -> Result<()> {
        check_row(truth, probabilities.len(), self.classes)?;
        let refused = |rule, index, value| {
            let what = "probabilities";
            Err(Error::InvalidValue {
                what,
                rule,
                index,
                value,
            })
        };
        if let Some(index) = probabilities.iter().position(|p| !(0.0..=1.0).contains(p)) {
            return refused("from 0 to 1", index, probabilities[index]);
        }
        let sum: f64 = probabilities.iter().sum();
        if (sum - 1.0).abs() > SUM_TOLERANCE {
            return refused("numbers with the sum 1", probabilities.len() - 1, sum);
        }
        let probability = probabilities[truth as usize];
        let clipped = probability.clamp(self.clip, 1.0 - self.clip);
        self.sum.add(-libm::log(clipped));
        self.clipped = self
            .clipped
            .saturating_add(u64::from(clipped != probability));
        self.cases = self.cases.saturating_add(1);
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        check_same("classes", self.classes, other.classes)?;
        check_same("clip", self.clip, other.clip)?;
        self.sum.merge(&other.sum);
        self.cases = self.cases.saturating_add(other.cases);
        self.clipped = self.clipped.saturating_add(other.clipped);
        Ok(())
    }

    fn finish(&self) -> Result<Estimate> {
        let convention = format!("log-loss:clip-{:e}", self.clip);
        Ok(match self.cases {
            0 => Estimate::undefined(0, convention),
            n => Estimate::new(self.sum.value() / n as f64, n, convention),
        })
    }
}

/// How often the true class is among the best.
///
/// ```
/// use medmetrics::Accumulator;
/// use medmetrics::classification::{TopK, TopTies};
///
/// let mut top = TopK::new(3, TopTies::default())?;
/// top.push((0, &[0.3, 0.6, 0.1]))?;
/// top.push((1, &[0.3, 0.6, 0.1]))?;
/// assert_eq!(top.accuracy(1)?.value, Some(0.5));
/// assert_eq!(top.accuracy(2)?.value, Some(1.0));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopK {
    /// Cases by the number of classes before the true one.
    ranks: Vec<u64>,
    ties: TopTies,
}

/// Which of equal scores comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TopTies {
    /// Every other class: a score that does not tell classes apart finds nothing.
    #[default]
    Against,
    /// The class with the higher number (scikit-learn).
    HigherClass,
}

impl TopK {
    /// No cases yet.
    ///
    /// # Errors
    /// Refuses fewer than two classes.
    pub fn new(classes: usize, ties: TopTies) -> Result<Self> {
        check_classes(classes)?;
        let ranks = vec![0; classes];
        Ok(Self { ranks, ties })
    }

    /// Share of cases whose true class is among the `k` best.
    ///
    /// # Errors
    /// Refuses a `k` of 0.
    pub fn accuracy(&self, k: usize) -> Result<Estimate> {
        if k == 0 {
            return Err(Error::InvalidParameter {
                parameter: "k",
                rule: "at least 1",
                value: 0.0,
            });
        }
        let sum = |k| {
            self.ranks
                .iter()
                .take(k)
                .fold(0, |sum: u64, n| sum.saturating_add(*n))
        };
        let (hits, cases) = (sum(k), sum(self.ranks.len()));
        let ties = match self.ties {
            TopTies::Against => "",
            TopTies::HigherClass => "/scikit-learn",
        };
        let convention = format!("top-{k}-accuracy{ties}");
        Ok(match cases {
            0 => Estimate::undefined(0, convention),
            n => Estimate::new(hits as f64 / n as f64, n, convention),
        })
    }
}

impl Accumulator for TopK {
    /// The true class, and a score for each class.
    type Item<'a> = (u32, &'a [f64]);
    /// Cases by the number of classes before the true one.
    type Output = Vec<u64>;

    fn push(&mut self, (truth, scores): (u32, &[f64])) -> Result<()> {
        check_row(truth, scores.len(), self.ranks.len())?;
        if let Some(index) = scores.iter().position(|score| score.is_nan()) {
            return Err(nan_score(index));
        }
        let class = truth as usize;
        let before = |&(other, &score): &(usize, &f64)| {
            let wins_ties = match self.ties {
                TopTies::Against => other != class,
                TopTies::HigherClass => other > class,
            };
            score > scores[class] || (score == scores[class] && wins_ties)
        };
        let rank = scores.iter().enumerate().filter(before).count();
        self.ranks[rank] = self.ranks[rank].saturating_add(1);
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        check_same("classes", self.ranks.len(), other.ranks.len())?;
        check_same("ties", self.ties, other.ties)?;
        for (count, more) in self.ranks.iter_mut().zip(&other.ranks) {
            *count = count.saturating_add(*more);
        }
        Ok(())
    }

    fn finish(&self) -> Result<Vec<u64>> {
        Ok(self.ranks.clone())
    }
}

fn check_classes(classes: usize) -> Result<()> {
    if classes >= 2 {
        return Ok(());
    }
    Err(Error::InvalidParameter {
        parameter: "classes",
        rule: "at least 2",
        value: classes as f64,
    })
}

fn check_same<T: PartialEq + std::fmt::Debug>(
    setting: &'static str,
    left: T,
    right: T,
) -> Result<()> {
    if left == right {
        return Ok(());
    }
    Err(Error::Incompatible {
        setting,
        left: format!("{left:?}"),
        right: format!("{right:?}"),
    })
}
