//! Which way the axes of a volume run through the patient, and exact reorientation by flips and swaps.
//!
//! A code names where each index axis runs **to**, written as nibabel and NIfTI tools print it: width
//! first, then height, then depth. `"LPS"` is a DICOM axial stack (width to the left, height to posterior,
//! depth to superior) and `"RAS"` nibabel's canonical order, although the storage order of this crate is
//! `[depth, height, width]`; [`Orientation::directions`] lists the axes in storage order.
//! (ITK's old three-letter codes name where axes come **from**: its `RAI` is `LPS` here.)

use std::fmt;
use std::str::FromStr;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::geometry::Geometry;
use crate::image::{Image, Label, LabelMap};
use crate::linear::{self, IndexMap};

/// One of the six directions of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// To the patient's left, +x in LPS.
    Left,
    /// To the patient's right, -x in LPS.
    Right,
    /// To the back, +y in LPS.
    Posterior,
    /// To the front, -y in LPS.
    Anterior,
    /// To the head, +z in LPS.
    Superior,
    /// To the feet, -z in LPS.
    Inferior,
}

impl Direction {
    const ALL: [Self; 6] = [
        Self::Left,
        Self::Right,
        Self::Posterior,
        Self::Anterior,
        Self::Superior,
        Self::Inferior,
    ];

    /// The world axis (0 for x, 1 for y, 2 for z in LPS) and whether it is run against.
    #[must_use]
    pub fn world_axis(self) -> (usize, bool) {
        let at = self as usize;
        (at / 2, at % 2 == 1)
    }

    /// The direction along a world axis of LPS, or against it.
    fn along(axis: usize, against: bool) -> Self {
        Self::ALL[2 * axis + usize::from(against)]
    }

    /// `L`, `R`, `P`, `A`, `S` or `I`.
    #[must_use]
    pub fn letter(self) -> char {
        ['L', 'R', 'P', 'A', 'S', 'I'][self as usize]
    }
}

/// Where the three axes of a volume run to; one of 48.
///
/// ```
/// use medcore::Orientation;
/// use medcore::orientation::Direction;
///
/// let ras: Orientation = "RAS".parse()?;
/// assert_eq!(ras.directions(), [Direction::Superior, Direction::Anterior, Direction::Right]);
/// assert_eq!(ras.to_string(), "RAS");
/// assert!("RAL".parse::<Orientation>().is_err());
/// # Ok::<(), medcore::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Orientation([Direction; 3]);

impl Orientation {
    /// Width to the left, height to posterior, depth to superior: DICOM's axial stack, ITK's identity.
    pub const LPS: Self = Self([Direction::Superior, Direction::Posterior, Direction::Left]);
    /// Width to the right, height to anterior, depth to superior: nibabel's canonical orientation.
    pub const RAS: Self = Self([Direction::Superior, Direction::Anterior, Direction::Right]);

    /// The orientation with these directions, in storage order: depth, height, width.
    ///
    /// # Errors
    /// Refuses two directions along one line.
    pub fn new(directions: [Direction; 3]) -> Result<Self> {
        let orientation = Self(directions);
        let [a, b, c] = directions.map(|d| d.world_axis().0);
        if a == b || b == c || a == c {
            return Err(Error::InvalidOrientation {
                code: orientation.to_string(),
            });
        }
        Ok(orientation)
    }

    /// Where each axis runs to, in storage order: depth, height, width.
    #[must_use]
    pub fn directions(self) -> [Direction; 3] {
        self.0
    }

