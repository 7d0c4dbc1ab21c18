//! What an image looks like, to find pictures that were scaled, windowed or compressed anew.

use std::fmt;
use std::str::FromStr;

use medcore::Image;
use serde::{Deserialize, Serialize};

/// Rows and columns of differences.
const SIDE: usize = 16;

/// 256 bits, each of which says whether a part of the image is brighter than its neighbour to the left.
///
/// Channels and all axes but the last two are averaged, then 16 by 17 parts of the picture; brightness, contrast and size
/// do not count. This is the difference hash that is usual for photographs, with four times the bits, because radiographs
/// of one kind are more alike than photographs. Which distance means the same picture depends on the data: look at the
/// distances of pairs known to be different first.
///
/// ```
/// use medcore::{Geometry, Image};
/// use medtrain::split::Resemblance;
///
/// let grid = Geometry::axis_aligned([32, 34], [1.0; 2])?;
/// let voxels: Vec<f32> = (0..grid.len()).map(|i| ((i % 34) as f32 * 0.3).sin() + (i / 34) as f32).collect();
/// let image = Image::new(grid, voxels)?;
/// let brighter = image.map(|v| 2.0 * v + 10.0);
/// assert_eq!(Resemblance::of(&image).distance(&Resemblance::of(&brighter)), 0);
/// # Ok::<(), medcore::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Resemblance([u8; SIDE * SIDE / 8]);

impl Resemblance {
    /// What an image looks like.
    #[must_use]
    pub fn of<const D: usize>(image: &Image<f32, D>) -> Self {
        let shape = image.shape();
        let width = shape.last().copied().unwrap_or(1);
        let height = if D < 2 { 1 } else { shape[D - 2] };
        let mut sums = [[0.0_f64; SIDE + 1]; SIDE];
        let mut counts = [[0_u64; SIDE + 1]; SIDE];
        for (row, voxels) in image.as_slice().chunks_exact(width).enumerate() {
            for part in parts(row % height, height, SIDE) {
                for (column, &voxel) in voxels.iter().enumerate() {
                    for place in parts(column, width, SIDE + 1) {
                        sums[part][place] += f64::from(voxel);
                        counts[part][place] += 1;
                    }
                }
            }
        }
        let mut bits = [0_u8; SIDE * SIDE / 8];
        for row in 0..SIDE {
            for column in 0..SIDE {
                let mean = |column: usize| sums[row][column] / counts[row][column] as f64;
                let place = row * SIDE + column;
                bits[place / 8] |= u8::from(mean(column + 1) > mean(column)) << (place % 8);
            }
        }
        Self(bits)
    }

    /// Number of bits that differ, of 256; about half of them for pictures that have nothing in common.
    #[must_use]
    pub fn distance(&self, other: &Self) -> u32 {
        let pairs = self.0.iter().zip(&other.0);
        pairs.map(|(a, b)| (a ^ b).count_ones()).sum()
    }
}

/// The parts, of `count`, that an index of an axis belongs to: one, or several where there are fewer indices than parts.
fn parts(index: usize, extent: usize, count: usize) -> std::ops::Range<usize> {
    if extent < count {
        index * count / extent..((index + 1) * count).div_ceil(extent).min(count)
    } else {
        let part = index * count / extent;
        part..part + 1
    }
}

impl fmt::Display for Resemblance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::digest::hex(&self.0))
    }
}

impl fmt::Debug for Resemblance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Resemblance({self})")
    }
}

impl From<Resemblance> for String {
    fn from(value: Resemblance) -> Self {
        value.to_string()
    }
}

impl TryFrom<String> for Resemblance {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for Resemblance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        crate::digest::from_hex(text).map(Self)
    }
}
