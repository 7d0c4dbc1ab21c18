//! NIfTI files as images, with their own header.

use std::path::Path;

use medcore::{Budget, Image, Label, LabelMap};

use super::loaded::{Info, Loaded};
use super::open::{self, Opened};
use crate::any_image::AnyImage;
use crate::error::Result;
use crate::options::ReadOptions;
use crate::volume::{Opened as _, Volume, VolumeFile};
use crate::voxel::Voxel;

/// Reads an image in the type its file holds, as `[channels, depth, height, width]`.
///
/// A file with a scaling gives `f32`, or `f64` where `f32` could not hold every value.
///
/// ```no_run
/// use medio::nifti::{self, AnyImage, ReadOptions};
///
/// let loaded = nifti::read("scan.nii.gz", &ReadOptions::new())?;
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
/// [`Error::Io`](crate::Error::Io) if the file cannot be read; [`Error::File`](crate::Error::File) says what in it is wrong and where.
pub fn read(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Loaded<AnyImage>> {
    from_path(path.as_ref(), options, VolumeFile::any)
}

/// As [`read`], from a single file that is in memory.
///
/// # Errors
/// As [`read`]; errors name the path `memory`.
pub fn decode(bytes: &[u8], options: &ReadOptions) -> Result<Loaded<AnyImage>> {
    let budget = &*options.own_budget();
    open::open_memory(bytes, options)?.load(|volume| volume.any(budget))
}

/// Reads an image as `T`: floats are rounded to the nearest, integers must be exact.
///
/// ```no_run
/// let scan = medio::nifti::read_image::<f32, 3>("scan.nii.gz")?;
/// # Ok::<(), medio::Error>(())
/// ```
///
/// # Errors
/// As [`read`]; and for a value that `T` cannot hold, or more than `D` spatial dimensions.
pub fn read_image<T: Voxel, const D: usize>(path: impl AsRef<Path>) -> Result<Image<T, D>> {
    Ok(read_image_with(path, &ReadOptions::new())?.value)
}

/// As [`read_image`], with options, and with header and report.
///
/// # Errors
/// As [`read_image`].
pub fn read_image_with<T: Voxel, const D: usize>(
    path: impl AsRef<Path>,
    options: &ReadOptions,
) -> Result<Loaded<Image<T, D>>> {
    from_path(path.as_ref(), options, VolumeFile::image)
}

/// Reads a map of classes; every value must be a whole number that `L` can hold.
///
/// ```no_run
/// let organs = medio::nifti::read_labels::<u8, 3>("label.nii.gz")?;
/// # Ok::<(), medio::Error>(())
/// ```
///
/// # Errors
/// As [`read_image`]; and for more than one channel.
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
    from_path(path.as_ref(), options, VolumeFile::labels)
}

/// Reads what a file holds without its voxels.
///
/// # Errors
/// As [`read`], as far as the header can tell.
pub fn read_header(path: impl AsRef<Path>) -> Result<Info> {
    read_header_with(path, &ReadOptions::new())
}

/// As [`read_header`], with options.
///
/// # Errors
/// As [`read_header`].
pub fn read_header_with(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Info> {
    let budget = &*options.own_budget();
    let opened = open::open_path(path.as_ref(), options, budget)?;
    Ok(Info {
        datatype: opened.header.datatype,
        channels: opened.volume.stored.channels,
        geometry: opened.volume.geometry,
        header: opened.header,
        report: opened.volume.report,
    })
}

fn from_path<V>(
    path: &Path,
    options: &ReadOptions,
    load: impl FnOnce(VolumeFile<'static>, &Budget) -> Result<Volume<V>>,
) -> Result<Loaded<V>> {
    let budget = &*options.own_budget();
    open::open_path(path, options, budget)?.load(|volume| load(volume, budget))
}

impl<'a> Opened<'a> {
    fn load<V>(self, load: impl FnOnce(VolumeFile<'a>) -> Result<Volume<V>>) -> Result<Loaded<V>> {
        let Volume { value, report } = load(self.volume)?;
        Ok(Loaded {
            value,
            header: self.header,
            extensions: self.extensions,
            report,
        })
    }
}
