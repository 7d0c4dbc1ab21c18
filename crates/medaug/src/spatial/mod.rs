//! Transforms that move voxels, all of them composed into one map and resampled once.

mod affine;
mod elastic_deformation;
mod elastic_transform;
mod extract;
mod flip;
mod folding;
mod grid_distortion;
mod letterbox;
mod optical_distortion;
mod parameters;
mod perspective;
mod random;

pub use affine::Affine;
pub use elastic_deformation::{ElasticDeformation, RandomElasticDeformation};
pub use elastic_transform::{ElasticTransform, Magnitude, RandomElasticTransform, smoothed_noise};
pub use extract::{Sampling, extract};
pub use flip::{Flip, Laterality, RandomFlip, left_right_axis};
pub use folding::Folding;
pub use grid_distortion::{GridDistortion, LastCell, RandomGridDistortion};
pub use letterbox::{Letterbox, LetterboxFit};
pub use optical_distortion::{Lens, OpticalDistortion, RandomOpticalDistortion};
pub use parameters::{Space, SpatialParameters};
pub use perspective::{Perspective, RandomPerspective};
pub use random::RandomSpatial;
