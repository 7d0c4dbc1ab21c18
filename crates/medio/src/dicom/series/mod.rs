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
mod gaps;
mod grid;
mod options;
mod places;
mod read;

use std::path::Path;
use std::sync::Arc;

use medcore::{Image, buffer};

pub use fault::{SeriesFault, SeriesWarning};
pub use options::{Duplicates, Gap, VolumeOptions};

use super::diffusion::Diffusion;
use super::instance::{Axis, AxisValue, Slice};
use super::pixels::Sample;
use super::scan::Series;
use super::stack::Stack;
use grid::Plane;
use places::Placed;
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
    pub fn volume<T: Sample>(&self) -> crate::Result<SeriesVolume<T>> {
        let mut volume = self.stack()?.volume(&VolumeOptions::new())?;
        if !self.repeated.is_empty() {
            let paths = self.repeated.clone();
            volume.warnings.push(SeriesWarning::Repeated { paths });
        }
        Ok(volume)
    }
}

impl Stack {
    /// The stack as one volume.
    ///
    /// # Errors
    /// Refuses several volumes, slices without a place, gaps and duplicates unless the options say what to
    /// do with them, and what reading refuses.
    pub fn volume<T: Sample>(&self, options: &VolumeOptions) -> crate::Result<SeriesVolume<T>> {
        let fail = |fault| self.fault(fault);
        let (mut parts, warnings) = self.parts(options)?;
        let mut volume = match (parts.pop(), parts.len()) {
            (Some((axis, slices)), 0) => self.read(axis, &slices, options)?,
            (Some((Some((axis, _)), _)), others) => {
                return Err(fail(SeriesFault::SeveralVolumes {
                    axis,
                    count: others + 1,
                }));
            }
            _ => return Err(fail(SeriesFault::SeveralStacks { stacks: Vec::new() })),
        };
        volume.warnings.extend(warnings);
        Ok(volume)
    }

    /// All volumes of the stack, in the order of the axis that tells them apart.
    ///
    /// # Errors
    /// As [`Self::volume`], but for several volumes.
    pub fn volumes<T: Sample>(
        &self,
        options: &VolumeOptions,
    ) -> crate::Result<Vec<SeriesVolume<T>>> {
        let (parts, warnings) = self.parts(options)?;
        let read = |(axis, slices): &places::Part<'_>| {
            let mut volume = self.read(axis.clone(), slices, options)?;
            volume.warnings.extend(warnings.iter().cloned());
            Ok(volume)
        };
        parts.iter().map(read).collect()
    }

    pub(super) fn fault(&self, fault: SeriesFault) -> crate::Error {
        crate::Error::Series {
            uid: self.series_uid.clone(),
            fault: Box::new(fault),
        }
    }

    fn read<T: Sample>(
        &self,
        axis: Option<(Axis, AxisValue)>,
        slices: &[Placed<'_>],
        options: &VolumeOptions,
    ) -> crate::Result<SeriesVolume<T>> {
        let fail = |fault| self.fault(fault);
        let grid = self.grid(slices, options).map_err(fail)?;
        let mut warnings = grid.warnings;
        let core = |error: medcore::Error| fail(SeriesFault::Core(error.to_string()));
        let budget = options.budget.clone().unwrap_or_default();
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
        let units = if grid.planes.iter().any(between) {
            let interpolation = Interpolation {
                planes: &grid.planes,
                slices: &sources,
                size,
                quantity: &options.quantity,
                budget: &budget,
            };
            let room = interpolation.room::<T>().map_err(core)?;
            interpolation.run(room, &mut voxels)?
        } else {
            let mut targets = Vec::with_capacity(sources.len());
            for (plane, out) in { grid.planes.iter() }.zip(voxels.chunks_exact_mut(size.max(1))) {
                match *plane {
                    Plane::Slice(k) => targets.extend(sources.get(k).map(|slice| (*slice, out))),
                    Plane::Fill(value) => {
                        let target = T::NAME;
                        let fill = T::from_f64(value);
                        let fill =
                            fill.ok_or_else(|| fail(SeriesFault::FillValue { value, target }))?;
                        out.fill(fill);
                    }
                    Plane::Between { .. } => {}
                }
            }
            read_slices(targets, &options.quantity, &budget)?
        };
        let unit = match units.as_slice() {
            [one] => one.clone(),
            several => {
                let units = { several.iter() }
                    .map(|unit| unit.clone().unwrap_or_else(|| "none".to_owned()))
                    .collect();
                warnings.push(SeriesWarning::UnitsDiffer { units });
                None
            }
        };
        let source = |plane: &Plane| match plane {
            Plane::Slice(k) => sources.get(*k).map(|slice| PlaneSource {
                path: Arc::clone(&slice.path),
                frame: slice.frame,
            }),
            _ => None,
        };
        let first = sources.first().and_then(|slice| slice.diffusion);
        let same = sources.iter().all(|slice| slice.diffusion == first);
        Ok(SeriesVolume {
            image: Image::new(grid.geometry, voxels).map_err(core)?,
            planes: grid.planes.iter().map(source).collect(),
            frame_of_reference: self.frame_of_reference().map(str::to_owned),
            axis,
            diffusion: first.filter(|_| same),
            unit,
            warnings,
        })
    }
}
