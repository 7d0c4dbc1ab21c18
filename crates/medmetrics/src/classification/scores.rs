//! Scores with their truth, in as little memory as exactness allows.

use serde::{Deserialize, Serialize};

use super::counts::{check_lengths, nan_score};
use super::radix;
use super::ranking::Ranking;
use crate::accumulator::Accumulator;
use crate::error::{Error, Result};
use crate::score::Score;

/// Scores of positive and of negative cases, in any order.
///
/// Which list a score is in says whether the case is positive: a score takes 8 bytes as `f64` and 4 as
/// `f32`, and loses no bit. [`Scores::finish`] sorts a copy, [`Scores::into_ranking`] the scores themselves.
///
/// ```
/// use medmetrics::Accumulator;
/// use medmetrics::classification::Scores;
///
/// let mut scores = Scores::of(&[true, false], &[0.8, 0.3])?;
/// scores.push((0.3, true))?;
/// let ranking = scores.finish()?;
/// assert_eq!(ranking.auc().value, Some(0.75));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "", try_from = "Written<S>", into = "Written<S>")]
pub struct Scores<S: Score> {
    pub(super) positives: Vec<S::Key>,
    pub(super) negatives: Vec<S::Key>,
}

impl<S: Score> Default for Scores<S> {
    fn default() -> Self {
        Self {
            positives: Vec::new(),
            negatives: Vec::new(),
        }
    }
}

impl<S: Score> Scores<S> {
    /// No scores yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The scores of cases that are positive where `truth` says so.
    ///
    /// # Errors
    /// Refuses lists of different lengths and scores that are NaN.
    pub fn of(truth: &[bool], scores: &[S]) -> Result<Self> {
        let mut state = Self::new();
        state.extend(truth, scores)?;
        Ok(state)
    }

    /// Takes in lists of scores; refused lists leave the state as it was.
    ///
    /// # Errors
    /// Refuses lists of different lengths and scores that are NaN.
    pub fn extend(&mut self, truth: &[bool], scores: &[S]) -> Result<()> {
        check_lengths("scores", scores.len(), truth.len())?;
        if let Some(index) = scores.iter().position(|score| score.is_undefined()) {
            return Err(nan_score(index));
        }
        let positive = truth.iter().filter(|&&positive| positive).count();
        let mut at = [self.negatives.len(), self.positives.len()];
        // Each score is written to both lists and kept in one: no branch to predict, one place to spare.
        for (list, more) in [
            (&mut self.positives, positive + 1),
            (&mut self.negatives, truth.len() - positive + 1),
        ] {
            // A list that is made at once is as long as it has to be.
            match list.is_empty() {
                true => list.reserve_exact(more),
                false => list.reserve(more),
            }
        }
        self.positives
            .resize(at[1] + positive + 1, S::Key::default());
        self.negatives
            .resize(at[0] + truth.len() - positive + 1, S::Key::default());
        for (&positive, &score) in truth.iter().zip(scores) {
            let key = score.key();
            self.negatives[at[0]] = key;
            self.positives[at[1]] = key;
            at[1] += usize::from(positive);
            at[0] += usize::from(!positive);
        }
        self.negatives.truncate(at[0]);
        self.positives.truncate(at[1]);
        Ok(())
    }

    /// Number of positive cases.
    #[must_use]
    pub fn positives(&self) -> u64 {
        self.positives.len() as u64
    }

    /// Number of negative cases.
    #[must_use]
    pub fn negatives(&self) -> u64 {
        self.negatives.len() as u64
    }

    /// Sorts the scores.
    #[must_use]
    pub fn into_ranking(mut self) -> Ranking<S> {
        radix::sort(&mut self.positives);
        radix::sort(&mut self.negatives);
        Ranking::sorted(self)
    }
}

impl<S: Score> Accumulator for Scores<S> {
    /// A score, and whether the case is positive.
    type Item<'a> = (S, bool);
    type Output = Ranking<S>;

    fn push(&mut self, (score, positive): (S, bool)) -> Result<()> {
        if score.is_undefined() {
            return Err(nan_score(self.positives.len() + self.negatives.len()));
        }
        match positive {
            true => self.positives.push(score.key()),
            false => self.negatives.push(score.key()),
        }
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        self.positives.extend_from_slice(&other.positives);
        self.negatives.extend_from_slice(&other.negatives);
        Ok(())
    }

    fn finish(&self) -> Result<Ranking<S>> {
        Ok(self.clone().into_ranking())
    }
}

/// The written form: keys instead of scores, because JSON has no infinity.
#[derive(Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
struct Written<S: Score> {
    positives: Vec<S::Key>,
    negatives: Vec<S::Key>,
}

impl<S: Score> From<Scores<S>> for Written<S> {
    fn from(scores: Scores<S>) -> Self {
        Self {
            positives: scores.positives,
            negatives: scores.negatives,
        }
    }
}

impl<S: Score> TryFrom<Written<S>> for Scores<S> {
    type Error = Error;
    fn try_from(written: Written<S>) -> Result<Self> {
        for keys in [&written.positives, &written.negatives] {
            let stands_for_none = |key: &S::Key| {
                let score = S::of_key(*key);
                score.is_undefined() || score.key() != *key
            };
            if let Some(index) = keys.iter().position(stands_for_none) {
                return Err(nan_score(index));
            }
        }
        Ok(Self {
            positives: written.positives,
            negatives: written.negatives,
        })
    }
}
