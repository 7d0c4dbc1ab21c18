//! Measurements for medical images, with the conventions said aloud.
//!
//! * [`JointHistogram`] counts two label maps once; Dice, IoU and volumes of all classes follow from it.
//! * [`SurfaceDistances`] measures two surfaces once; Hausdorff distances, average distances and surface
//!   Dice follow from it.
//! * [`Evaluation`] does both for every structure of a case, [`Report`] sums up cases and names the worst.
//!
//! Libraries disagree about these numbers, by a factor of twenty on one image. A [`Convention`] names
//! whose definition is used, an [`EmptyPolicy`] what an empty mask means; a [`Measured`] value says when it
//! is not an ordinary one. Nothing is NaN by accident.

mod case;
mod convention;
mod crop;
mod dual_grid;
mod empty;
mod error;
mod overlap;
mod reason;
mod report;
mod surface;
mod sweep;

pub use case::{CaseMetrics, Evaluation, Structure, StructureMetrics};
pub use convention::{AverageRule, Convention, HdRule, SurfaceDiceRule, SurfaceModel};
pub use empty::{EmptyCase, EmptyPolicy, Measured, Substitute, Substitutes};
pub use error::{Error, Result};
pub use medcore;
pub use overlap::{JointHistogram, Overlap};
pub use reason::{Reason, ReasonThresholds};
pub use report::{Finding, Measure, Report, Summary};
pub use surface::SurfaceDistances;

/// The README's example, compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
