//! Filters: every voxel from its neighbourhood.

mod adjust_sharpness;
mod blur;
mod border;
mod box_blur;
mod convolve;
mod emboss;
mod gaussian_blur;
mod gaussian_sharpen;
mod gaussian_smooth;
mod image_filter;
mod laplacian_sharpen;
mod median;
mod motion_blur;
mod network;
mod separable;
mod sharpen;
mod unsharp_mask;

pub use adjust_sharpness::{AdjustSharpness, RandomAdjustSharpness};
pub use blur::{Blur, RandomBlur};
pub use border::FilterBorder;
pub use box_blur::{BoxBlur, RandomBoxBlur};
pub use emboss::{Emboss, RandomEmboss};
pub use gaussian_blur::{GaussianBlur, RandomGaussianBlur, gaussian_blur};
pub use gaussian_sharpen::{GaussianSharpen, RandomGaussianSharpen};
pub(crate) use gaussian_smooth::erf_kernel;
pub use gaussian_smooth::{GaussianSmooth, RandomGaussianSmooth};
pub use image_filter::{FilterKind, ImageFilter, RandomImageFilter};
pub use laplacian_sharpen::{LaplacianSharpen, RandomLaplacianSharpen};
pub use median::{MedianFilter, RandomMedianFilter, median_filter};
pub use motion_blur::{LinePlace, MotionBlur, RandomMotionBlur};
pub(crate) use separable::sampled_gaussian;
pub use separable::separable_filter;
pub use sharpen::{RandomSharpen, Sharpen};
pub use unsharp_mask::{RandomUnsharpMask, UnsharpMask};
