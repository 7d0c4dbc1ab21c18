//! Training networks on medical images so that a run can be trusted and taken up again.
//!
//! * [`Loader`]: batches made ahead by several threads, in an order that does not depend on them.
//! * [`Trainer`]: the loop, with checkpoints written whole or not at all, and a log of every epoch.
//! * [`CaseCache`]: what is the same in every epoch, read and prepared once, in memory and on disk.
//! * [`PatchBatches`]: the source of batches for segmentation, patches drawn and augmented by `medaug`.
//!
//! A run resumed from a checkpoint ends with the same bytes as one that never stopped, on any number
//! of threads: everything random is looked up by (seed, epoch, step), nothing is consumed.
#![forbid(unsafe_code)]

mod cache;
pub mod checkpoint;
pub mod dist;
mod error;
pub mod federated;
mod loader;
pub mod log;
mod observer;
mod patches;
mod schedule;
mod split;
mod trainer;

pub use cache::{CacheReport, CaseCache, CaseReader, Refused};
pub use checkpoint::CheckpointFolder;
pub use error::{Error, Result};
pub use loader::{Loader, Prefetch, Source};
pub use log::{EpochReport, Validation};
pub use medaug;
pub use mednn;
pub use observer::{Observer, ProgressDisplay, StepReport};
pub use patches::PatchBatches;
pub use schedule::Schedule;
pub use split::Split;
pub use trainer::{Batch, BoxError, TrainConfig, TrainSummary, Trainer, Validator};
