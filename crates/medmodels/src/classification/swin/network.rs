//! The classifier.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Dropout, DropoutUnit, Linear, LinearConfig};
use mednn::model::{Inputs, Model, Outputs};
use mednn::ops::{self, Reduced};
use mednn::params::Params;

use super::config::{SwinConfig, SwinConvention};
use super::features::{INIT, SwinFeatures};
use crate::backbone::BackboneEnd;
use crate::blocks::Features;
use crate::error::Result;

/// Swin transformer that classifies images.
#[derive(Debug)]
pub struct Swin {
    config: SwinConfig,
    params: Params,
    features: SwinFeatures,
    head_dropout: Dropout,
    head: Linear,
}

impl Swin {
    /// A network with new parameters in `params`.
    ///
    /// # Errors
    /// Refuses settings out of range and names that are taken.
    pub fn new(config: &SwinConfig, params: &Params) -> Result<Self> {
        let path = params.root();
        let features = SwinFeatures::new(config, BackboneEnd::Pooling, &path)?;
        let path = path.child("head");
        let head = match config.convention {
            SwinConvention::Torchvision => path.clone(),
            SwinConvention::Timm { .. } => path.child("fc"),
        };
        let last = config.last_features();
        let (weight, bias) = INIT;
        let linear = LinearConfig::new(last, config.out_channels).with_init(weight, Some(bias));
        Ok(Self {
            features,
            head_dropout: Dropout::new(
                config.head_dropout,
                DropoutUnit::Element,
                &path.child("drop"),
            )?,
            head: Linear::new(&linear, &head)?,
            params: params.clone(),
            config: config.clone(),
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &SwinConfig {
        &self.config
    }
}

impl Model for Swin {
    /// # Shapes
    /// - image: `[batch, in_channels, height, width]`, every extent at least 4 or, with timm's names, that it was built for
    /// - logits: `[batch, out_channels]`
    /// - features: the embedding and every stage, `features.0`, `features.1`, `features.3` and on, with timm's names
    ///   `patch_embed`, `layers.0` and on; `norm`; all `[batch, height, width, channels]`
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let mut features = Features::of(context);
        let mut keep = |name: &str, value: &Tensor| features.keep(name, value);
        let tokens = self.features.walk(inputs.image()?, context, &mut keep)?;
        let mean = ops::mean(&tokens, &[1, 2], Reduced::Dropped)?;
        let mean = self.head_dropout.forward(&mean, context)?;
        let logits = self.head.forward(&mean, context)?;
        Ok(Outputs::new(logits).with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
