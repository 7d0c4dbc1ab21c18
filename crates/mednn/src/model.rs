//! What every network is to those who train it and those who run it.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::params::Params;

/// A network.
pub trait Model: Send + Sync {
    /// Runs the network.
    ///
    /// # Errors
    /// When an input is missing or has a shape the network cannot work on.
    fn forward(&self, inputs: &Inputs, context: &Context) -> Result<Outputs>;

    /// The parameters and buffers.
    fn params(&self) -> &Params;
}

impl<M: Model + ?Sized> Model for &M {
    fn forward(&self, inputs: &Inputs, context: &Context) -> Result<Outputs> {
        (**self).forward(inputs, context)
    }

    fn params(&self) -> &Params {
        (**self).params()
    }
}

impl<M: Model + ?Sized> Model for Box<M> {
    fn forward(&self, inputs: &Inputs, context: &Context) -> Result<Outputs> {
        (**self).forward(inputs, context)
    }

    fn params(&self) -> &Params {
        (**self).params()
    }
}

/// The named inputs of a network; most have one, the image.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    tensors: BTreeMap<String, Tensor>,
}

impl Inputs {
    /// The name of the primary input.
    pub const IMAGE: &'static str = "image";

    /// Inputs with an image, `[batch, channels, depth, height, width]`.
    #[must_use]
    pub fn new(image: Tensor) -> Self {
        Self::default().with(Self::IMAGE, image)
    }

    /// Adds or replaces an input.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, tensor: Tensor) -> Self {
        self.tensors.insert(name.into(), tensor);
        self
    }

    /// The same on a device; what is there already is shared.
    ///
    /// # Errors
    /// When the device refuses the memory.
    pub fn to_device(&self, device: &Device) -> Result<Self> {
        let moved =
            |(name, tensor): (&String, &Tensor)| Ok((name.clone(), tensor.to_device(device)?));
        Ok(Self {
            tensors: self.tensors.iter().map(moved).collect::<Result<_>>()?,
        })
    }

    /// All inputs with their names, in the order of these.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.tensors.iter().map(|(name, t)| (name.as_str(), t))
    }

    /// The image.
    ///
    /// # Errors
    /// When it is missing.
    pub fn image(&self) -> Result<&Tensor> {
        self.get(Self::IMAGE)
    }

    /// The input of this name.
    ///
    /// # Errors
    /// When it is missing.
    pub fn get(&self, name: &str) -> Result<&Tensor> {
        self.tensors.get(name).ok_or_else(|| Error::MissingInput {
            name: name.to_owned(),
            given: self.tensors.keys().cloned().collect(),
        })
    }
}

impl From<Tensor> for Inputs {
    fn from(image: Tensor) -> Self {
        Self::new(image)
    }
}

impl From<&Tensor> for Inputs {
    fn from(image: &Tensor) -> Self {
        Self::new(image.clone())
    }
}

/// What a network gives.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Outputs {
    /// The primary result, for a segmentation `[batch, classes, depth, height, width]` before softmax or sigmoid.
    pub logits: Tensor,
    /// The same at lower resolutions for deep supervision, from high to low; empty when not training or not asked for.
    pub auxiliary: Vec<Tensor>,
    /// Intermediate results asked for through [`Context::with_features`].
    pub features: BTreeMap<String, Tensor>,
}

impl Outputs {
    /// A primary result alone.
    #[must_use]
    pub fn new(logits: Tensor) -> Self {
        Self {
            logits,
            auxiliary: Vec::new(),
            features: BTreeMap::new(),
        }
    }

    /// Adds the results at lower resolutions, from high to low.
    #[must_use]
    pub fn with_auxiliary(mut self, auxiliary: Vec<Tensor>) -> Self {
        self.auxiliary = auxiliary;
        self
    }

    /// Adds intermediate features.
    #[must_use]
    pub fn with_features(mut self, features: BTreeMap<String, Tensor>) -> Self {
        self.features = features;
        self
    }

    /// The primary result followed by those at lower resolutions.
    pub fn scales(&self) -> impl Iterator<Item = &Tensor> {
        std::iter::once(&self.logits).chain(&self.auxiliary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_input_is_named_with_those_given() {
        let device = Device::Cpu;
        let image = Tensor::zeros((1, 1, 2, 2), candle_core::DType::F32, &device).unwrap();
        let inputs = Inputs::from(&image);
        assert!(inputs.image().is_ok());
        let error = inputs.get("age").unwrap_err().to_string();
        assert!(error.contains("age") && error.contains("image"), "{error}");
    }

    #[test]
    fn models_are_object_safe_and_shareable() {
        fn shareable<T: Send + Sync + ?Sized>() {}
        shareable::<dyn Model>();
    }
}
