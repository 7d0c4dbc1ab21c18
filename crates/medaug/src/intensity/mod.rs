//! Transforms of intensities: nothing here moves a voxel.

mod blur;
mod brightness;
mod contrast;
mod gamma;
mod low_resolution;
mod noise;
mod normalise;

pub use blur::{RandomGaussianBlur, gaussian_blur};
pub use brightness::{RandomBrightness, brightness};
pub use contrast::{ContrastRange, RandomContrast, contrast};
pub use gamma::{Gamma, RandomGamma, gamma};
pub use low_resolution::{RandomLowResolution, low_resolution};
pub use noise::{RandomGaussianNoise, gaussian_noise};
pub use normalise::{Intensity, normalise};

use crate::sample::Sample;

/// Applies `f` to every channel that has a parameter.
fn each_channel<T, const D: usize>(
    mut sample: Sample<D>,
    parameters: Vec<Option<T>>,
    f: impl Fn(&mut [f32], T),
) -> Sample<D> {
    for (channel, parameter) in parameters.into_iter().enumerate() {
        if let Some(parameter) = parameter {
            f(sample.channel_mut(channel), parameter);
        }
    }
    sample
}
