//! Why slices make no volume, and what is doubtful about one that they make.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::instance::Axis;
use super::super::query::{Candidate, Rejection};
use super::super::suv::SuvFault;
use crate::report::Report;

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
    /// Files that may belong to the series could not be read.
    #[error("{} files that may belong to the series could not be read: {}", files.len(), joined(files))]
    Refused {
        /// Which, and why.
        files: Vec<String>,
    },
    /// No series answers a query.
    #[error("no stack answers the query: {}", joined(rejected))]
    NoneChosen {
        /// What was there, and why it was not chosen.
        rejected: Vec<Rejection>,
    },
    /// Several stacks answer a query, and its preferences do not part them.
    #[error("{} stacks answer the query: {}; others do not: {}", candidates.len(), joined(candidates), joined(rejected))]
    Ambiguous {
        /// Those that answer it equally well.
        candidates: Vec<Candidate>,
        /// What else was there, and why it was not chosen.
        rejected: Vec<Rejection>,
    },
    /// Colour slices are no volume of values.
    #[error("slices of {samples} samples are not read as a volume")]
    Colours {
        /// Samples of a pixel.
        samples: usize,
    },
    /// There are no uptake values.
    #[error("no uptake values: {0}")]
    Suv(SuvFault),
    /// The value for missing slices is none of the volume's type.
    #[error("missing slices cannot be filled with {value}: it is no {target}")]
    FillValue {
        /// The value.
        value: f64,
        /// The type of voxels.
        target: &'static str,
    },
    /// The grid or the memory was refused.
    #[error("{0}")]
    Core(String),
}

/// A list in a message: what it begins with, and how many more there are.
fn joined<T: std::fmt::Display>(list: &[T]) -> String {
    const SHOWN: usize = 16;
    let shown: Vec<String> = list.iter().take(SHOWN).map(T::to_string).collect();
    match list.len() {
        0 => "none".to_owned(),
        n @ ..=SHOWN => format!("{n}: {}", shown.join("; ")),
        n => format!("{n}: {}; and {} more", shown.join("; "), n - SHOWN),
    }
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
    /// Missing slices were filled with a constant, as was asked for.
    #[error(
        "after {} {missing} slices are missing ({found_mm} mm to the next one); they were filled with {value}",
        after.display()
    )]
    GapFilled {
        /// The last slice before the gap.
        after: PathBuf,
        /// How many slices were made.
        missing: usize,
        /// Distance to the next slice, in millimetres.
        found_mm: f64,
        /// What they were filled with.
        value: f64,
    },
    /// Slices were interpolated onto equal distances, as was asked for.
    #[error(
        "slices lie unevenly, {widest_mm} mm apart after {}; {planes} planes were interpolated {step_mm} mm apart",
        after.display()
    )]
    Resampled {
        /// The last slice before the widest gap.
        after: PathBuf,
        /// That gap, in millimetres.
        widest_mm: f64,
        /// Distance of planes now, in millimetres.
        step_mm: f64,
        /// How many planes are no slice of a file.
        planes: usize,
    },
    /// Slices lie unevenly and were taken as equally spaced, as was asked for: places are wrong by up to `off_mm`.
    #[error(
        "slices lie unevenly, {widest_mm} mm apart after {}; taken as equally spaced they are up to {off_mm:.4} mm off",
        after.display()
    )]
    GapAccepted {
        /// The last slice before the widest gap.
        after: PathBuf,
        /// That gap, in millimetres.
        widest_mm: f64,
        /// How far the farthest slice is from where the volume says, in millimetres.
        off_mm: f64,
    },
    /// Slices with the same place and the same pixels as another were left out, as was asked for.
    #[error("{} slices repeat the pixels of {} in its place and were left out", dropped.len(), kept.display())]
    DuplicatesDropped {
        /// The file that was kept.
        kept: PathBuf,
        /// The others.
        dropped: Vec<PathBuf>,
    },
    /// The files give their values in different units.
    #[error("the slices' values are in different units: {}", units.join(", "))]
    UnitsDiffer {
        /// The units.
        units: Vec<String>,
    },
    /// What is doubtful in files of the series.
    #[error("{}{}: {warning}", path.display(), if *others == 0 { String::new() } else { format!(" and {others} others") })]
    Files {
        /// The first of them.
        path: PathBuf,
        /// How many more there are.
        others: usize,
        /// What is doubtful in the first.
        warning: super::super::Warning,
    },
    /// The frames of a film say nothing of their places; they lie one behind the other, a unit apart.
    #[error("{frames} frames say nothing of their places; they were put one behind the other")]
    FramesWithoutPlace {
        /// How many.
        frames: usize,
    },
    /// Files that repeat an instance were left out.
    #[error("files that repeat an instance were left out: {paths:?}")]
    Repeated {
        /// The files.
        paths: Vec<PathBuf>,
    },
}

impl SeriesWarning {
    /// The doubts about files, each kind once.
    pub(super) fn of_files(reports: Vec<(&Arc<Path>, Report)>) -> Vec<Self> {
        let mut kinds: Vec<Self> = Vec::new();
        for (file, report) in reports {
            for doubt in report.warnings {
                let crate::Warning::Dicom(doubt) = doubt else {
                    continue;
                };
                let known = kinds.iter_mut().find_map(|kind| match kind {
                    Self::Files {
                        warning, others, ..
                    } if warning.is_like(&doubt) => Some(others),
                    _ => None,
                });
                match known {
                    Some(others) => *others += 1,
                    None => kinds.push(Self::Files {
                        path: file.to_path_buf(),
                        others: 0,
                        warning: doubt,
                    }),
                }
            }
        }
        kinds
    }
}
