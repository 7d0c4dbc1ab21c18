//! How well two label maps agree: overlap, surfaces, whole cases and reports over many.

mod case;
mod convention;
mod crop;
mod dual_grid;
mod empty;
mod overlap;
mod reason;
mod report;
mod surface;
mod sweep;

pub use case::{CaseMetrics, Evaluation, Structure, StructureMetrics};
pub use convention::{AverageRule, Convention, HdRule, SurfaceDiceRule, SurfaceModel};
pub use empty::{EmptyCase, EmptyPolicy, Measured, Substitute, Substitutes};
pub use overlap::{JointHistogram, Overlap};
pub use reason::{Reason, ReasonThresholds};
pub use report::{Finding, Measure, Report, Summary};
pub use surface::SurfaceDistances;
