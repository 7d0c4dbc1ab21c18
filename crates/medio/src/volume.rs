//! From what was opened to images, whatever it was: which type, which rank, how many channels.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "sizes were checked when the file was opened"
)]

use std::path::{Path, PathBuf};

use medcore::{Budget, Buffer, Geometry, Image, Label, LabelMap, Vector};

use crate::any_image::AnyImage;
use crate::error::{Error, Result};
use crate::fault::Fault;
use crate::format::Format;
use crate::raw::{Body, Stored};
use crate::report::Report;
use crate::voxel::{Datatype, Voxel};

/// What is there to be read, without its voxels.
pub(crate) struct Facts<'a> {
    pub format: Format,
    /// For messages.
    pub path: &'a Path,
    pub geometry: Geometry<3>,
    pub channels: usize,
    /// The type of a stored sample.
    pub stored: Datatype,
    /// The type that holds all values.
    pub natural: Datatype,
    pub report: &'a Report,
}

/// A value that was read, with what was doubtful.
pub(crate) struct Volume<V> {
    pub value: V,
    pub report: Report,
}

/// What passed every check short of its voxels.
pub(crate) trait Opened: Sized {
    fn facts(&self) -> Facts<'_>;

    /// The voxels, `[channels, depth, height, width]`: floats are rounded to the nearest, integers are exact.
    fn voxels<T: Voxel>(self, budget: &Budget) -> Result<Volume<Buffer<T>>>;

    /// An image of the type that is stored, or of floats if values are scaled.
    fn any(self, budget: &Budget) -> Result<Volume<AnyImage>> {
        macro_rules! load {
            ($variant:ident) => {{
                let Volume { value, report } = self.image(budget)?;
                let value = AnyImage::$variant(value);
                Volume { value, report }
            }};
        }
        Ok(match self.facts().natural {
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

    /// An image of `T`: floats are rounded to the nearest, integers must be exact.
    fn image<T: Voxel, const D: usize>(self, budget: &Budget) -> Result<Volume<Image<T, D>>> {
        load(self, budget, Image::with_channels)
    }

    /// A map of classes, of one channel.
    fn labels<L: Label + Voxel, const D: usize>(
        self,
        budget: &Budget,
    ) -> Result<Volume<LabelMap<L, D>>> {
        let facts = self.facts();
        if facts.channels != 1 {
            let fault = Fault::Shape {
                wanted: "a label map of one channel",
                channels: facts.channels,
                shape: facts.geometry.shape(),
            };
            return Err(Error::file(facts.format, facts.path)(fault));
        }
        load(self, budget, |_, grid, voxels| LabelMap::new(grid, voxels))
    }
}

/// Reads the voxels and makes of them what the caller wants.
fn load<T: Voxel, V, const D: usize>(
    opened: impl Opened,
    budget: &Budget,
    make: impl FnOnce(usize, Geometry<D>, Buffer<T>) -> medcore::Result<V>,
) -> Result<Volume<V>> {
    let facts = opened.facts();
    let channels = facts.channels;
    let fail = Error::file(facts.format, facts.path);
    let grid = match narrowed::<D>(&facts.geometry, channels) {
        Ok(grid) => grid,
        Err(fault) => return Err(fail(fault)),
    };
    let Volume { value, report } = opened.voxels(budget)?;
    let value = make(channels, grid, value).map_err(|error| fail(Fault::core("voxels")(error)))?;
    Ok(Volume { value, report })
}

/// A volume in one file that passed every check short of its voxels.
pub(crate) struct VolumeFile<'a> {
    pub format: Format,
    pub stored: Stored,
    pub geometry: Geometry<3>,
    pub report: Report,
    pub body: Body<'a>,
    /// The file with the voxels, for messages.
    pub path: PathBuf,
}

impl Opened for VolumeFile<'_> {
    fn facts(&self) -> Facts<'_> {
        Facts {
            format: self.format,
            path: &self.path,
            geometry: self.geometry,
            channels: self.stored.channels,
            stored: self.stored.sample,
            natural: natural_type(&self.stored),
            report: &self.report,
        }
    }

    fn voxels<T: Voxel>(self, budget: &Budget) -> Result<Volume<Buffer<T>>> {
        let mut report = self.report;
        let value = T::read_voxels(&self.stored, self.body, budget, &mut report)
            .map_err(Error::file(self.format, &self.path))?;
        Ok(Volume { value, report })
    }
}

/// The stored type, or a float if values are scaled.
fn natural_type(stored: &Stored) -> Datatype {
    let Some((slope, inter)) = stored.scale else {
        return stored.sample;
    };
    let largest = match stored.sample {
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
    .map(|grid| grid.with_calibration(geometry.calibration()))
    .map_err(Fault::core("geometry"))
}

/// The grid in three dimensions: axes of one voxel in front, perpendicular to the others, 1 mm long.
pub(crate) fn widened<const D: usize>(
    geometry: &Geometry<D>,
) -> std::result::Result<Geometry<3>, String> {
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
        .map(|grid| grid.with_calibration(geometry.calibration()))
        .map_err(|e| e.to_string())
}
