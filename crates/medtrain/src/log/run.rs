//! What a run is, as its folder says it: `run.json`.

use std::path::{Path, PathBuf};

use medcore::atomic;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::number;
use crate::digest;
use crate::error::{Error, Result};
use crate::provenance::{DataDigest, Environment, Provenance, Time};
use crate::stop::Ending;
use crate::trainer::TrainSummary;

/// The name of the record in the folder of a run.
pub const RUN_FILE: &str = "run.json";

/// The version of the format.
const VERSION: u32 = 1;

/// What was learnt from which data, and when, where and by which program.
///
/// A run that is resumed keeps its record and adds a session to it: another machine, another commit and other data can be told
/// afterwards from what its epochs say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunRecord {
    version: u32,
    /// Its name, which no other run has.
    pub id: String,
    /// All that decides its result, as the checkpoints say it.
    pub configuration: serde_json::Value,
    /// What it learns from and is judged on.
    #[serde(default)]
    pub data: Vec<DataDigest>,
    /// Epochs in the run.
    pub epochs: u32,
    /// Optimizer steps in an epoch.
    pub steps: u32,
    /// Its parts, one from each start to the next.
    pub sessions: Vec<Session>,
}

/// A run from a start or resumption until it returned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Session {
    /// When it began.
    pub started: Time,
    /// The epoch it started from.
    pub first_epoch: u32,
    /// The optimizer step within that epoch it started from.
    pub first_step: u32,
    /// Where the network was: `cpu`, `cuda:0`; none in records from before this was kept.
    #[serde(default)]
    pub device: Option<String>,
    /// Where and by which program.
    pub environment: Environment,
    /// How it ended; none while it goes on, and after it was killed.
    pub end: Option<SessionEnd>,
}

/// How a session ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SessionEnd {
    /// When.
    pub at: Time,
    /// Why it returned; none after an error.
    pub ending: Option<Ending>,
    /// What went wrong, if something did.
    pub error: Option<String>,
    /// The best validation score so far and its epoch.
    pub best: Option<Best>,
}

/// The best validation score and its epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Best {
    /// The epoch, counted from zero.
    pub epoch: u32,
    /// Its score.
    #[serde(with = "number::one")]
    pub score: f64,
}

impl SessionEnd {
    pub(crate) fn of_summary(summary: &TrainSummary) -> Self {
        Self {
            at: Time::now(),
            ending: Some(summary.ending),
            error: None,
            best: summary.best.map(|(epoch, score)| Best { epoch, score }),
        }
    }

    pub(crate) fn of_error(error: &Error) -> Self {
        Self {
            at: Time::now(),
            ending: None,
            error: Some(error.to_string()),
            best: None,
        }
    }
}

impl RunRecord {
    /// A run that begins now.
    pub(crate) fn new(configuration: serde_json::Value, data: Vec<DataDigest>) -> Self {
        let now = Time::now();
        let origin = format!("{configuration}\n{now:?}\n{}", std::process::id());
        let hash = Sha256::digest(origin);
        Self {
            version: VERSION,
            id: digest::hex(&hash[..8]),
            configuration,
            data,
            epochs: 0,
            steps: 0,
            sessions: Vec::new(),
        }
    }

    /// Reads the record in the folder of a run.
    ///
    /// # Errors
    /// When it cannot be read, is damaged or of another version.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(RUN_FILE);
        let text = std::fs::read_to_string(&path).map_err(|source| Error::Io {
            operation: "read",
            path: path.clone(),
            source,
        })?;
        let bad = |path: PathBuf, reason: String| Error::BadRecord { path, reason };
        match serde_json::from_str::<Self>(&text) {
            Err(error) => Err(bad(path, error.to_string())),
            Ok(record) if record.version != VERSION => {
                Err(bad(path, format!("its version is {}", record.version)))
            }
            Ok(record) => Ok(record),
        }
    }

    /// The record in a folder, if there is one.
    pub(crate) fn find(folder: &Path) -> Result<Option<Self>> {
        match folder.join(RUN_FILE).exists() {
            true => Self::read(folder).map(Some),
            false => Ok(None),
        }
    }

    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(RUN_FILE);
        let mut text = serde_json::to_vec_pretty(self).map_err(|error| Error::Io {
            operation: "describe",
            path: path.clone(),
            source: error.into(),
        })?;
        text.push(b'\n');
        Ok(atomic::write_bytes(&path, &text)?)
    }

    /// Where the run comes from, as the bundle of its network says it: its data, the last program that took it on, its first
    /// start and the seed in its configuration.
    #[must_use]
    pub fn provenance(&self) -> Provenance {
        let environment = self.sessions.last().map(|session| &session.environment);
        let git = environment.map(|environment| &environment.git);
        let lock = environment.and_then(|environment| environment.cargo_lock.as_ref());
        let first = self.sessions.first();
        Provenance {
            git_commit: git.and_then(|git| git.commit.clone()),
            git_dirty: git.and_then(|git| git.dirty),
            cargo_lock_sha256: lock.map(|lock| lock.sha256.clone()),
            seed: self.configuration["seed"].as_u64(),
            run: Some(self.id.clone()),
            created: first.map(|session| session.started.rfc3339()),
            data: self.data.iter().map(DataDigest::for_bundle).collect(),
        }
    }

    /// Where the network of the last session was: `cpu`, `cuda:0`. It is no part of the configuration, as a run may go on
    /// elsewhere.
    #[must_use]
    pub fn device(&self) -> Option<&str> {
        self.sessions.last()?.device.as_deref()
    }

    /// How the last session ended, if it has.
    #[must_use]
    pub fn end(&self) -> Option<&SessionEnd> {
        self.sessions.last()?.end.as_ref()
    }

    /// When an epoch of the log ended, from the times its session's epochs took.
    pub(super) fn ends_of(&self, epochs: &[super::EpochReport]) -> Vec<Time> {
        let mut ends: Vec<Time> = Vec::new();
        for report in epochs {
            let of = |session: &&Session| session.first_epoch <= report.epoch;
            let session = self.sessions.iter().rfind(of);
            let before = ends.last().copied();
            let start = match session {
                Some(session) if session.first_epoch == report.epoch => Some(session.started),
                session => before.or(session.map(|session| session.started)),
            };
            ends.push(start.unwrap_or_default().after_seconds(report.seconds));
        }
        ends
    }
}
