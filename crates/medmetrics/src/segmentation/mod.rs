//! How well two label maps agree: overlap, surfaces, boundaries, centre lines, lesions and instances; whole
//! cases, and reports over many.

mod boundary;
mod case;
mod centreline;
mod component;
mod convention;
mod crop;
mod directed;
mod dual_grid;
mod empty;
mod evaluation;
mod extras;
mod generalised_dice;
mod instance;
mod instance_matching;
mod lesion;
mod measure;
mod overlap;
mod overlap_score;
mod pair;
mod panoptic;
mod reason;
mod report;
mod report_estimate;
mod report_pooled;
mod result;
mod summary;
mod surface;
mod sweep;
mod torchmetrics;
mod volume;

pub use boundary::BoundaryBand;
pub use centreline::{Centrelines, Skeletoniser};
pub use component::{ComponentCells, ComponentDice, ComponentOverlap};
pub use convention::{AverageRule, Convention, HdRule, SurfaceDiceRule, SurfaceModel};
pub use empty::{EmptyCase, EmptyPolicy, Measured, Substitute, Substitutes};
pub use evaluation::{Evaluation, Structure};
pub use extras::Extras;
pub use generalised_dice::{
    ClassWeighting, GeneralisedDice, GeneralisedDiceConvention, GeneralisedDiceRule,
};
pub use instance::{InstanceMatch, InstanceMatches, InstanceRule};
pub use instance_matching::{InstanceMatchRule, InstanceMatching, MatchScore, MatchThreshold};
pub use lesion::{LesionRule, LesionScore, LesionScores};
pub use measure::Measure;
pub use overlap::{JointHistogram, Overlap};
pub use panoptic::{PanopticQuality, PanopticScores};
pub use reason::{Reason, ReasonThresholds};
pub use report::{Finding, Report};
pub use result::{AverageDistances, CaseMetrics, StructureMetrics, SurfaceDiceAt};
pub use summary::Summary;
pub use surface::SurfaceDistances;
pub use volume::VolumeErrors;
