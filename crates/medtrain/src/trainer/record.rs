//! Everything a run writes, behind one door.

use std::fs::File;
use std::path::Path;

use crate::checkpoint::{CheckpointFolder, Found, State};
use crate::error::{Error, Result};
use crate::log::{EpochReport, RunLog};

/// The folder of a run, held against other runs until it is dropped.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) checkpoints: CheckpointFolder,
    log: Option<RunLog>,
    found: Found,
    /// None at a rank that writes nothing.
    lock: Option<File>,
}

impl Record {
    /// The folder, to write into or only to read from.
    pub(super) fn open(folder: &Path, writes: bool) -> Result<Self> {
        let checkpoints = CheckpointFolder::new(folder.join("checkpoints"))?;
        let mut held = None;
        if writes {
            held = Some(lock(&folder.join("run.lock"))?);
            checkpoints.remove_unfinished()?;
        }
        Ok(Self {
            checkpoints,
            log: None,
            found: Found::OtherRun,
            lock: held,
        })
    }

    /// Begins the log of a run, after `first_epoch` epochs; `found` says whose the checkpoints in the folder are.
    pub(super) fn begin(&mut self, folder: &Path, first_epoch: u32, found: Found) -> Result<()> {
        self.found = found;
        if self.lock.is_some() {
            self.log = Some(RunLog::open(folder, first_epoch)?);
        }
        Ok(())
    }

    pub(super) fn history(&self) -> &[EpochReport] {
        self.log.as_ref().map_or(&[], RunLog::history)
    }

    /// Writes the end of an epoch.
    pub(super) fn epoch(&mut self, report: &EpochReport, state: &State<'_>) -> Result<()> {
        // The log goes first: on resuming, lines that no checkpoint stands behind are dropped again.
        let Some(log) = &mut self.log else {
            return Ok(());
        };
        log.push(report.clone())?;
        self.checkpoints.save_epoch(state, self.found)?;
        self.found = Found::ThisRun;
        Ok(())
    }

    /// Writes a place within an epoch.
    pub(super) fn within(&mut self, state: &State<'_>) -> Result<()> {
        if self.lock.is_none() {
            return Ok(());
        }
        self.checkpoints.save_within(state, self.found)?;
        self.found = Found::ThisRun;
        Ok(())
    }
}

/// Keeps a second process out of the folder until it is dropped.
fn lock(path: &Path) -> Result<File> {
    let io = |source| Error::Io {
        operation: "lock",
        path: path.to_owned(),
        source,
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(Error::Locked {
            path: path.to_owned(),
        }),
        Err(std::fs::TryLockError::Error(source)) => Err(io(source)),
    }
}
