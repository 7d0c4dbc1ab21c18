//! What passes through a pipeline: an image and, beside it, what is known about its voxels.

mod boxes;
mod contents;
mod layer;
mod lazy;
mod points;
mod turned;

use std::collections::BTreeMap;

use medcore::{Geometry, GeometryTolerance, Image, LabelMap};

pub use boxes::{BoxRule, Boxes, LabelledBox};
pub use contents::Contents;
pub use layer::{Layer, Layers};
pub use lazy::LazySample;
pub use points::{LabelledPoint, Points};
pub use turned::TurnedBox;

use crate::error::{Error, Result};
use crate::warp::swap_labels;

/// An image and what goes with it on the same grid: labels, boxes, points and further layers by name.
///
/// Whatever moves the image moves all of them; what changes intensities changes the image alone, unless
/// [`Step::On`](crate::Step::On) names a layer.
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
    boxes: Option<Boxes<D>>,
    points: Option<Points<D>>,
    layers: Layers<D>,
    target: Option<Vec<f32>>,
}

impl<const D: usize> Sample<D> {
    /// An image of which nothing more is known.
    #[must_use]
    pub fn new(image: Image<f32, D>) -> Self {
        Self {
            image,
            labels: None,
            boxes: None,
            points: None,
            layers: BTreeMap::new(),
            target: None,
        }
    }

    /// An image and the class of each of its voxels.
    ///
    /// # Errors
    /// Refuses labels on another grid than the image's (within [`GeometryTolerance::default`]).
    pub fn with_labels(image: Image<f32, D>, labels: LabelMap<u8, D>) -> Result<Self> {
        Self::new(image).with_class_labels(labels)
    }

    /// The sample with these boxes, in indices of the image.
    #[must_use]
    pub fn with_boxes(self, boxes: Boxes<D>) -> Self {
        Self {
            boxes: Some(boxes),
            ..self
        }
    }

    /// The sample with these points, in indices of the image.
    #[must_use]
    pub fn with_points(self, points: Points<D>) -> Self {
        Self {
            points: Some(points),
            ..self
        }
    }

    /// The sample with one more layer, or another one under a name that is there.
    ///
    /// # Errors
    /// Refuses a layer on another grid than the image's (within [`GeometryTolerance::default`]).
    pub fn with_layer(mut self, name: impl Into<String>, layer: Layer<D>) -> Result<Self> {
        check_grid(self.geometry(), layer.geometry())?;
        let layer = layer.with_geometry(*self.geometry())?;
        self.layers.insert(name.into(), layer);
        Ok(self)
    }

    /// The sample with the probability of each class for the whole image, as classifiers are trained on them; mixing blends
    /// them.
    #[must_use]
    pub fn with_target(self, target: Vec<f32>) -> Self {
        Self {
            target: Some(target),
            ..self
        }
    }

    /// The probability of each class for the whole image, if it is known.
    #[must_use]
    pub fn target(&self) -> Option<&[f32]> {
        self.target.as_deref()
    }

    /// The probabilities for writing.
    pub fn target_mut(&mut self) -> Option<&mut Vec<f32>> {
        self.target.as_mut()
    }

    /// The boxes, if there are any lists of them.
    #[must_use]
    pub fn boxes(&self) -> Option<&Boxes<D>> {
        self.boxes.as_ref()
    }

    /// The boxes for writing.
    pub fn boxes_mut(&mut self) -> Option<&mut Boxes<D>> {
        self.boxes.as_mut()
    }

    /// The points, if there are any lists of them.
    #[must_use]
    pub fn points(&self) -> Option<&Points<D>> {
        self.points.as_ref()
    }

    /// The points for writing.
    pub fn points_mut(&mut self) -> Option<&mut Points<D>> {
        self.points.as_mut()
    }

    /// The further layers, by name.
    #[must_use]
    pub fn layers(&self) -> &Layers<D> {
        &self.layers
    }

    /// The further layers for writing.
    pub(crate) fn layers_mut(&mut self) -> &mut Layers<D> {
        &mut self.layers
    }

    /// A further layer for a transform that was told its name.
    ///
    /// # Errors
    /// Returns [`Error::MissingLayer`] with both names.
    pub fn require_layer(&self, transform: &'static str, name: &str) -> Result<&Layer<D>> {
        self.layers.get(name).ok_or_else(|| Error::MissingLayer {
            transform,
            layer: name.to_owned(),
            found: self.layers.keys().cloned().collect(),
        })
    }

    /// The same sample with another image on the same grid, of any number of channels.
    ///
    /// # Errors
    /// Refuses an image on another grid.
    pub fn with_image(self, image: Image<f32, D>) -> Result<Self> {
        check_grid(self.geometry(), image.geometry())?;
        Ok(Self { image, ..self })
    }

    /// The same sample with other labels on the same grid.
    ///
    /// # Errors
    /// Refuses labels on another grid.
    pub fn with_class_labels(self, labels: LabelMap<u8, D>) -> Result<Self> {
        check_grid(self.geometry(), labels.geometry())?;
        let labels = labels.with_geometry(*self.geometry())?;
        Ok(Self {
            labels: Some(labels),
            ..self
        })
    }

    /// Bytes of its voxels, labels and layers.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let image = |image: &Image<f32, D>| size_of_val(image.as_slice());
        let layers = self.layers.values().map(|layer| match layer {
            Layer::Image(voxels) => image(voxels),
            Layer::Labels(labels) => size_of_val(labels.as_slice()),
            Layer::Instances(numbers) => size_of_val(numbers.as_slice()),
        });
        let labels = self.labels.as_ref();
        image(&self.image) + labels.map_or(0, |l| l.as_slice().len()) + layers.sum::<usize>()
    }

    /// What the sample holds, to be compared with what a pipeline needs.
    #[must_use]
    pub fn contents(&self) -> Contents {
        Contents {
            channels: Some(self.image.channels()),
            labels: self.labels.is_some(),
            boxes: self.boxes.is_some(),
            points: self.points.is_some(),
            layers: self.layers.keys().cloned().collect(),
        }
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

    /// Image and labels for writing at once.
    pub fn image_and_labels_mut(&mut self) -> (&mut Image<f32, D>, Option<&mut LabelMap<u8, D>>) {
        (&mut self.image, self.labels.as_mut())
    }

    /// Gives labels, layers of labels, boxes and points of left and right organs each other's names.
    pub(crate) fn swap_sides(&mut self, pairs: &[(u8, u8)]) {
        if let Some(labels) = &mut self.labels {
            swap_labels(labels.as_mut_slice(), pairs);
        }
        for layer in self.layers.values_mut() {
            if let Layer::Labels(labels) = layer {
                swap_labels(labels.as_mut_slice(), pairs);
            }
        }
        if let Some(boxes) = &mut self.boxes {
            boxes.swap_sides();
        }
        if let Some(points) = &mut self.points {
            points.swap_sides();
        }
    }

    /// The sample as a pipeline passes it on: moves are collected and done at once.
    #[must_use]
    pub fn into_lazy(self) -> LazySample<D> {
        LazySample::new(self)
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
            layers: self
                .layers
                .into_iter()
                .map(|(name, layer)| (name, layer.into_shared()))
                .collect(),
            ..self
        }
    }
}

fn check_grid<const D: usize>(image: &Geometry<D>, other: &Geometry<D>) -> Result<()> {
    image
        .check_same_as(other, &GeometryTolerance::default())
        .map_err(|mismatch| medcore::Error::from(mismatch).into())
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
