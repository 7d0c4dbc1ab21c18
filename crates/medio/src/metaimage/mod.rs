//! MetaImage: `.mha`, and `.mhd` with its data beside it, read and written.
//!
//! A text header of `key = value` lines, the last of which says where the voxels are: behind it, in one
//! file, in a list of files, or in files numbered by a pattern. Data files are opened only below the
//! header's own folder. World coordinates are LPS as they are in ITK; rows of `TransformMatrix` are the
//! directions of the index axes, x first, and the elements of a voxel lie together. A fourth dimension
//! becomes channels.
//!
//! Written from the MetaIO documentation (<https://itk.org/Wiki/MetaIO/Documentation>); ITK decides where
//! it is silent.

mod fields;
mod header;
mod open;

mod write;

pub use header::Header;
pub(crate) use header::is_start;
pub(crate) use open::open;
pub(crate) use write::write;
