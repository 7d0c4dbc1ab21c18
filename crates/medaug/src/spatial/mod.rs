//! Transforms that move voxels, all of them composed into one map and resampled once.

mod affine;
mod convention;
mod convention_random;
mod extract;
mod flip;
mod lattice;
mod letterbox;
mod named;
mod orient;
mod parameters;
mod random;
mod rotate90;
mod transpose;

pub use affine::Affine;
pub use convention::{MonaiAffine, ShiftScaleRotate, TorchioAffine};
pub use convention_random::{RandomMonaiAffine, RandomShiftScaleRotate, RandomTorchioAffine};
pub use extract::{Sampling, extract};
pub use flip::{Flip, Laterality, RandomFlip, left_right_axis};
pub use letterbox::{Letterbox, LetterboxFit};
pub use named::{RandomRotate, RandomScale, RandomShear, RandomTranslate};
pub use orient::Orient;
pub use parameters::{Space, SpatialParameters};
pub use random::RandomSpatial;
pub use rotate90::{RandomRotate90, Rotate90};
pub use transpose::{RandomSymmetry, Transpose};
