//! Whether an image is of the kind that a network was trained on.

mod reference;
mod rule;

pub use reference::FeatureReference;
pub use rule::{Outlier, OutlierRule, OutlierScore};
