//! Ends of a run before its last epoch.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::exact::Exact;

/// A wish that a run ends: it finishes its step, writes a checkpoint to go on from and returns. Clones share the wish.
///
/// ```
/// use medtrain::StopFlag;
///
/// let flag = StopFlag::new();
/// flag.clone().request();
/// assert!(flag.is_requested());
/// ```
#[derive(Debug, Clone, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// A flag nobody has raised.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Raised by the first SIGTERM (a scheduler that wants its machine back) or SIGINT (Ctrl-C); the second ends the process
    /// as it would have without this.
    ///
    /// # Errors
    /// When the system refuses the handlers.
    pub fn on_signals() -> Result<Self> {
        use signal_hook::consts::{SIGINT, SIGTERM};

        let flag = Self::new();
        for signal in [SIGTERM, SIGINT] {
            // In this order: the first arrival finds the flag down, passes, and raises it.
            signal_hook::flag::register_conditional_default(signal, Arc::clone(&flag.0))
                .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&flag.0)))
                .map_err(|source| Error::Signals { source })?;
        }
        Ok(flag)
    }

    /// Wishes that the run ends.
    pub fn request(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether somebody has wished so.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Why a run returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Ending {
    /// All epochs are done.
    Completed,
    /// The validation score has not improved for as long as [`EarlyStop`] waits.
    EarlyStopped,
    /// A [`StopFlag`] was raised: the run can be resumed where it stood.
    Requested,
    /// The time was up: the run can be resumed where it stood.
    OutOfTime,
}

impl Ending {
    /// Whether a resumed run would have something left to do.
    #[must_use]
    pub fn is_resumable(self) -> bool {
        matches!(self, Self::Requested | Self::OutOfTime)
    }
}

/// Ends a run whose validation score no longer improves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EarlyStop {
    /// Validations in a row without improvement after which the run ends, at least 1.
    pub patience: u32,
    /// A score must be greater than the best by more than this to count as an improvement.
    pub minimum_change: f64,
}

impl EarlyStop {
    /// Waits for so many validations for a better score, however little better.
    #[must_use]
    pub fn new(patience: u32) -> Self {
        Self {
            patience,
            minimum_change: 0.0,
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        Error::require(self.patience > 0, "patience", "at least 1", self.patience)?;
        let change = self.minimum_change;
        let holds = change >= 0.0 && change.is_finite();
        Error::require(holds, "minimum_change", "finite and at least 0", change)
    }
}

/// How long a run has been waiting for a better score; part of its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Waiting {
    /// The score to beat, none before the first.
    pub best: Option<Exact>,
    /// Validations in a row that have not.
    pub count: u32,
}

impl Waiting {
    /// Takes a score in; one that is not a number is no improvement. Says whether it is an improvement.
    pub(crate) fn observe(&mut self, score: f64, minimum_change: f64) -> bool {
        let to_beat = self.best.map(|best| best.value() + minimum_change);
        let better = !score.is_nan() && to_beat.is_none_or(|best| score > best);
        if better {
            *self = Self {
                best: Some(score.into()),
                count: 0,
            };
        } else {
            self.count = self.count.saturating_add(1);
        }
        better
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_ends_with_a_score_that_is_better_by_more_than_the_least_change() {
        let mut waiting = Waiting::default();
        let counts = [0.5, 0.55, f64::NAN, 0.6, 0.61, 0.72].map(|score| {
            waiting.observe(score, 0.1);
            waiting.count
        });
        assert_eq!(counts, [0, 1, 2, 3, 0, 0], "{waiting:?}");
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        assert!(EarlyStop::new(3).check().is_ok());
        assert!(EarlyStop::new(0).check().is_err());
        let falling = EarlyStop {
            patience: 2,
            minimum_change: -0.1,
        };
        assert!(falling.check().is_err());
    }
}
