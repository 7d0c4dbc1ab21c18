//! Transforms of intensities: nothing here moves a voxel.

mod blur;
mod brightness;
mod contrast;
mod gamma;
mod low_resolution;
mod noise;
mod normalise;

pub use blur::{GaussianBlur, RandomGaussianBlur, gaussian_blur};
pub use brightness::{Brightness, RandomBrightness, brightness};
pub use contrast::{Contrast, ContrastRange, RandomContrast, contrast};
pub use gamma::{Gamma, RandomGamma, gamma};
pub use low_resolution::{LowResolution, RandomLowResolution, low_resolution};
pub use noise::{GaussianNoise, RandomGaussianNoise, gaussian_noise};
pub use normalise::{Intensity, normalise};
pub(crate) use normalise::{normalise_channel, score};
