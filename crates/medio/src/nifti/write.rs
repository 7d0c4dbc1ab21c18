//! Images and label maps to `.nii` and to pairs of `.hdr` and `.img`, plain or compressed.

use std::path::{Path, PathBuf};

use medcore::buffer::as_bytes;
use medcore::{Geometry, Image, Label, LabelMap, atomic::Pending};

use super::encode::{self, Subject};
use super::header::Header;
use super::open;
use crate::error::{Error, Result};
use crate::raw::{deflate, is_gzip_name, without_gzip};
use crate::volume::widened;
use crate::voxel::Voxel;

/// How to write.
///
/// ```no_run
/// use medio::nifti::{self, ReadOptions, WriteOptions};
/// # fn segment(_: &medio::medcore::Image<f32, 3>) -> medio::medcore::LabelMap<u8, 3> { unimplemented!() }
///
/// let scan = nifti::read_image_with::<f32, 3>("scan.nii.gz", &ReadOptions::new())?;
/// let organs = segment(&scan.value);
/// // The result has the scan's affine to the bit.
/// nifti::write_labels("organs.nii.gz", &organs, &WriteOptions::new().like(&scan.header))?;
/// # Ok::<(), medio::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct WriteOptions {
    level: u32,
    like: Option<Header>,
    descrip: Option<String>,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl WriteOptions {
    /// Fast compression, geometry from the image, no description.
    #[must_use]
    pub fn new() -> Self {
        Self {
            level: 2,
            like: None,
            descrip: None,
        }
    }

    /// Sets the effort of gzip, 0 (none) to 9 (most); 2 is the default, and half as large as 1.
    #[must_use]
    pub fn level(mut self, level: u32) -> Self {
        self.level = level.min(9);
        self
    }

    /// Takes sform, qform, codes, units and description from the header of a scan with the same grid.
    #[must_use]
    pub fn like(mut self, header: &Header) -> Self {
        self.like = Some(header.clone());
        self
    }

    /// Sets the description, of which 79 bytes are kept.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.descrip = Some(text.into());
        self
    }
}

/// Writes an image; several channels become dimension 4. The file appears whole or not at all.
///
/// A name in `.hdr` or `.img`, or either with `.gz`, makes both files of a pair. Both are complete before
/// one of them takes its name, and no old file ever stands beside a new one: a reader that comes in between
/// finds one of the two missing.
///
/// ```no_run
/// # fn f(scan: &medio::medcore::Image<i16, 3>) -> medio::Result<()> {
/// use medio::nifti::{self, WriteOptions};
///
/// nifti::write_image("scan.nii.gz", scan, &WriteOptions::new())?;
/// nifti::write_image("scan.hdr", scan, &WriteOptions::new())?; // and scan.img
/// # Ok(()) }
/// ```
///
/// # Errors
/// Refuses a name with another ending and a header in `options` of another grid; passes on what the system
/// says, leaving older files as they were. Where a pair could not be put back, the error says where it is.
pub fn write_image<T: Voxel, const D: usize>(
    path: impl AsRef<Path>,
    image: &Image<T, D>,
    options: &WriteOptions,
) -> Result<()> {
    write(
        path.as_ref(),
        image.geometry(),
        image.channels(),
        image.as_slice(),
        options,
    )
}

/// As [`write_image`], for a label map.
///
/// # Errors
/// As [`write_image`].
pub fn write_labels<L: Label + Voxel, const D: usize>(
    path: impl AsRef<Path>,
    labels: &LabelMap<L, D>,
    options: &WriteOptions,
) -> Result<()> {
    let geometry = labels.geometry();
    write(path.as_ref(), geometry, 1, labels.as_slice(), options)
}

/// Says before a long piece of work whether its result can be written to `path`: the name's ending and the folder,
/// which must be there and take files. The file itself is neither made nor changed.
///
/// # Errors
/// As [`write_image`] would end for the same reasons.
pub fn check_target(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    Target::of(path)?;
    let trial = Pending::fill(path, |_| Ok(()));
    trial.map(drop).map_err(Error::not_written(path))
}

fn write<T: Voxel, const D: usize>(
    path: &Path,
    geometry: &Geometry<D>,
    channels: usize,
    voxels: &[T],
    options: &WriteOptions,
) -> Result<()> {
    let refuse = |(rule, got)| Error::NotWritable {
        path: path.to_owned(),
        rule,
        got,
    };
    let target = Target::of(path)?;
    let geometry = widened(geometry).map_err(|e| refuse(("one to three dimensions", e)))?;
    let header = encode::header(&Subject {
        geometry: &geometry,
        channels,
        rank: D,
        datatype: T::DATATYPE,
        single_file: matches!(target.files, Files::Single),
        descrip: options.descrip.as_deref(),
        like: options.like.as_ref(),
    })
    .map_err(refuse)?;
    let (header, voxels) = (encode::to_bytes(&header), as_bytes(voxels));
    let fill = |path: &Path, parts: &[&[u8]]| {
        let pending = Pending::fill(path, |out| {
            if target.compressed {
                return deflate::write_gzip(out, parts, options.level);
            }
            parts.iter().try_for_each(|part| out.write_all(part))
        });
        pending.map_err(Error::not_written(path))
    };
    match &target.files {
        Files::Single => {
            let file = fill(path, &[&header, voxels])?;
            file.commit().map_err(Error::not_written(path))
        }
        Files::Pair { header: hdr, image } => {
            let (image, hdr) = (fill(image, &[voxels])?, fill(hdr, &[&header])?);
            image.commit_with(hdr).map_err(Error::not_written(path))
        }
    }
}

/// Which files a name asks for.
struct Target {
    files: Files,
    compressed: bool,
}

enum Files {
    Single,
    Pair { header: PathBuf, image: PathBuf },
}

impl Target {
    fn of(path: &Path) -> Result<Self> {
        let is = |p: &Path, e: &str| p.extension().is_some_and(|x| x.eq_ignore_ascii_case(e));
        let (plain, compressed) = (without_gzip(path), is_gzip_name(path));
        let pair = |extension| open::counterpart(path, extension);
        let files = match () {
            () if is(&plain, "nii") => Files::Single,
            () if is(&plain, "hdr") => Files::Pair {
                header: path.to_owned(),
                image: pair("img"),
            },
            () if is(&plain, "img") => Files::Pair {
                header: pair("hdr"),
                image: path.to_owned(),
            },
            () => {
                return Err(Error::UnknownExtension {
                    path: path.to_owned(),
                    expected: ".nii, .hdr or .img, with or without .gz",
                });
            }
        };
        Ok(Self { files, compressed })
    }
}
