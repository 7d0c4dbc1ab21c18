//! What a run leaves behind for people and other programs.
//!
//! The trainer itself writes, whole or not at all, into the folder of a run
//!
//! - `log.jsonl`: one line an epoch, the truth ([`read`]); `log.csv` says the same to spreadsheets;
//! - `run.json`: what was learnt from which data, and when, where and by which program ([`RunRecord`]).
//!
//! Loggers are [observers](crate::Observer) that tell others: [`TensorBoard`](tensorboard::TensorBoard),
//! [`DvcLive`](dvc::DvcLive) and, with the feature `mlflow`, a tracking server. What they fail at never ends a run: it is kept,
//! and everything can be told again from the two files. Weights & Biases is told from them alone ([`wandb::export`]).

pub mod dvc;
mod epoch;
mod files;
#[cfg(feature = "mlflow")]
pub mod mlflow;
mod number;
mod plain;
mod run;
mod setting;
pub mod tensorboard;
pub mod wandb;

pub use epoch::{EpochReport, Validation};
pub(crate) use files::RunLog;
pub use files::{LOG_FILE, read};
pub use run::{Best, RUN_FILE, RunRecord, Session, SessionEnd};
pub use setting::settings;
