//! Annotated images with what was found in them: the state that every protocol finishes on.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};

use super::annotation::{Annotation, Detection, ImageId};
use crate::accumulator::Accumulator;
use crate::error::{Error, Result};
use crate::statistics::Clusters;

/// One image or scan with its annotations and detections.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DetectionImage<const D: usize> {
    id: ImageId,
    patient: Option<String>,
    #[serde(with = "axes")]
    spacing: [f64; D],
    annotations: Vec<Annotation<D>>,
    detections: Vec<Detection<D>>,
}

impl<const D: usize> DetectionImage<D> {
    /// An image of which every object is annotated; without any, whatever is found in it is wrong.
    pub fn new(
        id: impl Into<ImageId>,
        annotations: Vec<Annotation<D>>,
        detections: Vec<Detection<D>>,
    ) -> Self {
        Self {
            id: id.into(),
            patient: None,
            spacing: [1.0; D],
            annotations,
            detections,
        }
    }

    /// The same, one of several of a patient; intervals draw patients, not images.
    #[must_use]
    pub fn of_patient(self, patient: impl Into<String>) -> Self {
        Self {
            patient: Some(patient.into()),
            ..self
        }
    }

    /// The same with boxes in voxels of this spacing, millimetres in storage order. Without it, boxes are
    /// taken to be in millimetres where millimetres are asked for.
    #[must_use]
    pub fn with_spacing(self, spacing: [f64; D]) -> Self {
        Self { spacing, ..self }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &ImageId {
        &self.id
    }

    /// Whose image it is.
    #[must_use]
    pub fn patient(&self) -> Option<&str> {
        self.patient.as_deref()
    }

    /// Millimetres along the axes for one unit of its boxes.
    #[must_use]
    pub fn spacing(&self) -> [f64; D] {
        self.spacing
    }

    /// What is to be found.
    #[must_use]
    pub fn annotations(&self) -> &[Annotation<D>] {
        &self.annotations
    }

    /// What was found.
    #[must_use]
    pub fn detections(&self) -> &[Detection<D>] {
        &self.detections
    }

    fn check(&self) -> Result<()> {
        let refused = |what, rule, (index, value)| {
            Err(Error::InvalidValue {
                what,
                rule,
                index,
                value,
            })
        };
        let scores = self.detections.iter().map(Detection::score).enumerate();
        if let Some(wrong) = scores.clone().find(|(_, score)| !score.is_finite()) {
            return refused("the scores of an image", "finite numbers", wrong);
        }
        let wrong = |(_, size): &(usize, f64)| size.is_nan() || *size < 0.0;
        let mut sizes = self.annotations.iter().map(Annotation::size).enumerate();
        if let Some(wrong) = sizes.find(wrong) {
            return refused("the areas of annotations", "numbers from 0 on", wrong);
        }
        let mut sizes = self.detections.iter().map(Detection::size).enumerate();
        if let Some(wrong) = sizes.find(wrong) {
            return refused("the areas of detections", "numbers from 0 on", wrong);
        }
        let mut edges = self.spacing.into_iter().enumerate();
        match edges.find(|(_, edge)| *edge <= 0.0 || !edge.is_finite()) {
            Some(wrong) => refused("the spacing of an image", "positive millimetres", wrong),
            None => Ok(()),
        }
    }
}

/// Images by their ids, in which nothing depends on the order they came in.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<DetectionImage<D>>", into = "Vec<DetectionImage<D>>")]
pub struct DetectionImages<const D: usize> {
    images: BTreeMap<ImageId, DetectionImage<D>>,
}

impl<const D: usize> DetectionImages<D> {
    /// No image yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            images: BTreeMap::new(),
        }
    }

    /// Adds an image.
    ///
    /// # Errors
    /// Refuses an image that is there already, scores that are not finite, areas that are negative or NaN,
    /// and a spacing that is not positive.
    pub fn push(&mut self, image: DetectionImage<D>) -> Result<()> {
        image.check()?;
        match self.images.entry(image.id.clone()) {
            Entry::Vacant(place) => {
                place.insert(image);
                Ok(())
            }
            Entry::Occupied(place) => Err(duplicate(place.key())),
        }
    }

    /// Adds all images of another state.
    ///
    /// # Errors
    /// Refuses images that are there already; nothing is added then.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        if let Some(id) = other.images.keys().find(|id| self.images.contains_key(id)) {
            return Err(duplicate(id));
        }
        let more = other.images.iter();
        self.images
            .extend(more.map(|(id, image)| (id.clone(), image.clone())));
        Ok(())
    }

    /// The images in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &DetectionImage<D>> {
        self.images.values()
    }

    /// Number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Whether there is no image.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// The classes of annotations and detections, ascending.
    #[must_use]
    pub fn classes(&self) -> Vec<u32> {
        let mut classes = Vec::new();
        for image in self.iter() {
            classes.extend(image.annotations.iter().map(Annotation::class));
            classes.extend(image.detections.iter().map(Detection::class));
            // Kept short on the way.
            if classes.len() > 1 << 16 {
                classes.sort_unstable();
                classes.dedup();
            }
        }
        classes.sort_unstable();
        classes.dedup();
        classes
    }

    /// Which images are drawn together in a bootstrap: those of a patient. An image of no named patient is
    /// drawn alone.
    #[must_use]
    pub fn clusters(&self) -> Clusters {
        let unit = |image: &'_ DetectionImage<D>| match &image.patient {
            Some(patient) => (Some(patient.clone()), None),
            None => (None, Some(image.id.clone())),
        };
        Clusters::new(&self.iter().map(unit).collect::<Vec<_>>())
    }
}

