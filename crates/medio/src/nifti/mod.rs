//! NIfTI-1 and NIfTI-2: `.nii`, `.nii.gz`, `.hdr` + `.img`, both byte orders, read and written; Analyze 7.5
//! pairs, read.
//!
//! Images come in LPS millimetres and `[channels, depth, height, width]`; the way from NIfTI's RAS and
//! back is here and nowhere else. Compression is recognised by content. Values are scaled in `f64`.
//! A file either gives the volume its header describes or a typed error: sizes are checked against
//! what is there before anything is allocated, and whatever was repaired is in the [`Report`].
//!
//! Written from the standard (<https://nifti.nimh.nih.gov>); nibabel decides where it is silent.

mod analyze;
mod extension;
mod header;
mod layout;
mod open;
mod xform;

mod datatype;
mod encode;
mod loaded;
mod read;
mod write;

pub(crate) use open::header_of;

pub use crate::any_image::AnyImage;
pub use crate::fault::Fault;
pub use crate::options::ReadOptions;
pub use crate::raw::Endian;
pub use crate::report::{Report, Warning};
pub use crate::voxel::{Datatype, Voxel};
pub use extension::Extension;
pub use header::{Header, Version};
pub use loaded::{Info, Loaded};
pub use read::{
    decode, read, read_header, read_header_with, read_image, read_image_with, read_labels,
    read_labels_with,
};
pub use write::{WriteOptions, check_target, write_image, write_labels};
pub use xform::XformChoice;

/// Opens a file or a pair for the door that all formats share.
pub(crate) fn open_path(
    path: &std::path::Path,
    options: &ReadOptions,
    budget: &medcore::Budget,
) -> crate::Result<(crate::volume::VolumeFile<'static>, crate::Header)> {
    open::open_path(path, options, budget).map(split)
}

/// As [`open_path`], from a single file in memory.
pub(crate) fn open_memory<'a>(
    bytes: &'a [u8],
    options: &ReadOptions,
) -> crate::Result<(crate::volume::VolumeFile<'a>, crate::Header)> {
    open::open_memory(bytes, options).map(split)
}

fn split(opened: open::Opened<'_>) -> (crate::volume::VolumeFile<'_>, crate::Header) {
    let header = crate::Header::Nifti(Box::new(opened.header));
    (opened.volume, header)
}
