//! Boxes: whole voxels ([`Region`]) and continuous extents ([`BoundingBox`]), both half-open.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A non-empty half-open block of whole voxels, `start[a] <= index[a] < end[a]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Region<const D: usize> {
    start: [usize; D],
    end: [usize; D],
}

impl<const D: usize> Region<D> {
    /// The block from `start` to just before `end`.
    ///
    /// # Errors
    /// Refuses a block without voxels.
    pub fn new(start: [usize; D], end: [usize; D]) -> Result<Self> {
        if (0..D).any(|a| start[a] >= end[a]) {
            return Err(Error::RegionOutside {
                start: start.to_vec(),
                end: end.to_vec(),
                shape: vec![],
            });
        }
        Ok(Self { start, end })
    }

    /// The whole of a (non-empty) shape.
    ///
    /// # Errors
    /// Refuses a shape with a zero axis.
    pub fn whole(shape: [usize; D]) -> Result<Self> {
        Self::new([0; D], shape)
    }

    /// First index inside.
    #[must_use]
    pub fn start(&self) -> [usize; D] {
        self.start
    }

    /// First index behind.
    #[must_use]
    pub fn end(&self) -> [usize; D] {
        self.end
    }

    /// Voxels along each axis.
    #[must_use]
    pub fn shape(&self) -> [usize; D] {
        std::array::from_fn(|a| self.end[a] - self.start[a])
    }

    /// Number of voxels inside.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape().iter().product()
    }

    /// Always false: an empty region cannot be made.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Whether an index lies inside.
    #[must_use]
    pub fn contains(&self, index: [usize; D]) -> bool {
        (0..D).all(|a| (self.start[a]..self.end[a]).contains(&index[a]))
    }

    /// The memory range of each row inside, in the order of memory, of an image of shape `image`.
    ///
    /// ```
    /// let block = medcore::Region::new([1, 2], [3, 4])?;
    /// assert_eq!(block.rows([4, 10]).collect::<Vec<_>>(), [12..14, 22..24]);
    /// # Ok::<(), medcore::Error>(())
    /// ```
    pub fn rows(
        &self,
        image: [usize; D],
    ) -> impl ExactSizeIterator<Item = std::ops::Range<usize>> + Clone + use<D> {
        let (start, shape) = (self.start, self.shape());
        (0..shape[..D - 1].iter().product()).map(move |row| {
            let (mut row, mut at, mut stride): (usize, _, _) = (row, start[D - 1], image[D - 1]);
            for a in (0..D - 1).rev() {
                at += (start[a] + row % shape[a]) * stride;
                row /= shape[a];
                stride *= image[a];
            }
            at..at + shape[D - 1]
        })
    }

    /// The region grown by `margin` voxels on all sides and cut to `shape`.
    #[must_use]
    pub fn grown(&self, margin: [usize; D], shape: [usize; D]) -> Self {
        Self {
            start: std::array::from_fn(|a| self.start[a].saturating_sub(margin[a])),
            end: std::array::from_fn(|a| {
                self.end[a].saturating_add(margin[a]).min(shape[a]).max(1)
            }),
        }
    }

    /// The smallest region that holds both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self {
            start: std::array::from_fn(|a| self.start[a].min(other.start[a])),
            end: std::array::from_fn(|a| self.end[a].max(other.end[a])),
        }
    }

    /// What both hold, or `None`.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        Self::new(
            std::array::from_fn(|a| self.start[a].max(other.start[a])),
            std::array::from_fn(|a| self.end[a].min(other.end[a])),
        )
        .ok()
    }

    /// Says whether the region lies inside `shape`.
    ///
    /// # Errors
    /// Returns [`Error::RegionOutside`] with all three if it does not.
    pub fn check_inside(&self, shape: [usize; D]) -> Result<()> {
        if (0..D).all(|a| self.end[a] <= shape[a]) {
            Ok(())
        } else {
            Err(Error::RegionOutside {
                start: self.start.to_vec(),
                end: self.end.to_vec(),
                shape: shape.to_vec(),
            })
        }
    }
}

/// An axis-aligned box in continuous index coordinates: voxel `i` covers `[i - 0.5, i + 0.5)`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawBox", into = "RawBox")]
pub struct BoundingBox<const D: usize> {
    min: [f64; D],
    max: [f64; D],
}

