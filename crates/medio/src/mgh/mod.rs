//! FreeSurfer's MGH and MGZ volumes, read and written.
//!
//! A big-endian header of 284 bytes, voxels, and a footer that is not read; `.mgz` is the whole in gzip.
//! Frames become channels. The header places the voxel at half the size of the grid, in RAS, and that is
//! the one convention that trips its readers: it is not the centre of the grid.
//!
//! Written from the format's description (<https://surfer.nmr.mgh.harvard.edu/fswiki/FsTutorial/MghFormat>);
//! nibabel decides where it is silent.

mod open;

mod write;

pub use open::Header;
pub(crate) use open::open;
pub(crate) use write::write;

/// Bytes of the header; voxels follow.
const HEADER: usize = 284;

/// Number types by their codes.
const TYPES: [(i32, crate::voxel::Datatype); 5] = [
    (0, crate::voxel::Datatype::U8),
    (1, crate::voxel::Datatype::I32),
    (3, crate::voxel::Datatype::F32),
    (4, crate::voxel::Datatype::I16),
    (10, crate::voxel::Datatype::U16),
];
