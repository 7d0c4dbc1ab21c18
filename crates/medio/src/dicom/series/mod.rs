//! Stacks to volumes: sorted by where slices lie, spaced by where they lie, and refused with numbers where
//! they do not make a regular grid (PS3.3 section C.7.6.2.1.1).
//!
//! Neither slice thickness, slice location nor instance numbers place a slice: they are often wrong.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "counts of slices and millimetres"
)]

mod fault;
mod files;
mod gaps;
mod grid;
mod options;
mod places;
mod read;

use std::path::Path;
use std::sync::Arc;

use medcore::{Geometry, Image, buffer};

pub use fault::{SeriesFault, SeriesWarning};
pub(super) use files::Files;
pub(crate) use options::SliceRules;
pub use options::{Duplicates, Gap};

use crate::options::ReadOptions;

use super::diffusion::Diffusion;
use super::instance::{Axis, AxisValue, Slice};
use super::pixels::ValueRange;
use super::scan::Series;
use super::stack::Stack;
use crate::voxel::Voxel;
use grid::Plane;
use places::{Part, Placed};
use read::{Interpolation, read_slices};

/// The frame of a file that became a plane.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PlaneSource {
    /// The file.
    pub path: Arc<Path>,
    /// The frame in it, from 0; the planes of a mosaic are all of one frame.
    pub frame: usize,
}

/// A volume and where it comes from.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SeriesVolume<T> {
    /// Values, `[1, depth, height, width]`, in LPS millimetres.
    pub image: Image<T, 3>,
    /// Where each plane comes from, in the order of depth; none for a plane that repairs a gap.
    pub planes: Vec<Option<PlaneSource>>,
    /// The frame of reference, if the slices name one.
    pub frame_of_reference: Option<String>,
    /// What tells this volume from others of its stack.
    pub axis: Option<(Axis, AxisValue)>,
    /// How diffusion was weighted, if all slices agree.
    pub diffusion: Option<Diffusion>,
    /// The unit of the values, if the files say it and agree: `HU`, `BQML`, `GY`, or a code of UCUM.
    pub unit: Option<String>,
    /// Doubts and repairs.
    pub warnings: Vec<SeriesWarning>,
}

/// A volume before its pixels are read.
pub(super) struct Plan {
    pub(super) geometry: Geometry<3>,
    pub(super) planes: Vec<Option<PlaneSource>>,
    pub(super) axis: Option<(Axis, AxisValue)>,
    pub(super) diffusion: Option<Diffusion>,
    pub(super) values: Option<ValueRange>,
    pub(super) warnings: Vec<SeriesWarning>,
}

impl Series {
    /// The series as one volume of modality values.
    ///
    /// ```no_run
    /// let scan = medio::dicom::scan("ct")?;
    /// let volume = scan.only()?.volume::<f32>()?;
    /// println!("{:?} mm", volume.image.geometry().spacing());
    /// # Ok::<(), medio::Error>(())
    /// ```
    ///
    /// # Errors
    /// Refuses series of several stacks or volumes, gaps, duplicates, and what reading its files refuses.
    pub fn volume<T: Voxel>(&self) -> crate::Result<SeriesVolume<T>> {
        let mut volume = self.stack()?.volume(&ReadOptions::new())?;
        volume.warnings.extend(self.repetition());
        Ok(volume)
    }

    /// What is doubtful about files that repeat an instance, if there are any.
    pub(super) fn repetition(&self) -> Option<SeriesWarning> {
        let paths = self.repeated.clone();
        (!paths.is_empty()).then_some(SeriesWarning::Repeated { paths })
    }
}

impl Stack {
    /// The stack as one volume.
    ///
    /// # Errors
    /// Refuses several volumes, slices without a place, gaps and duplicates unless the options say what to
    /// do with them, and what reading refuses.
    pub fn volume<T: Voxel>(&self, options: &ReadOptions) -> crate::Result<SeriesVolume<T>> {
        self.volume_from(Files::on_disk(options))
    }

    pub(super) fn volume_from<T: Voxel>(&self, files: Files<'_>) -> crate::Result<SeriesVolume<T>> {
        let (parts, warnings) = self.parts(files)?;
        let (axis, slices) = self.only(parts)?;
        let mut volume = self.read(axis, &slices, files)?;
        volume.warnings.extend(warnings);
        Ok(volume)
    }

