//! NIfTI-1 and NIfTI-2: `.nii`, `.nii.gz`, `.hdr` + `.img`, both byte orders, read and written.
//!
//! Images come in LPS millimetres and `[channels, depth, height, width]`; the way from NIfTI's RAS and
//! back is here and nowhere else. Compression is recognised by content. Values are scaled in `f64`.
//! A file either gives the volume its header describes or a typed error: sizes are checked against
//! what is there before anything is allocated, and whatever was repaired is in the [`Report`].
//!
//! Written from the standard (<https://nifti.nimh.nih.gov>); nibabel decides where it is silent.

// What reads untrusted bytes may not panic, wrap or index.
#[cfg_attr(
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
mod extension;
#[cfg_attr(
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
mod header;
#[cfg_attr(
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
mod inflate;
#[cfg_attr(
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
mod layout;
#[cfg_attr(
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
mod open;
#[cfg_attr(
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
mod xform;

mod convert;
mod datatype;
mod deflate;
mod encode;
mod fault;
mod options;
mod read;
mod report;
mod write;

pub use datatype::{Datatype, Voxel};
pub use extension::Extension;
pub use fault::Fault;
pub use header::{Endian, Header, Version};
pub use options::{AnyImage, Info, Loaded, ReadOptions};
pub use read::{
    decode, read, read_header, read_header_with, read_image, read_image_with, read_labels,
    read_labels_with,
};
pub use report::{Report, Warning};
pub use write::{WriteOptions, check_target, write_image, write_labels};
pub use xform::XformChoice;
