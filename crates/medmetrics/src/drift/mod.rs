//! Whether new data still look like the data of before.

mod divergence;
mod evidently;
mod mmd;
mod reference;
mod sequential;
mod two_sample;

pub use divergence::{Divergences, EmptyCells};
pub use evidently::{evidently_stability_index, evidently_wasserstein};
pub use mmd::{Mmd, MmdEstimator};
pub use reference::{NumericDrift, Reference, ReferenceSettings};
pub use sequential::{Change, Cusum, Ewma, PageHinkley};
pub use two_sample::SampleDistances;