    /// All volumes of the stack, in the order of the axis that tells them apart.
    ///
    /// # Errors
    /// As [`Self::volume`], but for several volumes.
    pub fn volumes<T: Voxel>(&self, options: &ReadOptions) -> crate::Result<Vec<SeriesVolume<T>>> {
        let files = Files::on_disk(options);
        let (parts, warnings) = self.parts(files)?;
        let read = |(axis, slices): &Part<'_>| {
            let mut volume = self.read(axis.clone(), slices, files)?;
            volume.warnings.extend(warnings.iter().cloned());
            Ok(volume)
        };
        parts.iter().map(read).collect()
    }

    /// What [`Self::volume`] would give, without pixels.
    pub(super) fn plan(&self, files: Files<'_>) -> crate::Result<Plan> {
        let (parts, mut warnings) = self.parts(files)?;
        let (axis, slices) = self.only(parts)?;
        let grid = { self.grid(&slices, files.options) }.map_err(|fault| self.fault(fault))?;
        warnings.extend(grid.warnings);
        let values = { slices.iter() }.map(|placed| placed.slice.values);
        Ok(Plan {
            geometry: grid.geometry,
            planes: plane_sources(&grid.planes, &slices),
            axis,
            diffusion: shared_diffusion(&slices),
            values: values.reduce(ValueRange::and),
            warnings,
        })
    }

    /// The only part of several.
    fn only<'a>(&self, mut parts: Vec<Part<'a>>) -> crate::Result<Part<'a>> {
        let fail = |fault| Err(self.fault(fault));
        match (parts.pop(), parts.len()) {
            (Some(part), 0) => Ok(part),
            (Some((Some((axis, _)), _)), others) => fail(SeriesFault::SeveralVolumes {
                axis,
                count: others + 1,
            }),
            _ => fail(SeriesFault::SeveralStacks { stacks: Vec::new() }),
        }
    }

    pub(super) fn fault(&self, fault: SeriesFault) -> crate::Error {
        crate::Error::Series {
            uid: self.series_uid.clone(),
            fault: Box::new(fault),
        }
    }

    fn read<T: Voxel>(
        &self,
        axis: Option<(Axis, AxisValue)>,
        slices: &[Placed<'_>],
        files: Files<'_>,
    ) -> crate::Result<SeriesVolume<T>> {
        let fail = |fault| self.fault(fault);
        let grid = self.grid(slices, files.options).map_err(fail)?;
        let mut warnings = grid.warnings;
        let core = |error: medcore::Error| fail(SeriesFault::Core(error.to_string()));
        let budget = files.options.own_budget();
        let options = &files.options.clone().budget(Arc::clone(&budget));
        let files = Files { options, ..files };
        let shape = { grid.geometry.shape() }.map(|n| u64::try_from(n).unwrap_or(u64::MAX));
        let element = u64::try_from(size_of::<T>()).unwrap_or(8);
        let total = budget
            .claim_array("volume", &shape, element)
            .map_err(core)?;
        let total = usize::try_from(total).unwrap_or(usize::MAX);
        let mut voxels: Vec<T> = buffer::zeroed(total, "volume").map_err(core)?;
        let [_, rows, columns] = grid.geometry.shape();
        let size = rows * columns;
        let sources: Vec<&Slice> = slices.iter().map(|placed| placed.slice).collect();
        let between = |plane: &Plane| matches!(plane, Plane::Between { .. });
        let said = if grid.planes.iter().any(between) {
            let interpolation = Interpolation {
                planes: &grid.planes,
                slices: &sources,
                size,
                files,
            };
            let room = interpolation.room::<T>().map_err(core)?;
            interpolation.run(room, &mut voxels)?
        } else {
            let mut targets = Vec::with_capacity(sources.len());
            for (plane, out) in { grid.planes.iter() }.zip(voxels.chunks_exact_mut(size.max(1))) {
                match *plane {
                    Plane::Slice(k) => targets.extend(sources.get(k).map(|slice| (*slice, out))),
                    Plane::Fill(value) => {
                        let target = T::DATATYPE.name();
                        let fill = T::from_f64(value);
                        let fill =
                            fill.ok_or_else(|| fail(SeriesFault::FillValue { value, target }))?;
                        out.fill(fill);
                    }
                    Plane::Between { .. } => {}
                }
            }
            read_slices(targets, files)?
        };
        warnings.extend(said.doubts);
        let unit = match said.units.as_slice() {
            [one] => one.clone(),
            several => {
                let units = { several.iter() }
                    .map(|unit| unit.clone().unwrap_or_else(|| "none".to_owned()))
                    .collect();
                warnings.push(SeriesWarning::UnitsDiffer { units });
                None
            }
        };
        Ok(SeriesVolume {
            image: Image::new(grid.geometry, voxels).map_err(core)?,
            planes: plane_sources(&grid.planes, slices),
            frame_of_reference: self.frame_of_reference().map(str::to_owned),
            axis,
            diffusion: shared_diffusion(slices),
            unit,
            warnings,
        })
    }
}

/// Where each plane comes from.
fn plane_sources(planes: &[Plane], slices: &[Placed<'_>]) -> Vec<Option<PlaneSource>> {
    let source = |plane: &Plane| match plane {
        Plane::Slice(k) => slices.get(*k).map(|placed| PlaneSource {
            path: Arc::clone(&placed.slice.path),
            frame: placed.slice.frame,
        }),
        _ => None,
    };
    planes.iter().map(source).collect()
}

/// How diffusion was weighted, if all slices agree.
fn shared_diffusion(slices: &[Placed<'_>]) -> Option<Diffusion> {
    let first = slices.first().and_then(|placed| placed.slice.diffusion);
    let same = { slices.iter() }.all(|placed| placed.slice.diffusion == first);
    first.filter(|_| same)
}
