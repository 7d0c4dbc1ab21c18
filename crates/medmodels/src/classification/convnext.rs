//! ConvNeXt (Liu et al., CVPR 2022, <https://arxiv.org/abs/2201.03545>): a residual network with what transformers taught:
//! patches, few normalisations and these over channels, one large convolution a block, a perceptron behind it.
//!
//! torchvision and timm name the same layers differently; the settings say whose names a network has.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Dropout, DropoutUnit, LayerNorm, LayerNormAxes, Linear};
use mednn::model::{Inputs, Model, Outputs};
use mednn::params::Params;
use serde::{Deserialize, Serialize};

use crate::blocks::{Features, global_average};
use crate::check::{check_all_positive, check_positive, check_probability};
use crate::config::{Architecture, described_by_fields};
use crate::error::{Error, Result};

mod features;
mod naming;

pub use features::ConvNeXtFeatures;
pub use naming::ConvNeXtNaming;

use features::{linear, norm};

const NAME: &str = "ConvNeXt";

/// Patches of 4, and three times halved.
const SMALLEST: usize = 32;

/// Settings of [`ConvNeXt`]; defaults are torchvision's.
///
/// ```
/// use medmodels::convnext::ConvNeXtConfig;
///
/// let fundus = ConvNeXtConfig::tiny(5).timm();
/// fundus.check()?;
/// assert_eq!(fundus.features, [96, 192, 384, 768]);
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ConvNeXtConfig {
    /// Channels of the image.
    pub in_channels: usize,
    /// Classes.
    pub out_channels: usize,
    /// Which library's names parameters and features have.
    pub naming: ConvNeXtNaming,
    /// Blocks of the four stages.
    pub blocks: [usize; 4],
    /// Features of the four stages.
    pub features: [usize; 4],
    /// By which a block's branch is multiplied at first, in each channel.
    pub layer_scale: f64,
    /// Probability of dropout before the last layer.
    pub dropout: f64,
    /// Probability of dropping the branch of the last block, growing evenly from zero at the first.
    pub drop_path: f64,
}

impl Architecture for ConvNeXtConfig {
    described_by_fields!(Classification, |_config| 2);

    fn stem(&self) -> &'static [&'static str] {
        &["features.0.0.weight", "stem.0.weight"]
    }

    fn head(&self) -> &'static [&'static str] {
        &["classifier.2.*", "head.fc.*"]
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        Ok(Box::new(ConvNeXt::new(self, params)?))
    }
}

impl ConvNeXtConfig {
    fn new(third: usize, width: usize, drop_path: f64, classes: usize) -> Self {
        Self {
            in_channels: 3,
            out_channels: classes,
            naming: ConvNeXtNaming::Torchvision,
            blocks: [3, 3, third, 3],
            features: [width, 2 * width, 4 * width, 8 * width],
            layer_scale: 1e-6,
            dropout: 0.0,
            drop_path,
        }
    }

    /// 29 million parameters.
    #[must_use]
    pub fn tiny(classes: usize) -> Self {
        Self::new(9, 96, 0.1, classes)
    }

    /// 50 million parameters.
    #[must_use]
    pub fn small(classes: usize) -> Self {
        Self::new(27, 96, 0.4, classes)
    }

    /// 89 million parameters.
    #[must_use]
    pub fn base(classes: usize) -> Self {
        Self::new(27, 128, 0.5, classes)
    }

    /// 198 million parameters.
    #[must_use]
    pub fn large(classes: usize) -> Self {
        Self::new(27, 192, 0.5, classes)
    }

    /// The network as timm has it by default: no branch is dropped.
    #[must_use]
    pub fn timm(self) -> Self {
        Self {
            naming: ConvNeXtNaming::Timm,
            ..self.with_dropout(0.0, 0.0)
        }
    }

    /// Sets the channels of the image.
    #[must_use]
    pub fn with_in_channels(self, in_channels: usize) -> Self {
        Self {
            in_channels,
            ..self
        }
    }

    /// Sets the blocks of the four stages.
    #[must_use]
    pub fn with_blocks(self, blocks: [usize; 4]) -> Self {
        Self { blocks, ..self }
    }

    /// Sets the features of the four stages.
    #[must_use]
    pub fn with_features(self, features: [usize; 4]) -> Self {
        Self { features, ..self }
    }

    /// Sets by which a block's branch is multiplied at first.
    #[must_use]
    pub fn with_layer_scale(self, layer_scale: f64) -> Self {
        Self {
            layer_scale,
            ..self
        }
    }

    /// Sets the probabilities of dropout before the last layer and of dropping the branch of the last block.
    #[must_use]
    pub fn with_dropout(self, dropout: f64, drop_path: f64) -> Self {
        Self {
            dropout,
            drop_path,
            ..self
        }
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
            ],
        )?;
        check_all_positive(
            NAME,
            &[("blocks", &self.blocks), ("features", &self.features)],
        )?;
        if !self.layer_scale.is_finite() {
            let value = self.layer_scale;
            return Err(Error::setting(NAME, "layer_scale", "finite", value));
        }
        check_probability(NAME, "dropout", self.dropout)?;
        check_probability(NAME, "drop_path", self.drop_path)
    }
}

/// ConvNeXt for images.
#[derive(Debug)]
pub struct ConvNeXt {
    config: ConvNeXtConfig,
    params: Params,
    features: ConvNeXtFeatures,
    norm: LayerNorm,
    dropout: Dropout,
    classifier: Linear,
}

impl ConvNeXt {
    /// A network with new parameters in `params`, drawn as torchvision and timm do.
    ///
    /// # Errors
    /// Refuses settings out of range and names that are taken.
    pub fn new(config: &ConvNeXtConfig, params: &Params) -> Result<Self> {
        let root = params.root();
        let features = ConvNeXtFeatures::new(config, &root)?;
        let last = config.features[3];
        let [last_norm, dropout, classifier] = config.naming.head().map(|name| root.child(name));
        Ok(Self {
            features,
            norm: norm(last, LayerNormAxes::Last, &last_norm)?,
            dropout: Dropout::new(config.dropout, DropoutUnit::Element, &dropout)?,
            classifier: linear(last, config.out_channels, &classifier)?,
            params: params.clone(),
            config: config.clone(),
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &ConvNeXtConfig {
        &self.config
    }
}

impl Model for ConvNeXt {
    /// # Shapes
    /// - image: `[batch, in_channels, height, width]`, each axis at least 32 long
    /// - logits: `[batch, out_channels]`
    /// - features, `[batch, channels, height, width]`, and the means, `[batch, channels]`: `features.0` to `features.7`,
    ///   `avgpool` (torchvision); `stem`, `stages.0` to `stages.3`, `stages.1.downsample` and so on, `head.global_pool` (timm)
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let mut features = Features::of(context);
        let mut keep = |name: &str, value: &Tensor| features.keep(name, value);
        let out = self.features.walk(inputs.image()?, context, &mut keep)?;
        let means = global_average::<2>(&out)?;
        features.keep(self.config.naming.pooled(), &means);
        let means = self.norm.forward(&means, context)?;
        let means = self.dropout.forward(&means, context)?;
        let logits = self.classifier.forward(&means, context)?;
        Ok(Outputs::new(logits).with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
