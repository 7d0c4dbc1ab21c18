//! EfficientNet (Tan and Le, ICML 2019, <https://arxiv.org/abs/1905.11946>) for signals, images and volumes: inverted residuals
//! with squeeze-and-excitation, all sizes made from the smallest by two factors; and EfficientNet-Lite.
//!
//! torchvision, timm, MONAI and `efficientnet-pytorch` name the same layers differently, and differ in where zeros stand
//! around a convolution and in what a normalisation adds to the variance. One network is all of them and its settings say
//! which: [`EfficientNetConfig::timm`], [`EfficientNetConfig::timm_tensorflow`], [`EfficientNetConfig::monai`].

mod config;
mod features;
mod naming;

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Dropout, DropoutUnit, Linear, LinearConfig};
use mednn::model::{Inputs, Model, Outputs};
use mednn::params::Params;

pub use config::{EfficientNetConfig, EfficientNetPadding, EfficientNetVariant};
pub use features::EfficientNetFeatures;
pub use naming::EfficientNetNaming;

use crate::backbone::BackboneEnd;
use crate::blocks::{Features, global_average, with_mobile_init};
use crate::error::Result;

/// EfficientNet for `D` spatial axes.
#[derive(Debug)]
pub struct EfficientNet<const D: usize> {
    config: EfficientNetConfig,
    params: Params,
    features: EfficientNetFeatures<D>,
    dropout: Dropout,
    classifier: Linear,
}

impl<const D: usize> EfficientNet<D> {
    /// A network with new parameters in `params`, drawn as the library draws them whose names it has.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &EfficientNetConfig, params: &Params) -> Result<Self> {
        let path = params.root();
        let features = EfficientNetFeatures::new(config, BackboneEnd::Pooling, &path)?;
        let [dropout, classifier] = config.naming.classifier().map(|name| path.child(name));
        let (_, head) = config.stem_and_head();
        Ok(Self {
            features,
            dropout: Dropout::new(config.dropout, DropoutUnit::Element, &dropout)?,
            classifier: Linear::new(
                &with_mobile_init(LinearConfig::new(head, config.out_channels)),
                &classifier,
            )?,
            params: params.clone(),
            config: config.clone(),
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &EfficientNetConfig {
        &self.config
    }
}

impl<const D: usize> Model for EfficientNet<D> {
    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`
    /// - logits: `[batch, out_channels]`
    /// - features, `[batch, channels, depth, height, width]`, and last the means, `[batch, channels]`:
    ///   `features.0` to `features.8`, `avgpool` (torchvision); `bn1`, `blocks.0` to `blocks.6`, `bn2`, `global_pool` (timm);
    ///   `_blocks.0` to `_blocks.6`, `_swish` (behind the head), `_avg_pooling` (MONAI; `efficientnet-pytorch` calls a stage
    ///   by the number of its last block)
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let mut features = Features::of(context);
        let mut keep = |name: &str, value: &Tensor| features.keep(name, value);
        let out = self.features.walk(inputs.image()?, context, &mut keep)?;
        let means = global_average::<D>(&out)?;
        features.keep(self.config.naming.head_features()[1], &means);
        let kept = self.dropout.forward(&means, context)?;
        let logits = self.classifier.forward(&kept, context)?;
        Ok(Outputs::new(logits).with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
