//! Stacks to volumes: sorted by where slices lie, spaced by where they lie, and refused with numbers where
//! they do not make a regular grid (PS3.3 section C.7.6.2.1.1).
//!
//! Neither slice thickness, slice location nor instance numbers place a slice: they are often wrong.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "counts of slices and millimetres"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use medcore::{Budget, Calibration, Geometry, Image, Lps, Point, Vector, buffer};
use rayon::prelude::*;

use super::file::{ReadOptions, open_with};
use super::instance::{Axis, AxisValue, Slice};
use super::pixels::Sample;
use super::scan::{Series, Stack};

/// Why slices do not make one volume.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SeriesFault {
    /// There is not exactly one series.
    #[error("one series of images is needed, there are {}: {}", uids.len(), uids.join(", "))]
    SeveralSeries {
        /// Their UIDs.
        uids: Vec<String>,
    },
    /// The series holds images of different rasters, orientations or roles.
    #[error("one stack is needed, there are {}: {}", stacks.len(), stacks.join("; "))]
    SeveralStacks {
        /// What each is.
        stacks: Vec<String>,
    },
    /// A slice does not say where it lies.
    #[error("{} (frame {frame}) has no {what}", path.display())]
    NoPlace {
        /// The file.
        path: PathBuf,
        /// The frame, from 0.
        frame: usize,
        /// `position`, `orientation` or `spacing`.
        what: &'static str,
    },
    /// Slices are missing.
    #[error(
        "after {} the next slice comes {found_mm} mm on instead of {expected_mm} mm: {missing} missing",
        after.display()
    )]
    MissingSlices {
        /// The last slice before the gap.
        after: PathBuf,
        /// Distance of slices elsewhere, in millimetres.
        expected_mm: f64,
        /// Distance here, in millimetres.
        found_mm: f64,
        /// How many would fill the gap.
        missing: usize,
    },
    /// Slices do not lie at equal distances on a straight line.
    #[error(
        "{} lies {off_mm} mm off the line of equally spaced slices ({limit_mm} mm are allowed)",
        at.display()
    )]
    Irregular {
        /// The slice that is farthest off.
        at: PathBuf,
        /// How far, in millimetres.
        off_mm: f64,
        /// What is allowed, in millimetres.
        limit_mm: f64,
    },
    /// Several slices lie in one place and nothing tells them apart.
    #[error("{} and {} lie in the same place", first.display(), second.display())]
    DuplicatePositions {
        /// One of them.
        first: PathBuf,
        /// Another.
        second: PathBuf,
    },
    /// The stack holds several volumes.
    #[error("the stack holds {count} volumes that differ in {axis:?}; ask for all of them")]
    SeveralVolumes {
        /// What tells them apart.
        axis: Axis,
        /// How many.
        count: usize,
    },
    /// Colour slices are no volume of values.
    #[error("slices of {samples} samples are not read as a volume")]
    Colours {
        /// Samples of a pixel.
        samples: usize,
    },
    /// The grid or the memory was refused.
    #[error("{0}")]
    Core(String),
}

/// A doubt about a volume that was read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SeriesWarning {
    /// Slices are unevenly spaced within what was allowed.
    #[error("slices lie up to {off_mm:.4} mm off equal distances")]
    Uneven {
        /// The largest distance from the line of equally spaced slices, in millimetres.
        off_mm: f64,
    },
    /// Slices are shifted along themselves from one to the next, as by a tilted gantry; the shear was kept.
    #[error("slices are shifted along themselves by {degrees:.2} degrees; the shear was kept")]
    Sheared {
        /// Angle between the stack and the slices' normal.
        degrees: f64,
    },
    /// A single slice without thickness was made 1 mm thick.
    #[error("a single slice without thickness was made 1 mm thick")]
    ThicknessUnknown,
    /// Files that repeat an instance were left out.
    #[error("files that repeat an instance were left out: {paths:?}")]
    Repeated {
        /// The files.
        paths: Vec<PathBuf>,
    },
}

/// A volume and where it comes from.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SeriesVolume<T> {
    /// Modality values, `[1, depth, height, width]`, in LPS millimetres.
    pub image: Image<T, 3>,
    /// File and frame of each plane, in the order of depth.
    pub planes: Vec<(Arc<Path>, usize)>,
    /// The frame of reference, if the slices name one.
    pub frame_of_reference: Option<String>,
    /// What tells this volume from others of its stack.
    pub axis: Option<(Axis, AxisValue)>,
    /// Doubts.
    pub warnings: Vec<SeriesWarning>,
}

/// How slices become volumes.
#[derive(Debug, Clone)]
pub struct VolumeOptions {
    budget: Option<Arc<Budget>>,
    uneven: f64,
}

