//! What a bundle can hold.

use std::collections::BTreeMap;

use medcore::Image;
use mednn::candle_core::{Device, Tensor};
use mednn::model::Model;

use super::TaskConfig;
use crate::classify::{Classifier, ClassifierConfig};
use crate::error::Result;
use crate::segmenter::Segmenter;

/// A model with everything around it, over images of `D` axes.
pub trait Engine<const D: usize> {
    /// Its description.
    fn task(&self) -> TaskConfig;

    /// Its networks, at least one.
    fn networks(&self) -> Vec<&dyn Model>;

    /// What it knows of the data of training, as tensors by name.
    ///
    /// # Errors
    /// When memory is short.
    fn reference(&self) -> Result<BTreeMap<String, Tensor>>;

    /// What it makes of an image, as tensors by name, for comparison with what it made elsewhere.
    ///
    /// # Errors
    /// When the image is none for this model, or it fails.
    fn answer(&self, image: &Image<f32, D>) -> Result<BTreeMap<String, Tensor>>;
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

impl<const D: usize> Engine<D> for Classifier<'_, D>
where
    TaskConfig: From<ClassifierConfig<D>>,
{
    fn task(&self) -> TaskConfig {
        self.config().clone().into()
    }

    fn networks(&self) -> Vec<&dyn Model> {
        self.networks()
            .iter()
            .map(|network| &**network as _)
            .collect()
    }

    fn reference(&self) -> Result<BTreeMap<String, Tensor>> {
        let reference = self.reference();
        reference.map_or(Ok(BTreeMap::new()), |reference| reference.to_tensors())
    }

    fn answer(&self, image: &Image<f32, D>) -> Result<BTreeMap<String, Tensor>> {
        let found = self.classify(image)?;
        Ok([
            named("logits", &found.logits)?,
            named("probabilities", &found.probabilities)?,
        ]
        .into())
    }
}

impl Engine<3> for Segmenter<'_> {
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