fn duplicate(id: &ImageId) -> Error {
    Error::DuplicateCase {
        case: id.to_string(),
    }
}

impl<const D: usize> TryFrom<Vec<DetectionImage<D>>> for DetectionImages<D> {
    type Error = Error;
    fn try_from(list: Vec<DetectionImage<D>>) -> Result<Self> {
        let mut images = Self::new();
        list.into_iter().try_for_each(|image| images.push(image))?;
        Ok(images)
    }
}

impl<const D: usize> From<DetectionImages<D>> for Vec<DetectionImage<D>> {
    fn from(images: DetectionImages<D>) -> Self {
        images.images.into_values().collect()
    }
}

/// A way to turn annotated images with detections into numbers.
pub trait DetectionProtocol<const D: usize>: Clone + Send + PartialEq + std::fmt::Debug {
    /// The numbers.
    type Output;

    /// Measures all images.
    ///
    /// # Errors
    /// Refuses settings that make no sense, and images that lack what the protocol needs.
    fn evaluate(&self, images: &DetectionImages<D>) -> Result<Self::Output>;
}

/// Images that arrive one by one, for a protocol to finish on.
///
/// ```
/// use medmetrics::Accumulator;
/// use medmetrics::detection::{Annotation, Coco, Detection, DetectionAccumulator, DetectionImage};
///
/// let mut nodules = DetectionAccumulator::new(Coco::default());
/// let truth = Annotation::from_origin(1, [10.0, 10.0, 10.0], [8.0, 8.0, 8.0])?;
/// let find = Detection::from_origin(1, [10.0, 10.0, 11.0], [8.0, 8.0, 8.0], 0.9)?;
/// nodules.push(DetectionImage::new("scan-1", vec![truth], vec![find]))?;
/// let coco = nodules.finish()?;
/// // They share 7/9 of their union: right at six of the ten thresholds.
/// let precision = coco.summary()[0].estimate.value;
/// assert!((precision.expect("defined") - 0.6).abs() < 1e-12);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(
    serialize = "P: Serialize",
    deserialize = "P: serde::de::DeserializeOwned"
))]
pub struct DetectionAccumulator<P, const D: usize> {
    protocol: P,
    images: DetectionImages<D>,
}

impl<P, const D: usize> DetectionAccumulator<P, D> {
    /// No image yet.
    #[must_use]
    pub fn new(protocol: P) -> Self {
        let images = DetectionImages::new();
        Self { protocol, images }
    }

    /// The images so far; other protocols can be asked about them too.
    #[must_use]
    pub fn images(&self) -> &DetectionImages<D> {
        &self.images
    }
}

impl<P: DetectionProtocol<D>, const D: usize> Accumulator for DetectionAccumulator<P, D> {
    type Item<'a> = DetectionImage<D>;
    type Output = P::Output;

    fn push(&mut self, image: DetectionImage<D>) -> Result<()> {
        self.images.push(image)
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        if self.protocol != other.protocol {
            return Err(Error::Incompatible {
                setting: "protocol",
                left: format!("{:?}", self.protocol),
                right: format!("{:?}", other.protocol),
            });
        }
        self.images.merge(&other.images)
    }

    fn finish(&self) -> Result<P::Output> {
        self.protocol.evaluate(&self.images)
    }
}

/// Arrays of any length for serde, as lists.
mod axes {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer, const D: usize>(
        values: &[f64; D],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        values.as_slice().serialize(serializer)
    }

    pub(super) fn deserialize<'de, S: Deserializer<'de>, const D: usize>(
        deserializer: S,
    ) -> Result<[f64; D], S::Error> {
        let values = Vec::<f64>::deserialize(deserializer)?;
        let rule = format!("{D} numbers, one for every axis");
        let got = values.len();
        <[f64; D]>::try_from(values).map_err(|_| S::Error::invalid_length(got, &rule.as_str()))
    }
}
