//! What a run left behind.

use crate::checkpoint::CheckpointFolder;
use crate::log::EpochReport;
use crate::stop::Ending;

/// What a run left behind.
#[derive(Debug)]
#[non_exhaustive]
pub struct TrainSummary {
    /// Every epoch that ended, those before a resumption included as far as the log has them.
    pub history: Vec<EpochReport>,
    /// Best validation score and its epoch.
    pub best: Option<(u32, f64)>,
    /// The epoch the run started from, 0 unless resumed.
    pub first_epoch: u32,
    /// The step within that epoch the run started from, 0 unless resumed.
    pub first_step: u32,
    /// Why it returned: it need not have come to its last epoch.
    pub ending: Ending,
    /// Why a damaged checkpoint was passed over on resuming, if one was.
    pub passed_over: Option<String>,
    /// Epochs before the resumption, from zero, that the log in the folder does not have; nor has `history`.
    pub missing_epochs: Vec<u32>,
    /// The run's checkpoints.
    pub checkpoints: CheckpointFolder,
}

impl TrainSummary {
    /// The training loss as a curve of (epoch, counted from one, loss).
    pub fn losses(&self) -> impl Iterator<Item = (f64, f64)> {
        let point = |e: &EpochReport| (f64::from(e.epoch + 1), e.train_loss);
        self.history.iter().map(point)
    }

    /// The validation score as a curve of (epoch, counted from one, score), in epochs that have one.
    pub fn scores(&self) -> impl Iterator<Item = (f64, f64)> {
        let point = |e: &EpochReport| Some((f64::from(e.epoch + 1), e.validation.as_ref()?.score));
        self.history.iter().filter_map(point)
    }
}
