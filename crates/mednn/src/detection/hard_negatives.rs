//! Which anchors of the background are learned: those taken for an object; MONAI's `HardNegativeSampler`.
//!
//! Thousands of anchors are easily told from objects and would drown the few that are not.

use medcore::random::Random;

use super::by_score;
use crate::error::{Error, Result};

/// Settings of the choice.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct HardNegatives {
    /// Anchors of an image to learn from.
    pub anchors: usize,
    /// The share of those that learn an object, above 0 and up to 1.
    pub positive_share: f64,
    /// At least so many of the background: 1.
    pub least: usize,
    /// They are drawn from so many times as many with the highest scores: 10.
    pub pool: f64,
}

impl HardNegatives {
    /// So many anchors of an image, such a share of them with an object.
    #[must_use]
    pub fn new(anchors: usize, positive_share: f64) -> Self {
        Self {
            anchors,
            positive_share,
            least: 1,
            pool: 10.0,
        }
    }

    /// Sets how many anchors of the background are chosen at least.
    #[must_use]
    pub fn with_least(mut self, least: usize) -> Self {
        self.least = least;
        self
    }

    /// Sets from how many times as many anchors with the highest scores those of the background are drawn.
    #[must_use]
    pub fn with_pool(mut self, pool: f64) -> Self {
        self.pool = pool;
        self
    }

    /// Says whether anchors can be chosen so.
    ///
    /// # Errors
    /// Refuses a share outside 0 to 1 and a pool below 1.
    pub fn check(&self) -> Result<()> {
        let refuse = |setting, rule, value: f64| {
            Err(Error::Setting {
                op: "hard_negatives",
                setting,
                rule,
                value: value.to_string(),
            })
        };
        if !(self.positive_share > 0.0 && self.positive_share <= 1.0) {
            return refuse("the share", "above 0 and at most 1", self.positive_share);
        }
        if !(self.pool >= 1.0 && self.pool.is_finite()) {
            return refuse("the pool", "finite and at least 1", self.pool);
        }
        Ok(())
    }

    /// The chosen anchors with an object, and those of the background, each by number; `scores` are of all anchors.
    ///
    /// # Errors
    /// As [`HardNegatives::check`].
    pub fn choose(
        &self,
        is_positive: &[bool],
        scores: &[f64],
        random: &mut Random,
    ) -> Result<(Vec<usize>, Vec<usize>)> {
        self.check()?;
        let (mut positives, mut negatives): (Vec<usize>, Vec<usize>) =
            (0..is_positive.len()).partition(|&anchor| is_positive[anchor]);
        let most = (self.anchors as f64 * self.positive_share) as usize;
        if positives.len() > most {
            random.shuffle(&mut positives);
            positives.truncate(most);
            positives.sort_unstable();
        }
        let each = (1.0 / self.positive_share - 1.0).abs();
        let wanted = (positives.len().max(1) as f64 * each) as usize;
        let wanted = wanted.max(self.least).min(negatives.len());
        let pool = ((wanted as f64 * self.pool) as usize).min(negatives.len());
        let harder = by_score(|anchor| scores[anchor]);
        if pool > 0 && pool < negatives.len() {
            negatives.select_nth_unstable_by(pool - 1, harder);
            negatives.truncate(pool);
        }
        if wanted < negatives.len() {
            // The draw does not depend on how the pool was found.
            negatives.sort_unstable();
            random.shuffle(&mut negatives);
            negatives.truncate(wanted);
        }
        negatives.sort_unstable();
        Ok((positives, negatives))
    }
}
