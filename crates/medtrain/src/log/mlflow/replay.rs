//! Tells a server of a run that has ended.

use std::path::Path;

use super::batch::Batch;
use super::client::{Experiment, Mlflow};
use super::run::{Run, RunStatus};
use super::story::{best, failure, introduce, metrics, send_files, title};
use crate::error::Result;
use crate::log::{self, LOG_FILE, RunRecord};

/// Tells a server of a run from the files in its folder: settings, data, surroundings, every epoch, how it ended, and its logs.
///
/// For a run that was made where no server could be reached, or whose server was away at times. Numbers stand at the times that
/// the log tells, those of single steps are not in it. Told twice, it stays one run; what the server has heard already is told
/// again at the times of the log.
///
/// # Errors
/// When `log.jsonl` or `run.json` cannot be read, or the server refuses.
pub fn replay(client: &Mlflow, experiment: &Experiment, folder: &Path) -> Result<Run> {
    let record = RunRecord::read(folder)?;
    let history = log::read(&folder.join(LOG_FILE))?;
    let run = introduce(client, experiment, &record, &title(None, folder))?;
    let mut told = Batch::default();
    for (report, at) in history.iter().zip(record.ends_of(&history)) {
        told.metrics.extend(metrics(report, at));
    }
    let end = record.end();
    if let Some(best_so_far) = end.and_then(|end| end.best) {
        told.tags.extend(best(best_so_far.epoch, best_so_far.score));
    }
    if let Some(error) = end.and_then(|end| end.error.as_deref()) {
        told.tags.push(failure(error));
    }
    run.log(&told)?;
    send_files(&run, folder, &[])?;
    // A run that does not say how it ended was killed.
    let status = match end.map(|end| end.ending) {
        Some(Some(ending)) if !ending.is_resumable() => RunStatus::Finished,
        Some(None) => RunStatus::Failed,
        _ => RunStatus::Killed,
    };
    let last = { record.ends_of(&history) }.last().copied();
    let at = end.map(|end| end.at).or(last).unwrap_or_default();
    run.set_status(status, at)?;
    Ok(run)
}
