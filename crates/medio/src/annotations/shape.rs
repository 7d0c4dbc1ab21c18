//! Outlines of objects in an image: points in storage order, `[row, column]`, in index coordinates.

use medcore::BoundingBox;

use super::mask::Mask;
use super::number::{real, real64};

/// What is drawn around, along or over an object, beyond an upright box.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Shape {
    /// One closed ring a part; parts do not cut holes into one another.
    Polygon(Vec<Vec<[f64; 2]>>),
    /// An open line.
    Polyline(Vec<[f64; 2]>),
    /// Single places.
    Points(Vec<[f64; 2]>),
    /// A box that is turned about its centre.
    RotatedBox(RotatedBox),
    /// An ellipse that may be turned about its centre.
    Ellipse(Ellipse),
    /// The pixels themselves.
    Mask(Mask),
}

/// The kind of a [`Shape`], or of what stands without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ShapeKind {
    /// An upright box.
    Box,
    /// One ring.
    Polygon,
    /// Several rings.
    PolygonParts,
    /// An open line.
    Polyline,
    /// Single places.
    Points,
    /// A turned box.
    RotatedBox,
    /// An ellipse.
    Ellipse,
    /// Pixels.
    Mask,
    /// Key points without a box.
    Keypoints,
}

/// A box turned about its centre.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RotatedBox {
    /// `[row, column]`.
    pub center: [f64; 2],
    /// Height and width before the turn, in pixels.
    pub extent: [f64; 2],
    /// Clockwise as one looks at the image, rows going down.
    pub degrees: f64,
}

/// An ellipse turned about its centre.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ellipse {
    /// `[row, column]`.
    pub center: [f64; 2],
    /// Half its height and half its width before the turn, in pixels.
    pub radii: [f64; 2],
    /// Clockwise as one looks at the image, rows going down.
    pub degrees: f64,
}

/// `offset` turned clockwise on the screen.
pub(super) fn turned([row, column]: [f64; 2], degrees: f64) -> [f64; 2] {
    let (sin, cos) = degrees.to_radians().sin_cos();
    [column * sin + row * cos, column * cos - row * sin]
}

impl RotatedBox {
    /// The corners in clockwise order; without a turn the first is at the top left.
    #[must_use]
    pub fn corners(&self) -> [[f64; 2]; 4] {
        let ([row, column], [height, width]) = (self.center, self.extent);
        [(-0.5, -0.5), (-0.5, 0.5), (0.5, 0.5), (0.5, -0.5)].map(|(along, across)| {
            let [down, right] = turned([along * height, across * width], self.degrees);
            [row + down, column + right]
        })
    }

    /// The rectangle with these corners, of the first of which it keeps the place.
    ///
    /// `None` for corners that are no rectangle to within `tolerance` pixels.
    #[must_use]
    pub fn from_corners(corners: [[f64; 2]; 4], tolerance: f64) -> Option<Self> {
        let [a, b, c, d] = corners;
        let mean = |i: fn([f64; 2]) -> f64| (i(a) + i(b) + i(c) + i(d)) / 4.0;
        let along = [b[0] - a[0], b[1] - a[1]];
        let across = [d[0] - a[0], d[1] - a[1]];
        let found = Self {
            center: [mean(|p| p[0]), mean(|p| p[1])],
            extent: [across[0].hypot(across[1]), along[0].hypot(along[1])],
            degrees: along[0].atan2(along[1]).to_degrees(),
        };
        let near = |(p, q): (&[f64; 2], &[f64; 2])| (p[0] - q[0]).hypot(p[1] - q[1]) <= tolerance;
        found
            .corners()
            .iter()
            .zip(&corners)
            .all(near)
            .then_some(found)
    }
}

impl Ellipse {
    /// So many points on it, evenly spaced in angle.
    #[must_use]
    pub fn polygon(&self, points: usize) -> Vec<[f64; 2]> {
        let ([row, column], [vertical, horizontal]) = (self.center, self.radii);
        (0..points)
            .map(|i| {
                let (sin, cos) = (std::f64::consts::TAU * real(i) / real(points)).sin_cos();
                let [down, right] = turned([vertical * sin, horizontal * cos], self.degrees);
                [row + down, column + right]
            })
            .collect()
    }

    fn half_extent(&self) -> [f64; 2] {
        let (sin, cos) = self.degrees.to_radians().sin_cos();
        let [vertical, horizontal] = self.radii;
        [
            (horizontal * sin).hypot(vertical * cos),
            (horizontal * cos).hypot(vertical * sin),
        ]
    }
}

impl Shape {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> ShapeKind {
        match self {
            Self::Polygon(parts) if parts.len() > 1 => ShapeKind::PolygonParts,
            Self::Polygon(_) => ShapeKind::Polygon,
            Self::Polyline(_) => ShapeKind::Polyline,
            Self::Points(_) => ShapeKind::Points,
            Self::RotatedBox(_) => ShapeKind::RotatedBox,
            Self::Ellipse(_) => ShapeKind::Ellipse,
            Self::Mask(_) => ShapeKind::Mask,
        }
    }

