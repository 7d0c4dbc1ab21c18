//! Isotonic regression by pooling adjacent violators (Ayer et al. 1955; Zadrozny and Elkan, KDD 2002).

use serde::{Deserialize, Serialize};

use super::super::check;
use crate::error::{Error, Result};
use crate::score::Score;

/// A curve over the score of one event that never falls, linear between its corners and level beyond them.
///
/// Equal scores are one score with their mean label, as in scikit-learn, which takes also those for equal that
/// differ by less than 1e-15. Probabilities may be 0 and 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct IsotonicRegression {
    scores: Vec<f64>,
    probabilities: Vec<f64>,
}

#[derive(Deserialize)]
struct Saved {
    scores: Vec<f64>,
    probabilities: Vec<f64>,
}

impl TryFrom<Saved> for IsotonicRegression {
    type Error = Error;
    fn try_from(
        Saved {
            scores,
            probabilities,
        }: Saved,
    ) -> Result<Self> {
        check::same_length("probabilities", probabilities.len(), scores.len())?;
        check::finite(&scores)?;
        check::probabilities(&probabilities, 0)?;
        let falls =
            |i: usize| scores[i] >= scores[i + 1] || probabilities[i] > probabilities[i + 1];
        let corner = (1..scores.len()).find(|&i| falls(i - 1));
        if scores.is_empty() || corner.is_some() {
            return Err(Error::InvalidValue {
                what: "corners of an isotonic curve",
                rule: "at least one, and rising",
                index: corner.unwrap_or(0),
                value: corner.map_or(0.0, |i| scores[i]),
            });
        }
        Ok(Self {
            scores,
            probabilities,
        })
    }
}

/// Neighbouring scores whose labels are averaged.
struct Block {
    first: usize,
    positives: u64,
    count: u64,
}

impl Block {
    fn mean(&self) -> f64 {
        self.positives as f64 / self.count as f64
    }

    /// Exact comparison of means.
    fn exceeds(&self, other: &Self) -> bool {
        u128::from(self.positives) * u128::from(other.count)
            >= u128::from(other.positives) * u128::from(self.count)
    }
}

impl IsotonicRegression {
    /// The rising curve nearest to the labels, by least squares.
    ///
    /// # Errors
    /// Refuses lists of different lengths, no scores, infinities and NaN.
    pub fn fit<P: Score>(scores: &[P], labels: &[bool]) -> Result<Self> {
        check::same_length("labels", labels.len(), scores.len())?;
        check::finite(scores)?;
        if scores.is_empty() {
            return Err(Error::TooFew {
                what: "isotonic regression",
                of: "scores",
                least: 1,
                got: 0,
            });
        }
        // Adding 0 makes one zero of two.
        let value = |&p: &P| Into::<f64>::into(p) + 0.0;
        let mut sorted: Vec<(f64, bool)> = scores
            .iter()
            .map(value)
            .zip(labels.iter().copied())
            .collect();
        sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let groups: Vec<&[(f64, bool)]> = sorted.chunk_by(|a, b| a.0 == b.0).collect();
        let mut blocks: Vec<Block> = Vec::new();
        for (first, group) in groups.iter().enumerate() {
            let mut block = Block {
                first,
                positives: group.iter().filter(|(_, label)| *label).count() as u64,
                count: group.len() as u64,
            };
            while let Some(last) = blocks.pop_if(|last| last.exceeds(&block)) {
                block = Block {
                    first: last.first,
                    positives: last.positives + block.positives,
                    count: last.count + block.count,
                };
            }
            blocks.push(block);
        }
        let mut curve = Self {
            scores: Vec::new(),
            probabilities: Vec::new(),
        };
        let ends = blocks
            .iter()
            .skip(1)
            .map(|block| block.first)
            .chain([groups.len()]);
        for (block, end) in blocks.iter().zip(ends) {
            let mut corner = |at: usize| {
                curve.scores.push(groups[at][0].0);
                curve.probabilities.push(block.mean());
            };
            corner(block.first);
            if end - block.first > 1 {
                corner(end - 1);
            }
        }
        Ok(curve)
    }

    /// The corners of the curve: scores, ascending, and their probabilities.
    #[must_use]
    pub fn corners(&self) -> (&[f64], &[f64]) {
        (&self.scores, &self.probabilities)
    }

    pub(super) fn probability(&self, score: f64) -> f64 {
        let above = self.scores.partition_point(|&corner| corner < score);
        let below = above.saturating_sub(1);
        let above = above.min(self.scores.len() - 1);
        let [x0, x1] = [below, above].map(|i| self.scores[i]);
        let [y0, y1] = [below, above].map(|i| self.probabilities[i]);
        if x1 > x0 && score < x1 {
            return y0 + (y1 - y0) * ((score - x0) / (x1 - x0));
        }
        y1
    }
}
