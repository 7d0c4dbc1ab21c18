//! What writers of all formats share: options, the image as bytes, files that appear whole or not at all.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "what is written comes from an image, not from a file"
)]

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;

use medcore::buffer::as_bytes;
use medcore::{Geometry, Image, Label, LabelMap, atomic::Pending};

use crate::entries::Entries;
use crate::error::{Error, Result};
use crate::format::Format;
use crate::volume::widened;
use crate::voxel::{Datatype, Voxel};
use crate::{metaimage, mgh, nifti, nrrd, numpy, picture};

/// Whether and how hard voxels are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// As they are: the file can be mapped into memory.
    None,
    /// Deflate with an effort of 1 (fast) to 9 (small).
    Level(u32),
}

impl Default for Compression {
    /// Level 2, half as large as level 1.
    fn default() -> Self {
        Self::Level(2)
    }
}

/// How to write, whatever the format.
///
/// ```
/// use medio::{Compression, Entries, WriteOptions};
///
/// let notes = Entries::from_iter([("Modality", "MET_MOD_CT")]);
/// let options = WriteOptions::new().compression(Compression::None).entries(notes);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WriteOptions {
    pub(crate) compression: Compression,
    pub(crate) description: Option<String>,
    pub(crate) entries: Entries,
}

impl WriteOptions {
    /// Fast compression where the name leaves the choice, no description, no further entries.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the compression of formats whose names do not say (`.mha`, `.mhd`, `.nrrd`, `.nhdr`, `.npz`, TIFF),
    /// and the effort where they do (`.nii.gz`, `.mgz`, PNG).
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Sets a line of free text, for formats that keep one.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Adds keys and values to the header, for formats that keep any (MetaImage, NRRD).
    #[must_use]
    pub fn entries(mut self, entries: Entries) -> Self {
        self.entries = entries;
        self
    }
}

/// An image as a writer sees it.
pub(crate) struct Subject<'a> {
    pub geometry: Geometry<3>,
    /// Dimensions of space that the caller's image has, 1 to 3.
    pub rank: usize,
    pub channels: usize,
    pub datatype: Datatype,
    /// Channel after channel, in this machine's order.
    pub bytes: &'a [u8],
}

impl<'a> Subject<'a> {
    pub(crate) fn new<T: Voxel, const D: usize>(
        path: &Path,
        geometry: &Geometry<D>,
        channels: usize,
        voxels: &'a [T],
    ) -> Result<Self> {
        let geometry = widened(geometry).map_err(|got| Error::NotWritable {
            path: path.to_owned(),
            rule: "one to three dimensions",
            got,
        })?;
        Ok(Self {
            geometry,
            rank: D,
            channels,
            datatype: T::DATATYPE,
            bytes: as_bytes(voxels),
        })
    }

    /// Dimensions of space that a file needs: a plane or a line that does not lie along the first axes of
    /// the world needs three to be placed.
    pub(crate) fn file_rank(&self) -> usize {
        let rank = self.rank;
        let flat = |v: [f64; 3]| v.iter().skip(rank).all(|&v| v == 0.0);
        let [z, y, x] = self.geometry.steps().map(|step| step.components());
        let along = [x, y, z].into_iter().take(rank).all(flat);
        match along && flat(self.geometry.origin().coordinates()) {
            true => rank,
            false => 3,
        }
    }

    /// The samples of each voxel together.
    pub(crate) fn interleaved(&self, path: &Path) -> Result<Cow<'a, [u8]>> {
        if self.channels == 1 {
            return Ok(Cow::Borrowed(self.bytes));
        }
        let mut mixed = medcore::buffer::zeroed(self.bytes.len(), "channels")
            .map_err(Error::not_written(path))?;
        match self.datatype.voxel_bytes() {
            1 => interleave::<1>(self.bytes, self.channels, &mut mixed),
            2 => interleave::<2>(self.bytes, self.channels, &mut mixed),
            4 => interleave::<4>(self.bytes, self.channels, &mut mixed),
            _ => interleave::<8>(self.bytes, self.channels, &mut mixed),
        }
        Ok(Cow::Owned(mixed))
    }
}

fn interleave<const N: usize>(planes: &[u8], channels: usize, mixed: &mut [u8]) {
    let (planes, mixed) = (planes.as_chunks::<N>().0, mixed.as_chunks_mut::<N>().0);
    for (channel, plane) in planes.chunks(planes.len() / channels).enumerate() {
        for (out, sample) in mixed.iter_mut().skip(channel).step_by(channels).zip(plane) {
            *out = *sample;
        }
    }
}

/// What puts bytes into a file.
pub(crate) type Fill<'f> = &'f mut dyn FnMut(&mut dyn Write) -> io::Result<()>;

/// Writes one file, whole or not at all.
pub(crate) fn single(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let pending = Pending::fill(path, fill).map_err(Error::not_written(path))?;
    pending.commit().map_err(Error::not_written(path))
}

/// Writes a header and its data; no old file ever stands beside a new one.
pub(crate) fn pair(header: (&Path, Fill<'_>), data: (&Path, Fill<'_>)) -> Result<()> {
    let pending = |(path, fill): (&Path, Fill<'_>)| {
        Pending::fill(path, fill).map_err(Error::not_written(path))
    };
    let at = header.0;
    let (data, header) = (pending(data)?, pending(header)?);
    data.commit_with(header).map_err(Error::not_written(at))
}