    /// The orientation closest to a grid's axes.
    ///
    /// nibabel's rule (`io_orientation` since 5.3): the rotation closest to the unit axes is found first;
    /// then each axis takes the free world axis it follows most, the most decided axis choosing first and
    /// width before height before depth, x before y before z, on ties.
    #[must_use]
    pub fn closest_to(geometry: &Geometry<3>) -> Self {
        let mut rotation = closest_rotation(geometry.direction());
        let mut directions = [Direction::Left; 3];
        let strength = rotation.map(|row| row.iter().fold(0.0f64, |m, v| m.max(v * v)));
        let mut axes = [2, 1, 0];
        axes.sort_by_key(|&a| std::cmp::Reverse((strength[a] / TIE).round() as i64));
        for axis in axes {
            let row = rotation[axis];
            let world = (0..3).fold(0, |best, k| {
                if row[k].abs() > row[best].abs() + TIE {
                    k
                } else {
                    best
                }
            });
            directions[axis] = Direction::along(world, row[world] < 0.0);
            for row in &mut rotation {
                row[world] = 0.0;
            }
        }
        Self(directions)
    }
}

/// Cosines that differ by less are equal, so that 45 degrees do not hang on the last bit.
const TIE: f64 = 1e-9;

/// The orthogonal factor of the polar decomposition, by Newton's iteration (Higham 1986).
fn closest_rotation(matrix: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let mut x = matrix;
    for _ in 0..64 {
        // A geometry's axes are independent, so the iteration always has an inverse; it stays if not.
        let Some(inverse) = linear::inverse(x) else {
            break;
        };
        let next: [[f64; 3]; 3] =
            std::array::from_fn(|i| std::array::from_fn(|j| 0.5 * (x[i][j] + inverse[j][i])));
        let change = (0..9)
            .map(|k| (next[k / 3][k % 3] - x[k / 3][k % 3]).abs())
            .fold(0.0, f64::max);
        x = next;
        if change < 1e-15 {
            break;
        }
    }
    x
}

impl fmt::Display for Orientation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .rev()
            .try_for_each(|d| write!(f, "{}", d.letter()))
    }
}

impl FromStr for Orientation {
    type Err = Error;

    fn from_str(code: &str) -> Result<Self> {
        let refused = || Error::InvalidOrientation {
            code: code.chars().take(16).collect(),
        };
        let mut directions = Vec::with_capacity(3);
        for letter in code.chars() {
            let upper = letter.to_ascii_uppercase();
            let found = Direction::ALL.into_iter().find(|d| d.letter() == upper);
            directions.push(found.filter(|_| directions.len() < 3).ok_or_else(refused)?);
        }
        let [width, height, depth] = directions.try_into().map_err(|_| refused())?;
        Self::new([depth, height, width]).map_err(|_| refused())
    }
}

impl TryFrom<String> for Orientation {
    type Error = Error;
    fn try_from(code: String) -> Result<Self> {
        code.parse()
    }
}

impl From<Orientation> for String {
    fn from(orientation: Orientation) -> Self {
        orientation.to_string()
    }
}

/// The swaps and flips that bring a volume into another orientation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reorientation {
    /// For each axis of the result, the axis of the source it comes from.
    axes: [usize; 3],
    /// For each axis of the result, whether it runs against its source axis.
    flipped: [bool; 3],
}

impl Reorientation {
    /// The way from a grid to `orientation`.
    #[must_use]
    pub fn new(source: &Geometry<3>, orientation: Orientation) -> Self {
        let from = Orientation::closest_to(source)
            .directions()
            .map(Direction::world_axis);
        let to = orientation.directions().map(Direction::world_axis);
        let axes = to.map(|(world, _)| (0..3).find(|&a| from[a].0 == world).unwrap_or(0));
        Self {
            axes,
            flipped: std::array::from_fn(|a| to[a].1 != from[axes[a]].1),
        }
    }

