//! Borders around an image.

use medcore::Geometry;
use medcore::resample::Outside;
use serde::{Deserialize, Serialize};

use super::region::{Block, check_outside, check_voxels, is_extent};
use crate::array::per_axis;
use crate::error::{Result, check, check_entries};
use crate::operation::SpatialOperation;
use crate::warp::Warp;

/// How large an image becomes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PadTo {
    /// Larger by these borders (MONAI `BorderPad`); one for all axes, or one an axis.
    Borders {
        /// Voxels in front.
        before: Vec<usize>,
        /// Voxels behind.
        after: Vec<usize>,
    },
    /// At least this large (MONAI `SpatialPad`); one for all axes, or one an axis.
    Shape(Vec<usize>),
    /// Up to the next multiple of this (MONAI `DivisiblePad`); one for all axes, or one an axis.
    Divisible(Vec<usize>),
}

/// Where the voxels come that fill up a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PadSide {
    /// Half of them on either side, the odd one behind.
    #[default]
    Symmetric,
    /// All of them behind.
    End,
}

/// Puts a border around an image; what is there keeps its values and its place in the patient.
///
/// [`Outside::Reflect`] repeats the outermost voxels: numpy and MONAI call it `symmetric`. The border is that of
/// the image as it comes: behind a crop it does not show what was cut off.
///
/// ```
/// use medaug::{Operation, Pad, PadTo, Sample};
/// use medcore::{Geometry, Image};
///
/// let grid = Geometry::axis_aligned([1, 2], [1.0; 2])?;
/// let sample = Sample::new(Image::new(grid, vec![1.0, 2.0])?);
/// let padded = Operation::from(Pad::new(PadTo::Shape(vec![1, 5]))).apply_to(sample)?;
/// assert_eq!(padded.image().as_slice(), [0.0, 1.0, 2.0, 0.0, 0.0]);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pad {
    /// How large the image becomes.
    pub to: PadTo,
    /// On which side it is filled up to a shape.
    #[serde(default)]
    pub side: PadSide,
    /// What the border shows.
    #[serde(default = "zero")]
    pub outside: Outside<f32>,
    /// Class of the border, where it has a value.
    #[serde(default)]
    pub outside_label: u8,
}

pub(super) fn zero() -> Outside<f32> {
    Outside::Value(0.0)
}

const NAME: &str = "Pad";

impl Pad {
    /// A border of zeros and background.
    #[must_use]
    pub fn new(to: PadTo) -> Self {
        Self {
            to,
            side: PadSide::Symmetric,
            outside: zero(),
            outside_label: 0,
        }
    }

    fn block<const D: usize>(&self, image: [usize; D]) -> Result<Block<D>> {
        let shape: [usize; D] = match &self.to {
            PadTo::Borders { before, after } => {
                let before: [usize; D] = per_axis(NAME, "before", before)?;
                let after: [usize; D] = per_axis(NAME, "after", after)?;
                return Ok(Block {
                    start: before.map(|v| -(v as isize)),
                    shape: std::array::from_fn(|a| {
                        image[a].saturating_add(before[a]).saturating_add(after[a])
                    }),
                });
            }
            PadTo::Shape(shape) => per_axis(NAME, "shape", shape)?,
            PadTo::Divisible(by) => {
                let by: [usize; D] = per_axis(NAME, "divisible", by)?;
                std::array::from_fn(|a| image[a].div_ceil(by[a]).saturating_mul(by[a]))
            }
        };
        let start = std::array::from_fn(|a| match self.side {
            PadSide::Symmetric => -((shape[a].saturating_sub(image[a]) / 2) as isize),
            PadSide::End => 0,
        });
        let shape = std::array::from_fn(|a| shape[a].max(image[a]));
        Ok(Block { start, shape })
    }
}

impl<const D: usize> SpatialOperation<D> for Pad {
    fn check(&self) -> Result<()> {
        match &self.to {
            PadTo::Borders { before, after } => {
                check_entries(NAME, "before", before.len(), D)?;
                check_entries(NAME, "after", after.len(), D)?;
                for &voxels in before.iter().chain(after) {
                    check(NAME, "borders", voxels as f64, "below 2^31", |v| {
                        v == 0.0 || is_extent(v)
                    })?;
                }
            }
            PadTo::Shape(shape) => check_voxels(NAME, "shape", shape, D)?,
            PadTo::Divisible(by) => check_voxels(NAME, "divisible", by, D)?,
        }
        check_outside(NAME, Some(self.outside))
    }

    fn warp(&self, grid: &Geometry<D>) -> Result<Warp<D>> {
        let outside = Some((self.outside, self.outside_label));
        self.block(grid.shape())?.warp(NAME, grid, outside)
    }
}
