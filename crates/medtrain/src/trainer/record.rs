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
            let log = RunLog::open(folder, first_epoch)?;
            if found == Found::ThisRun {
                log.write()?;
            }
            self.log = Some(log);
        }
        Ok(())
    }

    pub(super) fn history(&self) -> &[EpochReport] {
        self.log.as_ref().map_or(&[], RunLog::history)
    }

    /// The epochs before `first_epoch` that the log does not have.
    pub(super) fn missing_epochs(&self, first_epoch: u32) -> Vec<u32> {
        let logged = |epoch: &u32| self.history().iter().any(|report| report.epoch == *epoch);
        match self.log {
            Some(_) => (0..first_epoch).filter(|epoch| !logged(epoch)).collect(),
            None => Vec::new(),
        }
    }

    /// Writes the end of an epoch.
    pub(super) fn epoch(&mut self, report: &EpochReport, state: &State<'_>) -> Result<()> {
        let Some(log) = &mut self.log else {
            return Ok(());
        };
        log.push(report.clone());
        if self.found == Found::ThisRun {
            // The log goes first: on resuming, lines that no checkpoint stands behind are dropped again.
            log.write()?;
            return self.checkpoints.save_epoch(state, self.found);
        }
        log.set_earlier_aside()?;
        let saved = self.checkpoints.save_epoch(state, self.found);
        self.begun(saved)
    }

    /// Writes a place within an epoch.
    pub(super) fn within(&mut self, state: &State<'_>) -> Result<()> {
        let Some(log) = &self.log else {
            return Ok(());
        };
        if self.found == Found::ThisRun {
            return self.checkpoints.save_within(state, self.found);
        }
        log.set_earlier_aside()?;
        let saved = self.checkpoints.save_within(state, self.found);
        self.begun(saved)
    }

    /// Lets the log of a run take the place of an earlier one's once its first checkpoint has.
    fn begun(&mut self, saved: Result<()>) -> Result<()> {
        if let Some(log) = &self.log {
            match &saved {
                Ok(()) => log.write_for_earlier()?,
                Err(_) => log.put_earlier_back(),
            }
        }
        saved?;
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
