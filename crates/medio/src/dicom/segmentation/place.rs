//! Where the pixels of frames lie among the voxels of a grid.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "axes are 0 to 2, indices below 2^31, which `Placed::new` checks"
)]

use medcore::{Geometry, Lps, Point};

use super::super::derived::{LabelFault, LabelGrid, OutsideGrid};

/// A frame whose rows and columns run along axes of the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Placed {
    /// Voxel of the first pixel, which may lie outside.
    start: [i64; 3],
    /// The axis along which rows follow one another, and in which direction.
    down: (usize, i64),
    /// The same of columns.
    along: (usize, i64),
    rows: usize,
    columns: usize,
}

/// How far a pixel may lie from the centre of its voxel, in voxels.
const LIMIT: f64 = 0.1;

/// Indices beyond this are no places in a patient.
const FARTHEST: f64 = (1_u32 << 31) as f64;

fn index(place: Point<Lps>, grid: &Geometry<3>) -> [f64; 3] {
    grid.world_to_index(place)
}

/// The nearest axis of a step of one pixel in voxels.
fn axis(step: [f64; 3]) -> Option<(usize, i64)> {
    let longest = |a: &usize, b: &usize| step[*a].abs().total_cmp(&step[*b].abs());
    let axis = (0..3).max_by(longest)?;
    let sign = if step[axis] < 0.0 { -1 } else { 1 };
    (0.9..1.1)
        .contains(&step[axis].abs())
        .then_some((axis, sign))
}

impl Placed {
    /// Places a frame, or says how far it is off.
    pub(super) fn new(
        frame: &Geometry<2>,
        grid: &Geometry<3>,
        what: impl Fn() -> String,
    ) -> Result<Self, LabelFault> {
        let [rows, columns] = frame.shape();
        let corner = |r: f64, c: f64| frame.index_to_world([r, c]);
        let first = index(corner(0.0, 0.0), grid);
        let step = |r, c| {
            let next = index(corner(r, c), grid);
            std::array::from_fn(|a| next[a] - first[a])
        };
        if first.iter().any(|v| v.is_nan() || v.abs() >= FARTHEST) {
            return Err(LabelFault::Outside {
                what: what(),
                index: first.map(|v| v as i64),
                shape: grid.shape(),
            });
        }
        let spacing = grid.spacing();
        let axes = (axis(step(1.0, 0.0)), axis(step(0.0, 1.0)));
        let (down, along) = match axes {
            (Some(down), Some(along)) if down.0 != along.0 => (down, along),
            _ => {
                return Err(LabelFault::OtherPixels {
                    what: what(),
                    pixel_mm: frame.spacing(),
                    voxel_mm: spacing,
                    degrees: turn(frame, grid),
                });
            }
        };
        let placed = Self {
            start: first.map(|v| v.round() as i64),
            down,
            along,
            rows,
            columns,
        };
        let mut worst: Option<(f64, f64)> = None;
        for r in [0, rows - 1] {
            for c in [0, columns - 1] {
                let here = corner(r as f64, c as f64);
                let exact = index(here, grid);
                let voxel = placed.voxel(r, c).map(|v| v as f64);
                for a in 0..3 {
                    let off = (exact[a] - voxel[a]).abs();
                    if off.is_nan() || off > LIMIT {
                        let off_mm = here.distance(grid.index_to_world(voxel));
                        if worst.is_none_or(|(mm, _)| off_mm > mm) {
                            worst = Some((off_mm, spacing[a]));
                        }
                    }
                }
            }
        }
        match worst {
            None => Ok(placed),
            Some((off_mm, spacing)) => Err(LabelFault::OffGrid {
                what: what(),
                off_mm,
                limit_mm: LIMIT * spacing,
            }),
        }
    }

    /// The voxel of a pixel, inside the grid or not.
    pub(super) fn voxel(&self, row: usize, column: usize) -> [i64; 3] {
        let mut voxel = self.start;
        voxel[self.down.0] += self.down.1 * row as i64;
        voxel[self.along.0] += self.along.1 * column as i64;
        voxel
    }

    /// The plane of the grid in which the frame lies whole.
    pub(super) fn depth(&self) -> Option<i64> {
        let whole = self.down.0 != 0 && self.along.0 != 0;
        whole.then_some(self.start[0])
    }

    /// Whether rows and columns are the grid's own, in their order.
    fn runs_along(&self) -> bool {
        self.along == (2, 1)
    }

    /// Calls `f(voxel, value)` for each pixel that is not `background`, with the place of its voxel in the
    /// grid's memory.
    pub(super) fn for_each(
        &self,
        pixels: &[u16],
        background: u16,
        grid: &LabelGrid,
        what: impl Fn() -> String,
        mut f: impl FnMut(usize, u16) -> Result<(), LabelFault>,
    ) -> Result<(), LabelFault> {
        let shape = grid.geometry.shape();
        let inside = |voxel: [i64; 3]| {
            let at = |a: usize| usize::try_from(voxel[a]).ok().filter(|v| *v < shape[a]);
            Some((at(0)? * shape[1] + at(1)?) * shape[2] + at(2)?)
        };
        for (r, row) in pixels.chunks_exact(self.columns).enumerate() {
            if row.iter().all(|v| *v == background) {
                continue;
            }
            let ends = (
                inside(self.voxel(r, 0)),
                inside(self.voxel(r, self.columns - 1)),
            );
            if let (Some(first), Some(_), true) = (ends.0, ends.1, self.runs_along()) {
                for (c, &value) in row.iter().enumerate() {
                    if value != background {
                        f(first + c, value)?;
                    }
                }
                continue;
            }
            for (c, &value) in row.iter().enumerate() {
                if value == background {
                    continue;
                }
                let voxel = self.voxel(r, c);
                match (inside(voxel), grid.outside) {
                    (Some(at), _) => f(at, value)?,
                    (None, OutsideGrid::Clip) => {}
                    (None, OutsideGrid::Refuse) => {
                        return Err(LabelFault::Outside {
                            what: what(),
                            index: voxel,
                            shape,
                        });
                    }
                }
            }
        }
        Ok(())
    }
}

/// The largest angle between a frame's axis and the grid's nearest one, in degrees.
fn turn(frame: &Geometry<2>, grid: &Geometry<3>) -> f64 {
    let cosine = |a: [f64; 3], b: [f64; 3]| (0..3).map(|i| a[i] * b[i]).sum::<f64>().abs();
    let nearest = |a: [f64; 3]| {
        grid.direction()
            .map(|b| cosine(a, b))
            .into_iter()
            .fold(0.0, f64::max)
    };
    let worst = frame
        .direction()
        .map(nearest)
        .into_iter()
        .fold(1.0, f64::min);
    worst.clamp(0.0, 1.0).acos().to_degrees()
}
