//! Boxes that do not stand along the axes.

use medcore::BoundingBox;
use serde::{Deserialize, Serialize};

use crate::error::{Result, check};

/// A box turned freely, in indices of an image: its middle, and the way from there to the middle of one face of each pair.
///
/// Moves lead it on exactly, so that it may shear; [`TurnedBox::fitted`] puts the smallest box with right angles around it,
/// once, where a detector asks for one.
///
/// ```
/// use medaug::TurnedBox;
///
/// // Eight high and two wide, the upper end leaning 30 degrees to the right.
/// let needle = TurnedBox::from_size([10.0, 20.0], [8.0, 2.0], -30.0)?;
/// let ([height, width], degrees) = needle.fitted([1.0; 2]).size_and_degrees();
/// assert!((height - 8.0).abs() < 1e-9 && (width - 2.0).abs() < 1e-9 && (degrees + 30.0).abs() < 1e-9);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawTurned", into = "RawTurned")]
pub struct TurnedBox<const D: usize> {
    centre: [f64; D],
    half_edges: [[f64; D]; D],
}

const NAME: &str = "TurnedBox";

impl<const D: usize> TurnedBox<D> {
    /// A box around `centre` whose faces have their middles at `centre` plus and minus each half edge, in voxels.
    ///
    /// # Errors
    /// Refuses numbers that are not finite and a box that is flat.
    pub fn new(centre: [f64; D], half_edges: [[f64; D]; D]) -> Result<Self> {
        for &value in centre.iter().chain(half_edges.as_flattened()) {
            check(
                NAME,
                "centre and half edges",
                value,
                "finite",
                f64::is_finite,
            )?;
        }
        let turned = Self { centre, half_edges };
        let volume = turned.volume();
        check(NAME, "volume", volume, "finite and above 0", |v| {
            v.is_finite() && v > 0.0
        })?;
        Ok(turned)
    }

    /// Its middle.
    #[must_use]
    pub fn centre(&self) -> [f64; D] {
        self.centre
    }

    /// The ways from its middle to the middle of one face of each pair.
    #[must_use]
    pub fn half_edges(&self) -> [[f64; D]; D] {
        self.half_edges
    }

    /// Its volume in voxels.
    #[must_use]
    pub fn volume(&self) -> f64 {
        let order = std::array::from_fn(|a| a);
        let upright = perpendicular(&self.half_edges, order);
        (0..D)
            .map(|a| 2.0 * dot(upright[a], self.half_edges[a]))
            .product()
    }

    /// Its corners; in the plane one after the other around it.
    #[must_use]
    pub fn corners(&self) -> Vec<[f64; D]> {
        (0..1_usize << D)
            .map(|corner| {
                // Neighbours in Gray's order differ along one edge.
                let signs = corner ^ (corner >> 1);
                std::array::from_fn(|a| {
                    let edges = self.half_edges.iter().enumerate();
                    let off: f64 = edges
                        .map(|(edge, way)| {
                            if signs >> edge & 1 == 1 {
                                way[a]
                            } else {
                                -way[a]
                            }
                        })
                        .sum();
                    self.centre[a] + off
                })
            })
            .collect()
    }

    /// The box around it that stands along the axes; `None` if its corners are not finite.
    #[must_use]
    pub fn bounds(&self) -> Option<BoundingBox<D>> {
        let reach: [f64; D] =
            std::array::from_fn(|a| self.half_edges.iter().map(|way| way[a].abs()).sum());
        BoundingBox::new(
            std::array::from_fn(|a| self.centre[a] - reach[a]),
            std::array::from_fn(|a| self.centre[a] + reach[a]),
        )
        .ok()
    }

    /// The box around where `place` puts its middle, with half the way between where it puts the middles of two faces as each
    /// half edge; `None` where one is put nowhere, or what comes out is flat. Exact for affine maps.
    #[must_use]
    pub fn moved(&self, place: impl Fn([f64; D]) -> Option<[f64; D]>) -> Option<Self> {
        let centre = place(self.centre)?;
        let mut half_edges = [[0.0; D]; D];
        for (to, way) in half_edges.iter_mut().zip(&self.half_edges) {
            let end = |sign: f64| place(std::array::from_fn(|a| self.centre[a] + sign * way[a]));
            let (low, high) = (end(-1.0)?, end(1.0)?);
            for a in 0..D {
                to[a] = (high[a] - low[a]) / 2.0;
            }
        }
        Self::new(centre, half_edges).ok()
    }

    /// The share of it that lies within `bounds`, counted at 16 places along each edge.
    #[must_use]
    pub fn share_within(&self, bounds: &BoundingBox<D>) -> f64 {
        const PLACES: usize = 16;
        let count = PLACES.pow(D as u32);
        let inside = (0..count).filter(|&number| {
            let mut rest = number;
            let mut at = self.centre;
            for way in &self.half_edges {
                let part = (2 * (rest % PLACES) + 1) as f64 / PLACES as f64 - 1.0;
                rest /= PLACES;
                for a in 0..D {
                    at[a] += part * way[a];
                }
            }
            (0..D).all(|a| at[a] >= bounds.min()[a] && at[a] <= bounds.max()[a])
        });
        inside.count() as f64 / count as f64
    }

