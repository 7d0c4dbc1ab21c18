//! Intensities brought to a scale: ranges, percentiles, scores, thresholds and masks.

mod auto_contrast;
mod clamp;
mod clip_percentiles;
mod extent;
mod fixed_mean;
mod mask;
mod mask_intensity;
mod normalize;
mod otsu;
mod percentile;
mod range;
mod range_percentiles;
mod rescale;
mod threshold;

pub use auto_contrast::{AutoContrast, RandomAutoContrast};
pub use clamp::Clamp;
pub(super) use clamp::scale_and_clip;
pub use clip_percentiles::{ClipIntensityPercentiles, soft_clip};
pub use extent::Extent;
pub use fixed_mean::{RandomScaleIntensityFixedMean, ScaleIntensityFixedMean};
pub use mask::Mask;
pub use mask_intensity::MaskIntensity;
pub use normalize::{Deviation, NormalizeIntensity, OutsideMask};
pub use otsu::otsu_threshold;
pub use percentile::percentiles;
pub use range::{ScaleIntensityRange, scale_range};
pub use range_percentiles::ScaleIntensityRangePercentiles;
pub use rescale::RescaleIntensity;
pub use threshold::{Side, ThresholdIntensity};
