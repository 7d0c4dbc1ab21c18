//! Feret diameters of a mask in a plane.

use std::f64::consts::PI;

use medcore::{Label, LabelMap};
use serde::{Deserialize, Serialize};

use super::mask::{Mask, Run};
use super::outline::{Lattice2, PixelModel};
use super::place::{Diameter, EndPoint, Plane, halves, unit};
use super::planar_hull::{cross, for_each_antipode, sub};
use crate::error::Result;
use crate::estimate::Estimate;

/// The largest and the smallest distance between two parallel lines that hold a mask between them.
///
/// The largest is the distance of its two farthest points (maximum Feret diameter), the smallest its width,
/// reached with a line along an edge of the convex hull (minimum Feret diameter).
///
/// ```
/// use medcore::{Geometry, LabelMap};
/// use medmetrics::measurement::{Feret, PixelModel};
///
/// // A square of ten pixels, 3 mm high and 0.7 mm wide each.
/// let grid = Geometry::<2>::axis_aligned([10, 10], [3.0, 0.7])?;
/// let square = LabelMap::new(grid, vec![1u8; 100])?;
/// let feret = Feret::new(&square, 1, PixelModel::Corners)?.expect("there are pixels");
/// assert!((feret.maximum.mm - 30.8058).abs() < 1e-4);
/// assert!((feret.minimum.mm - 7.0).abs() < 1e-12);
/// let centres = Feret::new(&square, 1, PixelModel::Centres)?.expect("there are pixels");
/// assert!((centres.maximum.mm - 27.7253).abs() < 1e-4);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Feret {
    /// The maximum Feret diameter.
    pub maximum: Diameter,
    /// Its direction in degrees, above -90 up to 90: 0 along the rows, 90 across them towards the next row;
    /// `None` for a maximum of length 0.
    pub angle_deg: Option<f64>,
    /// The minimum Feret diameter.
    pub minimum: Width,
    /// The extent at 90 degrees to the maximum, in mm.
    pub orthogonal_mm: f64,
    /// What a pixel was taken for, such as `feret:corners`.
    pub convention: String,
}

/// The distance between two parallel lines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Width {
    /// Their distance in mm.
    pub mm: f64,
    /// The edge of the hull that lies on one of them.
    pub edge: [EndPoint; 2],
    /// The vertex of the hull that lies on the other.
    pub opposite: EndPoint,
}

impl Feret {
    /// Measures the pixels of one label, `None` if there are none.
    ///
    /// # Errors
    /// Refuses grids of 262144 pixels along an axis, and grids without known millimetres.
    pub fn new<L: Label>(
        map: &LabelMap<L, 2>,
        label: u32,
        model: PixelModel,
    ) -> Result<Option<Self>> {
        let plane = Plane::of_grid(map.geometry());
        let mask = Mask::of_label(map, label)?;
        Ok(mask.map(|mask| Self::of_hull(&plane, &model.hull(&mask), model)))
    }

    /// Measures every label but 0, in the order of labels.
    ///
    /// # Errors
    /// As [`Feret::new`].
    pub fn of_labels<L: Label>(
        map: &LabelMap<L, 2>,
        model: PixelModel,
    ) -> Result<Vec<(u32, Self)>> {
        let plane = Plane::of_grid(map.geometry());
        let masks = Mask::of_labels(map)?.into_iter();
        Ok(masks
            .map(|(label, mask)| (label, Self::of_hull(&plane, &model.hull(&mask), model)))
            .collect())
    }

    /// The maximum over the minimum diameter; `None` for a mask without width.
    #[must_use]
    pub fn aspect_ratio(&self) -> Option<f64> {
        (self.minimum.mm > 0.0).then(|| self.maximum.mm / self.minimum.mm)
    }

    /// Measures a hull of at least one point.
    pub(crate) fn of_hull(plane: &Plane, hull: &[Lattice2], model: PixelModel) -> Self {
        let [from, to] = farthest(plane, hull);
        let maximum = plane.diameter(from, to);
        let between = plane.vector(halves(sub(to, from)));
        let direction = (maximum.mm > 0.0).then(|| unit(between));
        let [along, across] = plane.axes();
        let angle_deg = direction.map(|direction| {
            let angle = libm::atan2(direction.dot(across), direction.dot(along)) * (180.0 / PI);
            match angle {
                angle if angle > 90.0 => angle - 180.0,
                angle if angle <= -90.0 => angle + 180.0,
                angle => angle,
            }
        });
        let supports = supports(plane, hull, plane.perpendicular(direction.unwrap_or(along)));
        Self {
            maximum,
            angle_deg,
            minimum: width(plane, hull),
            orthogonal_mm: supports.0,
            convention: format!("feret:{model}"),
        }
    }
}

