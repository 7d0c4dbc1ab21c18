//! A network over whole images.

use medcore::Image;
use medcore::resample::Voxel;
use mednn::model::Model;

use super::panel::Panel;
use super::{Classification, ClassifierConfig};
use crate::error::Result;
use crate::outlier::FeatureReference;

/// A trained classifier with everything around it.
///
/// ```
/// use medcore::{Geometry, Image};
/// use medinfer::{ClassLabel, Classifier, ClassifierConfig};
/// use medmodels::resnet::ResNetConfig;
/// use mednn::params::Params;
///
/// let labels = [ClassLabel::new("normal"), ClassLabel::new("pneumonia")];
/// let model = ResNetConfig::resnet18(2).with_in_channels(1).with_features([4, 4, 4, 4]);
/// let config = ClassifierConfig::<2>::new(model.into(), labels);
/// let network = medmodels::create(&config.model, &Params::new(1))?;
/// let classifier = Classifier::new(config, network)?;
///
/// let image = Image::<f32, 2>::zeros(1, Geometry::axis_aligned([64, 48], [0.2, 0.2])?)?;
/// let found = classifier.classify(&image)?;
/// assert!((found.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Classifier<'m, const D: usize> {
    config: ClassifierConfig<D>,
    panel: Panel<'m>,
}

impl<const D: usize> std::fmt::Debug for Classifier<'_, D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Classifier")
            .field("config", &self.config)
            .field("networks", &self.networks().len())
            .finish_non_exhaustive()
    }
}

impl<'m, const D: usize> Classifier<'m, D> {
    /// Puts a network of the described architecture to use: an own one, or `Box::new(&network)` while it learns.
    ///
    /// # Errors
    /// Refuses a description whose parts do not fit each other.
    pub fn new(config: ClassifierConfig<D>, network: Box<dyn Model + 'm>) -> Result<Self> {
        config.check()?;
        Ok(Self {
            config,
            panel: Panel::new(network),
        })
    }

    /// Averages the logits with those of further networks of the same architecture (the folds of a cross-validation).
    #[must_use]
    pub fn with_ensemble(mut self, others: Vec<Box<dyn Model + 'm>>) -> Self {
        self.panel.set_others(others);
        self
    }

    /// Sets what the features of training images look like, for distances from them.
    #[must_use]
    pub fn with_reference(mut self, reference: FeatureReference) -> Self {
        self.panel.reference = Some(reference);
        self
    }

    /// The description.
    #[must_use]
    pub fn config(&self) -> &ClassifierConfig<D> {
        &self.config
    }

    /// The networks, at least one.
    #[must_use]
    pub fn networks(&self) -> &[Box<dyn Model + 'm>] {
        &self.panel.networks
    }

    /// What the features of training images look like, if it is known.
    #[must_use]
    pub fn reference(&self) -> Option<&FeatureReference> {
        self.panel.reference.as_ref()
    }

    /// What an image shows.
    ///
    /// # Errors
    /// Refuses an image with other channels or, once prepared, other extents than described; passes with dropout of a
    /// network that has none; and when preparation or the network fails or gives numbers that are not finite.
    pub fn classify<T: Voxel>(&self, image: &Image<T, D>) -> Result<Classification> {
        let prepared = self.prepare(image)?;
        let mut found = self.classify_prepared(&[&prepared])?;
        Ok(found.remove(0))
    }

    /// An image as the network reads it.
    ///
    /// # Errors
    /// As [`Classifier::classify`].
    pub fn prepare<T: Voxel>(&self, image: &Image<T, D>) -> Result<Image<f32, D>> {
        self.config.sight().prepare(image)
    }

    /// What prepared images of one shape show, in one forward pass for each network and view.
    ///
    /// # Errors
    /// As [`Classifier::classify`]; refuses images of several shapes.
    pub fn classify_prepared(&self, images: &[&Image<f32, D>]) -> Result<Vec<Classification>> {
        if images.is_empty() {
            return Ok(Vec::new());
        }
        let sight = self.config.sight();
        let plain = sight.stack(images)?.into();
        let mut views = sight.views(images).map(|seen| Ok(seen?.into()));
        let rules = self.config.rules();
        self.panel.classify(&rules, &plain, &mut views)
    }

    /// The features of this name of prepared images, as the first network gives them, one number for each channel: what a
    /// [`FeatureReference`] is fitted on.
    ///
    /// Where a feature has places, channels in front or behind, it is averaged over them; where it has tokens, over those of
    /// places, and what is in front (a class token) is left out. Which is which follows from the network's operators.
    ///
    /// # Errors
    /// As [`Classifier::classify_prepared`], and when the network has no such feature, or one whose places its operators do
    /// not tell.
    pub fn features(&self, images: &[&Image<f32, D>], name: &str) -> Result<Vec<Vec<f32>>> {
        let seen = self.config.sight().stack(images)?;
        self.panel.features(&seen.into(), name)
    }
}
