//! How to set metrics and what to beware of, as tables.

use super::fingerprint::Property;
use super::metric::Metric;
use super::source::{
    CLDICE, CLUSTERED, KUMAR, LUNA16, PITFALLS, PRECISION_RECALL, RELOADED, SURFACE_DICE,
};

/// A sentence about some metrics that holds when all of `needs` do and none of `unless`.
#[derive(Debug)]
pub(super) struct Remark {
    pub(super) metrics: &'static [Metric],
    pub(super) needs: &'static [Property],
    pub(super) unless: &'static [Property],
    pub(super) text: &'static str,
    pub(super) source: &'static str,
}

use Metric as M;
use Property as P;

const OVERLAP: &[Metric] = &[M::Dice, M::FBeta, M::LesionDice];
const SURFACE: &[Metric] = &[
    M::SurfaceDice,
    M::HausdorffPercentile,
    M::AverageSurfaceDistance,
];
const OBJECTS: &[Metric] = &[M::Froc, M::AveragePrecision, M::PanopticQuality];
const COUNTS: &[Metric] = &[
    M::Accuracy,
    M::BalancedAccuracy,
    M::MatthewsCorrelation,
    M::SensitivitySpecificity,
    M::AreaUnderRoc,
    M::AveragePrecision,
    M::Froc,
    M::LesionDice,
];

pub(super) const SETTINGS: &[Remark] = &[
    Remark {
        metrics: &[M::SurfaceDice],
        needs: &[P::ToleranceKnown],
        unless: &[],
        text: "set the tolerance to the distance between readers, for each class",
        source: SURFACE_DICE,
    },
    Remark {
        metrics: &[M::SurfaceDice],
        needs: &[],
        unless: &[P::ToleranceKnown],
        text: "state the tolerance in mm, not below the largest voxel edge, and show several",
        source: SURFACE_DICE,
    },
    Remark {
        metrics: &[M::HausdorffPercentile, M::AverageSurfaceDistance],
        needs: &[],
        unless: &[],
        text: "name the surface, the percentile and how both directions are put together: libraries differ",
        source: PITFALLS,
    },
    Remark {
        metrics: &[M::FBeta],
        needs: &[P::UnequalErrorCosts],
        unless: &[],
        text: "beta above 1 where a miss costs more than a false alarm, below 1 where it costs less",
        source: RELOADED,
    },
    Remark {
        metrics: &[M::ClDice],
        needs: &[],
        unless: &[],
        text: "name the algorithm that thins masks to centre lines: results depend on it",
        source: CLDICE,
    },
    Remark {
        metrics: OVERLAP,
        needs: &[P::EmptyReferences],
        unless: &[],
        text: "fix the policy for empty masks before looking at results, and report how many cases it met",
        source: RELOADED,
    },
    Remark {
        metrics: SURFACE,
        needs: &[P::EmptyReferences],
        unless: &[],
        text: "a missed structure has no distance: give it the worst possible one, and report how often",
        source: RELOADED,
    },
    Remark {
        metrics: OBJECTS,
        needs: &[P::PositionOnly],
        unless: &[P::FineOutlines],
        text: "an object is found when the distance of centres is small or a point lies inside it",
        source: RELOADED,
    },
    Remark {
        metrics: OBJECTS,
        needs: &[P::FineOutlines],
        unless: &[],
        text: "an object is found when its mask overlaps, or the band along its outline where it is thin",
        source: RELOADED,
    },
    Remark {
        metrics: OBJECTS,
        needs: &[],
        unless: &[P::PositionOnly, P::FineOutlines],
        text: "an object is found when boxes overlap by a stated IoU; small 3D objects need a low one",
        source: RELOADED,
    },
    Remark {
        metrics: &[M::Froc],
        needs: &[],
        unless: &[],
        text: "state the false positives per image, such as 1/8 to 8; count images without objects",
        source: LUNA16,
    },
    Remark {
        metrics: &[M::CalibrationError, M::ClasswiseCalibrationError],
        needs: &[],
        unless: &[],
        text: "state number and kind of bins: more of them raise the error of the same predictions",
        source: KUMAR,
    },
    Remark {
        metrics: COUNTS,
        needs: &[P::HierarchicalData],
        unless: &[],
        text: "resample patients, not their images or lesions, for intervals",
        source: CLUSTERED,
    },
    Remark {
        metrics: &[M::Dice, M::FBeta, M::ClDice, M::SurfaceDice],
        needs: &[P::HierarchicalData],
        unless: &[],
        text: "average within a patient first, then over patients",
        source: RELOADED,
    },
];

