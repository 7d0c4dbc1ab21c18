//! Medical image files: volumes of many formats and segmentation dataset layouts, safe on hostile input.
//!
//! ```no_run
//! let scan = medio::read::<f32, 3>("scan.nrrd")?; // or .nii.gz, .mha, .mgz ...
//! println!("{:?} voxels of {:?} mm", scan.shape(), scan.geometry().spacing());
//! # Ok::<(), medio::Error>(())
//! ```
#![forbid(unsafe_code)]
// What reads untrusted bytes may not panic, wrap or index. Modules that need some of it say so, and why.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions
    )
)]

pub mod annotations;
mod any_image;
pub mod datasets;
pub mod dicom;
#[cfg(feature = "dicomweb")]
pub mod dicomweb;
mod entries;
mod error;
mod fault;
mod format;
mod grid;
mod header;
pub mod metaimage;
pub mod mgh;
pub mod nifti;
pub mod nrrd;
mod numpy;
mod options;
pub mod picture;
mod raw;
mod read;
mod relative;
mod report;
mod volume;
mod voxel;
mod write;

pub use any_image::AnyImage;
pub use entries::Entries;
pub use error::{Error, Result};
pub use fault::Fault;
pub use format::Format;
pub use header::{Header, Info, Loaded};
pub use medcore;
pub use options::ReadOptions;
pub use raw::Endian;
pub use read::{
    decode, read, read_any, read_header, read_header_with, read_labels, read_labels_with, read_with,
};
pub use report::{Report, Warning};
pub use voxel::{Datatype, Voxel};
pub use write::{Compression, WriteOptions, write, write_labels, write_labels_with, write_with};