    /// Whether nothing moves.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.axes == [0, 1, 2] && self.flipped == [false; 3]
    }

    /// The shape of the result.
    #[must_use]
    pub fn shape(&self, source: [usize; 3]) -> [usize; 3] {
        self.axes.map(|a| source[a])
    }

    /// The map from an index of the result to the index of the source, exact.
    #[must_use]
    pub fn index_map(&self, source: [usize; 3]) -> IndexMap<3> {
        let mut map = IndexMap {
            matrix: [[0.0; 3]; 3],
            offset: [0.0; 3],
        };
        for out in 0..3 {
            let axis = self.axes[out];
            map.matrix[axis][out] = if self.flipped[out] { -1.0 } else { 1.0 };
            map.offset[axis] = if self.flipped[out] {
                (source[axis] - 1) as f64
            } else {
                0.0
            };
        }
        map
    }

    /// The way back.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let mut back = *self;
        for (out, &axis) in self.axes.iter().enumerate() {
            back.axes[axis] = out;
            back.flipped[axis] = self.flipped[out];
        }
        back
    }

    /// The grid of the result: the same voxels in the same places, named by other indices.
    ///
    /// # Errors
    /// None in practice: the axes of a valid grid stay independent.
    pub fn geometry(&self, source: &Geometry<3>) -> Result<Geometry<3>> {
        source.mapped(self.shape(source.shape()), &self.index_map(source.shape()))
    }

    /// Moves the voxels of one volume, last axis fastest.
    ///
    /// # Errors
    /// Refuses slices whose length is not the shape's.
    pub fn apply_slice<T: Copy + Send + Sync>(
        &self,
        source: &[T],
        shape: [usize; 3],
        out: &mut [T],
    ) -> Result<()> {
        let expected = shape.iter().product();
        for got in [source.len(), out.len()] {
            if got != expected || expected == 0 {
                return Err(Error::VoxelCount {
                    channels: 1,
                    shape: shape.to_vec(),
                    expected,
                    got,
                });
            }
        }
        self.run(source, shape, out);
        Ok(())
    }

    fn run<T: Copy + Send + Sync>(&self, source: &[T], shape: [usize; 3], out: &mut [T]) {
        let strides = [(shape[1] * shape[2]) as isize, shape[2] as isize, 1];
        let mut start = 0;
        let steps: [isize; 3] = std::array::from_fn(|a| {
            let stride = strides[self.axes[a]];
            if self.flipped[a] {
                start += stride * (shape[self.axes[a]] as isize - 1);
                -stride
            } else {
                stride
            }
        });
        let [_, height, width] = self.shape(shape);
        // The output axis along which the source is contiguous decides what is walked in tiles.
        let tile = if self.axes[0] == 2 { TILE } else { 1 };
        out.par_chunks_mut(tile * height * width)
            .enumerate()
            .for_each(|(task, slabs)| {
                let start = start + (task * tile) as isize * steps[0];
                let walk = Walk {
                    source,
                    start,
                    steps,
                    height,
                    width,
                };
                match self.axes.map(|a| a == 2) {
                    [_, _, true] => walk.rows(slabs),
                    [_, true, _] => walk.tiles_of_height(slabs),
                    _ => walk.tiles_of_depth(slabs),
                }
            });
    }
}

/// Side of the square tiles of a transposition: one row of a tile is a few cache lines.
const TILE: usize = 32;

/// A part of the output, and where its voxels lie in the source.
struct Walk<'a, T> {
    source: &'a [T],
    start: isize,
    steps: [isize; 3],
    height: usize,
    width: usize,
}