    /// The smallest box around it that has one of its edges and right angles where `spacing` is the size of a voxel; in the
    /// plane no smaller one exists (OpenCV `minAreaRect`).
    #[must_use]
    pub fn fitted(&self, spacing: [f64; D]) -> Self {
        let edges = self.half_edges.map(|way| times(way, spacing));
        let mut best: Option<([[f64; D]; D], f64)> = None;
        for number in 0..D.pow(D as u32) {
            let Some(order) = order::<D>(number) else {
                continue;
            };
            let axes = perpendicular(&edges, order);
            let fitted = axes.map(|axis| {
                let reach: f64 = edges.iter().map(|&edge| dot(edge, axis).abs()).sum();
                axis.map(|v| v * reach)
            });
            let volume = fitted.iter().map(|&way| dot(way, way).sqrt()).product();
            // The first order wins where another is no smaller by more than rounding, so that edges keep their names.
            if best.is_none_or(|(_, least)| volume < least * (1.0 - 1e-9)) {
                best = Some((fitted, volume));
            }
        }
        let fitted = best.map_or(edges, |(fitted, _)| fitted);
        let half_edges = fitted.map(|way| std::array::from_fn(|a| way[a] / spacing[a]));
        Self {
            centre: self.centre,
            half_edges,
        }
    }
}

impl TurnedBox<2> {
    /// A box of this height and width whose height, which points down the first axis, is turned by `degrees` towards the
    /// second.
    ///
    /// # Errors
    /// As [`TurnedBox::new`].
    pub fn from_size(centre: [f64; 2], [height, width]: [f64; 2], degrees: f64) -> Result<Self> {
        let (sin, cos) = libm::sincos(degrees.to_radians());
        let (down, across) = (height / 2.0, width / 2.0);
        let edges = [[down * cos, down * sin], [-across * sin, across * cos]];
        Self::new(centre, edges)
    }

    /// The box whose corners these are, one after the other around it; of a quadrilateral with other angles, the
    /// parallelogram through the middles of its sides.
    ///
    /// # Errors
    /// As [`TurnedBox::new`].
    pub fn from_corners(corners: [[f64; 2]; 4]) -> Result<Self> {
        let mean = |signs: [f64; 4]| -> [f64; 2] {
            std::array::from_fn(|axis| {
                let sum = corners
                    .into_iter()
                    .zip(signs)
                    .map(|(at, sign)| at[axis] * sign);
                sum.sum::<f64>() / 4.0
            })
        };
        let edges = [mean([-1.0, 1.0, 1.0, -1.0]), mean([-1.0, -1.0, 1.0, 1.0])];
        Self::new(mean([1.0; 4]), edges)
    }

    /// Height, width, and by how many degrees the height is turned from the first axis towards the second, within -90 and 90;
    /// of a box with right angles, as [`TurnedBox::fitted`] gives.
    #[must_use]
    pub fn size_and_degrees(&self) -> ([f64; 2], f64) {
        let size = self.half_edges.map(|way| 2.0 * dot(way, way).sqrt());
        let [down, right] = self.half_edges[0];
        // A box is the same turned by half a circle.
        let (down, right) = if down < 0.0 {
            (-down, -right)
        } else {
            (down, right)
        };
        (size, libm::atan2(right, down).to_degrees())
    }
}

fn dot<const D: usize>(a: [f64; D], b: [f64; D]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn times<const D: usize>(a: [f64; D], b: [f64; D]) -> [f64; D] {
    std::array::from_fn(|i| a[i] * b[i])
}

/// The order of `D` things with this number, if it has each of them once.
fn order<const D: usize>(number: usize) -> Option<[usize; D]> {
    let order: [usize; D] = std::array::from_fn(|a| number / D.pow(a as u32) % D);
    (0..D).all(|a| order.contains(&a)).then_some(order)
}

/// Unit vectors at right angles, made of vectors in this order (Gram and Schmidt), each in its vector's place; zeros for one
/// that those before it hold.
fn perpendicular<const D: usize>(ways: &[[f64; D]; D], order: [usize; D]) -> [[f64; D]; D] {
    let mut axes = [[0.0; D]; D];
    for (done, &next) in order.iter().enumerate() {
        let mut way = ways[next];
        for &before in &order[..done] {
            let along = dot(way, axes[before]);
            (0..D).for_each(|a| way[a] -= along * axes[before][a]);
        }
        let length = dot(way, way).sqrt();
        if length > 1e-12 * dot(ways[next], ways[next]).sqrt() {
            axes[next] = way.map(|v| v / length);
        }
    }
    axes
}

/// The serialised form: lists of D numbers.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTurned {
    centre: Vec<f64>,
    half_edges: Vec<Vec<f64>>,
}

impl<const D: usize> From<TurnedBox<D>> for RawTurned {
    fn from(turned: TurnedBox<D>) -> Self {
        Self {
            centre: turned.centre.to_vec(),
            half_edges: turned.half_edges.iter().map(|way| way.to_vec()).collect(),
        }
    }
}

impl<const D: usize> TryFrom<RawTurned> for TurnedBox<D> {
    type Error = crate::error::Error;

    fn try_from(raw: RawTurned) -> Result<Self> {
        let wrong = |parameter, got| crate::error::Error::EntryCount {
            transform: NAME,
            parameter,
            expected: D,
            got,
        };
        let entries = |parameter, values: Vec<f64>| -> Result<[f64; D]> {
            values
                .try_into()
                .map_err(|values: Vec<f64>| wrong(parameter, values.len()))
        };
        let count = raw.half_edges.len();
        let edges = raw.half_edges.into_iter();
        let edges: Vec<[f64; D]> = edges
            .map(|way| entries("half_edges", way))
            .collect::<Result<_>>()?;
        let edges = edges.try_into().map_err(|_| wrong("half_edges", count))?;
        Self::new(entries("centre", raw.centre)?, edges)
    }
}
