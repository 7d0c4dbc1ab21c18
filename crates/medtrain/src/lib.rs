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
//! * [`log`] and [`provenance`]: what a run leaves behind, and how TensorBoard, DVC and MLflow are told of it.
//!
//! A run resumed from a checkpoint ends with the same bytes as one that never stopped, on any number
//! of threads: everything random is looked up by (seed, epoch, step), nothing is consumed.
#![forbid(unsafe_code)]

pub mod batches;
mod cache;
pub mod checkpoint;
mod digest;
pub mod dist;
mod error;
mod exact;
pub mod federated;
mod fine_tune;
mod loader;
pub mod log;
pub mod manifest;
pub mod objective;
mod observer;
mod progress;
pub mod provenance;
pub mod sampler;
pub mod schedule;
pub mod split;
mod stop;
mod trainer;
mod validator;

pub use batches::{
    ClassTargets, DomainPairs, EvaluationBatch, EvaluationBatches, ImageBatches, PatchBatches,
    Remainder, Shard, Switched,
};
pub use cache::{CacheReport, CachedCase, CaseCache, CaseReader, LoadedCases, Refused};
pub use checkpoint::CheckpointFolder;
pub use error::{BoxError, Error, Result};
pub use fine_tune::FineTune;
pub use loader::{Loader, Prefetch, Source};
pub use log::{EpochReport, RunRecord, Validation};
pub use manifest::DataManifest;
pub use medaug;
pub use mednn;
pub use objective::{Batch, Learnt, Moment, Objective, Supervised};
pub use observer::{Heard, Observer, RunReport, StepReport};
pub use progress::ProgressDisplay;
pub use provenance::{DataDigest, Environment, Provenance};
pub use sampler::Sampling;
pub use schedule::{OneCycle, Plateau, Schedule};
pub use split::{Cohort, Split, TestSet, TrainingSet, ValidationSet};
pub use stop::{EarlyStop, Ending, StopFlag};
pub use trainer::{RateCurve, RatePoint, RateSearch, Sanity, TrainConfig, TrainSummary, Trainer};
pub use validator::Validator;
