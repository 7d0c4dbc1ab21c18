//! What passes through a pipeline: an image and, beside it, what is known about its voxels.

use medcore::{Geometry, GeometryTolerance, Image, LabelMap};

use crate::error::{Error, Result};

/// An image with its labels on the same grid.
///
/// ```
/// use medaug::Sample;
/// use medcore::{Geometry, Image, LabelMap};
///
/// let grid = Geometry::<3>::axis_aligned([4, 5, 6], [3.0, 1.0, 1.0])?;
/// let sample = Sample::with_labels(Image::zeros(2, grid)?, LabelMap::background(grid)?)?;
/// assert_eq!((sample.image().channels(), sample.shape()), (2, [4, 5, 6]));
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Sample<const D: usize> {
    image: Image<f32, D>,
    labels: Option<LabelMap<u8, D>>,
}

impl<const D: usize> Sample<D> {
    /// An image of which nothing more is known.
    #[must_use]
    pub fn new(image: Image<f32, D>) -> Self {
        Self {
            image,
            labels: None,
        }
    }

    /// An image and the class of each of its voxels.
    ///
    /// # Errors
    /// Refuses labels on another grid than the image's (within [`GeometryTolerance::default`]).
    pub fn with_labels(image: Image<f32, D>, labels: LabelMap<u8, D>) -> Result<Self> {
        image
            .geometry()
            .check_same_as(labels.geometry(), &GeometryTolerance::default())
            .map_err(medcore::Error::from)?;
        let labels = labels.with_geometry(*image.geometry())?;
        Ok(Self {
            image,
            labels: Some(labels),
        })
    }

    /// The image, `[channels, depth, height, width]`.
    #[must_use]
    pub fn image(&self) -> &Image<f32, D> {
        &self.image
    }

    /// The labels, if there are any.
    #[must_use]
    pub fn labels(&self) -> Option<&LabelMap<u8, D>> {
        self.labels.as_ref()
    }

    /// The labels, for a transform that cannot do without.
    ///
    /// # Errors
    /// Returns [`Error::MissingLabels`] with the transform's name.
    pub fn require_labels(&self, transform: &'static str) -> Result<&LabelMap<u8, D>> {
        self.labels
            .as_ref()
            .ok_or(Error::MissingLabels { transform })
    }

    /// The grid of both.
    #[must_use]
    pub fn geometry(&self) -> &Geometry<D> {
        self.image.geometry()
    }

    /// Spatial shape, slowest axis first.
    #[must_use]
    pub fn shape(&self) -> [usize; D] {
        self.image.shape()
    }

    /// The voxels of one channel for writing; copied first if they are shared or mapped.
    ///
    /// # Panics
    /// If there is no such channel.
    pub fn channel_mut(&mut self, channel: usize) -> &mut [f32] {
        let len = self.geometry().len();
        &mut self.image.as_mut_slice()[channel * len..(channel + 1) * len]
    }

    /// The labels for writing, if there are any.
    pub fn labels_mut(&mut self) -> Option<&mut LabelMap<u8, D>> {
        self.labels.as_mut()
    }

    /// Image and labels on their own.
    #[must_use]
    pub fn into_parts(self) -> (Image<f32, D>, Option<LabelMap<u8, D>>) {
        (self.image, self.labels)
    }

    /// The same sample with clones that cost nothing, for a cache that many threads read.
    #[must_use]
    pub fn into_shared(self) -> Self {
        Self {
            image: self.image.into_shared(),
            labels: self.labels.map(LabelMap::into_shared),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_on_another_grid_are_refused() {
        let grid = Geometry::<2>::axis_aligned([4, 5], [1.0, 1.0]).unwrap();
        let other = Geometry::<2>::axis_aligned([4, 5], [1.0, 1.2]).unwrap();
        let image = Image::zeros(1, grid).unwrap();
        let refused = Sample::with_labels(image, LabelMap::background(other).unwrap());
        assert!(matches!(
            refused,
            Err(Error::Core(medcore::Error::GeometryMismatch(_)))
        ));
    }

    #[test]
    fn a_missing_label_map_is_named_by_the_one_who_needs_it() {
        let grid = Geometry::<2>::axis_aligned([4, 5], [1.0, 1.0]).unwrap();
        let sample = Sample::new(Image::zeros(1, grid).unwrap());
        let refused = sample.require_labels("PatchSampler").unwrap_err();
        assert_eq!(
            refused.to_string(),
            "PatchSampler needs labels, the sample has none"
        );
    }
}
