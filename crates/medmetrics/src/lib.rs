//! Measurements for medical images, with the conventions said aloud and with their uncertainty.
//!
//! * [`segmentation`]: Dice, surface distances and reports of label maps. [`JointHistogram`] counts two maps
//!   once, [`SurfaceDistances`] measures two surfaces once, [`Evaluation`] does both for every structure of
//!   a case, [`Report`] sums up cases and names the worst.
//! * [`statistics`]: intervals of proportions and AUCs, the bootstrap, tests of hypotheses, readers, sample
//!   sizes, exact sums.
//!
//! Libraries disagree about these numbers, by a factor of twenty on one image. A [`Convention`] names
//! whose definition is used, an [`EmptyPolicy`] what an empty mask means; a [`Measured`] value says when it
//! is not an ordinary one. An [`Estimate`] carries its interval, the number of observations and of those
//! that were undefined. Nothing is NaN by accident.
//!
//! What is measured over many cases is an [`Accumulator`]: parts merge in any order to the same result.

mod accumulator;
pub mod agreement;
pub mod calibration;
pub mod classification;
pub mod detection;
pub mod drift;
mod error;
mod estimate;
pub mod guidance;
pub mod measurement;
mod number;
pub mod plot;
pub mod quality;
pub mod segmentation;
pub mod statistics;
pub mod table;

pub use accumulator::Accumulator;
pub use error::{Error, Result};
pub use estimate::{Confidence, Estimate, Interval, IntervalMethod};
pub use medcore;
pub use segmentation::{
    AverageRule, CaseMetrics, Convention, EmptyCase, EmptyPolicy, Evaluation, Finding, HdRule,
    JointHistogram, Measure, Measured, Overlap, Reason, ReasonThresholds, Report, Structure,
    StructureMetrics, Substitute, Substitutes, Summary, SurfaceDiceRule, SurfaceDistances,
    SurfaceModel,
};

/// The README's example, compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
