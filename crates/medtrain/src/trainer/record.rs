//! Everything a run writes, behind one door.

use std::fs::File;
use std::path::Path;

use super::config::TrainConfig;
use super::start::Running;
use crate::checkpoint::{CheckpointFolder, Found, State};
use crate::error::{Error, Result};
use crate::log::{EpochReport, RunLog, RunRecord, Session, SessionEnd};
use crate::provenance::{Environment, Time};

/// The folder of a run, held against other runs until it is dropped.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) checkpoints: CheckpointFolder,
    log: Option<RunLog>,
    run: Option<RunRecord>,
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
            run: None,
            found: Found::OtherRun,
            lock: held,
        })
    }

    /// Begins the logs of a run.
    pub(super) fn begin(
        &mut self,
        config: &TrainConfig,
        running: &Running,
        found: Found,
    ) -> Result<()> {
        self.found = found;
        let folder = &config.folder;
        let position = &running.position;
        let configuration = position.configuration.clone();
        let new = || RunRecord::new(configuration, config.data.clone());
        if self.lock.is_none() {
            self.run = Some(new());
            return Ok(());
        }
        self.log = Some(RunLog::open(folder, position.epoch)?);
        let known = match found {
            Found::ThisRun => RunRecord::find(folder)?,
            Found::OtherRun => None,
        };
        let mut run = known.unwrap_or_else(new);
        (run.epochs, run.steps) = (config.epochs, running.steps);
        run.sessions.push(Session {
            started: Time::now(),
            first_epoch: position.epoch,
            first_step: position.step,
            environment: { config.environment.clone() }.unwrap_or_else(Environment::capture),
            end: None,
        });
        run.write(folder)?;
        self.run = Some(run);
        Ok(())
    }

    /// What the run is, once it has begun.
    pub(super) fn run(&self) -> Option<&RunRecord> {
        self.run.as_ref()
    }

    /// Writes how the run ended.
    pub(super) fn end(&mut self, folder: &Path, end: SessionEnd) -> Result<()> {
        let Some(run) = self.run.as_mut().filter(|_| self.lock.is_some()) else {
            return Ok(());
        };
        if let Some(session) = run.sessions.last_mut() {
            session.end = Some(end);
        }
        run.write(folder)
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
