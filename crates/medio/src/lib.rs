//! Medical image files: NIfTI-1/2 and segmentation dataset layouts, safe on hostile input.
//!
//! ```no_run
//! let scan = medio::nifti::read_image::<f32, 3>("scan.nii.gz")?;
//! println!("{:?} voxels of {:?} mm", scan.shape(), scan.geometry().spacing());
//! # Ok::<(), medio::Error>(())
//! ```
#![forbid(unsafe_code)]

pub mod annotations;
pub mod datasets;
mod error;
pub mod nifti;
mod relative;

pub use error::{Error, Result};
pub use medcore;
