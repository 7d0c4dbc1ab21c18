//! From an opened file to images: which type, which rank, how many channels.

use std::io::{BufReader, Read};
use std::path::Path;

use medcore::{Budget, Buffer, Geometry, Image, Label, LabelMap};

use super::convert::{self, Conversion, Staged, Stop};
use super::datatype::{Datatype, Voxel};
use super::fault::Fault;
use super::header::Endian;
use super::inflate::{self, Members};
use super::layout::Layout;
use super::open::{self, Body, Opened};
use super::options::{AnyImage, Info, Loaded, ReadOptions};
use super::report::Report;
use crate::error::{Error, Result};

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
/// [`Error::Io`] if the file cannot be read; [`Error::Nifti`] says what in it is wrong and where.
pub fn read(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Loaded<AnyImage>> {
    let fresh = Budget::default();
    let budget = options.budget.as_deref().unwrap_or(&fresh);
    any(
        open::open_path(path.as_ref(), options, budget)?,
        options,
        budget,
    )
}

/// As [`read`], from a single file that is in memory.
///
/// # Errors
/// As [`read`]; errors name the path `memory`.
pub fn decode(bytes: &[u8], options: &ReadOptions) -> Result<Loaded<AnyImage>> {
    let fresh = Budget::default();
    let budget = options.budget.as_deref().unwrap_or(&fresh);
    any(open::open_memory(bytes, options)?, options, budget)
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
    let fresh = Budget::default();
    let budget = options.budget.as_deref().unwrap_or(&fresh);
    image(
        open::open_path(path.as_ref(), options, budget)?,
        options,
        budget,
    )
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
    let path = path.as_ref();
    let fresh = Budget::default();
    let budget = options.budget.as_deref().unwrap_or(&fresh);
    let opened = open::open_path(path, options, budget)?;
    if opened.layout.channels != 1 {
        return Err(Error::nifti(path)(Fault::Shape {
            wanted: "a label map of one channel",
            channels: opened.layout.channels,
            shape: opened.layout.shape,
        }));
    }
    load(opened, options, budget, |_, grid, voxels| {
        LabelMap::new(grid, voxels)
    })
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
    let fresh = Budget::default();
    let budget = options.budget.as_deref().unwrap_or(&fresh);
    let opened = open::open_path(path.as_ref(), options, budget)?;
    Ok(Info {
        datatype: opened.header.datatype,
        channels: opened.layout.channels,
        geometry: opened.geometry,
        header: opened.header,
        report: opened.report,
    })
}

fn any(opened: Opened<'_>, options: &ReadOptions, budget: &Budget) -> Result<Loaded<AnyImage>> {
    macro_rules! load {
        ($variant:ident) => {{
            let loaded = image(opened, options, budget)?;
            Loaded {
                value: AnyImage::$variant(loaded.value),
                header: loaded.header,
                extensions: loaded.extensions,
                report: loaded.report,
            }
        }};
    }
    Ok(match natural_type(&opened) {
        Datatype::U8 | Datatype::Rgb24 | Datatype::Rgba32 => load!(U8),
        Datatype::I8 => load!(I8),
        Datatype::U16 => load!(U16),
        Datatype::I16 => load!(I16),
        Datatype::U32 => load!(U32),
        Datatype::I32 => load!(I32),
        Datatype::U64 => load!(U64),
        Datatype::I64 => load!(I64),
        Datatype::F32 => load!(F32),
        Datatype::F64 => load!(F64),
    })
}

/// The stored type, or a float if values are scaled.
fn natural_type(opened: &Opened<'_>) -> Datatype {
    let Some((slope, inter)) = opened.layout.scale else {
        return opened.header.datatype;
    };
    let largest = match opened.header.datatype {
        Datatype::U8 | Datatype::I8 => 255.0,
        Datatype::U16 | Datatype::I16 => 65535.0,
        _ => return Datatype::F64,
    };
    if slope.abs() * largest + inter.abs() < f64::from(f32::MAX) {
        Datatype::F32
    } else {
        Datatype::F64
    }
}

fn image<T: Voxel, const D: usize>(
    opened: Opened<'_>,
    options: &ReadOptions,
    budget: &Budget,
) -> Result<Loaded<Image<T, D>>> {
    load(opened, options, budget, Image::with_channels)
}

/// Reads the voxels and makes of them what the caller wants.
fn load<T: Voxel, V, const D: usize>(
    opened: Opened<'_>,
    options: &ReadOptions,
    budget: &Budget,
    make: impl FnOnce(usize, Geometry<D>, Buffer<T>) -> medcore::Result<V>,
) -> Result<Loaded<V>> {
    let Opened {
        header,
        layout,
        geometry,
        extensions,
        mut report,
        body,
        path,
    } = opened;
    let source = Source {
        layout: &layout,
        datatype: header.datatype,
        endian: header.endian,
        map: options.map.then_some(path.as_path()),
    };
    let value = narrowed::<D>(&geometry, layout.channels)
        .and_then(|grid| Ok((grid, T::read_voxels(&source, body, budget, &mut report)?)))
        .and_then(|(grid, voxels)| {
            make(layout.channels, grid, voxels).map_err(Fault::core("voxels"))
        })
        .map_err(Error::nifti(&path))?;
    Ok(Loaded {
        value,
        header,
        extensions,
        report,
    })
}

/// The grid without the leading axes of one voxel that a caller of rank `D` does not want.
fn narrowed<const D: usize>(
    geometry: &Geometry<3>,
    channels: usize,
) -> std::result::Result<Geometry<D>, Fault> {
    let (shape, steps) = (geometry.shape(), geometry.steps());
    let fits = (1..=3).contains(&D) && shape.iter().take(3 - D.min(3)).all(|&n| n == 1);
    if !fits {
        return Err(Fault::Shape {
            wanted: match D {
                1 => "an image of one dimension",
                2 => "an image of two dimensions",
                _ => "an image of a rank other than 1, 2 or 3",
            },
            channels,
            shape,
        });
    }
    let axis = |a: usize| a + 3 - D;
    Geometry::new(
        std::array::from_fn(|a| shape[axis(a)]),
        geometry.origin(),
        std::array::from_fn(|a| steps[axis(a)]),
    )
    .map_err(Fault::core("geometry"))
}

/// What is needed to turn a body into voxels.
#[derive(Debug)]
pub struct Source<'a> {
    layout: &'a Layout,
    datatype: Datatype,
    endian: Endian,
    /// The file, if it may be mapped.
    map: Option<&'a Path>,
}

