//! The one door: any file or folder, its format found in its contents.

mod opened;

use std::path::Path;

use medcore::{Budget, Image, Label, LabelMap};

use crate::any_image::AnyImage;
use crate::error::Result;
use crate::header::{Info, Loaded};
use crate::options::ReadOptions;
use crate::volume::{Opened as _, Volume};
use crate::voxel::Voxel;
use opened::Opened;

/// Reads an image as `T`: floats are rounded to the nearest, integers must be exact.
///
/// The format is found in the file's contents, whatever its name. A folder is a DICOM series, or a stack of
/// pictures where it holds nothing but pictures. The image comes in LPS millimetres, as
/// `[channels, depth, height, width]`.
///
/// ```no_run
/// let scan = medio::read::<f32, 3>("scan.nrrd")?;
/// println!("{:?} voxels of {:?} mm", scan.shape(), scan.geometry().spacing());
/// let series = medio::read::<i16, 3>("folder_of_slices")?; // Hounsfield units
/// let radiograph = medio::read::<f32, 2>("chest.dcm")?;
/// # Ok::<(), medio::Error>(())
/// ```
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) if the path cannot be read, [`Error::UnknownFormat`](crate::Error::UnknownFormat)
/// and [`Error::UnsupportedFormat`](crate::Error::UnsupportedFormat) if it is none that is read;
/// [`Error::File`](crate::Error::File) and [`Error::Dicom`](crate::Error::Dicom) say what in it is wrong and where,
/// also for a value that `T` cannot hold and for more than `D` dimensions of space;
/// [`Error::Series`](crate::Error::Series) why a folder's slices are not one volume: several series (choose by
/// [`ReadOptions::series`]), gaps, duplicates, files that cannot be read.
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
/// The classes of a DICOM segmentation are the numbers of its segments, on its own grid;
/// [`dicom::Segmentation`](crate::dicom::Segmentation) puts them onto others.
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
    let budget = &*options.own_budget();
    let opened = Opened::path(path.as_ref(), options, budget)?;
    let facts = opened.facts();
    Ok(Info {
        header: opened.header(),
        geometry: facts.geometry,
        channels: facts.channels,
        datatype: facts.stored,
        report: facts.report.clone(),
    })
}

/// As [`read_any`], from a single file that is in memory.
///
/// # Errors
/// As [`read()`]; errors name the path `memory`. Data in other files is not looked for.
pub fn decode(bytes: &[u8], options: &ReadOptions) -> Result<Loaded<AnyImage>> {
    let budget = &*options.own_budget();
    loaded(Opened::memory(bytes, options, budget)?, |opened| {
        opened.any(budget)
    })
}

fn from_path<V>(
    path: &Path,
    options: &ReadOptions,
    load: impl FnOnce(Opened<'static>, &Budget) -> Result<Volume<V>>,
) -> Result<Loaded<V>> {
    let budget = &*options.own_budget();
    loaded(Opened::path(path, options, budget)?, |opened| {
        load(opened, budget)
    })
}

fn loaded<'a, V>(
    opened: Opened<'a>,
    load: impl FnOnce(Opened<'a>) -> Result<Volume<V>>,
) -> Result<Loaded<V>> {
    let header = opened.header();
    let Volume { value, report } = load(opened)?;
    Ok(Loaded {
        value,
        header,
        report,
    })
}
