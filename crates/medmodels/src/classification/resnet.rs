//! Residual networks (He et al., CVPR 2016, <https://arxiv.org/abs/1512.03385>) for signals, images and volumes; wide ones
//! (Zagoruyko and Komodakis 2016, <https://arxiv.org/abs/1605.07146>) and those with grouped convolutions, ResNeXt
//! (Xie et al., CVPR 2017, <https://arxiv.org/abs/1611.05431>).
//!
//! torchvision's `ResNet`, MONAI's and that of MedicalNet (Chen et al. 2019, <https://arxiv.org/abs/1904.00625>) name their
//! parameters alike and differ in the stem and in the shortcuts, so one network is all three and its settings say which.
//! A bottleneck strides in its convolution of size 3, as all three do, not in the first as the paper does.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::Linear;
use mednn::model::{Inputs, Model, Outputs};
use mednn::params::Params;

use crate::blocks::Features;
use crate::config::{Architecture, described_by_fields, in_dimensions};
use crate::error::Result;

mod config;
mod features;
mod pool;

pub use config::{ResNetBlock, ResNetConfig, ResNetShortcut};
pub use features::ResNetFeatures;
pub use pool::ResNetPool;

const NAME: &str = "ResNet";

impl Architecture for ResNetConfig {
    described_by_fields!(Classification);

    fn stem(&self) -> &'static [&'static str] {
        &["conv1.weight"]
    }

    fn head(&self) -> &'static [&'static str] {
        &["fc.*"]
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        in_dimensions!(ResNet, self, params, "1, 2 or 3": 1 2 3)
    }
}

/// Residual network for `D` spatial axes.
#[derive(Debug)]
pub struct ResNet<const D: usize> {
    config: ResNetConfig,
    params: Params,
    features: ResNetFeatures<D>,
    fc: Linear,
}

impl<const D: usize> ResNet<D> {
    /// A network with new parameters in `params`, drawn as torchvision does.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &ResNetConfig, params: &Params) -> Result<Self> {
        let features = ResNetFeatures::new(config, &params.root())?;
        let fc = { config.pool }.head(features.out_channels(), config.out_channels);
        Ok(Self {
            features,
            fc: Linear::new(&fc, &params.root().child("fc"))?,
            params: params.clone(),
            config: config.clone(),
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &ResNetConfig {
        &self.config
    }
}

impl<const D: usize> Model for ResNet<D> {
    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`
    /// - logits: `[batch, out_channels]`
    /// - features: `relu` (the stem), `maxpool`, `layer1` to `layer4`, `[batch, channels, depth, height, width]`; `avgpool`,
    ///   `[batch, channels]`, where features are averaged
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let mut features = Features::of(context);
        let mut keep = |name: &str, value: &Tensor| features.keep(name, value);
        let out = self.features.walk(inputs.image()?, context, &mut keep)?;
        let mut keep = |name: &str, value: &Tensor| features.keep(name, value);
        let pool = self.config.pool;
        let logits = pool.logits::<D>(&out, &self.fc, context, &mut keep)?;
        Ok(Outputs::new(logits).with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