pub(super) const PITFALL_REMARKS: &[Remark] = &[
    Remark {
        metrics: OVERLAP,
        needs: &[P::SmallStructures],
        unless: &[],
        text: "a border one voxel off can halve the overlap of a small structure",
        source: PITFALLS,
    },
    Remark {
        metrics: OVERLAP,
        needs: &[],
        unless: &[],
        text: "overlap does not see the shape: a hole and a shifted border can score the same",
        source: PITFALLS,
    },
    Remark {
        metrics: &[M::SurfaceDice],
        needs: &[],
        unless: &[],
        text: "beyond the tolerance all errors count the same, however far away they are",
        source: PITFALLS,
    },
    Remark {
        metrics: &[M::HausdorffPercentile],
        needs: &[],
        unless: &[],
        text: "a wrong part that is smaller than the percentile leaves out is not seen",
        source: PITFALLS,
    },
    Remark {
        metrics: &[M::AverageSurfaceDistance],
        needs: &[],
        unless: &[],
        text: "a few distances far away are averaged out by a large surface",
        source: PITFALLS,
    },
    Remark {
        metrics: &[M::VolumeDifference],
        needs: &[],
        unless: &[],
        text: "equal volumes can lie at different places",
        source: PITFALLS,
    },
    Remark {
        metrics: &[M::PanopticQuality],
        needs: &[],
        unless: &[],
        text: "the threshold for a match decides: small objects hardly reach an IoU of 0.5",
        source: PITFALLS,
    },
    Remark {
        metrics: &[
            M::BalancedAccuracy,
            M::Accuracy,
            M::MatthewsCorrelation,
            M::WeightedKappa,
        ],
        needs: &[],
        unless: &[],
        text: "classes that the data do not hold have no sensitivity: say which were left out",
        source: PITFALLS,
    },
    Remark {
        metrics: &[
            M::MatthewsCorrelation,
            M::WeightedKappa,
            M::Accuracy,
            M::NetBenefit,
        ],
        needs: &[],
        unless: &[P::PrevalenceFixed],
        text: "depends on the prevalence: not to be compared between data sets of different prevalence",
        source: PITFALLS,
    },
    Remark {
        metrics: &[M::AreaUnderRoc],
        needs: &[P::ClassImbalance],
        unless: &[],
        text: "a small false positive rate of many negatives is still many false alarms",
        source: PRECISION_RECALL,
    },
    Remark {
        metrics: &[M::AreaUnderRoc],
        needs: &[],
        unless: &[],
        text: "most of the area belongs to thresholds that nobody would use",
        source: PITFALLS,
    },
    Remark {
        metrics: &[M::AveragePrecision],
        needs: &[],
        unless: &[],
        text: "its value for a guess is the prevalence, and interpolations differ between libraries",
        source: PITFALLS,
    },
    Remark {
        metrics: &[M::CalibrationError, M::ClasswiseCalibrationError],
        needs: &[],
        unless: &[],
        text: "bins of few predictions raise it by chance alone",
        source: KUMAR,
    },
    Remark {
        metrics: &[M::ClDice],
        needs: &[],
        unless: &[],
        text: "does not see the width of a vessel: report it beside an overlap where calibre matters",
        source: CLDICE,
    },
];
