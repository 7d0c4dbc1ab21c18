//! How close an image is to a reference: absolute and squared errors, PSNR, SSIM, mutual information.
//!
//! An [`ImagePair`] is checked once and asked for what is needed, within a mask if there is one. What
//! libraries disagree about is said by name: the window, the covariance and the border of SSIM
//! ([`SsimConfig`]), and the data range, which is never guessed. [`PooledErrors`] and [`CaseMean`] sum up
//! many cases and merge in any order to the same bits.

mod difference;
mod information;
mod multiscale;
mod pair;
mod similarity;
mod ssim;
mod summary;

pub use difference::Differences;
pub use information::NmiRule;
pub use multiscale::MsSsimConfig;
pub use pair::ImagePair;
pub use ssim::{Covariance, SsimBorder, SsimConfig, SsimConvention, SsimWindow};
pub use summary::{CaseMean, ErrorSummary, PooledErrors};
