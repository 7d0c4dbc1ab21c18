//! A block of voxels, and what every crop has in common: its shape, and what is outside the image.

use medcore::resample::Outside;
use medcore::{Geometry, IndexMap};
use serde::{Deserialize, Serialize};

use crate::array::per_axis;
use crate::error::{Error, Result, check, check_entries};
use crate::operation::SpatialOperation;
use crate::warp::{Reading, Warp};

/// Keeps a block of voxels (MONAI `SpatialCrop`), which may reach outside the image if that is asked for.
///
/// Boxes and points follow. Moves behind it in a chain look through its border: a rotation then shows in its
/// corners what lies beside the block.
///
/// ```
/// use medaug::{Crop, Operation, Sample};
/// use medcore::{Geometry, Image};
///
/// let grid = Geometry::axis_aligned([1, 4], [1.0; 2])?;
/// let sample = Sample::new(Image::new(grid, vec![1.0, 2.0, 3.0, 4.0])?);
/// let kept = Operation::from(Crop::new([0, 1], [1, 2])).apply_to(sample.clone())?;
/// assert_eq!(kept.image().as_slice(), [2.0, 3.0]);
/// let outside = Operation::from(Crop::new([0, 3], [1, 2])).apply_to(sample).unwrap_err();
/// assert!(outside.to_string().contains("make it smaller"));
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crop {
    /// First index along each axis; one for all axes, or one an axis.
    pub start: Vec<isize>,
    /// Voxels along each axis; one for all axes, or one an axis.
    pub shape: Vec<usize>,
    /// What stands for voxels outside the image; `None` refuses a block that reaches outside.
    #[serde(default)]
    pub outside: Option<Outside<f32>>,
    /// Class outside the image, where there is a value outside.
    #[serde(default)]
    pub outside_label: u8,
}

impl Crop {
    /// A block inside the image.
    #[must_use]
    pub fn new(start: impl Into<Vec<isize>>, shape: impl Into<Vec<usize>>) -> Self {
        Self {
            start: start.into(),
            shape: shape.into(),
            outside: None,
            outside_label: 0,
        }
    }
}

impl<const D: usize> SpatialOperation<D> for Crop {
    fn check(&self) -> Result<()> {
        check_entries("Crop", "start", self.start.len(), D)?;
        check_voxels("Crop", "shape", &self.shape, D)?;
        check_outside("Crop", self.outside)
    }

    fn warp(&self, grid: &Geometry<D>) -> Result<Warp<D>> {
        let block = Block {
            start: per_axis("Crop", "start", &self.start)?,
            shape: per_axis("Crop", "shape", &self.shape)?,
        };
        block.warp("Crop", grid, self.outside.map(|o| (o, self.outside_label)))
    }
}

/// How many voxels a crop keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CropShape {
    /// So many: one for all axes, or one an axis.
    Voxels(Vec<usize>),
    /// This share of the image's, rounded up; one for all axes, or one an axis (MONAI `CenterScaleCrop`).
    Share(Vec<f64>),
}

impl<const N: usize> From<[usize; N]> for CropShape {
    fn from(voxels: [usize; N]) -> Self {
        Self::Voxels(voxels.to_vec())
    }
}

impl CropShape {
    pub(super) fn check(&self, transform: &'static str, dimension: usize) -> Result<()> {
        match self {
            Self::Voxels(voxels) => check_voxels(transform, "shape", voxels, dimension),
            Self::Share(shares) => {
                check_entries(transform, "shape", shares.len(), dimension)?;
                shares.iter().try_for_each(|&share| {
                    check(transform, "shape", share, "above 0 and at most 1000", |v| {
                        v > 0.0 && v <= 1000.0
                    })
                })
            }
        }
    }

    /// The voxels for an image of shape `image`.
    pub(super) fn of<const D: usize>(
        &self,
        transform: &'static str,
        image: [usize; D],
    ) -> Result<[usize; D]> {
        match self {
            Self::Voxels(voxels) => per_axis(transform, "shape", voxels),
            Self::Share(shares) => {
                let shares: [f64; D] = per_axis(transform, "shape", shares)?;
                Ok(std::array::from_fn(|a| {
                    ((image[a] as f64 * shares[a]).ceil() as usize).max(1)
                }))
            }
        }
    }
}

