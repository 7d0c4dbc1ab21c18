//! Diameters of a mask in space.

use medcore::{Geometry, Label, LabelMap, Lps, Vector};
use serde::{Deserialize, Serialize};

use super::mask::Mask;
use super::outline::{Lattice3, PixelModel};
use super::place::{Diameter, EndPoint, halves, solid_end, unit};
use super::solid_hull::{SolidHull, sub};
use crate::error::Result;

/// The largest diameter of a mask in space, and its width.
///
/// The maximum is exact: the distance of the two farthest vertices of the convex hull. With
/// [`PixelModel::Contour`] it is pyradiomics' `Maximum3DDiameter`.
///
/// ```
/// use medcore::{Geometry, LabelMap};
/// use medmetrics::measurement::{PixelModel, SolidFeret};
///
/// let grid = Geometry::axis_aligned([2, 3, 6], [5.0, 1.0, 1.0])?;
/// let block = LabelMap::new(grid, vec![1u8; 36])?;
/// let feret = SolidFeret::new(&block, 1, PixelModel::Corners)?.expect("there are voxels");
/// assert!((feret.maximum.mm - (100.0f64 + 9.0 + 36.0).sqrt()).abs() < 1e-12);
/// assert!((feret.minimum.mm - 3.0).abs() < 1e-12);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SolidFeret {
    /// The largest distance of two points of the mask.
    pub maximum: Diameter,
    /// The smallest extent along the normal of a facet of the convex hull.
    ///
    /// A body's width may be reached between two planes that each hold only an edge; it is then a little
    /// below this.
    pub minimum: FacetWidth,
    /// What a voxel was taken for, such as `feret3d:corners`.
    pub convention: String,
}

/// The distance between two parallel planes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FacetWidth {
    /// Their distance in mm; 0 for a mask whose points lie in one plane.
    pub mm: f64,
    /// Three points of the facet on one of them; `None` for a mask whose points lie in one plane.
    pub facet: Option<[EndPoint; 3]>,
    /// The vertex on the other.
    pub opposite: EndPoint,
}

impl SolidFeret {
    /// Measures the voxels of one label, `None` if there are none.
    ///
    /// # Errors
    /// Refuses grids of 262144 voxels along an axis, and grids without known millimetres.
    pub fn new<L: Label>(
        map: &LabelMap<L, 3>,
        label: u32,
        model: PixelModel,
    ) -> Result<Option<Self>> {
        let mask = Mask::of_label(map, label)?;
        Ok(mask.map(|mask| Self::of_mask(map.geometry(), &mask, model)))
    }

    /// Measures a mask.
    pub(crate) fn of_mask(grid: &Geometry<3>, mask: &Mask<3>, model: PixelModel) -> Self {
        let points = model.solid_outline(mask);
        let hull = SolidHull::new(&points);
        // Points in one plane are few: the hull of a slice, or two of each.
        let vertices = hull.as_ref().map_or(&points, |hull| &hull.vertices);
        let places = Places::new(grid, vertices);
        let ends = places.farthest().map(|at| vertices[at]);
        let maximum = Diameter {
            mm: vector(grid, sub(ends[1], ends[0])).norm(),
            ends: ends.map(|end| solid_end(grid, end)),
        };
        let flat = FacetWidth {
            mm: 0.0,
            facet: None,
            opposite: solid_end(grid, vertices[0]),
        };
        let minimum = hull.as_ref().map_or(flat, |hull| places.width(grid, hull));
        Self {
            maximum,
            minimum,
            convention: format!("feret3d:{model}"),
        }
    }
}

/// The vertices in mm, relative to the first one.
struct Places {
    x: Vec<f64>,
    y: Vec<f64>,
    z: Vec<f64>,
}

impl Places {
    fn new(grid: &Geometry<3>, vertices: &[Lattice3]) -> Self {
        let places: Vec<[f64; 3]> = { vertices.iter() }
            .map(|&vertex| vector(grid, sub(vertex, vertices[0])).components())
            .collect();
        let axis = |k: usize| places.iter().map(|place| place[k]).collect();
        Self {
            x: axis(0),
            y: axis(1),
            z: axis(2),
        }
    }

    /// The two that lie farthest apart.
    fn farthest(&self) -> [usize; 2] {
        let mut best = ([0, 0], 0.0);
        for i in 0..self.x.len() {
            let at = [self.x[i], self.y[i], self.z[i]];
            let squares =
                { self.x[i..].iter().zip(&self.y[i..]).zip(&self.z[i..]) }.map(|((x, y), z)| {
                    let [dx, dy, dz] = [x - at[0], y - at[1], z - at[2]];
                    dx * dx + dy * dy + dz * dz
                });
            // A maximum alone is quick; where it is, is asked rarely.
            let most = squares.clone().fold(0.0, f64::max);
            if most > best.1 {
                let j = i + squares.clone().position(|d| d == most).unwrap_or(0);
                best = ([i, j], most);
            }
        }
        best.0
    }

    fn width(&self, grid: &Geometry<3>, hull: &SolidHull) -> FacetWidth {
        let mut best = (f64::INFINITY, hull.facets[0], 0);
        for &[a, b, c] in &hull.facets {
            let [u, v] = [b, c].map(|corner| vector(grid, sub(corner, a)));
            let [x, y, z] = unit(u.cross(v)).components();
            let [i, j, k] = vector(grid, sub(a, hull.vertices[0])).components();
            let level = x * i + y * j + z * k;
            let heights = { self.x.iter().zip(&self.y).zip(&self.z) }
                .map(|((i, j), k)| (x * i + y * j + z * k - level).abs());
            let most = heights.clone().fold(0.0, f64::max);
            if most < best.0 {
                let opposite = heights.clone().position(|h| h == most).unwrap_or(0);
                best = (most, [a, b, c], opposite);
            }
        }
        FacetWidth {
            mm: best.0,
            facet: Some(best.1.map(|corner| solid_end(grid, corner))),
            opposite: solid_end(grid, hull.vertices[best.2]),
        }
    }
}

/// A way on the lattice in mm.
fn vector(grid: &Geometry<3>, lattice: Lattice3) -> Vector<Lps> {
    let steps = grid.steps();
    let index = halves(lattice);
    steps[0] * index[0] + steps[1] * index[1] + steps[2] * index[2]
}
