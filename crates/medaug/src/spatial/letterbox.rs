//! An image brought to a fixed shape without changing its proportions, as detectors want it, and boxes there
//! and back.

use medcore::resample::{Interpolation, LabelInterpolation, Outside, resample};
use medcore::{BoundingBox, Geometry, Image, IndexMap};
use serde::{Deserialize, Serialize};

use crate::array::per_axis;
use crate::crop::{EXTENT, is_extent};
use crate::error::{Result, check};
use crate::operation::SampleOperation;
use crate::resize::stretched;
use crate::sample::Sample;
use crate::warp::{Reading, Warp};

const NAME: &str = "Letterbox";

/// Scales images until they fit a shape and fills what is left on both sides alike (ultralytics'
/// `LetterBox`).
///
/// As a step of a pipeline it moves labels (the nearest), boxes, points and layers too; background fills
/// their borders. For single images and for the way back there is [`Letterbox::fit`].
///
/// ```
/// use medaug::Letterbox;
/// use medcore::{BoundingBox, Geometry, Image};
///
/// let grid = Geometry::axis_aligned([1, 2], [1.0, 1.0])?;
/// let letterbox = Letterbox::new([4, 4]).with_fill(0.5).fit([1, 2])?;
/// let image = letterbox.apply(&Image::new(grid, vec![0.0, 1.0])?)?;
/// assert_eq!(image.as_slice()[..4], [0.5; 4]);
/// assert_eq!(image.as_slice()[4..8], [0.0, 0.25, 0.75, 1.0]);
/// // The second pixel, there and back.
/// let pixel = BoundingBox::new([-0.5, 0.5], [0.5, 1.5])?;
/// let placed = letterbox.place(&pixel)?;
/// assert_eq!((placed.min(), placed.max()), ([0.5, 1.5], [2.5, 3.5]));
/// assert_eq!(letterbox.restore(&placed)?, pixel);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Letterbox {
    /// The shape to fit into; one for all axes, or one an axis.
    pub shape: Vec<usize>,
    /// What is around the image: 114/255, the grey of ultralytics.
    #[serde(default = "grey")]
    pub fill: f32,
    /// Fills up to the next multiple of this only, and not to the whole shape; a detector's coarsest stride.
    #[serde(default)]
    pub multiple: Option<usize>,
}

fn grey() -> f32 {
    114.0 / 255.0
}

impl Letterbox {
    /// A letterbox of this shape.
    #[must_use]
    pub fn new(shape: impl Into<Vec<usize>>) -> Self {
        Self {
            shape: shape.into(),
            fill: grey(),
            multiple: None,
        }
    }

    /// Sets what is around the image.
    #[must_use]
    pub fn with_fill(mut self, fill: f32) -> Self {
        self.fill = fill;
        self
    }

    /// Sets the number of which each extent becomes a multiple, instead of that of the shape.
    #[must_use]
    pub fn with_multiple(mut self, multiple: Option<usize>) -> Self {
        self.multiple = multiple;
        self
    }

    /// How images of a shape are placed.
    ///
    /// All axes are scaled by the factor of the one that fits last; extents are rounded to whole voxels, and
    /// of an odd number of voxels to fill the odd one comes behind.
    ///
    /// # Errors
    /// Refuses shapes without voxels or of other dimension, a multiple of 0, and a fill that is not finite.
    pub fn fit<const D: usize>(&self, shape: [usize; D]) -> Result<LetterboxFit<D>> {
        let wanted: [usize; D] = per_axis(NAME, "shape", &self.shape)?;
        for extent in wanted.into_iter().chain(shape) {
            check(NAME, "shape", extent as f64, EXTENT, is_extent)?;
        }
        if let Some(multiple) = self.multiple {
            check(NAME, "multiple", multiple as f64, EXTENT, is_extent)?;
        }
        check(NAME, "fill", self.fill.into(), "finite", f64::is_finite)?;
        let factors = (0..D).map(|axis| wanted[axis] as f64 / shape[axis] as f64);
        let factor = factors.fold(f64::INFINITY, f64::min);
        let scaled = shape.map(|extent| {
            let voxels = (extent as f64 * factor).round_ties_even();
            (voxels as usize).max(1)
        });
        let filled: [usize; D] = std::array::from_fn(|axis| {
            let up = |multiple| scaled[axis].next_multiple_of(multiple);
            self.multiple.map_or(wanted[axis], up)
        });
        let before = std::array::from_fn(|axis| (filled[axis] - scaled[axis]) / 2);
        Ok(LetterboxFit {
            image: shape,
            scaled,
            before,
            shape: filled,
            fill: self.fill,
        })
    }
}

