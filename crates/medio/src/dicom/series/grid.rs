//! The grid of slices in one line, or why they are none.

use medcore::{Calibration, Geometry, Lps, Vector};

use super::super::stack::Stack;
use super::fault::{SeriesFault, SeriesWarning};
use super::gaps;
use super::options::Gap;
use super::places::{Placed, SAME_PLACE_MM};
use crate::options::ReadOptions;

/// Rounding of positions, as a part of the distance of slices.
const ROUNDING: f64 = 1e-3;

/// Where a plane of a volume comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Plane {
    /// A slice.
    Slice(usize),
    /// A constant.
    Fill(f64),
    /// A slice and the next, by the weight of the latter.
    Between { below: usize, weight: f64 },
}

/// A regular grid and how its planes are made.
pub(super) struct Grid {
    pub(super) geometry: Geometry<3>,
    pub(super) planes: Vec<Plane>,
    pub(super) warnings: Vec<SeriesWarning>,
}

/// How far slices may be from where they should be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowed {
    /// As a part of the slices' distance.
    pub(super) uneven: f64,
}

impl Allowed {
    /// What passes silently, in millimetres.
    pub(super) fn rounding(self, distance: f64) -> f64 {
        (ROUNDING * distance).max(SAME_PLACE_MM)
    }

    /// What passes with a warning, in millimetres.
    pub(super) fn limit(self, distance: f64) -> f64 {
        self.rounding(distance).max(self.uneven * distance)
    }
}

/// A step from plane to plane and the planes.
pub(super) struct Line {
    pub(super) step: Vector<Lps>,
    pub(super) planes: Vec<Plane>,
}

impl Stack {
    pub(super) fn grid(
        &self,
        slices: &[Placed<'_>],
        options: &ReadOptions,
    ) -> Result<Grid, SeriesFault> {
        let mut warnings = Vec::new();
        let (Some(first), Some(last)) = (slices.first(), slices.last()) else {
            return Err(SeriesFault::SeveralStacks { stacks: Vec::new() });
        };
        let axes = [Vector::new(1.0, 0.0, 0.0), Vector::new(0.0, 1.0, 0.0)];
        let [row, column] = first.slice.plane.orientation.unwrap_or(axes);
        let [between_rows, between_columns] = first.slice.plane.spacing.unwrap_or([1.0, 1.0]);
        let normal = row.cross(column);
        let gaps = slices.len() - 1;
        let each: Vec<Plane> = (0..slices.len()).map(Plane::Slice).collect();
        let line = if gaps == 0 {
            let thickness = first.slice.thickness.unwrap_or_else(|| {
                warnings.push(SeriesWarning::ThicknessUnknown);
                1.0
            });
            Line {
                step: normal * thickness,
                planes: each,
            }
        } else {
            let allowed = Allowed {
                uneven: options.slices.uneven,
            };
            let step = (last.position - first.position) * (1.0 / gaps as f64);
            let line = match (
                regular(slices, step, allowed, &mut warnings),
                options.slices.gap,
            ) {
                (Ok(()), _) => Line { step, planes: each },
                (Err(fault), Gap::Error) => return Err(fault),
                (Err(fault), gap) => {
                    let repair = gaps::Repair {
                        slices,
                        allowed,
                        fault,
                    };
                    repair.by(gap, &mut warnings)?
                }
            };
            let step = line.step;
            let aside = step + normal * -normal.dot(step);
            let tilt = aside.norm() / step.norm();
            if tilt > ROUNDING {
                let degrees = tilt.min(1.0).asin().to_degrees();
                warnings.push(SeriesWarning::Sheared { degrees });
            }
            line
        };
        let [rows, columns, _] = self.shape();
        let steps = [line.step, column * between_rows, row * between_columns];
        let shape = [line.planes.len(), rows, columns];
        let geometry = Geometry::new(shape, first.position, steps);
        let geometry = geometry.map_err(|e| SeriesFault::Core(e.to_string()))?;
        Ok(Grid {
            geometry: geometry.with_calibration(Calibration::Patient),
            planes: line.planes,
            warnings,
        })
    }
}

/// The usual of some distances.
pub(super) fn usual(distances: &[f64]) -> Option<f64> {
    let mut sorted = distances.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

/// Says whether slices lie at equal distances on a line; where not, how far off, or how many are missing.
fn regular(
    slices: &[Placed<'_>],
    step: Vector<Lps>,
    allowed: Allowed,
    warnings: &mut Vec<SeriesWarning>,
) -> Result<(), SeriesFault> {
    let Some(first) = slices.first() else {
        return Ok(());
    };
    let distance = step.norm();
    let mut worst = (0.0_f64, first);
    let mut along = Vec::new();
    for (index, slice) in slices.iter().enumerate() {
        let place = first.position + step * index as f64;
        let off = slice.position.distance(place);
        if off > worst.0 {
            worst = (off, slice);
        }
        along.push(slice.along);
    }
    let (off_mm, at) = worst;
    let limit_mm = allowed.limit(distance);
    if off_mm <= allowed.rounding(distance) {
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
    let usual = usual(&gaps).unwrap_or(distance);
    for (gap, slice) in gaps.iter().zip(slices) {
        let times = (gap / usual).round();
        if times >= 2.0 && (gap - times * usual).abs() <= 0.1 * usual && times < 1e6 {
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
