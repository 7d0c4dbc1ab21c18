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
mod error;
mod exact;
mod fine_tune;
mod loader;
pub mod log;
mod objective;
mod observer;
mod patches;
mod progress;
pub mod schedule;
mod split;
mod stop;
mod trainer;
mod validator;

pub use cache::{CacheReport, CaseCache, CaseReader, Refused};
pub use checkpoint::CheckpointFolder;
pub use error::{BoxError, Error, Result};
pub use fine_tune::FineTune;
pub use loader::{Loader, Prefetch, Source};
pub use log::{EpochReport, Validation};
pub use medaug;
pub use mednn;
pub use objective::{Batch, Learnt, Moment, Objective, Supervised};
pub use observer::{Heard, Observer, RunReport, StepReport};
pub use patches::PatchBatches;
pub use progress::ProgressDisplay;
pub use schedule::{OneCycle, Plateau, Schedule};
pub use split::Split;
pub use stop::{EarlyStop, Ending, StopFlag};
pub use trainer::{RateCurve, RatePoint, RateSearch, Sanity, TrainConfig, TrainSummary, Trainer};
pub use validator::Validator;
