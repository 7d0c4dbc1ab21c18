//! Where a network comes from: program, commit, machine and data.
//!
//! The trainer captures the [`Environment`] at every start of a run and writes it into the run's record
//! ([`RunRecord`](crate::log::RunRecord)); what a bundle keeps of it is [`Provenance`]. What cannot be found out is left open, and
//! where it would be missed there is a note why. Nothing of it goes into checkpoints but the data, so that the same run has the
//! same bytes on every machine.

mod data;
mod environment;
mod git;
mod lock;
mod system;
mod time;

use serde::{Deserialize, Serialize};

pub use data::DataDigest;
pub(crate) use data::identity as data_identity;
pub use environment::{Environment, Program};
pub use git::Git;
pub use lock::CargoLock;
pub use system::System;
pub use time::Time;

/// Where a network comes from, as a bundle keeps it: as JSON, this is the `provenance` of `medinfer`'s manifest.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Provenance {
    /// The commit of the program that trained it.
    pub git_commit: Option<String>,
    /// Whether files differed from that commit.
    pub git_dirty: Option<bool>,
    /// SHA-256 of the program's `Cargo.lock`.
    pub cargo_lock_sha256: Option<String>,
    /// The seed of the run.
    pub seed: Option<u64>,
    /// The name of the run in its record and in what loggers told of it.
    pub run: Option<String>,
    /// When the run began, RFC 3339.
    pub created: Option<String>,
    /// The data.
    pub data: Vec<DataDigest>,
}
