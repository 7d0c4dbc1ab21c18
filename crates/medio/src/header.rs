//! What a file says beyond its voxels, whatever its format.

use medcore::Geometry;

use crate::format::Format;
use crate::report::Report;
use crate::voxel::Datatype;
use crate::{dicom, metaimage, mgh, nifti, nrrd};

/// The header of a file in its format's own terms.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Header {
    /// NIfTI and Analyze 7.5, with a header that [`nifti::WriteOptions::like`] takes.
    Nifti(Box<nifti::Header>),
    /// MetaImage.
    MetaImage(metaimage::Header),
    /// NRRD.
    Nrrd(Box<nrrd::Header>),
    /// A format whose header says nothing beyond sizes and number type: arrays and pictures.
    Plain(Format),
    /// MGH.
    Mgh(mgh::Header),
    /// DICOM.
    Dicom(Box<dicom::VolumeHeader>),
}

impl Header {
    /// The format it belongs to.
    #[must_use]
    pub fn format(&self) -> Format {
        match self {
            Self::Nifti(header) if header.version == nifti::Version::Analyze => Format::Analyze,
            Self::Nifti(_) => Format::Nifti,
            Self::MetaImage(_) => Format::MetaImage,
            Self::Nrrd(_) => Format::Nrrd,
            Self::Mgh(_) => Format::Mgh,
            Self::Dicom(_) => Format::Dicom,
            Self::Plain(format) => *format,
        }
    }
}

/// An image or label map with what else its file said.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Loaded<V> {
    /// The voxels and where they are.
    pub value: V,
    /// The header in its format's own terms.
    pub header: Header,
    /// Doubts and repairs.
    pub report: Report,
}

/// What a file holds, read without its voxels.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Info {
    /// The header in its format's own terms.
    pub header: Header,
    /// The grid in LPS millimetres.
    pub geometry: Geometry<3>,
    /// Channels that reading would give: components, time points or colours.
    pub channels: usize,
    /// The number type of a stored sample.
    pub datatype: Datatype,
    /// Doubts and repairs.
    pub report: Report,
}