impl<T: Copy> Walk<'_, T> {
    fn at(&self, d: usize, h: usize, w: usize) -> isize {
        self.start
            + d as isize * self.steps[0]
            + h as isize * self.steps[1]
            + w as isize * self.steps[2]
    }

    /// Rows of the output are rows of the source.
    fn rows(&self, slab: &mut [T]) {
        for (h, row) in slab.chunks_exact_mut(self.width).enumerate() {
            let at = self.at(0, h, 0);
            if self.steps[2] > 0 {
                let at = at as usize;
                row.copy_from_slice(&self.source[at..at + self.width]);
            } else {
                let end = at as usize + 1;
                let from = &self.source[end - self.width..end];
                row.iter_mut()
                    .zip(from.iter().rev())
                    .for_each(|(to, &from)| *to = from);
            }
        }
    }

    /// The source is contiguous along the output's height.
    fn tiles_of_height(&self, slab: &mut [T]) {
        for first_h in (0..self.height).step_by(TILE) {
            for first_w in (0..self.width).step_by(TILE) {
                for h in first_h..(first_h + TILE).min(self.height) {
                    let w_end = (first_w + TILE).min(self.width);
                    let row = &mut slab[h * self.width + first_w..h * self.width + w_end];
                    self.copy_strided(row, self.at(0, h, first_w));
                }
            }
        }
    }

    /// The source is contiguous along the output's depth.
    fn tiles_of_depth(&self, slabs: &mut [T]) {
        let plane = self.height * self.width;
        let depth = slabs.len() / plane;
        for h in 0..self.height {
            for first_w in (0..self.width).step_by(TILE) {
                let w_end = (first_w + TILE).min(self.width);
                for d in 0..depth {
                    let at = d * plane + h * self.width;
                    let row = &mut slabs[at + first_w..at + w_end];
                    self.copy_strided(row, self.at(d, h, first_w));
                }
            }
        }
    }

    #[inline(always)]
    fn copy_strided(&self, row: &mut [T], mut at: isize) {
        for to in row {
            *to = self.source[at as usize];
            at += self.steps[2];
        }
    }
}

/// The same volume with its axes in `orientation`: flips and swaps of axes, no voxel changes its value or
/// its place in the patient. Oblique grids stay oblique.
///
/// # Errors
/// Refuses volumes too large to allocate once more.
pub fn reorient<T: crate::Plain>(
    image: &Image<T, 3>,
    orientation: Orientation,
) -> Result<Image<T, 3>> {
    let way = Reorientation::new(image.geometry(), orientation);
    if way.is_identity() {
        return Ok(image.clone());
    }
    let grid = way.geometry(image.geometry())?;
    let mut turned = Image::zeros(image.channels(), grid)?;
    for (channel, out) in turned
        .as_mut_slice()
        .chunks_exact_mut(grid.len())
        .enumerate()
    {
        way.run(image.channel(channel), image.shape(), out);
    }
    Ok(turned)
}