/// The two vertices that lie farthest apart, the first such pair in the order of the hull.
pub(crate) fn farthest(plane: &Plane, hull: &[Lattice2]) -> [Lattice2; 2] {
    let mut best = ([hull[0], hull[hull.len() - 1]], -1.0);
    let mut consider = |a: Lattice2, b: Lattice2| {
        let distance = plane.distance(a, b);
        if distance > best.1 {
            best = ([a.min(b), a.max(b)], distance);
        }
    };
    if hull.len() < 3 {
        consider(hull[0], hull[hull.len() - 1]);
    } else {
        for_each_antipode(hull, |edge, far| {
            for end in edge {
                consider(hull[end], hull[far]);
            }
        });
    }
    best.0
}

/// The extent along a unit vector in mm, and the vertices that reach farthest against and along it.
pub(crate) fn supports(
    plane: &Plane,
    hull: &[Lattice2],
    direction: medcore::Vector<medcore::Lps>,
) -> (f64, [Lattice2; 2]) {
    // Heights are taken from a vertex, as differences of whole numbers are exact.
    let height = |point: Lattice2| plane.vector(halves(sub(point, hull[0]))).dot(direction);
    let mut low = (0.0, hull[0]);
    let mut high = low;
    for &point in hull {
        let here = height(point);
        if here < low.0 {
            low = (here, point);
        }
        if here > high.0 {
            high = (here, point);
        }
    }
    (high.0 - low.0, [low.1, high.1])
}

fn width(plane: &Plane, hull: &[Lattice2]) -> Width {
    let last = hull[hull.len() - 1];
    let mut best = (0.0, [hull[0], last], hull[0]);
    if hull.len() > 2 {
        best.0 = f64::INFINITY;
        // Twice a triangle's area in pixels becomes mm² with the area of a pixel.
        let pixel = plane.steps[0].cross(plane.steps[1]).norm();
        for_each_antipode(hull, |edge, far| {
            let [a, b] = edge.map(|end| hull[end]);
            let area = cross(sub(b, a), sub(hull[far], a)).unsigned_abs() as f64 / 4.0 * pixel;
            let distance = area / plane.distance(a, b);
            if distance < best.0 {
                best = (distance, [a, b], hull[far]);
            }
        });
    }
    let end = |point| plane.end_point(halves(point));
    Width {
        mm: best.0,
        edge: best.1.map(end),
        opposite: end(best.2),
    }
}

/// The maximum Feret diameter as scikit-image 0.26 gives it (`feret_diameter_max`), in mm.
///
/// That library fills the convex hull of the contour with pixels first and measures the contour of those:
/// more than the mask occupies for round objects (21.47 for a disc of radius 10, whose farthest corners are
/// 21.40 apart), less for square ones. For comparison with published numbers only.
///
/// # Errors
/// As [`Feret::new`].
pub fn scikit_image_diameter<L: Label>(map: &LabelMap<L, 2>, label: u32) -> Result<Estimate> {
    let name = "feret_diameter_max:scikit-image";
    let Some(mask) = Mask::of_label(map, label)? else {
        return Ok(Estimate::undefined(0, name));
    };
    let contour = PixelModel::Contour.hull(&mask);
    // A hull around a pixel reaches over the border by a half, its pixels do not.
    let filled = Mask {
        shape: mask.shape,
        runs: fill(&contour),
    };
    let plane = Plane::of_grid(map.geometry());
    let [from, to] = farthest(&plane, &PixelModel::Contour.hull(&filled));
    let pixels = mask.voxels();
    Ok(Estimate::new(plane.distance(from, to), pixels, name))
}

/// The pixels whose centres lie in a hull, border included.
fn fill(hull: &[Lattice2]) -> Vec<Run> {
    let low = hull.iter().map(|p| p[0]).min().unwrap_or(0);
    let high = hull.iter().map(|p| p[0]).max().unwrap_or(0);
    let mut runs = Vec::new();
    for row in (low + 1).div_euclid(2)..=high.div_euclid(2) {
        let [mut first, mut last] = [i64::MIN, i64::MAX];
        for (i, &a) in hull.iter().enumerate() {
            let b = hull[(i + 1) % hull.len()];
            let [down, right] = sub(b, a);
            // Inside, the turn to the pixel's centre is to the left: down * (2w - a1) >= right * (2r - a0).
            let bound = right * (2 * row - a[0]) + down * a[1];
            match down.signum() {
                1 => first = first.max(-(-bound).div_euclid(2 * down)),
                -1 => last = last.min((-bound).div_euclid(-2 * down)),
                _ => {}
            }
        }
        if first <= last && first >= 0 {
            runs.push(Run {
                row: row as usize,
                start: first as usize,
                end: last as usize + 1,
            });
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::super::planar_hull;
    use super::*;

    #[test]
    fn a_filled_diamond_has_the_pixels_inside_it() {
        let diamond = planar_hull::hull(vec![[5, 1], [1, 5], [5, 9], [9, 5]]);
        let runs: Vec<_> = { fill(&diamond).into_iter() }
            .map(|run| (run.row, run.start, run.end))
            .collect();
        assert_eq!(runs, [(1, 2, 4), (2, 1, 5), (3, 1, 5), (4, 2, 4)]);
    }
}
