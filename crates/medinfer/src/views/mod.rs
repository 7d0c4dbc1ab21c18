//! Test-time augmentation: further views of an image, each prediction led back onto the image's grid, and
//! their mean.
//!
//! Mirror images of windows ([`Predictor::with_mirror_axes`](crate::Predictor::with_mirror_axes)) are the one
//! view that costs no memory; here a view is any pipeline of `medaug` that draws nothing and whose moves can
//! be undone. Every view goes through the sliding window by itself, and of those before it only running means
//! are kept.

mod augmentation;
mod check;
mod decide;
mod drawn;
mod gathered;
mod mean_of;
mod running;
mod seen;
mod spread;
mod uncertainty;

pub use augmentation::TestTimeAugmentation;
pub use drawn::drawn_views;
pub use mean_of::MeanOf;
pub use uncertainty::VoxelUncertainty;

pub(crate) use check::{check_sides, check_view};
