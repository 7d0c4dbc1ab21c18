//! Transforms that move voxels, all of them composed into one map and resampled once.

mod affine;
mod extract;
mod flip;
mod letterbox;
mod parameters;
mod random;

pub use affine::Affine;
pub use extract::{Sampling, extract};
pub use flip::{Flip, Laterality, RandomFlip, left_right_axis};
pub use letterbox::{Letterbox, LetterboxFit};
pub use parameters::{Space, SpatialParameters};
pub use random::RandomSpatial;
