//! Everything a run writes, behind one door.

use std::fs::File;
use std::path::{Path, PathBuf};

use mednn::DeviceName;
use mednn::candle_core::{Device, DeviceLocation};

use super::config::TrainConfig;
use super::start::Running;
use crate::checkpoint::{CheckpointFolder, Found, State};
use crate::error::{Error, Result};
use crate::log::{EpochReport, RUN_FILE, RunLog, RunRecord, Session, SessionEnd};
use crate::provenance::{Environment, Time};

/// The folder of a run, held against other runs until it is dropped.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) checkpoints: CheckpointFolder,
    log: Option<RunLog>,
    run: Option<RunRecord>,
    found: Found,
    folder: PathBuf,
    /// Whether an earlier run's `run.json` stays until this one has a checkpoint.
    keeps_earlier: bool,
    /// None at a rank that writes nothing.
    lock: Option<Lock>,
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
            folder: folder.to_owned(),
            keeps_earlier: false,
            lock: held,
        })
    }

    /// Begins the logs of a run whose network is on this device.
    pub(super) fn begin(
        &mut self,
        config: &TrainConfig,
        running: &Running,
        found: Found,
        device: &Device,
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
        let log = RunLog::open(folder, position.epoch)?;
        if found == Found::ThisRun {
            log.write()?;
        }
        self.log = Some(log);
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
            device: Some(name(device)),
            environment: { config.environment.clone() }.unwrap_or_else(Environment::capture),
            end: None,
        });
        self.keeps_earlier = found == Found::OtherRun && folder.join(RUN_FILE).exists();
        self.run = Some(run);
        self.write_run()
    }

    /// What the run is, once it has begun.
    pub(super) fn run(&self) -> Option<&RunRecord> {
        self.run.as_ref()
    }

    /// Writes how the run ended.
    pub(super) fn end(&mut self, end: SessionEnd) -> Result<()> {
        let Some(run) = self.run.as_mut().filter(|_| self.lock.is_some()) else {
            return Ok(());
        };
        if let Some(session) = run.sessions.last_mut() {
            session.end = Some(end);
        }
        self.write_run()
    }

    /// Writes what the run is, unless what an earlier one was is all that tells of the checkpoints in the folder.
    fn write_run(&self) -> Result<()> {
        match &self.run {
            Some(run) if !self.keeps_earlier => run.write(&self.folder),
            _ => Ok(()),
        }
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

    /// Lets the logs of a run take the place of an earlier one's once its first checkpoint has.
    fn begun(&mut self, saved: Result<()>) -> Result<()> {
        if let Some(log) = &self.log {
            match &saved {
                Ok(()) => log.write_for_earlier()?,
                Err(_) => log.put_earlier_back(),
            }
        }
        saved?;
        (self.found, self.keeps_earlier) = (Found::ThisRun, false);
        self.write_run()
    }
}

/// A device as a command line names it.
fn name(device: &Device) -> String {
    match device.location() {
        DeviceLocation::Cpu => DeviceName::Cpu.to_string(),
        DeviceLocation::Cuda { gpu_id } => DeviceName::Cuda(gpu_id).to_string(),
        DeviceLocation::Metal { gpu_id } => format!("metal:{gpu_id}"),
    }
}

/// Keeps a second run out of the folder until it is dropped.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    /// Says so, for a child process that another thread is starting has the file open until it runs its program.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

fn lock(path: &Path) -> Result<Lock> {
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
        Ok(()) => Ok(Lock(file)),
        Err(std::fs::TryLockError::WouldBlock) => Err(Error::Locked {
            path: path.to_owned(),
        }),
        Err(std::fs::TryLockError::Error(source)) => Err(io(source)),
    }
}
