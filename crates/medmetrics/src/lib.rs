//! Measurements for medical images, with the conventions said aloud and with their uncertainty.
//!
//! * [`segmentation`]: Dice, surface distances, boundaries, centre lines, lesions, instances and reports of
//!   label maps. [`JointHistogram`] counts two maps once, [`SurfaceDistances`] measures two surfaces once,
//!   [`Evaluation`] does both for every structure of a case, and what [`segmentation::Extras`] asks for;
//!   [`Report`] sums up cases, with intervals by patient, and names the worst.
//! * [`classification`]: confusion matrices, exact ROC and precision-recall curves of any number of scores,
//!   operating points, decision curves.
//! * [`measurement`]: Feret diameters, the axes of RECIST, volumes and sizes of boxes, in mm with end points.
//! * [`quality`]: absolute errors, PSNR, SSIM in 2D and 3D, mutual information of an image and its reference.
//! * [`detection`]: [`Coco`](detection::Coco), VOC and ultralytics average precision, FROC and lesions found,
//!   in 2D and 3D, for boxes, masks and marks.
//! * [`calibration`]: whether probabilities mean what they say, from bins with exact sums; Brier's score and
//!   its parts; calibrators that are fitted here and applied anywhere.
//! * [`drift`]: numbers, acquisition metadata and image intensities against a saved reference, with reasons in
//!   words; detectors that watch a number.
//! * [`agreement`]: kappa, Krippendorff's alpha, ICC, concordance, Bland-Altman, and a panel of readers
//!   beside a model, each with its interval.
//! * [`assignment`]: who is matched with whom at the smallest cost.
//! * [`statistics`]: intervals of proportions and AUCs, the bootstrap, tests of hypotheses, readers, sample
//!   sizes, exact sums.
//! * [`plot`]: curves, calibration, agreement, confusions and distributions as deterministic SVG.
//! * [`table`]: counts and estimates as CSV, JSON and Markdown.
//! * [`guidance`]: which metrics a problem asks for, and where those of a report mislead.
//!
//! Libraries disagree about these numbers, by a factor of twenty on one image. A [`Convention`] names
//! whose definition is used, an [`EmptyPolicy`] what an empty mask means; a [`Measured`] value says when it
//! is not an ordinary one. An [`Estimate`] carries its interval, the number of observations and of those
//! that were undefined. Nothing is NaN by accident.
//!
//! What is measured over many cases is an [`Accumulator`]: parts merge in any order to the same result.

mod accumulator;
pub mod agreement;
pub mod assignment;
pub mod calibration;
pub mod classification;
pub mod detection;
pub mod drift;
mod error;
mod estimate;
pub mod guidance;
pub mod measurement;
mod millimetres;
mod number;
pub mod plot;
pub mod quality;
mod score;
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