/// What is done where a sample does not hold what a crop looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenAbsent {
    /// The crop goes on as if it looked for nothing: any place is as good, or the image stays whole.
    #[default]
    GoOn,
    /// The sample is refused.
    Refuse,
}

impl WhenAbsent {
    /// Refuses a sample without what is looked for, if it should.
    pub(super) fn check(self, transform: &'static str, wanted: &'static str) -> Result<()> {
        match self {
            Self::GoOn => Ok(()),
            Self::Refuse => Err(Error::Absent { transform, wanted }),
        }
    }
}

/// A block of whole voxels that may reach outside an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Block<const D: usize> {
    pub(super) start: [isize; D],
    pub(super) shape: [usize; D],
}

impl<const D: usize> Block<D> {
    /// The block in the middle of an image; of an odd number of voxels around it the odd one comes behind,
    /// outside the image as well as inside where `shape` is odd (MONAI).
    pub(super) fn centred(shape: [usize; D], image: [usize; D]) -> Self {
        Self {
            start: centred_start(shape, image),
            shape,
        }
    }

    /// Reads the block; what is outside the image has a value only if one is given.
    pub(super) fn warp(
        &self,
        transform: &'static str,
        grid: &Geometry<D>,
        outside: Option<(Outside<f32>, u8)>,
    ) -> Result<Warp<D>> {
        let image = grid.shape();
        let inside = (0..D).all(|a| {
            self.start[a] >= 0 && (self.start[a] as usize).saturating_add(self.shape[a]) <= image[a]
        });
        let reading = match outside {
            _ if inside => Reading::EXACT,
            Some((outside, label)) => Reading {
                outside: Some(outside),
                outside_label: matches!(outside, Outside::Value(_)).then_some(label),
                ..Reading::EXACT
            },
            None => {
                return Err(Error::CropOutside {
                    transform,
                    start: self.start.to_vec(),
                    shape: self.shape.to_vec(),
                    image: image.to_vec(),
                });
            }
        };
        let map = IndexMap::translation(self.start.map(|v| v as f64));
        let warp = Warp::new(self.shape, map, reading);
        Ok(if inside { warp } else { warp.bordered() })
    }

    /// The block as an operation.
    pub(super) fn crop(&self, outside: Option<Outside<f32>>, outside_label: u8) -> Crop {
        Crop {
            start: self.start.to_vec(),
            shape: self.shape.to_vec(),
            outside,
            outside_label,
        }
    }
}

/// Where a block in the middle of an image begins.
pub(crate) fn centred_start<const D: usize>(shape: [usize; D], image: [usize; D]) -> [isize; D] {
    std::array::from_fn(|a| {
        let (image, shape) = (image[a] as isize, shape[a] as isize);
        if shape <= image {
            image / 2 - shape / 2
        } else {
            -((shape - image) / 2)
        }
    })
}

/// The rule of [`is_extent`].
pub(crate) const EXTENT: &str = "at least 1 and below 2^31";

/// Whether an axis may have so many voxels; sums of a few such numbers do not overflow.
pub(crate) fn is_extent(voxels: f64) -> bool {
    (1.0..2_147_483_648.0).contains(&voxels)
}

/// Refuses lists of the wrong length, axes without voxels and with more than any image has.
pub(crate) fn check_voxels(
    transform: &'static str,
    parameter: &'static str,
    voxels: &[usize],
    dimension: usize,
) -> Result<()> {
    check_entries(transform, parameter, voxels.len(), dimension)?;
    voxels
        .iter()
        .try_for_each(|&n| check(transform, parameter, n as f64, EXTENT, is_extent))
}

/// Refuses a value outside that is infinite; NaN marks what is outside and is let through.
pub(super) fn check_outside(transform: &'static str, outside: Option<Outside<f32>>) -> Result<()> {
    match outside {
        Some(Outside::Value(value)) => {
            check(transform, "outside", value.into(), "not infinite", |v| {
                !v.is_infinite()
            })
        }
        _ => Ok(()),
    }
}
