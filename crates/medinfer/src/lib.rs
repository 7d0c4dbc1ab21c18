//! Inference: a trained network over a whole scan, and back onto the scan's own grid.
//!
//! * [`SlidingWindow`]: where windows lie and how they are weighted, in MONAI's and nnU-Net's conventions;
//! * [`Predictor`]: labels, logits or probabilities of an image in bounded memory, with mirroring;
//! * [`TestTimeAugmentation`]: the same of the mean over further views of the image, and how far they lie apart;
//! * [`Classifier`]: findings of an image as calibrated probabilities and decisions, and how sure they are;
//! * [`FusedClassifier`] and [`RecordClassifier`]: the same of an image with patient data, and of these alone;
//! * [`BoxDetector`]: boxes around findings, through a letterbox or in tiles;
//! * [`Bundle`]: any of them as a folder that proves itself before it is used;
//! * [`explain`]: which parts of an input count for the score of a class;
//! * [`Segmenter`]: preparation, network and labels together, loaded from a folder; nnU-Net's and MONAI's too.
//!
//! Results do not depend on the number of threads.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod blend;
mod bundle;
mod cholesky;
mod classify;
mod detect;
mod error;
pub mod explain;
mod foreign;
mod mirror;
mod outlier;
mod patient;
mod plan;
mod predictor;
mod progress;
mod rule;
mod segmenter;
mod target;
mod views;
mod volume;
mod weight;
mod window;

pub use blend::Accumulation;
pub use bundle::{
    Bundle, BundleWriter, DataDigest, Engine, FileDigest, GoldenCase, GoldenInput, InputSpec,
    LoadOptions, MANIFEST_FILE, Manifest, MetricRecord, Provenance, SIGNATURE_FILE, SignatureKey,
    TaskConfig, Version,
};
pub use classify::{
    AnswerConfig, Calibration, ClassLabel, Classification, Classifier, ClassifierConfig, Code,
    Decision, Grade, LabelKind, MonteCarlo, OperatingPoint, Uncertainty,
};
pub use detect::{BoxDetector, BoxFusion, BoxRules, DetectorConfig, FoundBox, Framing};
pub use error::{Error, Result};
pub use outlier::{FeatureReference, Outlier, OutlierRule, OutlierScore};
pub use patient::{
    Examination, FusedClassifier, FusedConfig, Known, PatientData, RecordClassifier, RecordConfig,
    TokenSource,
};
pub use predictor::Predictor;
pub use progress::{Progress, Silent};
pub use rule::LabelRule;
pub use segmenter::{CONFIG_FILE, Segmenter, SegmenterConfig, WEIGHTS_FILE};
pub use views::{MeanOf, TestTimeAugmentation, VoxelUncertainty, drawn_views};
pub use weight::{Weighting, weight_map};
pub use window::{Convention, SlidingWindow, WindowGrid};
