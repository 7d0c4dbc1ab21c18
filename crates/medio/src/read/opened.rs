//! What lies behind a path: a volume in a file, DICOM, or a stack of pictures.

use std::path::Path;

use medcore::{Budget, Buffer};

use crate::error::{Error, Result};
use crate::fault::Fault;
use crate::format::Format;
use crate::header::Header;
use crate::options::ReadOptions;
use crate::picture::{self, PictureStack};
use crate::raw::Source;
use crate::volume::{self, Facts, Volume, VolumeFile};
use crate::voxel::Voxel;
use crate::{dicom, metaimage, mgh, nifti, nrrd, numpy};

/// A volume that passed every check short of its voxels.
pub(super) enum Opened<'a> {
    File(Box<VolumeFile<'a>>, Header),
    Dicom(Box<dicom::Opened>),
    Pictures(Box<PictureStack>),
}

impl Opened<'_> {
    pub(super) fn header(&self) -> Header {
        match self {
            Self::File(_, header) => header.clone(),
            Self::Dicom(opened) => Header::Dicom(Box::new(opened.header.clone())),
            Self::Pictures(stack) => Header::Plain(stack.format()),
        }
    }
}

impl Opened<'static> {
    /// What lies behind a path.
    pub(super) fn path(path: &Path, options: &ReadOptions, budget: &Budget) -> Result<Self> {
        if path.is_dir() {
            return Ok(match dicom::open_folder(path, options)? {
                Some(opened) => Self::Dicom(Box::new(opened)),
                None => Self::Pictures(Box::new(PictureStack::open(path, options)?)),
            });
        }
        let format = Format::of_file(path)?;
        match format {
            Format::Dicom => Ok(Self::Dicom(Box::new(dicom::open_file(path, options)?))),
            Format::Nifti | Format::Analyze => {
                let (opened, header) = nifti::open_path(path, options, budget)?;
                Ok(Self::File(Box::new(opened), header))
            }
            format => {
                let source = Source::open_file(path).map_err(Error::opening(format, path))?;
                let opened = of_source(format, source.mapped(options.map), options, budget);
                opened.map_err(|refused| refused.at(format, path))
            }
        }
    }
}

impl<'a> Opened<'a> {
    /// A single file in memory.
    pub(super) fn memory(bytes: &'a [u8], options: &ReadOptions, budget: &Budget) -> Result<Self> {
        let name = Path::new("memory");
        let format = Format::of_bytes(bytes).ok_or_else(|| Error::unknown_format(name, bytes))?;
        match format {
            Format::Dicom => Ok(Self::Dicom(Box::new(dicom::open_memory(bytes, options)?))),
            Format::Nifti | Format::Analyze => {
                let (opened, header) = nifti::open_memory(bytes, options)?;
                Ok(Self::File(Box::new(opened), header))
            }
            format => of_source(format, Source::memory(bytes), options, budget)
                .map_err(|refused| refused.at(format, name)),
        }
    }
}

impl volume::Opened for Opened<'_> {
    fn facts(&self) -> Facts<'_> {
        match self {
            Self::File(file, _) => file.facts(),
            Self::Dicom(opened) => opened.facts(),
            Self::Pictures(stack) => stack.facts(),
        }
    }

    fn voxels<T: Voxel>(self, budget: &Budget) -> Result<Volume<Buffer<T>>> {
        match self {
            Self::File(file, _) => file.voxels(budget),
            Self::Dicom(opened) => opened.voxels(budget),
            Self::Pictures(stack) => stack.voxels(budget),
        }
    }
}

/// Why a source was not opened.
enum Refused {
    Fault(Fault),
    Unread(&'static str),
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Refused {
    fn at(self, format: Format, path: &Path) -> Error {
        match self {
            Self::Fault(fault) => Error::file(format, path)(fault),
            Self::Unread(reason) => Error::UnsupportedFormat {
                path: path.to_owned(),
                format,
                reason,
            },
        }
    }
}

fn of_source<'a>(
    format: Format,
    source: Source<'a>,
    options: &ReadOptions,
    budget: &Budget,
) -> std::result::Result<Opened<'a>, Refused> {
    let plain = Header::Plain(format);
    let (opened, header) = match format {
        Format::MetaImage => {
            let (opened, header) = metaimage::open(source, options)?;
            (opened, Header::MetaImage(header))
        }
        Format::Nrrd => {
            let (opened, header) = nrrd::open(source, options)?;
            (opened, Header::Nrrd(Box::new(header)))
        }
        Format::Mgh => {
            let (opened, header) = mgh::open(source, budget)?;
            (opened, Header::Mgh(header))
        }
        Format::Npy => (numpy::open(source, options)?, plain),
        Format::Npz => (numpy::open_archive(source, options, budget)?, plain),
        Format::Png | Format::Tiff | Format::Jpeg | Format::Bmp => {
            (picture::open(format, source, options, budget)?, plain)
        }
        Format::Minc => return Err(Refused::Unread("convert it with mnc2nii")),
        Format::Hdf5 => {
            let reason = "MINC 2 and other HDF5 files need their own library; convert them";
            return Err(Refused::Unread(reason));
        }
        Format::Nifti | Format::Analyze | Format::Dicom => {
            return Err(Refused::Unread("it is not a volume in one file"));
        }
    };
    Ok(Opened::File(Box::new(opened), header))
}
