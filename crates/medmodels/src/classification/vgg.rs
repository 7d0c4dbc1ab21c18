//! VGG (Simonyan and Zisserman, ICLR 2015, <https://arxiv.org/abs/1409.1556>) with 11 to 19 layers, with and without batch
//! normalisation.
//!
//! Parameters have the names of torchvision's `VGG`; pooling to 7x7 in front of the classifier lets images have any size
//! from 32.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Dropout, DropoutUnit, Linear, LinearConfig};
use mednn::model::{Inputs, Model, Outputs};
use mednn::ops::{self, Activation};
use mednn::params::{Init, Params};
use serde::{Deserialize, Serialize};

use crate::blocks::Features;
use crate::check::{check_all_positive, check_dropout, check_positive};
use crate::config::{Architecture, described_by_fields};
use crate::error::Result;

mod features;

pub use features::VggFeatures;

const NAME: &str = "VGG";

/// Every axis is halved five times.
const SMALLEST: usize = 32;

/// Extent of the features the classifier sees.
const POOLED: usize = 7;

/// Settings of [`Vgg`]; defaults are torchvision's.
///
/// ```
/// use medmodels::vgg::VggConfig;
///
/// let config = VggConfig::vgg16_bn(2).with_in_channels(1);
/// assert_eq!(config.convs, [2, 2, 3, 3, 3]);
/// config.check()?;
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct VggConfig {
    /// Channels of the image.
    pub in_channels: usize,
    /// Classes.
    pub out_channels: usize,
    /// Convolutions of the five stages.
    pub convs: [usize; 5],
    /// Features of the five stages.
    pub features: [usize; 5],
    /// Features of the two hidden layers of the classifier.
    pub hidden: usize,
    /// Whether batch normalisation follows the convolutions.
    pub batch_norm: bool,
    /// Probability that training drops an element of a hidden layer.
    pub dropout: f64,
}

impl Architecture for VggConfig {
    described_by_fields!(Classification, |_config| 2);

    fn stem(&self) -> &'static [&'static str] {
        &["features.0.weight"]
    }

    fn head(&self) -> &'static [&'static str] {
        &["classifier.6.*"]
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        Ok(Box::new(Vgg::new(self, params)?))
    }
}

impl VggConfig {
    fn new(convs: [usize; 5], batch_norm: bool, classes: usize) -> Self {
        Self {
            in_channels: 3,
            out_channels: classes,
            convs,
            features: [64, 128, 256, 512, 512],
            hidden: 4096,
            batch_norm,
            dropout: 0.5,
        }
    }

    /// 11 layers.
    #[must_use]
    pub fn vgg11(classes: usize) -> Self {
        Self::new([1, 1, 2, 2, 2], false, classes)
    }

    /// 11 layers, normalised.
    #[must_use]
    pub fn vgg11_bn(classes: usize) -> Self {
        Self::new([1, 1, 2, 2, 2], true, classes)
    }

    /// 13 layers.
    #[must_use]
    pub fn vgg13(classes: usize) -> Self {
        Self::new([2, 2, 2, 2, 2], false, classes)
    }

    /// 13 layers, normalised.
    #[must_use]
    pub fn vgg13_bn(classes: usize) -> Self {
        Self::new([2, 2, 2, 2, 2], true, classes)
    }

    /// 16 layers.
    #[must_use]
    pub fn vgg16(classes: usize) -> Self {
        Self::new([2, 2, 3, 3, 3], false, classes)
    }

    /// 16 layers, normalised.
    #[must_use]
    pub fn vgg16_bn(classes: usize) -> Self {
        Self::new([2, 2, 3, 3, 3], true, classes)
    }

    /// 19 layers.
    #[must_use]
    pub fn vgg19(classes: usize) -> Self {
        Self::new([2, 2, 4, 4, 4], false, classes)
    }

    /// 19 layers, normalised.
    #[must_use]
    pub fn vgg19_bn(classes: usize) -> Self {
        Self::new([2, 2, 4, 4, 4], true, classes)
    }

    /// Sets the channels of the image.
    #[must_use]
    pub fn with_in_channels(self, in_channels: usize) -> Self {
        Self {
            in_channels,
            ..self
        }
    }

    /// Sets the features of the five stages.
    #[must_use]
    pub fn with_features(self, features: [usize; 5]) -> Self {
        Self { features, ..self }
    }

    /// Sets the features of the hidden layers of the classifier.
    #[must_use]
    pub fn with_hidden(self, hidden: usize) -> Self {
        Self { hidden, ..self }
    }

    /// Sets the probability that training drops an element of a hidden layer.
    #[must_use]
    pub fn with_dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    /// Says whether such a network exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    pub fn check(&self) -> Result<()> {
        check_positive(
            NAME,
            &[
                ("in_channels", self.in_channels),
                ("out_channels", self.out_channels),
                ("hidden", self.hidden),
            ],
        )?;
        check_all_positive(
            NAME,
            &[("convs", &self.convs), ("features", &self.features)],
        )?;
        check_dropout(NAME, self.dropout)
    }
}

/// Stages of convolutions of size 3, and a classifier of three layers.
#[derive(Debug)]
pub struct Vgg {
    config: VggConfig,
    params: Params,
    features: VggFeatures,
    /// Each followed by a rectifier and dropout.
    hidden: [(Linear, Dropout); 2],
    classifier: Linear,
}

impl Vgg {
    /// A network with new parameters in `params`, drawn as torchvision does.
    ///
    /// # Errors
    /// Refuses settings out of range and names that are taken.
    pub fn new(config: &VggConfig, params: &Params) -> Result<Self> {
        let features = VggFeatures::new(config, &params.root())?;
        let pooled = config.features[4] * POOLED * POOLED;
        let path = params.root().child("classifier");
        let linear = |inputs, outputs, name: usize| {
            let weight = Init::Normal {
                mean: 0.0,
                std: 0.01,
            };
            let config = LinearConfig::new(inputs, outputs).with_init(weight, Some(Init::ZEROS));
            Linear::new(&config, &path.child(name))
        };
        let dropout =
            |name: usize| Dropout::new(config.dropout, DropoutUnit::Element, &path.child(name));
        Ok(Self {
            features,
            hidden: [
                (linear(pooled, config.hidden, 0)?, dropout(2)?),
                (linear(config.hidden, config.hidden, 3)?, dropout(5)?),
            ],
            classifier: linear(config.hidden, config.out_channels, 6)?,
            params: params.clone(),
            config: config.clone(),
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &VggConfig {
        &self.config
    }
}

impl Model for Vgg {
    /// # Shapes
    /// - image: `[batch, in_channels, height, width]`, both extents at least 32
    /// - logits: `[batch, out_channels]`
    /// - features: the poolings behind the five stages, `features.4`, `features.9` and so on, and `avgpool`,
    ///   `[batch, channels, height, width]`
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let mut features = Features::of(context);
        let mut keep = |name: &str, value: &Tensor| features.keep(name, value);
        let mut out = self.features.walk(inputs.image()?, context, &mut keep)?;
        out = ops::adaptive_avg_pool(&out, [POOLED; 2])?;
        features.keep("avgpool", &out);
        out = ops::flatten_from(&out, 1)?;
        for (linear, dropout) in &self.hidden {
            out = ops::activation(&linear.forward(&out, context)?, Activation::Relu)?;
            out = dropout.forward(&out, context)?;
        }
        let logits = self.classifier.forward(&out, context)?;
        Ok(Outputs::new(logits).with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
