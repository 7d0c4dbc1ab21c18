//! An epoch, as logs and observers have it.

use serde::{Deserialize, Serialize};

use super::number;

/// What validation found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// The number that decides which checkpoint is best; greater is better.
    #[serde(with = "number::one")]
    pub score: f64,
    /// Further numbers by name.
    #[serde(with = "number::named")]
    pub metrics: Vec<(String, f64)>,
}

impl Validation {
    /// A score and nothing else.
    #[must_use]
    pub fn new(score: f64) -> Self {
        Self {
            score,
            metrics: Vec::new(),
        }
    }
}

/// One epoch of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// Counted from zero.
    pub epoch: u32,
    /// Learning rate of its last step.
    pub learning_rate: f64,
    /// Mean of the batches' losses.
    #[serde(with = "number::one")]
    pub train_loss: f64,
    /// What validation found, in epochs that end with one.
    pub validation: Option<Validation>,
    /// Whether this is the best score so far.
    pub is_best: bool,
    /// Wall-clock seconds, validation included; of an epoch that was interrupted, those since it was taken up again.
    pub seconds: f64,
    /// Seconds of these spent waiting for data.
    pub data_wait_seconds: f64,
}

impl EpochReport {
    /// All numbers of the epoch under the names that loggers give them: `train/loss`, `train/learning_rate`, `score`,
    /// `validation/NAME`, `time/epoch_seconds` and `time/data_wait_seconds`.
    #[must_use]
    pub fn numbers(&self) -> Vec<(String, f64)> {
        let fixed = [
            ("train/loss", self.train_loss),
            ("train/learning_rate", self.learning_rate),
            ("time/epoch_seconds", self.seconds),
            ("time/data_wait_seconds", self.data_wait_seconds),
        ];
        let mut numbers: Vec<_> = fixed.map(|(name, value)| (name.to_owned(), value)).into();
        if let Some(validation) = &self.validation {
            numbers.push(("score".to_owned(), validation.score));
            let metrics = validation.metrics.iter();
            numbers.extend(metrics.map(|(name, value)| (format!("validation/{name}"), *value)));
        }
        numbers
    }
}
