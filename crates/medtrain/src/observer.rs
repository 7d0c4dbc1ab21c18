//! Who watches a run: loggers, progress bars, plots, stop conditions.

use std::path::Path;

use crate::error::{BoxError, Error};
use crate::log::{EpochReport, RunRecord};
use crate::trainer::TrainSummary;

/// A run that starts or goes on.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct RunReport<'a> {
    /// The epoch it starts from, 0 unless resumed.
    pub first_epoch: u32,
    /// The optimizer step within that epoch it starts from, 0 unless resumed.
    pub first_step: u32,
    /// Epochs in the run.
    pub epochs: u32,
    /// Optimizer steps in an epoch.
    pub steps: u32,
    /// The folder of its checkpoints and logs.
    pub folder: &'a Path,
    /// All that decides its result, as the checkpoints say it: settings of the trainer, and under `configuration` those of the
    /// application.
    pub configuration: &'a serde_json::Value,
    /// The epochs before it, in a run that is resumed.
    pub history: &'a [EpochReport],
    /// What it is, with its data and where it takes place; the present session is the last.
    pub run: &'a RunRecord,
}

/// One optimizer step.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct StepReport {
    /// Epoch, from zero.
    pub epoch: u32,
    /// Step within the epoch, from zero.
    pub step: u32,
    /// Optimizer steps in the epoch.
    pub steps: u32,
    /// Epochs in the run.
    pub epochs: u32,
    /// The mean loss of this step's batches.
    pub loss: f64,
    /// The norm of all gradients together before clipping.
    pub gradient_norm: Option<f64>,
    /// The learning rate.
    pub learning_rate: f64,
    /// Samples in its batches.
    pub samples: usize,
    /// Wall-clock seconds it took.
    pub seconds: f64,
    /// Seconds of these spent waiting for data.
    pub data_wait_seconds: f64,
}

/// What an observer says of an event: an error ends the run. Who only watches and fails had better remember it and go on.
pub type Heard = Result<(), BoxError>;

/// Hears what happens in a run. Every method does nothing unless written.
pub trait Observer {
    /// A run starts or goes on.
    ///
    /// # Errors
    /// Ends the run.
    fn started(&mut self, report: &RunReport<'_>) -> Heard {
        let _ = report;
        Ok(())
    }

    /// An optimizer step was made.
    ///
    /// # Errors
    /// Ends the run.
    fn step(&mut self, report: &StepReport) -> Heard {
        let _ = report;
        Ok(())
    }

    /// An epoch ended and its checkpoint is on disk.
    ///
    /// # Errors
    /// Ends the run.
    fn epoch(&mut self, report: &EpochReport) -> Heard {
        let _ = report;
        Ok(())
    }

    /// The run returns what it has come to, the last epoch or not; of a run that ends by an error, [`failed`](Self::failed) is
    /// heard.
    ///
    /// # Errors
    /// Makes the run return that error; its files are complete.
    fn finished(&mut self, summary: &TrainSummary) -> Heard {
        let _ = summary;
        Ok(())
    }

    /// The run ends by an error, which it returns; not heard of one that ends before it has begun.
    fn failed(&mut self, error: &Error) {
        let _ = error;
    }
}