/// The last part of a path as the text a header can hold.
pub(crate) fn file_name(path: &Path) -> Result<String> {
    let name = path.file_name().and_then(|name| name.to_str());
    let usable = name.filter(|name| name.trim() == *name && !name.contains(['%', '\n', '\r']));
    usable.map(str::to_owned).ok_or_else(|| Error::NotWritable {
        path: path.to_owned(),
        rule: "a file name in UTF-8 without %, line ends, and white space at its ends",
        got: path.display().to_string(),
    })
}

/// Text without line ends.
pub(crate) fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// Numbers that read back to the same bits.
pub(crate) fn vector_text(numbers: &[f64], between: &str) -> String {
    // Minus zero means nothing in a header.
    let words: Vec<String> = numbers.iter().map(|v| (v + 0.0).to_string()).collect();
    words.join(between)
}

/// Writes an image in the format that its name asks for; the file appears whole or not at all.
///
/// | name | format |
/// | --- | --- |
/// | `.nii`, `.hdr` and `.img`, with or without `.gz` | NIfTI |
/// | `.mha`, `.mhd` | MetaImage |
/// | `.nrrd`, `.nhdr` | NRRD |
/// | `.mgh`, `.mgz` | MGH, of `u8`, `i16`, `u16`, `i32` or `f32` |
/// | `.npz` | NumPy archive with the array `image` and the affine `affine_lps` |
/// | `.npy` | NumPy array, without the grid |
/// | `.png` | PNG of one slice of `u8` or `u16`, without the grid |
/// | `.tif`, `.tiff` | TIFF of a page a slice, without the grid |
///
/// ```no_run
/// # fn f(scan: &medio::medcore::Image<i16, 3>) -> medio::Result<()> {
/// medio::write("scan.mha", scan)?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`Error::UnknownExtension`] for another name, [`Error::NotWritable`] for an image that the format cannot hold;
/// passes on what the system says, leaving older files as they were.
pub fn write<T: Voxel, const D: usize>(path: impl AsRef<Path>, image: &Image<T, D>) -> Result<()> {
    write_with(path, image, &WriteOptions::new())
}

/// As [`write()`], with options.
///
/// # Errors
/// As [`write()`].
pub fn write_with<T: Voxel, const D: usize>(
    path: impl AsRef<Path>,
    image: &Image<T, D>,
    options: &WriteOptions,
) -> Result<()> {
    let path = path.as_ref();
    match Format::of_name(path) {
        Some(Format::Nifti) => nifti::write_image(path, image, &nifti_options(path, options)?),
        format => {
            let (channels, voxels) = (image.channels(), image.as_slice());
            let subject = Subject::new(path, image.geometry(), channels, voxels)?;
            put(path, format, &subject, options)
        }
    }
}

/// As [`write()`], for a label map.
///
/// ```no_run
/// # fn f(organs: &medio::medcore::LabelMap<u8, 3>) -> medio::Result<()> {
/// medio::write_labels("organs.nii.gz", organs)?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// As [`write()`].
pub fn write_labels<L: Label + Voxel, const D: usize>(
    path: impl AsRef<Path>,
    labels: &LabelMap<L, D>,
) -> Result<()> {
    write_labels_with(path, labels, &WriteOptions::new())
}

/// As [`write_labels`], with options.
///
/// # Errors
/// As [`write()`].
pub fn write_labels_with<L: Label + Voxel, const D: usize>(
    path: impl AsRef<Path>,
    labels: &LabelMap<L, D>,
    options: &WriteOptions,
) -> Result<()> {
    let path = path.as_ref();
    match Format::of_name(path) {
        Some(Format::Nifti) => nifti::write_labels(path, labels, &nifti_options(path, options)?),
        format => {
            let subject = Subject::new(path, labels.geometry(), 1, labels.as_slice())?;
            put(path, format, &subject, options)
        }
    }
}

fn nifti_options(path: &Path, options: &WriteOptions) -> Result<nifti::WriteOptions> {
    without_entries(path, options)?;
    let level = match options.compression {
        Compression::None => 0,
        Compression::Level(level) => level,
    };
    let ours = nifti::WriteOptions::new().level(level);
    Ok(match &options.description {
        Some(text) => ours.description(text.as_str()),
        None => ours,
    })
}

fn without_entries(path: &Path, options: &WriteOptions) -> Result<()> {
    match options.entries.iter().next() {
        None => Ok(()),
        Some((key, _)) => Err(Error::NotWritable {
            path: path.to_owned(),
            rule: "no entries: the format has no place for them",
            got: format!("{key:?}"),
        }),
    }
}

/// For formats that have no place for text.
pub(crate) fn without_description(path: &Path, options: &WriteOptions) -> Result<()> {
    without_entries(path, options)?;
    match &options.description {
        None => Ok(()),
        Some(text) => Err(Error::NotWritable {
            path: path.to_owned(),
            rule: "no description: the format has no place for one",
            got: format!("{text:?}"),
        }),
    }
}

fn put(
    path: &Path,
    format: Option<Format>,
    subject: &Subject<'_>,
    options: &WriteOptions,
) -> Result<()> {
    match format {
        Some(Format::MetaImage) => metaimage::write(path, subject, options),
        Some(Format::Nrrd) => nrrd::write(path, subject, options),
        Some(Format::Mgh) => mgh::write(path, subject, options),
        Some(Format::Npy) => numpy::write(path, subject, options),
        Some(Format::Npz) => numpy::write_archive(path, subject, options),
        Some(Format::Png) => picture::write_png(path, subject, options),
        Some(Format::Tiff) => picture::write_tiff(path, subject, options),
        _ => Err(Error::UnknownExtension {
            path: path.to_owned(),
            expected: ".nii, .hdr, .img (with or without .gz), .mha, .mhd, .nrrd, .nhdr, .mgh, .mgz, .npy, .npz, .png or .tif",
        }),
    }
}
