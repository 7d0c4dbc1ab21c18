//! What a bundle can hold.

use std::collections::BTreeMap;

use medcore::Image;
use medmodels::fusion::table::Record;
use mednn::candle_core::{Device, Tensor};
use mednn::model::Model;

use super::{GoldenInput, TaskConfig};
use crate::classify::{Classification, Classifier, ClassifierConfig};
use crate::detect::{BoxDetector, DetectorConfig, FoundBox};
use crate::error::Result;
use crate::outlier::FeatureReference;
use crate::patient::{Examination, FusedClassifier, FusedConfig, RecordClassifier};
use crate::segmenter::Segmenter;

/// A model with everything around it, over cases that are images, records of patients, or both.
pub trait Engine<C: GoldenInput> {
    /// Its description.
    fn task(&self) -> TaskConfig;

    /// Its networks, at least one.
    fn networks(&self) -> Vec<&dyn Model>;

    /// What it knows of the data of training, as tensors by name.
    ///
    /// # Errors
    /// When memory is short.
    fn reference(&self) -> Result<BTreeMap<String, Tensor>>;

    /// What it makes of a case, as tensors by name, for comparison with what it made elsewhere.
    ///
    /// # Errors
    /// When the case is none for this model, or it fails.
    fn answer(&self, case: &C) -> Result<BTreeMap<String, Tensor>>;
}

impl From<ClassifierConfig<2>> for TaskConfig {
    fn from(config: ClassifierConfig<2>) -> Self {
        Self::Classification2d(config)
    }
}

impl From<ClassifierConfig<3>> for TaskConfig {
    fn from(config: ClassifierConfig<3>) -> Self {
        Self::Classification3d(config)
    }
}

impl<const D: usize> Engine<Image<f32, D>> for Classifier<'_, D>
where
    TaskConfig: From<ClassifierConfig<D>>,
{
    fn task(&self) -> TaskConfig {
        self.config().clone().into()
    }

    fn networks(&self) -> Vec<&dyn Model> {
        borrowed(self.networks())
    }

    fn reference(&self) -> Result<BTreeMap<String, Tensor>> {
        tensors_of(self.reference())
    }

    fn answer(&self, image: &Image<f32, D>) -> Result<BTreeMap<String, Tensor>> {
        classification(&self.classify(image)?)
    }
}

impl From<FusedConfig<2>> for TaskConfig {
    fn from(config: FusedConfig<2>) -> Self {
        Self::Fused2d(config)
    }
}

impl From<FusedConfig<3>> for TaskConfig {
    fn from(config: FusedConfig<3>) -> Self {
        Self::Fused3d(config)
    }
}

impl<const D: usize> Engine<Examination<D>> for FusedClassifier<'_, D>
where
    TaskConfig: From<FusedConfig<D>>,
{
    fn task(&self) -> TaskConfig {
        self.config().clone().into()
    }

    fn networks(&self) -> Vec<&dyn Model> {
        borrowed(self.networks())
    }

    fn reference(&self) -> Result<BTreeMap<String, Tensor>> {
        tensors_of(self.reference())
    }

    fn answer(&self, case: &Examination<D>) -> Result<BTreeMap<String, Tensor>> {
        classification(&self.classify(&case.image, &case.patient)?)
    }
}

impl Engine<Record> for RecordClassifier<'_> {
    fn task(&self) -> TaskConfig {
        TaskConfig::Record(self.config().clone())
    }

    fn networks(&self) -> Vec<&dyn Model> {
        borrowed(self.networks())
    }

    fn reference(&self) -> Result<BTreeMap<String, Tensor>> {
        tensors_of(self.reference())
    }

    fn answer(&self, record: &Record) -> Result<BTreeMap<String, Tensor>> {
        classification(&self.classify(record)?)
    }
}

fn borrowed<'a>(networks: &'a [Box<dyn Model + '_>]) -> Vec<&'a dyn Model> {
    networks.iter().map(|network| &**network as _).collect()
}

fn tensors_of(reference: Option<&FeatureReference>) -> Result<BTreeMap<String, Tensor>> {
    reference.map_or(Ok(BTreeMap::new()), FeatureReference::to_tensors)
}

fn classification(found: &Classification) -> Result<BTreeMap<String, Tensor>> {
    Ok([
        named("logits", &found.logits)?,
        named("probabilities", &found.probabilities)?,
    ]
    .into())
}

impl From<DetectorConfig<2>> for TaskConfig {
    fn from(config: DetectorConfig<2>) -> Self {
        Self::Detection2d(config)
    }
}

impl From<DetectorConfig<3>> for TaskConfig {
    fn from(config: DetectorConfig<3>) -> Self {
        Self::Detection3d(config)
    }
}

impl<const D: usize> Engine<Image<f32, D>> for BoxDetector<'_, D>
where
    TaskConfig: From<DetectorConfig<D>>,
{
    fn task(&self) -> TaskConfig {
        self.config().clone().into()
    }

    fn networks(&self) -> Vec<&dyn Model> {
        self.networks().collect()
    }

    fn reference(&self) -> Result<BTreeMap<String, Tensor>> {
        Ok(BTreeMap::new())
    }

    fn answer(&self, image: &Image<f32, D>) -> Result<BTreeMap<String, Tensor>> {
        let found = self.detect(image)?;
        let corners = |found: &FoundBox<D>| [found.bounds.min(), found.bounds.max()].concat();
        let boxes: Vec<f64> = found.iter().flat_map(corners).collect();
        let scores: Vec<f64> = found.iter().map(|found| found.score).collect();
        let classes: Vec<u32> = found.iter().map(|found| found.class as u32).collect();
        Ok([
            named("boxes", &boxes)?,
            named("scores", &scores)?,
            named("classes", &classes)?,
        ]
        .into())
    }
}

impl Engine<Image<f32, 3>> for Segmenter<'_> {
    fn task(&self) -> TaskConfig {
        TaskConfig::Segmentation(self.config().clone())
    }

    fn networks(&self) -> Vec<&dyn Model> {
        self.networks().collect()
    }

    fn reference(&self) -> Result<BTreeMap<String, Tensor>> {
        Ok(BTreeMap::new())
    }

    fn answer(&self, image: &Image<f32, 3>) -> Result<BTreeMap<String, Tensor>> {
        let labels = self.segment(image)?;
        Ok([named("labels", labels.as_slice())?].into())
    }
}

pub(super) fn named<T: mednn::candle_core::WithDType>(
    name: &str,
    values: &[T],
) -> Result<(String, Tensor)> {
    let tensor = Tensor::from_slice(values, values.len(), &Device::Cpu);
    Ok((name.to_owned(), tensor.map_err(mednn::Error::from)?))
}