impl Default for VolumeOptions {
    fn default() -> Self {
        Self {
            budget: None,
            uneven: 0.05,
        }
    }
}

impl VolumeOptions {
    /// A fresh default budget; slices may be off by a twentieth of their distance, with a warning.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Claims memory from this budget.
    #[must_use]
    pub fn budget(mut self, budget: Arc<Budget>) -> Self {
        self.budget = Some(budget);
        self
    }

    /// How far a slice may lie off its place, as a part of the slices' distance: 0.05 unless set, 0 to
    /// allow nothing but rounding, large values to accept gaps as they are.
    #[must_use]
    pub fn uneven(mut self, part: f64) -> Self {
        self.uneven = part;
        self
    }
}

/// A slice with the numbers that place it.
struct Placed<'a> {
    slice: &'a Slice,
    position: Point<Lps>,
    /// Distance along the normal, in millimetres.
    along: f64,
}

/// A frame and where its values go.
type Target<'a, T> = (usize, &'a mut [T]);

/// Slices of one volume, and what tells it from others.
type Part<'a> = (Option<(Axis, AxisValue)>, Vec<Placed<'a>>);

/// Slices nearer than this lie in one place; rounding is below it.
const SAME_PLACE_MM: f64 = 5e-3;
/// Rounding of positions, as a part of the distance of slices.
const ROUNDING: f64 = 1e-3;

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
    /// The stack as one volume of modality values.
    ///
    /// # Errors
    /// Refuses several volumes, gaps, duplicates, slices without a place, and what reading refuses.
    pub fn volume<T: Sample>(&self, options: &VolumeOptions) -> crate::Result<SeriesVolume<T>> {
        let fail = |fault| self.fault(fault);
        let mut parts = self.parts().map_err(fail)?;
        match (parts.pop(), parts.len()) {
            (Some((axis, slices)), 0) => self.read(axis, &slices, options),
            (Some((Some((axis, _)), _)), others) => Err(fail(SeriesFault::SeveralVolumes {
                axis,
                count: others.saturating_add(1),
            })),
            _ => Err(fail(SeriesFault::SeveralStacks { stacks: Vec::new() })),
        }
    }

    /// All volumes of the stack, in the order of the axis that tells them apart.
    ///
    /// # Errors
    /// As [`Self::volume`], but for several volumes.
    pub fn volumes<T: Sample>(
        &self,
        options: &VolumeOptions,
    ) -> crate::Result<Vec<SeriesVolume<T>>> {
        let parts = self.parts().map_err(|fault| self.fault(fault))?;
        { parts.iter() }
            .map(|(axis, slices)| self.read(axis.clone(), slices, options))
            .collect()
    }

    fn fault(&self, fault: SeriesFault) -> crate::Error {
        crate::Error::Series {
            uid: self.series_uid.clone(),
            fault: Box::new(fault),
        }
    }

    /// Slices in order, and the normal along which they are.
    fn placed(&self) -> Result<(Vec<Placed<'_>>, Vector<Lps>), SeriesFault> {
        let mut placed = Vec::new();
        let mut normal = None;
        for slice in &self.slices {
            let missing = |what| SeriesFault::NoPlace {
                path: slice.path.to_path_buf(),
                frame: slice.frame,
                what,
            };
            let [row, column] = slice
                .plane
                .orientation
                .ok_or_else(|| missing("orientation"))?;
            let position = slice.plane.position.ok_or_else(|| missing("position"))?;
            slice.plane.spacing.ok_or_else(|| missing("spacing"))?;
            let normal = *normal.get_or_insert_with(|| row.cross(column));
            let [x, y, z] = position.coordinates();
            let along = normal.dot(Vector::new(x, y, z));
            placed.push(Placed {
                slice,
                position,
                along,
            });
        }
        let number = |slice: &Slice| {
            let found = slice.axes.iter().find(|(axis, _)| *axis == Axis::Instance);
            match found {
                Some((_, AxisValue::Number(number))) => *number,
                _ => f64::INFINITY,
            }
        };
        placed.sort_by(|a, b| {
            let place = a.along.total_cmp(&b.along);
            let frames = a.slice.frame.cmp(&b.slice.frame);
            place
                .then(number(a.slice).total_cmp(&number(b.slice)))
                .then(frames)
        });
        let normal = normal.unwrap_or(Vector::new(0.0, 0.0, 1.0));
        Ok((placed, normal))
    }

    /// The stack's volumes: one, unless several slices lie in each place.
    fn parts(&self) -> Result<Vec<Part<'_>>, SeriesFault> {
        let [_, _, samples] = self.shape();
        if samples > 1 {
            return Err(SeriesFault::Colours { samples });
        }
        let (placed, _) = self.placed()?;
        let mut places: Vec<Vec<Placed<'_>>> = Vec::new();
        for slice in placed {
            let last = places.last_mut();
            match last {
                Some(place)
                    if place
                        .first()
                        .is_some_and(|first| slice.along - first.along <= SAME_PLACE_MM) =>
                {
                    place.push(slice);
                }
                _ => places.push(vec![slice]),
            }
        }
        let count = places.first().map_or(0, Vec::len);
        if places.iter().all(|place| place.len() == 1) {
            return Ok(vec![(None, places.into_iter().flatten().collect())]);
        }
        let duplicate = || {
            let crowded = places.iter().max_by_key(|place| place.len());
            let mut paths = { crowded.into_iter().flatten() }.map(|p| p.slice.path.to_path_buf());
            SeriesFault::DuplicatePositions {
                first: paths.next().unwrap_or_default(),
                second: paths.next().unwrap_or_default(),
            }
        };
        if places.iter().any(|place| place.len() != count) {
            return Err(duplicate());
        }
        let axis = AXES.into_iter().find(|axis| tells_apart(*axis, &places));
        let axis = axis.ok_or_else(duplicate)?;
        let mut parts: Vec<Part<'_>> = Vec::new();
        for mut place in places {
            place.sort_by(|a, b| match (on(axis, a.slice), on(axis, b.slice)) {
                (Some(a), Some(b)) => a.compare(b),
                _ => std::cmp::Ordering::Equal,
            });
            for (index, slice) in place.into_iter().enumerate() {
                match parts.get_mut(index) {
                    Some((_, slices)) => slices.push(slice),
                    None => {
                        let value = on(axis, slice.slice).cloned();
                        parts.push((value.map(|value| (axis, value)), vec![slice]));
                    }
                }
            }
        }
        Ok(parts)
    }

    fn read<T: Sample>(
        &self,
        axis: Option<(Axis, AxisValue)>,
        slices: &[Placed<'_>],
        options: &VolumeOptions,
    ) -> crate::Result<SeriesVolume<T>> {
        let fail = |fault| self.fault(fault);
        let (geometry, warnings) = self.grid(slices, options).map_err(fail)?;
        let core = |error: medcore::Error| fail(SeriesFault::Core(error.to_string()));
        let budget = options.budget.clone().unwrap_or_default();
        let shape = geometry
            .shape()
            .map(|n| u64::try_from(n).unwrap_or(u64::MAX));
        let element = u64::try_from(size_of::<T>()).unwrap_or(8);
        let total = budget
            .claim_array("volume", &shape, element)
            .map_err(core)?;
        let total = usize::try_from(total).unwrap_or(usize::MAX);
        let mut voxels: Vec<T> = buffer::zeroed(total, "volume").map_err(core)?;
        let [_, rows, columns] = geometry.shape();
        // A file is opened once, however many frames it holds.
        let mut files: Vec<(&Arc<Path>, Vec<Target<'_, T>>)> = Vec::new();
        let planes = voxels.chunks_exact_mut(rows.saturating_mul(columns).max(1));
        let mut targets: Vec<_> = slices.iter().map(|p| p.slice).zip(planes).collect();
        targets.sort_by(|(a, _), (b, _)| a.path.cmp(&b.path));
        for (slice, plane) in targets {
            match files.last_mut() {
                Some((path, frames)) if **path == slice.path => frames.push((slice.frame, plane)),
                _ => files.push((&slice.path, vec![(slice.frame, plane)])),
            }
        }
        files.into_par_iter().try_for_each(|(path, frames)| {
            let options = ReadOptions::new().budget(Arc::clone(&budget));
            let file = open_with(path, &options)?;
            file.values_into(frames)
        })?;
        Ok(SeriesVolume {
            image: Image::new(geometry, voxels).map_err(core)?,
            planes: { slices.iter() }
                .map(|p| (Arc::clone(&p.slice.path), p.slice.frame))
                .collect(),
            frame_of_reference: self.frame_of_reference().map(str::to_owned),
            axis,
            warnings,
        })
    }

    /// The grid of slices in one line, or why they are none.
    fn grid(
        &self,
        slices: &[Placed<'_>],
        options: &VolumeOptions,
    ) -> Result<(Geometry<3>, Vec<SeriesWarning>), SeriesFault> {
        let mut warnings = Vec::new();
        let (Some(first), Some(last)) = (slices.first(), slices.last()) else {
            return Err(SeriesFault::SeveralStacks { stacks: Vec::new() });
        };
        let axes = [Vector::new(1.0, 0.0, 0.0), Vector::new(0.0, 1.0, 0.0)];
        let [row, column] = first.slice.plane.orientation.unwrap_or(axes);
        let [between_rows, between_columns] = first.slice.plane.spacing.unwrap_or([1.0, 1.0]);
        let normal = row.cross(column);
        let gaps = slices.len().saturating_sub(1);
        let step = if gaps == 0 {
            let thickness = first.slice.thickness.unwrap_or_else(|| {
                warnings.push(SeriesWarning::ThicknessUnknown);
                1.0
            });
            normal * thickness
        } else {
            #[expect(clippy::as_conversions, reason = "a count of slices")]
            let step = (last.position - first.position) * (1.0 / gaps as f64);
            regular(slices, step, options.uneven, &mut warnings)?;
            let aside = step + normal * -normal.dot(step);
            let tilt = aside.norm() / step.norm();
            if tilt > ROUNDING {
                let degrees = tilt.min(1.0).asin().to_degrees();
                warnings.push(SeriesWarning::Sheared { degrees });
            }
            step
        };
        let [rows, columns, _] = self.shape();
        let steps = [step, column * between_rows, row * between_columns];
        let shape = [slices.len(), rows, columns];
        let geometry = Geometry::new(shape, first.position, steps);
        let geometry = geometry.map_err(|e| SeriesFault::Core(e.to_string()))?;
        Ok((geometry.with_calibration(Calibration::Patient), warnings))
    }
}

const AXES: [Axis; 9] = [
    Axis::TemporalPosition,
    Axis::Acquisition,
    Axis::TriggerTime,
    Axis::Echo,
    Axis::BValue,
    Axis::AcquisitionTime,
    Axis::ContentTime,
    Axis::Component,
    Axis::Instance,
];

fn on(axis: Axis, slice: &Slice) -> Option<&AxisValue> {
    let found = slice.axes.iter().find(|(other, _)| *other == axis);
    found.map(|(_, value)| value)
}

/// Whether the slices of each place differ on an axis, and for axes of steps by the same values.
fn tells_apart(axis: Axis, places: &[Vec<Placed<'_>>]) -> bool {
    let values = |place: &Vec<Placed<'_>>| -> Option<Vec<AxisValue>> {
        let values: Option<Vec<AxisValue>> = { place.iter() }
            .map(|p| on(axis, p.slice).cloned())
            .collect();
        let mut values = values?;
        values.sort_by(AxisValue::compare);
        let distinct = values.is_sorted_by(|a, b| a.compare(b).is_lt());
        distinct.then_some(values)
    };
    // Clocks run on from slice to slice; the other axes have one set of values.
    let clock = matches!(
        axis,
        Axis::TriggerTime | Axis::AcquisitionTime | Axis::ContentTime | Axis::Instance
    );
    let first = places.first().and_then(values);
    first.is_some() && { places.iter() }.all(|place| {
        let here = values(place);
        here.is_some() && (clock || here == first)
    })
}

/// Says whether slices lie at equal distances on a line; where not, how far off, or how many are missing.
fn regular(
    slices: &[Placed<'_>],
    step: Vector<Lps>,
    uneven: f64,
    warnings: &mut Vec<SeriesWarning>,
) -> Result<(), SeriesFault> {
    let Some(first) = slices.first() else {
        return Ok(());
    };
    let distance = step.norm();
    let rounding = (ROUNDING * distance).max(SAME_PLACE_MM);
    let mut worst = (0.0_f64, first);
    let mut along = Vec::new();
    for (index, slice) in slices.iter().enumerate() {
        #[expect(clippy::as_conversions, reason = "a count of slices")]
        let place = first.position + step * index as f64;
        let off = slice.position.distance(place);
        if off > worst.0 {
            worst = (off, slice);
        }
        along.push(slice.along);
    }
    let (off_mm, at) = worst;
    let limit_mm = rounding.max(uneven * distance);
    if off_mm <= rounding {
        return Ok(());
    }
    if off_mm <= limit_mm {
        warnings.push(SeriesWarning::Uneven { off_mm });
        return Ok(());
    }
    // A gap of a multiple of the usual distance is a missing slice.
    let gaps: Vec<f64> = along
        .iter()
        .zip(along.iter().skip(1))
        .map(|(a, b)| b - a)
        .collect();
    let mut sorted = gaps.clone();
    sorted.sort_by(f64::total_cmp);
    let usual = sorted.get(sorted.len() / 2).copied().unwrap_or(distance);
    for (gap, slice) in gaps.iter().zip(slices) {
        let times = (gap / usual).round();
        if times >= 2.0 && (gap - times * usual).abs() <= 0.1 * usual && times < 1e6 {
            #[expect(clippy::as_conversions, reason = "between 1 and a million")]
            let missing = times as usize - 1;
            return Err(SeriesFault::MissingSlices {
                after: slice.slice.path.to_path_buf(),
                expected_mm: usual,
                found_mm: *gap,
                missing,
            });
        }
    }
    Err(SeriesFault::Irregular {
        at: at.slice.path.to_path_buf(),
        off_mm,
        limit_mm,
    })
}