/// As [`reorient`], for classes.
///
/// # Errors
/// As [`reorient`].
pub fn reorient_labels<L: Label>(
    labels: &LabelMap<L, 3>,
    orientation: Orientation,
) -> Result<LabelMap<L, 3>> {
    let way = Reorientation::new(labels.geometry(), orientation);
    if way.is_identity() {
        return Ok(labels.clone());
    }
    let mut turned = LabelMap::background(way.geometry(labels.geometry())?)?;
    way.run(labels.as_slice(), labels.shape(), turned.as_mut_slice());
    Ok(turned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Lps, Point, Vector};

    fn every_orientation() -> Vec<Orientation> {
        let mut all = Vec::new();
        for a in Direction::ALL {
            for b in Direction::ALL {
                for c in Direction::ALL {
                    all.extend(Orientation::new([a, b, c]));
                }
            }
        }
        all
    }

    /// A grid whose axes are up to 20 degrees off those of `orientation`.
    fn oblique(orientation: Orientation, shape: [usize; 3]) -> Geometry<3> {
        let (s, c) = 0.3f64.sin_cos();
        let turn = |[x, y, z]: [f64; 3]| {
            let [x, y, z] = [c * x - s * y, s * x + c * y, z];
            Vector::<Lps>::new(x, c * y - s * z, s * y + c * z)
        };
        let spacing = [3.0, 0.7, 1.1];
        let steps = std::array::from_fn(|a| {
            let (world, against) = orientation.directions()[a].world_axis();
            let mut unit = [0.0; 3];
            unit[world] = if against { -spacing[a] } else { spacing[a] };
            turn(unit)
        });
        Geometry::new(shape, Point::new(10.0, -20.0, 30.0), steps).unwrap()
    }

    #[test]
    fn there_are_48_orientations_and_each_survives_its_code() {
        let all = every_orientation();
        assert_eq!(all.len(), 48);
        for orientation in all {
            assert_eq!(
                orientation.to_string().parse::<Orientation>().unwrap(),
                orientation
            );
            assert_eq!(
                Orientation::closest_to(&oblique(orientation, [2, 3, 4])),
                orientation
            );
        }
        for wrong in ["", "RA", "RASS", "RRS", "RLS", "XYZ", "RAé"] {
            assert!(wrong.parse::<Orientation>().is_err(), "{wrong}");
        }
        assert_eq!("lps".parse::<Orientation>().unwrap(), Orientation::LPS);
    }

    #[test]
    fn every_voxel_keeps_its_value_and_its_place_between_all_orientations() {
        let shape = [3, 35, 70];
        let len: usize = shape.iter().product();
        for from in every_orientation().into_iter().step_by(5) {
            let image =
                Image::new(oblique(from, shape), (0..len as u16).collect::<Vec<_>>()).unwrap();
            for to in every_orientation() {
                let turned = reorient(&image, to).unwrap();
                assert_eq!(Orientation::closest_to(turned.geometry()), to);
                let way = Reorientation::new(image.geometry(), to);
                for index in [[0, 0, 0], [2, 1, 3], [1, 34, 69], [2, 33, 0]] {
                    let index: [usize; 3] = std::array::from_fn(|a| index[a] % turned.shape()[a]);
                    let at = index.map(|v| v as f64);
                    let source = way.index_map(shape).apply(at);
                    let value = image.view()[[
                        0,
                        source[0] as usize,
                        source[1] as usize,
                        source[2] as usize,
                    ]];
                    assert_eq!(turned.view()[[0, index[0], index[1], index[2]]], value);
                    let place = turned.geometry().index_to_world(at);
                    assert!(place.distance(image.geometry().index_to_world(source)) < 1e-9);
                }
                let back = reorient(&turned, from).unwrap();
                assert_eq!(back.as_slice(), image.as_slice(), "{from} {to}");
                assert_eq!(way.inverse(), Reorientation::new(turned.geometry(), from));
            }
        }
    }

    #[test]
    fn axes_at_45_degrees_are_named_in_one_order_whatever_the_last_bit() {
        let half = 0.5f64.sqrt();
        for noise in [-1e-14, 0.0, 1e-14] {
            let steps = [
                Vector::new(0.0, 0.0, 2.0),
                Vector::new(-half + noise, half, 0.0),
                Vector::new(half, half + noise, 0.0),
            ];
            let grid = Geometry::new([2, 3, 4], Point::new(0.0, 0.0, 0.0), steps).unwrap();
            assert_eq!(Orientation::closest_to(&grid), Orientation::LPS);
        }
    }

    #[test]
    fn labels_turn_as_images_do() {
        let grid = oblique(Orientation::LPS, [2, 3, 4]);
        let labels: Vec<u8> = (0..24).collect();
        let turned = reorient_labels(
            &LabelMap::new(grid, labels.clone()).unwrap(),
            Orientation::RAS,
        )
        .unwrap();
        let image = reorient(&Image::new(grid, labels).unwrap(), Orientation::RAS).unwrap();
        assert_eq!(turned.as_slice(), image.as_slice());
        // Width and height are both mirrored: the first row of the result is the last one backwards.
        assert_eq!(turned.as_slice()[..4], [11, 10, 9, 8]);
    }

    #[test]
    fn a_slice_of_the_wrong_length_is_refused() {
        let way = Reorientation::new(&oblique(Orientation::LPS, [2, 3, 4]), Orientation::RAS);
        assert!(
            way.apply_slice(&[0u8; 24], [2, 3, 4], &mut [0u8; 23])
                .is_err()
        );
        assert!(
            way.apply_slice(&[0u8; 24], [2, 3, 4], &mut [0u8; 24])
                .is_ok()
        );
    }
}
