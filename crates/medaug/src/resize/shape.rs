//! Another number of voxels over the same field of view.

use medcore::resample::{Interpolation, LabelInterpolation};
use medcore::{Geometry, IndexMap};
use serde::{Deserialize, Serialize};

use super::{inside, interpolation, labels};
use crate::array::per_axis;
use crate::crop::{EXTENT, check_voxels, is_extent};
use crate::error::{Result, check};
use crate::operation::SpatialOperation;
use crate::warp::{Reading, Warp};

/// How many voxels an image gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ResizeTo {
    /// So many: one for all axes, or one an axis.
    Shape(Vec<usize>),
    /// So many along the longest axis, proportions kept (MONAI `size_mode="longest"`, Albumentations
    /// `LongestMaxSize`).
    Longest(usize),
    /// So many along the shortest axis, proportions kept (Albumentations `SmallestMaxSize`, torchvision
    /// `Resize`).
    Shortest(usize),
}

impl ResizeTo {
    pub(super) fn check(&self, transform: &'static str, dimension: usize) -> Result<()> {
        match self {
            Self::Shape(shape) => check_voxels(transform, "shape", shape, dimension),
            Self::Longest(n) | Self::Shortest(n) => {
                check(transform, "extent", *n as f64, EXTENT, is_extent)
            }
        }
    }

    /// The shape for an image of shape `image`; halves are rounded to even, and an axis keeps one voxel.
    pub(super) fn of<const D: usize>(
        &self,
        transform: &'static str,
        image: [usize; D],
    ) -> Result<[usize; D]> {
        let (wanted, extent) = match self {
            Self::Shape(shape) => return per_axis(transform, "shape", shape),
            Self::Longest(n) => (*n, image.iter().max()),
            Self::Shortest(n) => (*n, image.iter().min()),
        };
        let scale = wanted as f64 / extent.copied().unwrap_or(1) as f64;
        Ok(image.map(|n| ((n as f64 * scale).round_ties_even() as usize).max(1)))
    }
}

/// Gives an image another number of voxels; its outer faces stay where they are.
///
/// [`Interpolation::Linear`] is PyTorch's and MONAI's `bilinear` and `trilinear` with `align_corners=False`,
/// [`Interpolation::Nearest`] their `nearest-exact` (which voxel a tie goes to is a matter of rounding),
/// [`Interpolation::CubicBSpline`] scikit-image's and nnU-Net's order 3. An image that is made much smaller
/// should be blurred first or averaged, as [`ResizeArea`](super::ResizeArea) does.
///
/// ```
/// use medaug::{Operation, Resize, ResizeTo, Sample};
/// use medcore::{Geometry, Image};
///
/// let sample = Sample::new(Image::new(Geometry::axis_aligned([1, 2], [1.0; 2])?, vec![0.0, 4.0])?);
/// let resize = Resize::new(ResizeTo::Shape(vec![1, 4]));
/// let fine = Operation::from(resize).apply_to(sample)?;
/// assert_eq!(fine.image().as_slice(), [0.0, 1.0, 3.0, 4.0]);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resize {
    /// How many voxels it gets.
    pub to: ResizeTo,
    /// Between voxels of the image.
    #[serde(default = "interpolation")]
    pub interpolation: Interpolation,
    /// Between voxels of labels.
    #[serde(default = "labels")]
    pub labels: LabelInterpolation,
}

impl Resize {
    /// Linear interpolation of image and labels.
    #[must_use]
    pub fn new(to: ResizeTo) -> Self {
        Self {
            to,
            interpolation: interpolation(),
            labels: labels(),
        }
    }
}

impl<const D: usize> SpatialOperation<D> for Resize {
    fn check(&self) -> Result<()> {
        self.to.check("Resize", D)
    }

    fn warp(&self, grid: &Geometry<D>) -> Result<Warp<D>> {
        let shape = self.to.of("Resize", grid.shape())?;
        Ok(stretched(
            grid.shape(),
            shape,
            inside(self.interpolation, self.labels),
        ))
    }
}

/// The warp from an image of shape `from` to one of shape `to` with the same outer faces.
pub(crate) fn stretched<const D: usize>(
    from: [usize; D],
    to: [usize; D],
    reading: Reading,
) -> Warp<D> {
    let scale: [f64; D] = std::array::from_fn(|a| from[a] as f64 / to[a] as f64);
    let map = along_axes(scale, scale.map(|scale| (scale - 1.0) / 2.0));
    let reading = if from == to { Reading::EXACT } else { reading };
    Warp::new(to, map, reading)
}

/// The map that takes index `i` to `scale * i + offset` along each axis.
pub(super) fn along_axes<const D: usize>(scale: [f64; D], offset: [f64; D]) -> IndexMap<D> {
    let mut map = IndexMap::translation(offset);
    for (axis, scale) in scale.into_iter().enumerate() {
        map.matrix[axis][axis] = scale;
    }
    map
}
