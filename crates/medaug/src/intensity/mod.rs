//! Transforms of intensities: nothing here moves a voxel, but for boxes that are shuffled or exchanged.

mod anisotropy;
mod brightness;
mod channel;
mod contrast;
mod field;
mod filter;
mod gamma;
mod hole;
mod low_resolution;
mod noise;
mod normalise;
mod scale;
mod shift;
mod tone;
pub(crate) mod upsample;

pub use anisotropy::{Anisotropy, RandomAnisotropy};
pub use brightness::{Brightness, RandomBrightness, brightness};
pub use channel::*;
pub use contrast::{Contrast, ContrastRange, RandomContrast, contrast};
pub use field::*;
pub use filter::*;
pub use gamma::{Gamma, RandomGamma, gamma};
pub use hole::*;
pub use low_resolution::{LowResolution, RandomLowResolution, low_resolution};
pub use noise::*;
pub(crate) use normalise::body;
pub use normalise::{Intensity, Normalise, normalise};
pub use scale::*;
pub use shift::*;
pub use tone::{Invert, Posterize, RandomInvert, RandomPosterize, RandomSolarize, Solarize};
