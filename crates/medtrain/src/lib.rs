//! Training networks on medical images so that a run can be trusted and taken up again.
//!
//! * [`Loader`]: batches made ahead by several threads, in an order that does not depend on them.
//! * [`Trainer`]: the loop, with checkpoints written whole or not at all, and a log of every epoch.
//! * [`CaseCache`]: what is the same in every epoch, read and prepared once, in memory and on disk.
//! * [`Cohort`] and [`Split`]: patients divided into three parts of three types, with leaks refused by name.
//! * [`DataManifest`]: every case with its part, every file with its hash, and whether they are still the same.
//! * [`PatchBatches`]: the source of batches for segmentation, patches drawn and augmented by `medaug`.
//! * [`ImageBatches`]: the source of batches for classification, whole images with their classes; [`Sampling`] says how
//!   often each is seen, [`EvaluationBatches`] gives them in order.
//!
//! A run resumed from a checkpoint ends with the same bytes as one that never stopped, on any number
//! of threads: everything random is looked up by (seed, epoch, step), nothing is consumed.
#![forbid(unsafe_code)]

pub mod batches;
mod cache;
pub mod checkpoint;
mod digest;
mod error;
mod loader;
pub mod log;
pub mod manifest;
mod observer;
pub mod sampler;
mod schedule;
pub mod split;
mod trainer;

pub use batches::{
    ClassTargets, EvaluationBatch, EvaluationBatches, ImageBatches, PatchBatches, Remainder, Shard,
};
pub use cache::{CacheReport, CachedCase, CaseCache, CaseReader, LoadedCases, Refused};
pub use checkpoint::CheckpointFolder;
pub use error::{Error, Result};
pub use loader::{Loader, Prefetch, Source};
pub use log::{EpochReport, Validation};
pub use manifest::DataManifest;
pub use medaug;
pub use mednn;
pub use observer::{Observer, ProgressDisplay, StepReport};
pub use sampler::Sampling;
pub use schedule::Schedule;
pub use split::{Cohort, Split, TestSet, TrainingSet, ValidationSet};
pub use trainer::{Batch, BoxError, TrainConfig, TrainSummary, Trainer, Validator};
