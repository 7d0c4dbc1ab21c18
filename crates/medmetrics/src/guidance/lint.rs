//! What is wrong with a measurement, in numbers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A metric that misleads on these data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "lint", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Lint {
    /// Overlap of structures of few voxels.
    OverlapOfSmallStructure {
        /// The structure.
        structure: String,
        /// Median of its voxels over the cases that hold it.
        median_voxels: f64,
        /// The Dice of a ball of that size whose outline lies half a voxel too far out.
        dice_half_a_voxel_off: f64,
    },
    /// Hausdorff distances that single voxels decide.
    HausdorffOutliers {
        /// The structure.
        structure: String,
        /// Number of cases in which the maximum is far beyond the percentile.
        cases: u64,
        /// Number of cases with both distances.
        of: u64,
        /// The worst of them.
        worst: String,
        /// Its Hausdorff distance in millimetres.
        hausdorff_mm: f64,
        /// Its Hausdorff percentile in millimetres.
        percentile_mm: f64,
    },
    /// Accuracy of classes of unequal frequency.
    AccuracyUnderImbalance {
        /// The number of the most frequent class, from 0.
        class: usize,
        /// Its share, which is the accuracy of always answering it.
        share: f64,
    },
    /// A mean over cases of which some do not hold the structure.
    AbsentStructure {
        /// The structure.
        structure: String,
        /// Number of cases whose reference does not hold it.
        absent: u64,
        /// Number of cases.
        of: u64,
    },
    /// A tolerance of the surface Dice below the voxel size.
    ToleranceBelowVoxel {
        /// The tolerance in millimetres.
        tolerance_mm: f64,
        /// The length of a voxel edge in millimetres.
        voxel_mm: f64,
    },
    /// Lesions of one patient counted as if they were independent.
    PooledLesions {
        /// Number of lesions.
        lesions: u64,
        /// Number of patients.
        patients: u64,
        /// The largest number of lesions of one patient.
        most: u64,
    },
    /// Too few cases for an interval.
    FewCases {
        /// What was counted, such as `cases` or `positive cases`.
        what: String,
        /// How many there are.
        n: u64,
        /// How many there should be.
        least: u64,
    },
    /// Calibration error over bins of few predictions.
    SparseBins {
        /// Number of bins with too few predictions; empty bins are not counted.
        sparse: u64,
        /// Number of bins that are not empty.
        of: u64,
        /// Predictions in the emptiest of them.
        fewest: u64,
        /// How many there should be.
        least: u64,
    },
}

/// One sentence with the numbers and one with what to do.
impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OverlapOfSmallStructure {
                structure,
                median_voxels,
                dice_half_a_voxel_off,
            } => write!(
                f,
                "{structure} has {median_voxels} voxels in the median case, where an outline half a \
                 voxel off means a Dice of {dice_half_a_voxel_off:.2}; report surface Dice or \
                 detection beside it"
            ),
            Self::HausdorffOutliers {
                structure,
                cases,
                of,
                worst,
                hausdorff_mm,
                percentile_mm,
            } => write!(
                f,
                "single voxels decide the Hausdorff distance of {structure} in {cases} of {of} cases, \
                 in {worst} {hausdorff_mm:.1} mm beside a percentile of {percentile_mm:.1} mm; report \
                 the percentile"
            ),
            Self::AccuracyUnderImbalance { class, share } => write!(
                f,
                "always answering class {class} has an accuracy of {share:.3}; report balanced accuracy or \
                 Matthews correlation"
            ),
            Self::AbsentStructure {
                structure,
                absent,
                of,
            } => write!(
                f,
                "{structure} is absent from the reference of {absent} of {of} cases, where the policy \
                 for empty masks decides; report how many of them were left empty, and the mean of the others"
            ),
            Self::ToleranceBelowVoxel {
                tolerance_mm,
                voxel_mm,
            } => write!(
                f,
                "a tolerance of {tolerance_mm} mm is below the voxel edge of {voxel_mm:.2} mm: an \
                 outline one voxel off along the longest edge is not tolerated; raise it to that edge \
                 or to the distance of readers"
            ),
            Self::PooledLesions {
                lesions,
                patients,
                most,
            } => write!(
                f,
                "{lesions} lesions belong to {patients} patients, up to {most} to one; resample patients for \
                 intervals, and average within patients first"
            ),
            Self::FewCases { what, n, least } => write!(
                f,
                "{n} {what} are too few for an interval to hold what it promises, {least} should be \
                 there; show every value"
            ),
            Self::SparseBins {
                sparse,
                of,
                fewest,
                least,
            } => write!(
                f,
                "{sparse} of {of} bins hold fewer than {least} predictions, one of them {fewest}: the \
                 calibration error is raised by chance; use fewer bins or bins of equal counts"
            ),
        }
    }
}
