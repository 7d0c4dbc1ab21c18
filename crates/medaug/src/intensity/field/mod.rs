//! Smooth fields over an image that its intensities are multiplied by.

mod bias;
mod smooth;

pub use bias::{BiasBasis, BiasField, RandomBiasField};
pub use smooth::{FieldMode, RandomSmoothFieldAdjustIntensity, SmoothFieldAdjustIntensity};
