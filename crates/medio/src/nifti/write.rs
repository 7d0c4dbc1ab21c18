//! Images and label maps to `.nii` and `.nii.gz`.

use std::path::Path;

use medcore::buffer::as_bytes;
use medcore::{Geometry, Image, Label, LabelMap, Vector, atomic};

use super::datatype::Voxel;
use super::deflate;
use super::encode::{self, Subject};
use super::header::Header;
use crate::error::{Error, Result};

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
/// # Errors
/// Refuses a name that does not end in `.nii` or `.nii.gz` and a header in `options` of another grid;
/// passes on what the system says, leaving an older file untouched.
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
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let compressed = name.ends_with(".nii.gz");
    if !compressed && !name.ends_with(".nii") {
        return Err(Error::UnknownExtension {
            path: path.to_owned(),
            expected: ".nii or .nii.gz",
        });
    }
    let geometry = widened(geometry).map_err(|e| refuse(("one to three dimensions", e)))?;
    let header = encode::header(&Subject {
        geometry: &geometry,
        channels,
        rank: D,
        datatype: T::DATATYPE,
        descrip: options.descrip.as_deref(),
        like: options.like.as_ref(),
    })
    .map_err(refuse)?;
    let header = encode::to_bytes(&header);
    let parts = [header.as_slice(), as_bytes(voxels)];
    atomic::write(path, |out| {
        if compressed {
            return deflate::write_gzip(out, &parts, options.level);
        }
        parts.iter().try_for_each(|part| out.write_all(part))
    })
    .map_err(|source| Error::Write {
        path: path.to_owned(),
        source: Box::new(source),
    })
}

/// The grid in three dimensions: axes of one voxel in front, perpendicular to the others, 1 mm long.
fn widened<const D: usize>(geometry: &Geometry<D>) -> std::result::Result<Geometry<3>, String> {
    let (shape, steps) = (geometry.shape(), geometry.steps());
    let unit = |a: Vector<_>| a * a.norm().recip();
    let widened = match (D, steps.as_slice()) {
        (3, &[depth, height, width]) => [depth, height, width],
        (2, &[height, width]) => [unit(unit(width).cross(unit(height))), height, width],
        (1, &[width]) => {
            let [x, y, z] = unit(width).components().map(f64::abs);
            // Any direction that is not along the line.
            let other = match (x <= y, y <= z, x <= z) {
                (true, _, true) => Vector::new(1.0, 0.0, 0.0),
                (false, true, _) => Vector::new(0.0, 1.0, 0.0),
                _ => Vector::new(0.0, 0.0, 1.0),
            };
            let height = unit(unit(width).cross(other));
            [unit(unit(width).cross(height)), height, width]
        }
        _ => return Err(format!("{D} dimensions")),
    };
    let extent = |a: usize| if a + D >= 3 { shape[a + D - 3] } else { 1 };
    Geometry::new(std::array::from_fn(extent), geometry.origin(), widened)
        .map_err(|e| e.to_string())
}
