//! Preprocessing and augmentation for 2D and 3D medical images.
//!
//! * [`Preprocess`] brings a scan onto the grid and the scale a network was trained on, and returns a
//!   [`Trace`] that leads predictions back to the scan's own grid.
//! * [`PatchPipeline`] draws augmented training patches from a [`Case`]: the place by class balance, then
//!   rotation, scaling and mirroring of image and labels in one resampling, then intensities.
//! * Every random transform is a pair: a plain function that changes voxels as told ([`gamma`], [`flip`],
//!   [`extract`]) and a small serialisable struct that draws its parameters ([`RandomGamma`]).
//!
//! Random numbers come from a [`Key`](medcore::random::Key) that names them, and sums are taken in chunks of a
//! fixed size, so the same key gives the same bytes with any number of threads.

mod array;
mod draw;
mod error;
mod intensity;
mod math;
mod parallel;
mod patch;
mod preprocess;
pub mod preset;
mod sample;
mod spatial;
mod step;
mod transform;

/// The example of the README, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use draw::{Channels, Draw};
pub use error::{Error, Result};
pub use intensity::{
    ContrastRange, Gamma, Intensity, RandomBrightness, RandomContrast, RandomGamma,
    RandomGaussianBlur, RandomGaussianNoise, RandomLowResolution, brightness, contrast, gamma,
    gaussian_blur, gaussian_noise, low_resolution, normalise,
};
pub use medcore;
pub use patch::{
    BatchSlot, Case, ClassLocations, ClassVoxels, PatchChoice, PatchPipeline, PatchSampler,
    Placement,
};
pub use preprocess::{
    CaseFingerprint, Fingerprint, Foreground, ForegroundRule, GridRule, IntensityStatistics,
    Modality, Padding, Preprocess, PreprocessOrder, Preprocessed, SliceDistance, Trace,
    foreground_region,
};
pub use sample::Sample;
pub use spatial::{
    Laterality, Letterbox, LetterboxFit, RandomFlip, RandomSpatial, Sampling, Space,
    SpatialParameters, extract, flip, left_right_axis,
};
pub use step::Step;
pub use transform::{Compose, Transform};
