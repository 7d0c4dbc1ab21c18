//! What reading a NIfTI file gives besides voxels.

use medcore::Geometry;

use super::extension::Extension;
use super::header::Header;
use crate::report::Report;
use crate::voxel::Datatype;

/// An image or label map with what else its file said.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Loaded<V> {
    /// The voxels and where they are.
    pub value: V,
    /// The header as stored; [`super::WriteOptions::like`] takes it.
    pub header: Header,
    /// Extensions, if they were asked for.
    pub extensions: Vec<Extension>,
    /// Doubts and repairs.
    pub report: Report,
}

/// What a file holds, read without its voxels.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Info {
    /// The header as stored.
    pub header: Header,
    /// The grid in LPS millimetres.
    pub geometry: Geometry<3>,
    /// Channels that reading would give: dimension 4 or 5, or the samples of a colour.
    pub channels: usize,
    /// How voxels are stored.
    pub datatype: Datatype,
    /// Doubts and repairs.
    pub report: Report,
}