    /// The smallest upright box around it; `None` for a shape without points or pixels.
    #[must_use]
    pub fn bounds(&self) -> Option<BoundingBox<2>> {
        match self {
            Self::Polygon(parts) => bounds_of(parts.iter().flatten()),
            Self::Polyline(points) | Self::Points(points) => bounds_of(points),
            Self::RotatedBox(turned) => bounds_of(&turned.corners()),
            Self::Ellipse(ellipse) => {
                let ([row, column], [down, right]) = (ellipse.center, ellipse.half_extent());
                bounds_of(&[[row - down, column - right], [row + down, column + right]])
            }
            Self::Mask(mask) => mask.bounds().map(BoundingBox::from),
        }
    }

    /// Its area in pixels: of polygons by their corners (parts added up), of masks by counting; lines have none.
    #[must_use]
    pub fn area(&self) -> f64 {
        match self {
            Self::Polygon(parts) => parts.iter().map(|ring| ring_area(ring)).sum(),
            Self::Polyline(_) | Self::Points(_) => 0.0,
            Self::RotatedBox(turned) => turned.extent.iter().product(),
            Self::Ellipse(ellipse) => std::f64::consts::PI * ellipse.radii.iter().product::<f64>(),
            Self::Mask(mask) => real64(mask.area()),
        }
    }

    /// All its coordinates; those of a mask are whole numbers and not given.
    pub(super) fn numbers(&self) -> Vec<f64> {
        match self {
            Self::Polygon(parts) => parts.iter().flatten().flatten().copied().collect(),
            Self::Polyline(points) | Self::Points(points) => {
                points.iter().flatten().copied().collect()
            }
            Self::RotatedBox(b) => [b.center, b.extent, [b.degrees, 0.0]].concat(),
            Self::Ellipse(e) => [e.center, e.radii, [e.degrees, 0.0]].concat(),
            Self::Mask(_) => Vec::new(),
        }
    }
}

/// The smallest box around points, `None` without any and for those that are no numbers.
pub(super) fn bounds_of<'a>(
    points: impl IntoIterator<Item = &'a [f64; 2]>,
) -> Option<BoundingBox<2>> {
    let mut points = points.into_iter();
    let &first = points.next()?;
    let (min, max) = points.fold((first, first), |(min, max), &[row, column]| {
        (
            [min[0].min(row), min[1].min(column)],
            [max[0].max(row), max[1].max(column)],
        )
    });
    BoundingBox::new(min, max).ok()
}

/// Half the sum of the cross products of neighbours.
fn ring_area(ring: &[[f64; 2]]) -> f64 {
    let next = ring.iter().cycle().skip(1);
    let doubled: f64 = ring
        .iter()
        .zip(next)
        .map(|(a, b)| a[0] * b[1] - a[1] * b[0])
        .sum();
    doubled.abs() / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_turn_swaps_height_and_width() {
        let turned = RotatedBox {
            center: [10.0, 20.0],
            extent: [2.0, 6.0],
            degrees: 90.0,
        };
        let bounds = Shape::RotatedBox(turned).bounds().unwrap();
        let near = |a: [f64; 2], b: [f64; 2]| (a[0] - b[0]).abs() + (a[1] - b[1]).abs() < 1e-12;
        assert!(
            near(bounds.min(), [7.0, 19.0]) && near(bounds.max(), [13.0, 21.0]),
            "{bounds:?}"
        );
        // Clockwise: the corner at the top left goes to the top right.
        assert!(
            near(turned.corners()[0], [7.0, 21.0]),
            "{:?}",
            turned.corners()
        );
    }

    #[test]
    fn a_turned_box_is_found_again_from_its_corners() {
        for degrees in [0.0, 30.0, -75.0, 160.0] {
            let turned = RotatedBox {
                center: [10.0, 20.0],
                extent: [2.0, 6.0],
                degrees,
            };
            let back = RotatedBox::from_corners(turned.corners(), 1e-9).unwrap();
            assert!((back.degrees - degrees).abs() < 1e-9, "{degrees}");
            assert!((back.extent[0] - 2.0).abs() < 1e-9);
        }
        let kite = [[0.0, 0.0], [0.0, 5.0], [3.0, 5.0], [3.0, 1.0]];
        assert_eq!(RotatedBox::from_corners(kite, 0.1), None);
    }

    #[test]
    fn an_ellipse_fills_its_bounds_and_its_polygon_its_area() {
        let ellipse = Ellipse {
            center: [5.0, 7.0],
            radii: [2.0, 4.0],
            degrees: 33.0,
        };
        let shape = Shape::Ellipse(ellipse);
        let polygon = Shape::Polygon(vec![ellipse.polygon(720)]);
        assert!((polygon.area() / shape.area() - 1.0).abs() < 1e-4);
        let (a, b) = (shape.bounds().unwrap(), polygon.bounds().unwrap());
        assert!(a.iou(&b) > 0.999, "{a:?} {b:?}");
    }
}
