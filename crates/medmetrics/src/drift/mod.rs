//! Whether new data still look like the data of before.
//!
//! A [`Reference`] keeps what is needed of numbers, a [`MetadataReference`] of acquisition parameters by
//! name, an [`IntensityReference`] of the histograms of images; each is saved beside a model and compared
//! with what comes later. [`Divergences`], [`SampleDistances`] and [`Mmd`] are the measures by themselves, [`Cusum`],
//! [`Ewma`] and [`PageHinkley`] watch one number after the other.

mod divergence;
mod evidently;
mod intensity;
mod metadata;
mod mmd;
mod reference;
mod sequential;
mod thresholds;
mod two_sample;

pub use divergence::{Divergences, EmptyCells};
pub use evidently::{evidently_stability_index, evidently_wasserstein};
pub use intensity::{IntensityBins, IntensityDrift, IntensityHistogram, IntensityReference};
pub use metadata::{DriftReport, FieldDrift, FieldMeasures, FieldValues, MetadataReference};
pub use mmd::{Mmd, MmdEstimator};
pub use reference::{NumericDrift, Reference, ReferenceSettings};
pub use sequential::{Change, Cusum, Ewma, PageHinkley};
pub use thresholds::{DriftReason, DriftThresholds};
pub use two_sample::SampleDistances;
