//! Filters: every voxel from its neighbourhood.

mod blur;
mod border;
mod box_blur;
mod convolve;
mod gaussian_blur;
mod gaussian_sharpen;
mod gaussian_smooth;
mod laplacian_sharpen;
mod median;
mod motion_blur;
mod network;
mod separable;
mod sharpen;
mod unsharp_mask;

pub use blur::{Blur, RandomBlur};
pub use border::FilterBorder;
pub use box_blur::{BoxBlur, RandomBoxBlur};
pub use gaussian_blur::{GaussianBlur, RandomGaussianBlur, gaussian_blur};
pub use gaussian_sharpen::{GaussianSharpen, RandomGaussianSharpen};
pub(crate) use gaussian_smooth::erf_kernel;
pub use gaussian_smooth::{GaussianSmooth, RandomGaussianSmooth};
pub use laplacian_sharpen::{LaplacianSharpen, RandomLaplacianSharpen};
pub use median::{MedianFilter, RandomMedianFilter, median_filter};
pub use motion_blur::{LinePlace, MotionBlur, RandomMotionBlur};
pub(crate) use separable::sampled_gaussian;
pub use separable::separable_filter;
pub use sharpen::{RandomSharpen, Sharpen};
pub use unsharp_mask::{RandomUnsharpMask, UnsharpMask};
