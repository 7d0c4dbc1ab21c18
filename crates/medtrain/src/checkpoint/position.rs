//! Where a run stands, as its checkpoints say it.

use serde::{Deserialize, Serialize};

use crate::exact::Exact;
use crate::schedule::PlateauState;
use crate::stop::Waiting;

/// Where a run stands, besides weights and optimizer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Position {
    /// Epochs completed.
    pub epoch: u32,
    /// Optimizer steps done of the epoch that comes next.
    #[serde(default)]
    pub step: u32,
    /// Optimizer steps in an epoch; not known of runs before this was kept.
    #[serde(default)]
    pub steps_per_epoch: Option<u32>,
    /// Sum of the losses of the batches of the steps done.
    #[serde(default)]
    pub loss_sum: Exact,
    /// Best validation score so far.
    #[serde(rename = "best_score_bits")]
    pub best: Option<Exact>,
    /// The epoch that reached it, counted from zero.
    pub best_epoch: Option<u32>,
    /// The epochs whose networks are kept for their scores, best first.
    #[serde(default)]
    pub kept: Vec<Kept>,
    /// How long the score has not improved.
    #[serde(default)]
    pub waiting: Waiting,
    /// What the rate has come to by a score that stalls.
    #[serde(default)]
    pub plateau: PlateauState,
    /// The configuration of the run, as its owner describes it.
    pub configuration: serde_json::Value,
}

/// A network that is kept for its score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Kept {
    /// The epoch, counted from zero.
    pub epoch: u32,
    /// Its score.
    pub score: Exact,
}

impl Position {
    /// The start of a run.
    #[must_use]
    pub fn start(configuration: serde_json::Value) -> Self {
        Self {
            epoch: 0,
            step: 0,
            steps_per_epoch: None,
            loss_sum: Exact::default(),
            best: None,
            best_epoch: None,
            kept: Vec::new(),
            waiting: Waiting::default(),
            plateau: PlateauState::default(),
            configuration,
        }
    }

    /// Best validation score so far.
    #[must_use]
    pub fn best_score(&self) -> Option<f64> {
        self.best.map(Exact::value)
    }

    /// Epochs and steps done: what a later checkpoint has more of.
    #[must_use]
    pub fn place(&self) -> (u32, u32) {
        (self.epoch, self.step)
    }

    /// Takes in the score of an epoch, keeping the `most` best, the earlier of equals; says whether it is the best so far.
    pub(crate) fn score(&mut self, epoch: u32, score: f64, most: usize) -> bool {
        if score.is_nan() {
            return false;
        }
        let rank = { self.kept.iter() }.take_while(|kept| kept.score.value() >= score);
        let kept = Kept {
            epoch,
            score: score.into(),
        };
        self.kept.insert(rank.count(), kept);
        self.kept.truncate(most);
        let is_best = self.best_score().is_none_or(|best| score > best);
        if is_best {
            self.best = Some(score.into());
            self.best_epoch = Some(epoch);
        }
        is_best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_epochs_are_kept_the_earlier_of_equals() {
        let mut position = Position::start(serde_json::Value::Null);
        let scores = [0.2, f64::NAN, 0.5, 0.5, 0.1, 0.4, -f64::INFINITY];
        let best: Vec<bool> = (0..)
            .zip(scores)
            .map(|(epoch, score)| position.score(epoch, score, 3))
            .collect();
        assert_eq!(best, [true, false, true, false, false, false, false]);
        let kept: Vec<u32> = position.kept.iter().map(|kept| kept.epoch).collect();
        assert_eq!(kept, [2, 3, 5]);
        assert_eq!(
            (position.best_epoch, position.best_score()),
            (Some(2), Some(0.5))
        );
    }

    #[test]
    fn what_was_written_before_steps_were_kept_is_the_end_of_an_epoch() {
        let text = r#"{"epoch":2,"best_score_bits":4602678819172646912,"best_epoch":1,"configuration":null}"#;
        let position: Position = serde_json::from_str(text).unwrap();
        assert_eq!(position.place(), (2, 0));
        assert_eq!(position.best_score(), Some(0.5));
        assert_eq!(position.plateau.factor.value(), 1.0);
    }
}
