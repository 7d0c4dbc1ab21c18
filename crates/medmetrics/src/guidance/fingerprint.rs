//! What a problem is like, as far as the choice of metrics depends on it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// A problem and what is special about it.
///
/// Nothing is special by default: structures of ordinary size, equal costs of both errors, no scores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// What is to be found out.
    pub problem: Problem,
    /// What is special.
    #[serde(default)]
    pub properties: BTreeSet<Property>,
}

impl Fingerprint {
    /// A problem with nothing special about it.
    #[must_use]
    pub fn new(problem: Problem) -> Self {
        Self {
            problem,
            properties: BTreeSet::new(),
        }
    }

    /// The same with something special.
    #[must_use]
    pub fn with(mut self, property: Property) -> Self {
        self.properties.insert(property);
        self
    }

    /// Whether something special holds.
    #[must_use]
    pub fn has(&self, property: Property) -> bool {
        self.properties.contains(&property)
    }
}

/// What is to be found out about an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Problem {
    /// One class for the whole image.
    ImageClassification,
    /// A class for each voxel.
    SemanticSegmentation,
    /// Where objects are, roughly.
    ObjectDetection,
    /// The voxels of each single object.
    InstanceSegmentation,
}

/// Something special about a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Property {
    /// Structures have few voxels.
    SmallStructures,
    /// Structures of one image differ much in size.
    VaryingSizes,
    /// Structures are long and thin: vessels, airways, nerves.
    TubularStructures,
    /// The outline is what counts, such as in radiotherapy.
    BoundaryOfInterest,
    /// The volume is what counts, such as in follow-up.
    VolumeOfInterest,
    /// Annotated outlines are uncertain by more than a voxel.
    NoisyContours,
    /// How far apart two readers' outlines lie is known.
    ToleranceKnown,
    /// A single part far away matters.
    DistantErrorsMatter,
    /// Annotations hold wrong parts far away.
    OutliersInReference,
    /// Images may hold none of the structure.
    EmptyReferences,
    /// A missed case and a false alarm differ in cost.
    UnequalErrorCosts,
    /// Some confusions of classes are worse than others.
    UnequalConfusions,
    /// Classes have an order, such as grades.
    OrderedClasses,
    /// Classes differ much in frequency.
    ClassImbalance,
    /// Positives are rare, and negatives of no interest.
    RarePositives,
    /// The data have the prevalence of later use.
    PrevalenceFixed,
    /// Costs and benefits of a treatment can be stated.
    CostBenefitKnown,
    /// The model gives scores, not only classes.
    ScoresAvailable,
    /// A precision or a sensitivity is prescribed.
    TargetValueGiven,
    /// The number of false positives in an image is what users suffer from.
    FalsePositivesPerImage,
    /// Only the position of an object matters, not its outline.
    PositionOnly,
    /// The exact outline of an object matters.
    FineOutlines,
    /// Probabilities are to be trusted as such.
    CalibrationOfInterest,
    /// Models are compared by their calibration.
    CalibrationCompared,
    /// Images, lesions or visits belong to the same patient or centre.
    HierarchicalData,
}

impl Property {
    /// All of them.
    pub const ALL: [Self; 25] = [
        Self::SmallStructures,
        Self::VaryingSizes,
        Self::TubularStructures,
        Self::BoundaryOfInterest,
        Self::VolumeOfInterest,
        Self::NoisyContours,
        Self::ToleranceKnown,
        Self::DistantErrorsMatter,
        Self::OutliersInReference,
        Self::EmptyReferences,
        Self::UnequalErrorCosts,
        Self::UnequalConfusions,
        Self::OrderedClasses,
        Self::ClassImbalance,
        Self::RarePositives,
        Self::PrevalenceFixed,
        Self::CostBenefitKnown,
        Self::ScoresAvailable,
        Self::TargetValueGiven,
        Self::FalsePositivesPerImage,
        Self::PositionOnly,
        Self::FineOutlines,
        Self::CalibrationOfInterest,
        Self::CalibrationCompared,
        Self::HierarchicalData,
    ];
}
