//! A network over whole images.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use medaug::{Compose, Sample};
use medcore::Image;
use medcore::random::Key;
use medcore::resample::Voxel;
use mednn::candle_core::DType;
use mednn::context::Context;
use mednn::convert::stack_images;
use mednn::model::{Inputs, Model};

use super::decision::decide;
use super::pooled::pooled;
use super::uncertainty::draws;
use super::{Classification, ClassifierConfig, MonteCarlo, Uncertainty, refuse};
use crate::error::{Error, Result};
use crate::explain::{Layout, layout_of_feature};
use crate::outlier::{FeatureReference, Outlier, OutlierScore};

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
    networks: Vec<Box<dyn Model + 'm>>,
    reference: Option<FeatureReference>,
    /// How the features that were asked for lie, for they do not say so themselves.
    layouts: Mutex<BTreeMap<String, Layout>>,
}

impl<const D: usize> std::fmt::Debug for Classifier<'_, D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Classifier")
            .field("config", &self.config)
            .field("networks", &self.networks.len())
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
            networks: vec![network],
            reference: None,
            layouts: Mutex::default(),
        })
    }

    /// Averages the logits with those of further networks of the same architecture (the folds of a cross-validation).
    #[must_use]
    pub fn with_ensemble(mut self, others: Vec<Box<dyn Model + 'm>>) -> Self {
        self.networks.truncate(1);
        self.networks.extend(others);
        self
    }

    /// Sets what the features of training images look like, for distances from them.
    #[must_use]
    pub fn with_reference(self, reference: FeatureReference) -> Self {
        Self {
            reference: Some(reference),
            ..self
        }
    }

    /// The description.
    #[must_use]
    pub fn config(&self) -> &ClassifierConfig<D> {
        &self.config
    }

    /// The networks, at least one.
    #[must_use]
    pub fn networks(&self) -> &[Box<dyn Model + 'm>] {
        &self.networks
    }

    /// What the features of training images look like, if it is known.
    #[must_use]
    pub fn reference(&self) -> Option<&FeatureReference> {
        self.reference.as_ref()
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
        let sample = Sample::new(image.map(T::to_f32));
        let prepared = self.config.preparation.apply(sample, Key::new(0))?;
        let (image, _) = prepared.into_parts();
        self.check_image(&image)?;
        Ok(image)
    }

    /// What prepared images of one shape show, in one forward pass for each network and view.
    ///
    /// # Errors
    /// As [`Classifier::classify`]; refuses images of several shapes.
    pub fn classify_prepared(&self, images: &[&Image<f32, D>]) -> Result<Vec<Classification>> {
        if images.is_empty() {
            return Ok(Vec::new());
        }
        images
            .iter()
            .try_for_each(|image| self.check_image(image))?;
        let answers = self.answers(images)?;
        let features = self.wanted_features(images)?;
        let one = |(item, image): (usize, &&Image<f32, D>)| {
            let answers: Vec<&[f32]> = answers.iter().map(|rows| &rows[item][..]).collect();
            let features = features.as_ref().map(|rows| &rows[item][..]);
            self.judge(image, &answers, features)
        };
        images.iter().enumerate().map(one).collect()
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
        let network = &self.networks[0];
        let tensor = stack_images(images, network.params().device())?;
        let context = Context::evaluate().with_features([name]);
        let mut outputs = network.forward(&Inputs::from(tensor), &context)?;
        let Some(feature) = outputs.features.remove(name) else {
            let rule = "a feature of the network";
            return refuse("feature", rule, format!("{name:?}"));
        };
        if feature.rank() < 2 || feature.elem_count() == 0 {
            let rule = "of a value for each image and channel";
            return refuse("feature", rule, format!("{name:?} {:?}", feature.dims()));
        }
        let layout = match feature.rank() {
            2 => Layout::ChannelsFirst,
            _ => self.layout(images[0], name)?,
        };
        pooled(&feature, layout).map_err(|e| mednn::Error::from(e).into())
    }

    /// How the first network holds a feature, found out by one pass and remembered.
    fn layout(&self, image: &Image<f32, D>, name: &str) -> Result<Layout> {
        let layouts = || self.layouts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&layout) = layouts().get(name) {
            return Ok(layout);
        }
        let network = &*self.networks[0];
        let tensor = stack_images(&[image], network.params().device())?;
        let layout = layout_of_feature(network, &Inputs::from(tensor), name)?;
        layouts().insert(name.to_owned(), layout);
        Ok(layout)
    }

    fn wanted_features(&self, images: &[&Image<f32, D>]) -> Result<Option<Vec<Vec<f32>>>> {
        let rules = self.config.outlier_rules.iter();
        let wants = |score: &OutlierScore| *score == OutlierScore::Mahalanobis;
        if !rules.map(|rule| &rule.score).any(wants) {
            return Ok(None);
        }
        let Some(reference) = &self.reference else {
            let rule = "given where a rule measures the distance from it";
            return refuse("reference", rule, "nothing".to_owned());
        };
        self.features(images, reference.feature()).map(Some)
    }

    /// The logits of every network and view, the image as it is first: answers, images, classes.
    fn answers(&self, images: &[&Image<f32, D>]) -> Result<Vec<Vec<Vec<f32>>>> {
        let mut answers = Vec::new();
        let mut add = |images: &[&Image<f32, D>]| {
            for network in &self.networks {
                answers.push(self.forward(&**network, images, &Context::evaluate())?);
            }
            Ok::<_, Error>(())
        };
        add(images)?;
        for view in &self.config.views {
            let seen: Vec<_> = { images.iter() }
                .map(|image| self.view(view, image))
                .collect::<Result<_>>()?;
            add(&seen.iter().collect::<Vec<_>>())?;
        }
        Ok(answers)
    }

    fn view(&self, view: &Compose<D>, image: &Image<f32, D>) -> Result<Image<f32, D>> {
        let seen = view.apply(Sample::new(image.clone()), Key::new(0))?;
        let (image, _) = seen.into_parts();
        self.check_image(&image)?;
        Ok(image)
    }

    /// What follows from the logits of every answer.
    fn judge(
        &self,
        image: &Image<f32, D>,
        answers: &[&[f32]],
        features: Option<&[f32]>,
    ) -> Result<Classification> {
        let config = &self.config;
        let share = 1.0 / answers.len() as f32;
        let sum = |label: usize| answers.iter().map(|row| row[label]).sum::<f32>();
        let logits: Vec<f32> = (0..config.labels.len())
            .map(|label| sum(label) * share)
            .collect();
        let probabilities = config.probabilities(&logits)?;
        let outlier = |rule: &crate::outlier::OutlierRule| -> Result<Outlier> {
            let distance = match (&self.reference, features) {
                (Some(reference), Some(features)) => Some(reference.distance(features)?),
                _ => None,
            };
            Ok(rule.judge(&logits, config.kind, distance))
        };
        Ok(Classification {
            decisions: decide(&config.operating_points, &config.labels, &probabilities),
            uncertainty: self.uncertainty(image, answers)?,
            outliers: config
                .outlier_rules
                .iter()
                .map(outlier)
                .collect::<Result<_>>()?,
            logits,
            probabilities,
        })
    }

    /// Of passes with dropout where the description asks for them, otherwise of networks and views.
    fn uncertainty(
        &self,
        image: &Image<f32, D>,
        answers: &[&[f32]],
    ) -> Result<Option<Uncertainty>> {
        let mut probabilities = Vec::new();
        if let Some(monte_carlo) = &self.config.monte_carlo {
            for logits in self.passes(image, monte_carlo)? {
                probabilities.push(self.config.probabilities(&logits)?);
            }
        } else if answers.len() > 1 {
            for logits in answers {
                probabilities.push(self.config.probabilities(logits)?);
            }
        }
        Ok(Uncertainty::of(&probabilities, self.config.kind))
    }

    /// The logits of every network in every pass with dropout.
    fn passes(&self, image: &Image<f32, D>, monte_carlo: &MonteCarlo) -> Result<Vec<Vec<f32>>> {
        let mut answers = Vec::new();
        for pass in 0..monte_carlo.passes {
            let context = Context::monte_carlo(monte_carlo.key(pass));
            for network in &self.networks {
                answers.extend(self.forward(&**network, &[image], &context)?);
            }
        }
        for (number, network) in self.networks.iter().enumerate() {
            let mut own = answers.iter().skip(number).step_by(self.networks.len());
            let first = own.next();
            // Passes that differ drew something; where all are alike the operators say whether it was for want of dropout.
            if own.all(|pass| Some(pass) == first) {
                let tensor = stack_images(&[image], network.params().device())?;
                let context = Context::monte_carlo(monte_carlo.key(0));
                if !draws(&**network, &Inputs::from(tensor), &context) {
                    let rule = "of networks with dropout, for others seem certain of everything";
                    return refuse("monte_carlo", rule, format!("network {number} without"));
                }
            }
        }
        Ok(answers)
    }

    /// The logits of each image.
    fn forward(
        &self,
        network: &dyn Model,
        images: &[&Image<f32, D>],
        context: &Context,
    ) -> Result<Vec<Vec<f32>>> {
        let tensor = stack_images(images, network.params().device())?;
        let logits = network.forward(&Inputs::from(tensor), context)?.logits;
        let expected = [images.len(), self.config.labels.len()];
        if logits.dims() != expected {
            return Err(Error::OutputShape {
                expected: expected.to_vec(),
                got: logits.dims().to_vec(),
            });
        }
        let rows = logits.to_dtype(DType::F32).and_then(|l| l.to_vec2::<f32>());
        let rows = rows.map_err(mednn::Error::from)?;
        for (class, &value) in rows.iter().flat_map(|row| row.iter().enumerate()) {
            if !value.is_finite() {
                let start = vec![0; D];
                return Err(Error::NotFinite {
                    value,
                    class,
                    start,
                });
            }
        }
        Ok(rows)
    }

    fn check_image(&self, image: &Image<f32, D>) -> Result<()> {
        check_input(&self.config.model, &self.config.shape, image)
    }
}

/// Refuses an image that the network does not take.
pub(crate) fn check_input<const D: usize>(
    model: &medmodels::ModelConfig,
    shape: &[usize],
    image: &Image<f32, D>,
) -> Result<()> {
    let expected = model.in_channels();
    if image.channels() != expected {
        return Err(Error::Channels {
            expected,
            got: image.channels(),
        });
    }
    if !shape.is_empty() && shape != image.shape() {
        return Err(Error::Extent {
            expected: shape.to_vec(),
            got: image.shape().to_vec(),
        });
    }
    Ok(())
}
