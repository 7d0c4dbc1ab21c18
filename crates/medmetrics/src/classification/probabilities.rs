//! Rows of scores, one for each class, against the true class.

use serde::{Deserialize, Serialize};

use super::counts::nan_score;
use super::multiclass::check_row;
use crate::accumulator::Accumulator;
use crate::error::{Error, Result};
use crate::estimate::Estimate;

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
