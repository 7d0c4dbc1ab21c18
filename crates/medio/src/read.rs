//! The one door: any file, its format found in its contents.

use std::path::Path;

use medcore::{Budget, Image, Label, LabelMap};

use crate::any_image::AnyImage;
use crate::error::{Error, Result};
use crate::fault::Fault;
use crate::format::Format;
use crate::header::{Header, Info, Loaded};
use crate::options::ReadOptions;
use crate::raw::Source;
use crate::volume::{Opened, Volume};
use crate::voxel::Voxel;
use crate::{metaimage, mgh, nifti, nrrd, numpy, picture};

/// Reads an image as `T`: floats are rounded to the nearest, integers must be exact.
///
/// The format is found in the file's contents, whatever its name. The image comes in LPS millimetres, as
/// `[channels, depth, height, width]`.
///
/// ```no_run
/// let scan = medio::read::<f32, 3>("scan.nrrd")?;
/// println!("{:?} voxels of {:?} mm", scan.shape(), scan.geometry().spacing());
/// # Ok::<(), medio::Error>(())
/// ```
///
/// # Errors
/// [`Error::Io`] if the file cannot be read, [`Error::UnknownFormat`] and [`Error::UnsupportedFormat`] if it is
/// none that is read; [`Error::File`] says what in it is wrong and where, also for a value that `T` cannot hold
/// and for more than `D` dimensions of space.
pub fn read<T: Voxel, const D: usize>(path: impl AsRef<Path>) -> Result<Image<T, D>> {
    Ok(read_with(path, &ReadOptions::new())?.value)
}

/// As [`read()`], with options, and with header and report.
///
/// # Errors
/// As [`read()`].
pub fn read_with<T: Voxel, const D: usize>(
    path: impl AsRef<Path>,
    options: &ReadOptions,
) -> Result<Loaded<Image<T, D>>> {
    from_path(path.as_ref(), options, Opened::image)
}

/// Reads an image in the type its file holds, or as floats where its values are scaled.
///
/// ```no_run
/// use medio::{AnyImage, ReadOptions};
///
/// let loaded = medio::read_any("scan.mha", &ReadOptions::new())?;
/// if let AnyImage::I16(scan) = &loaded.value {
///     println!("{:?} at {:?} mm", scan.shape(), scan.geometry().spacing());
/// }
/// for warning in &loaded.report.warnings {
///     println!("{warning}");
/// }
/// # Ok::<(), medio::Error>(())
/// ```
///
/// # Errors
/// As [`read()`].
pub fn read_any(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Loaded<AnyImage>> {
    from_path(path.as_ref(), options, Opened::any)
}

/// Reads a map of classes; every value must be a whole number that `L` can hold.
///
/// ```no_run
/// let organs = medio::read_labels::<u8, 3>("organs.seg.nrrd")?;
/// # Ok::<(), medio::Error>(())
/// ```
///
/// # Errors
/// As [`read()`]; and for more than one channel.
pub fn read_labels<L: Label + Voxel, const D: usize>(
    path: impl AsRef<Path>,
) -> Result<LabelMap<L, D>> {
    Ok(read_labels_with(path, &ReadOptions::new())?.value)
}

/// As [`read_labels`], with options, and with header and report.
///
/// # Errors
/// As [`read_labels`].
pub fn read_labels_with<L: Label + Voxel, const D: usize>(
    path: impl AsRef<Path>,
    options: &ReadOptions,
) -> Result<Loaded<LabelMap<L, D>>> {
    from_path(path.as_ref(), options, Opened::labels)
}

/// Reads what a file holds without its voxels.
///
/// ```no_run
/// let info = medio::read_header("scan.mhd")?;
/// println!("{}: {:?} of {}", info.header.format(), info.geometry.shape(), info.datatype.name());
/// # Ok::<(), medio::Error>(())
/// ```
///
/// # Errors
/// As [`read()`], as far as the header can tell.
pub fn read_header(path: impl AsRef<Path>) -> Result<Info> {
    read_header_with(path, &ReadOptions::new())
}

/// As [`read_header`], with options.
///
/// # Errors
/// As [`read_header`].
pub fn read_header_with(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Info> {
    let fresh = Budget::default();
    let budget = options.budget.as_deref().unwrap_or(&fresh);
    let (opened, header) = open(path.as_ref(), options, budget)?;
    Ok(Info {
        header,
        geometry: opened.geometry,
        channels: opened.stored.channels,
        datatype: opened.stored.sample,
        report: opened.report,
    })
}

/// As [`read_any`], from a single file that is in memory.
///
/// # Errors
/// As [`read()`]; errors name the path `memory`. Data in other files is not looked for.
pub fn decode(bytes: &[u8], options: &ReadOptions) -> Result<Loaded<AnyImage>> {
    let fresh = Budget::default();
    let budget = options.budget.as_deref().unwrap_or(&fresh);
    let name = Path::new("memory");
    let format = Format::of_bytes(bytes).ok_or_else(|| Error::unknown_format(name, bytes))?;
    let (opened, header) = match format {
        Format::Nifti | Format::Analyze => nifti::open_memory(bytes, options)?,
        format => open_source(format, Source::memory(bytes), options, budget)
            .map_err(|refused| refused.at(format, name))?,
    };
    let Volume { value, report } = opened.any(budget)?;
    Ok(Loaded {
        value,
        header,
        report,
    })
}

fn from_path<V>(
    path: &Path,
    options: &ReadOptions,
    load: impl FnOnce(Opened<'static>, &Budget) -> Result<Volume<V>>,
) -> Result<Loaded<V>> {
    let fresh = Budget::default();
    let budget = options.budget.as_deref().unwrap_or(&fresh);
    let (opened, header) = open(path, options, budget)?;
    let Volume { value, report } = load(opened, budget)?;
    Ok(Loaded {
        value,
        header,
        report,
    })
}

fn open(path: &Path, options: &ReadOptions, budget: &Budget) -> Result<(Opened<'static>, Header)> {
    let format = Format::of_file(path)?;
    if matches!(format, Format::Nifti | Format::Analyze) {
        return nifti::open_path(path, options, budget);
    }
    let source = Source::open_file(path).map_err(Error::opening(format, path))?;
    open_source(format, source.mapped(options.map), options, budget)
        .map_err(|refused| refused.at(format, path))
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

fn open_source<'a>(
    format: Format,
    source: Source<'a>,
    options: &ReadOptions,
    budget: &Budget,
) -> std::result::Result<(Opened<'a>, Header), Refused> {
    if let Some(reason) = format.unread() {
        return Err(Refused::Unread(reason));
    }
    Ok(match format {
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
        Format::Npy => (numpy::open(source, options)?, Header::Plain(format)),
        Format::Npz => {
            let opened = numpy::open_archive(source, options, budget)?;
            (opened, Header::Plain(format))
        }
        Format::Png | Format::Tiff | Format::Jpeg | Format::Bmp => {
            let opened = picture::open(format, source, options, budget)?;
            (opened, Header::Plain(format))
        }
        Format::Nifti | Format::Analyze | Format::Dicom | Format::Minc | Format::Hdf5 => {
            return Err(Refused::Unread("it is not a volume in one file"));
        }
    })
}
