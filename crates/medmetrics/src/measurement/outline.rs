//! What a voxel is to a ruler: the points of a mask between which diameters are taken.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::mask::Mask;
use super::planar_hull;

/// The points of a voxel that belong to its mask.
///
/// A single pixel of 1 mm has diameters of 1.41, 0 and 1 mm by these models; a bar of 1 x 10 pixels 10.05,
/// 9 and 10 mm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PixelModel {
    /// Its corners: what the mask occupies, as ImageJ measures.
    #[default]
    Corners,
    /// Its centre: from voxel to voxel, half a voxel short at either end.
    Centres,
    /// The middles of its faces: where an isosurface at one half passes, as pyradiomics' meshes do.
    Contour,
}

impl fmt::Display for PixelModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Corners => "corners",
            Self::Centres => "centres",
            Self::Contour => "contour",
        })
    }
}

/// A place in a plane, in half pixels: whole for every point of every model.
pub(crate) type Lattice2 = [i64; 2];

/// A place in a volume, in half voxels.
pub(crate) type Lattice3 = [i64; 3];

impl PixelModel {
    /// Points of a plane's mask among which all vertices of its hull are.
    pub(crate) fn outline(self, mask: &Mask<2>) -> Vec<Lattice2> {
        let mut points = Vec::with_capacity(8 * mask.runs.len());
        for (row, first, last) in rows(mask) {
            match self {
                Self::Corners => {
                    for side in [-1, 1] {
                        points.extend([[row + side, first - 1], [row + side, last + 1]]);
                    }
                }
                Self::Centres => points.extend([[row, first], [row, last]]),
                Self::Contour => {
                    points.extend([[row, first - 1], [row, last + 1]]);
                    for side in [-1, 1] {
                        points.extend([[row + side, first], [row + side, last]]);
                    }
                }
            }
        }
        points
    }

    /// The hull of a plane's mask.
    pub(crate) fn hull(self, mask: &Mask<2>) -> Vec<Lattice2> {
        planar_hull::hull(self.outline(mask))
    }

    /// Points of a volume's mask among which all vertices of its hull are: hulls of its slices.
    pub(crate) fn solid_outline(self, mask: &Mask<3>) -> Vec<Lattice3> {
        let mut points = Vec::new();
        for (slice, plane) in mask.slices(0) {
            let depth = 2 * slice as i64;
            let hull = self.hull(&plane);
            let mut at = |depth: i64, hull: &[Lattice2]| {
                points.extend(hull.iter().map(|&[h, w]| [depth, h, w]));
            };
            match self {
                Self::Corners => {
                    at(depth - 1, &hull);
                    at(depth + 1, &hull);
                }
                Self::Centres => at(depth, &hull),
                Self::Contour => {
                    let centres = Self::Centres.hull(&plane);
                    at(depth - 1, &centres);
                    at(depth, &hull);
                    at(depth + 1, &centres);
                }
            }
        }
        points.sort_unstable();
        points.dedup();
        points
    }
}

/// Each row of a mask with its first and last pixel, in half pixels.
fn rows(mask: &Mask<2>) -> impl Iterator<Item = (i64, i64, i64)> {
    { mask.runs.chunk_by(|a, b| a.row == b.row) }.map(|runs| {
        let last = runs.iter().map(|run| run.end).max().unwrap_or_default();
        (
            2 * runs[0].row as i64,
            2 * runs[0].start as i64,
            2 * last as i64 - 2,
        )
    })
}