impl<const D: usize> SampleOperation<D> for Letterbox {
    fn check(&self) -> Result<()> {
        self.fit([1; D]).map(|_| ())
    }

    fn apply(&self, sample: Sample<D>) -> Result<Sample<D>> {
        let (scale, place) = self.fit(sample.shape())?.warps(self.fill);
        place.apply(&scale.apply(&sample)?)
    }

    fn warp(&self, grid: &Geometry<D>) -> Result<Option<Warp<D>>> {
        let (scale, place) = self.fit(grid.shape())?.warps(self.fill);
        Ok(Some(scale.composed(place, Reading::EXACT)))
    }
}

/// How images of a shape are placed in a [`Letterbox`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LetterboxFit<const D: usize> {
    image: [usize; D],
    scaled: [usize; D],
    before: [usize; D],
    shape: [usize; D],
    fill: f32,
}

impl<const D: usize> LetterboxFit<D> {
    /// The shape of images that are placed.
    #[must_use]
    pub fn shape(&self) -> [usize; D] {
        self.shape
    }

    /// Voxels in front of the image along each axis.
    #[must_use]
    pub fn before(&self) -> [usize; D] {
        self.before
    }

    /// By how much each axis is scaled; the axes differ by the rounding of extents alone.
    #[must_use]
    pub fn factors(&self) -> [f64; D] {
        std::array::from_fn(|axis| self.scaled[axis] as f64 / self.image[axis] as f64)
    }

    /// Scales an image linearly and places it; every voxel keeps its place in the world.
    ///
    /// # Errors
    /// Refuses an image of another shape, and shapes too large to address.
    pub fn apply(&self, image: &Image<f32, D>) -> Result<Image<f32, D>> {
        if image.shape() != self.image {
            return Err(medcore::Error::ShapeMismatch {
                expected: self.image.to_vec(),
                got: image.shape().to_vec(),
            }
            .into());
        }
        let factors = self.factors();
        let back = IndexMap {
            matrix: std::array::from_fn(|a| {
                std::array::from_fn(|b| if a == b { 1.0 / factors[a] } else { 0.0 })
            }),
            offset: factors.map(|factor| 0.5 / factor - 0.5),
        };
        let grid = image.geometry().mapped(self.scaled, &back)?;
        let scaled = resample(image, &grid, Interpolation::Linear, Outside::Edge)?;
        let behind =
            std::array::from_fn(|axis| self.shape[axis] - self.scaled[axis] - self.before[axis]);
        Ok(scaled.pad(self.before, behind, self.fill)?)
    }

    /// Scaling, which repeats the outermost voxels, and placing, which fills.
    fn warps(&self, fill: f32) -> (Warp<D>, Warp<D>) {
        let scaling = Reading {
            interpolation: Some(Interpolation::Linear),
            labels: Some(LabelInterpolation::Nearest),
            outside: Some(Outside::Edge),
            ..Reading::EXACT
        };
        let placing = Reading {
            outside: Some(Outside::Value(fill)),
            outside_label: Some(0),
            ..Reading::EXACT
        };
        let start = IndexMap::translation(self.before.map(|v| -(v as f64)));
        (
            stretched(self.image, self.scaled, scaling),
            Warp::new(self.shape, start, placing),
        )
    }

    /// Where a box of the image is in the letterbox.
    ///
    /// # Errors
    /// Refuses corners that are no longer finite.
    pub fn place(&self, bounds: &BoundingBox<D>) -> Result<BoundingBox<D>> {
        let factors = self.factors();
        let corner = |corner: [f64; D]| -> [f64; D] {
            std::array::from_fn(|axis| {
                (corner[axis] + 0.5) * factors[axis] - 0.5 + self.before[axis] as f64
            })
        };
        Ok(BoundingBox::new(
            corner(bounds.min()),
            corner(bounds.max()),
        )?)
    }

    /// Where a box of the letterbox is in the image; it may reach beyond the border.
    ///
    /// # Errors
    /// Refuses corners that are no longer finite.
    pub fn restore(&self, bounds: &BoundingBox<D>) -> Result<BoundingBox<D>> {
        let factors = self.factors();
        let corner = |corner: [f64; D]| -> [f64; D] {
            std::array::from_fn(|axis| {
                (corner[axis] + 0.5 - self.before[axis] as f64) / factors[axis] - 0.5
            })
        };
        Ok(BoundingBox::new(
            corner(bounds.min()),
            corner(bounds.max()),
        )?)
    }
}