impl<const D: usize> BoundingBox<D> {
    /// The box from `min` to `max`, in storage order.
    ///
    /// # Errors
    /// Refuses numbers that are not finite and a `max` below its `min`.
    pub fn new(min: [f64; D], max: [f64; D]) -> Result<Self> {
        if let Some(&value) = min.iter().chain(&max).find(|v| !v.is_finite()) {
            return Err(Error::NotFinite {
                what: "box corner",
                value,
            });
        }
        if let Some(a) = (0..D).find(|&a| max[a] < min[a]) {
            return Err(Error::InvalidParameter {
                parameter: "max",
                rule: "at least min",
                value: max[a],
            });
        }
        Ok(Self { min, max })
    }

    /// Lower corner.
    #[must_use]
    pub fn min(&self) -> [f64; D] {
        self.min
    }

    /// Upper corner.
    #[must_use]
    pub fn max(&self) -> [f64; D] {
        self.max
    }

    /// Extent along each axis, in voxels.
    #[must_use]
    pub fn extent(&self) -> [f64; D] {
        std::array::from_fn(|a| self.max[a] - self.min[a])
    }

    /// Product of the extents, in voxels.
    #[must_use]
    pub fn volume(&self) -> f64 {
        self.extent().iter().product()
    }

    /// The volume of the intersection over the volume of the union; 0 for two boxes without volume.
    #[must_use]
    pub fn iou(&self, other: &Self) -> f64 {
        let shared: f64 = (0..D)
            .map(|a| (self.max[a].min(other.max[a]) - self.min[a].max(other.min[a])).max(0.0))
            .product();
        let union = self.volume() + other.volume() - shared;
        if union > 0.0 { shared / union } else { 0.0 }
    }
}

impl<const D: usize> From<Region<D>> for BoundingBox<D> {
    fn from(region: Region<D>) -> Self {
        Self {
            min: region.start.map(|v| v as f64 - 0.5),
            max: region.end.map(|v| v as f64 - 0.5),
        }
    }
}

/// The serialised form: two lists of D numbers.
#[derive(Serialize, Deserialize)]
struct RawBox {
    min: Vec<f64>,
    max: Vec<f64>,
}

impl<const D: usize> From<BoundingBox<D>> for RawBox {
    fn from(value: BoundingBox<D>) -> Self {
        Self {
            min: value.min.to_vec(),
            max: value.max.to_vec(),
        }
    }
}

impl<const D: usize> TryFrom<RawBox> for BoundingBox<D> {
    type Error = Error;
    fn try_from(raw: RawBox) -> Result<Self> {
        let corner = |values: Vec<f64>| {
            <[f64; D]>::try_from(values).map_err(|v| Error::ShapeMismatch {
                expected: vec![D],
                got: vec![v.len()],
            })
        };
        Self::new(corner(raw.min)?, corner(raw.max)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlap_of_boxes_is_counted_once() {
        let a = BoundingBox::new([0.0, 0.0], [2.0, 2.0]).unwrap();
        let b = BoundingBox::new([1.0, 1.0], [3.0, 2.0]).unwrap();
        assert!((a.iou(&b) - 1.0 / 5.0).abs() < 1e-12);
        assert_eq!(
            a.iou(&BoundingBox::new([5.0, 5.0], [5.0, 5.0]).unwrap()),
            0.0
        );
    }

    #[test]
    fn a_region_covers_the_faces_of_its_voxels() {
        let b = BoundingBox::from(Region::new([2, 3], [3, 5]).unwrap());
        assert_eq!((b.min(), b.max()), ([1.5, 2.5], [2.5, 4.5]));
    }

    #[test]
    fn empty_regions_cannot_be_made() {
        assert!(Region::new([1, 1], [1, 2]).is_err());
        let a = Region::new([0, 0], [2, 2]).unwrap();
        assert!(
            a.intersection(&Region::new([2, 0], [3, 2]).unwrap())
                .is_none()
        );
        assert_eq!(
            a.grown([1, 1], [3, 2]),
            Region::new([0, 0], [3, 2]).unwrap()
        );
    }
}