impl Source<'_> {
    /// The voxels, channel after channel.
    pub(crate) fn voxels<T: Voxel>(
        &self,
        body: Body<'_>,
        budget: &Budget,
        report: &mut Report,
    ) -> std::result::Result<Buffer<T>, Fault> {
        let samples = self.datatype.samples();
        if samples == 1 {
            return self.stored(self.datatype, body, budget, report);
        }
        let mixed = self.stored::<T>(Datatype::U8, body, budget, report)?;
        let shape = [mixed.len() as u64];
        budget
            .claim_array("colour planes", &shape, size_of::<T>() as u64)
            .map_err(Fault::core("colour planes"))?;
        let mut planes = medcore::buffer::reserve(mixed.len(), "colour planes")
            .map_err(Fault::core("colour planes"))?;
        for sample in 0..samples {
            planes.extend(mixed.iter().skip(sample).step_by(samples));
        }
        Ok(planes.into())
    }

    /// The samples in the order in which they are stored.
    fn stored<T: Voxel>(
        &self,
        sample: Datatype,
        body: Body<'_>,
        budget: &Budget,
        report: &mut Report,
    ) -> std::result::Result<Buffer<T>, Fault> {
        let layout = self.layout;
        let conversion = Conversion {
            sample,
            endian: self.endian,
            scale: layout.scale,
        };
        if let (Body::Plain { .. }, Some(path)) = (&body, self.map)
            && conversion.is_copy::<T>()
            && layout.offset.is_multiple_of(align_of::<T>() as u64)
        {
            let offset = usize::try_from(layout.offset).unwrap_or(usize::MAX);
            return Buffer::map_file(path, offset, layout.samples).map_err(Fault::core("map"));
        }
        budget
            .claim_array("voxels", &[layout.samples as u64], size_of::<T>() as u64)
            .map_err(Fault::core("voxels"))?;
        let read = match body {
            Body::Plain { mut reader, .. } => {
                Body::seek_plain(&mut *reader, layout.offset)?;
                let mut reader = BufReader::with_capacity(1 << 17, reader);
                convert::from_stream(layout.samples, conversion, &mut |block| {
                    Ok(reader.read_exact(block)?)
                })
            }
            Body::Gzip(compressed) => self.inflated(&compressed, conversion, budget, report),
        };
        match read {
            Ok(voxels) => Ok(voxels.into()),
            Err(Stop::Fault(fault)) => Err(fault),
            Err(Stop::Misfit { sample, value }) => Err(self.misfit::<T>(sample, value)),
        }
    }

    fn inflated<T: Voxel>(
        &self,
        compressed: &[u8],
        conversion: Conversion,
        budget: &Budget,
        report: &mut Report,
    ) -> std::result::Result<Vec<T>, Stop> {
        let layout = self.layout;
        let end = layout.end()?;
        // A damaged file may not cost much more than its own size: what expands enormously is gone
        // through once before memory is spent on it. Scans expand three- to tenfold.
        let len = u64::try_from(compressed.len()).unwrap_or(u64::MAX);
        let expands = end > len.saturating_mul(16).saturating_add(8 << 20);
        if expands {
            self.verify(compressed, end, report)?;
        }
        if inflate::promises(compressed, end) {
            // The header in front of the voxels, and wide numbers that become narrow ones, need room
            // beyond the result's until they are converted.
            let extra = end.saturating_sub((layout.samples as u64) * (size_of::<T>() as u64));
            let claim = budget.claim_bytes("inflated file", extra);
            claim.map_err(Fault::core("inflated file"))?;
            let file_bytes = usize::try_from(end).unwrap_or(usize::MAX);
            let mut staged = Staged::<T>::new(layout.samples, file_bytes)?;
            let whole = inflate::inflate_single(compressed, staged.file_bytes());
            budget.release_bytes(extra);
            if whole {
                let offset = usize::try_from(layout.offset).unwrap_or(usize::MAX);
                return staged.finish(layout.samples, offset, conversion);
            }
        }
        // Several members, something behind the last voxel, or damage.
        if !expands {
            self.verify(compressed, end, report)?;
        }
        let mut members = Members::new(compressed);
        members.skip(layout.offset)?;
        convert::from_stream(layout.samples, conversion, &mut |block| {
            let wanted = block.len();
            let there = members.read_some(block)?;
            if there == wanted {
                return Ok(());
            }
            Err(Fault::Truncated {
                what: "a block of voxels",
                needed: wanted as u64,
                available: there as u64,
            })
        })
    }

    /// Goes through compressed data to its end, checksums and all, and keeps nothing.
    fn verify(
        &self,
        compressed: &[u8],
        end: u64,
        report: &mut Report,
    ) -> std::result::Result<(), Fault> {
        const TAIL: u64 = 1 << 20;
        let mut members = Members::new(compressed);
        let there = members.skip(end)?;
        if there < end {
            return Err(Fault::Truncated {
                what: "the uncompressed file up to the last voxel",
                needed: end,
                available: there,
            });
        }
        members.finish(TAIL.max(self.layout.bytes), report)
    }

    fn misfit<T: Voxel>(&self, sample: usize, value: f64) -> Fault {
        let [depth, height, width] = self.layout.shape;
        let (channel, at) = match self.datatype.samples() {
            1 => (
                sample / (depth * height * width),
                sample % (depth * height * width),
            ),
            n => (sample % n, sample / n),
        };
        Fault::Value {
            value,
            channel,
            voxel: [at / (height * width), at / width % height, at % width],
            target: T::DATATYPE.name(),
        }
    }
}
