//! Intensities shifted, stretched and bent, each voxel by its own value.

mod adjust_contrast;
mod brightness_contrast;
mod histogram_shift;
mod scale;
mod std_shift;
mod translate;

pub use adjust_contrast::{AdjustContrast, RandomAdjustContrast};
pub use brightness_contrast::{BrightnessContrast, BrightnessUnit, RandomBrightnessContrast};
pub use histogram_shift::{HistogramShift, RandomHistogramShift, histogram_shift};
pub use scale::{RandomScaleIntensity, ScaleIntensity};
pub use std_shift::{RandomStdShiftIntensity, StdShiftIntensity};
pub use translate::{RandomShiftIntensity, ShiftIntensity};
