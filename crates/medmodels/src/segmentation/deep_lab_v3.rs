//! DeepLabV3 (Chen et al. 2017, <https://arxiv.org/abs/1706.05587>): a dilated backbone and pooling at several scales.
//!
//! Parameters have the names of torchvision's `deeplabv3_resnet50` and `deeplabv3_resnet101`, so their weights load
//! unchanged, and outputs, gradients and features are equal to their own. The same network stands on any backbone, and works
//! on volumes.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Conv, ConvConfig, Dropout, DropoutUnit};
use mednn::model::{Inputs, Model, Outputs};
use mednn::params::{Init, ParamPath, Params};
use serde::{Deserialize, Serialize};

use crate::backbone::{Backbone, BackboneConfig, described_by_encoder};
use crate::blocks::aspp::{Aspp, AsppConfig, ConvNormRelu, ConvShape, resized_to};
use crate::blocks::{Features, check_input};
use crate::check::{check_all_positive, check_axes, check_dropout, check_positive};
use crate::config::Architecture;
use crate::error::{Error, Result};
use crate::resnet::ResNetConfig;

const NAME: &str = "DeepLabV3";

/// Settings of [`DeepLabV3`]; defaults are torchvision's.
///
/// ```
/// use medmodels::deep_lab_v3::DeepLabV3Config;
///
/// // The network to which torchvision has weights.
/// let config = DeepLabV3Config::resnet50(21).with_auxiliary(true);
/// config.check()?;
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DeepLabV3Config {
    /// The backbone, for 2 or 3 spatial axes; its last level gives the logits.
    pub encoder: BackboneConfig,
    /// Classes or regions.
    pub out_channels: usize,
    /// Features behind the backbone.
    pub features: usize,
    /// Dilations of the three convolutions side by side.
    pub rates: [usize; 3],
    /// Probability that training drops a value behind them.
    pub dropout: f64,
    /// Whether training also gives logits of the last level but one.
    pub auxiliary: bool,
    /// Probability that training drops a value in front of these.
    pub auxiliary_dropout: f64,
}

impl Architecture for DeepLabV3Config {
    described_by_encoder!(DeepLabV3);

    fn head(&self) -> &'static [&'static str] {
        &["classifier.4.*", "aux_classifier.4.*"]
    }
}

impl DeepLabV3Config {
    /// 256 features and dilations 12, 24 and 36 on a backbone.
    #[must_use]
    pub fn new(encoder: impl Into<BackboneConfig>, out_channels: usize) -> Self {
        Self {
            encoder: encoder.into(),
            out_channels,
            features: 256,
            rates: [12, 24, 36],
            dropout: 0.5,
            auxiliary: false,
            auxiliary_dropout: 0.1,
        }
    }

    /// torchvision's `deeplabv3_resnet50`: the last two stages dilate instead of striding.
    #[must_use]
    pub fn resnet50(classes: usize) -> Self {
        let dilated = [false, true, true];
        Self::new(
            ResNetConfig::resnet50(classes).with_dilated(dilated, false),
            classes,
        )
    }

    /// torchvision's `deeplabv3_resnet101`: the last two stages dilate instead of striding.
    #[must_use]
    pub fn resnet101(classes: usize) -> Self {
        let dilated = [false, true, true];
        Self::new(
            ResNetConfig::resnet101(classes).with_dilated(dilated, false),
            classes,
        )
    }

    /// Sets the features behind the backbone.
    #[must_use]
    pub fn with_features(self, features: usize) -> Self {
        Self { features, ..self }
    }

    /// Sets the dilations of the three convolutions side by side.
    #[must_use]
    pub fn with_rates(self, rates: [usize; 3]) -> Self {
        Self { rates, ..self }
    }

    /// Sets the probability that training drops a value behind them.
    #[must_use]
    pub fn with_dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    /// Sets whether training also gives logits of the last level but one.
    #[must_use]
    pub fn with_auxiliary(self, auxiliary: bool) -> Self {
        Self { auxiliary, ..self }
    }

    /// Sets the probability that training drops a value in front of these.
    #[must_use]
    pub fn with_auxiliary_dropout(self, auxiliary_dropout: f64) -> Self {
        Self {
            auxiliary_dropout,
            ..self
        }
    }

    /// What every extent of an input should be a multiple of: nothing, logits are resized.
    fn divisor(&self) -> Vec<usize> {
        vec![1; self.encoder.spatial_dims()]
    }

    /// Says whether such a network exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    pub fn check(&self) -> Result<()> {
        self.encoder.check()?;
        check_axes(NAME, self.encoder.spatial_dims())?;
        check_positive(
            NAME,
            &[
                ("out_channels", self.out_channels),
                ("features", self.features),
            ],
        )?;
        check_all_positive(NAME, &[("rates", &self.rates)])?;
        check_dropout(NAME, self.dropout)?;
        check_dropout(NAME, self.auxiliary_dropout)?;
        let levels = self.encoder.levels();
        let before_last = levels.iter().rev().nth(1);
        if self.auxiliary && before_last.is_none_or(|level| level.channels < 4) {
            let rule = "such that the last level but one has four channels";
            return Err(Error::setting(NAME, "encoder", rule, format!("{levels:?}")));
        }
        Ok(())
    }
}

/// Pooling at several scales, a convolution of size 3 and logits (torchvision's `DeepLabHead`).
#[derive(Debug)]
struct Head<const D: usize> {
    aspp: Aspp<D>,
    conv: ConvNormRelu<D>,
    logits: Conv<D>,
}

impl<const D: usize> Head<D> {
    fn new(config: &DeepLabV3Config, from: usize, path: &ParamPath) -> mednn::Result<Self> {
        let to = config.features;
        let aspp = AsppConfig {
            from,
            to,
            rates: config.rates,
            separable: false,
            dropout: config.dropout,
            init: Init::PYTORCH_WEIGHT,
        };
        let conv = ConvShape::of_three(to, to);
        let logits = ConvConfig::same(to, config.out_channels, [1; D]);
        Ok(Self {
            aspp: Aspp::new(&aspp, &path.child(0))?,
            conv: ConvNormRelu::at(conv, Init::PYTORCH_WEIGHT, path, (1, 2))?,
            logits: Conv::new(&logits, &path.child(4))?,
        })
    }
}

/// A convolution of size 3 and logits (torchvision's `FCNHead`).
#[derive(Debug)]
struct AuxiliaryHead<const D: usize> {
    conv: ConvNormRelu<D>,
    dropout: Dropout,
    logits: Conv<D>,
}

impl<const D: usize> AuxiliaryHead<D> {
    fn new(config: &DeepLabV3Config, from: usize, path: &ParamPath) -> mednn::Result<Self> {
        let to = from / 4;
        let conv = ConvShape::of_three(from, to);
        let logits = ConvConfig::same(to, config.out_channels, [1; D]);
        Ok(Self {
            conv: ConvNormRelu::at(conv, Init::PYTORCH_WEIGHT, path, (0, 1))?,
            dropout: Dropout::new(
                config.auxiliary_dropout,
                DropoutUnit::Element,
                &path.child(3),
            )?,
            logits: Conv::new(&logits, &path.child(4))?,
        })
    }

    fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let out = self.conv.forward(input, context)?;
        let out = self.dropout.forward(&out, context)?;
        self.logits.forward(&out, context)
    }
}

/// A backbone, pooling at several scales, and logits resized to the image.
#[derive(Debug)]
pub struct DeepLabV3<const D: usize> {
    config: DeepLabV3Config,
    params: Params,
    backbone: Box<dyn Backbone>,
    classifier: Head<D>,
    aux_classifier: Option<AuxiliaryHead<D>>,
}

impl<const D: usize> DeepLabV3<D> {
    /// A network with new parameters in `params`, drawn as torchvision does.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &DeepLabV3Config, params: &Params) -> Result<Self> {
        config.check()?;
        let root = params.root();
        let backbone = config.encoder.build::<D>(&root.child("backbone"))?;
        let mut channels: Vec<usize> = backbone.levels().iter().map(|l| l.channels).collect();
        let last = channels.pop().unwrap_or_default();
        let before_last = channels.pop().unwrap_or_default();
        let auxiliary = root.child("aux_classifier");
        Ok(Self {
            backbone,
            classifier: Head::new(config, last, &root.child("classifier"))?,
            aux_classifier: config
                .auxiliary
                .then(|| AuxiliaryHead::new(config, before_last, &auxiliary))
                .transpose()?,
            params: params.clone(),
            config: config.clone(),
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &DeepLabV3Config {
        &self.config
    }
}

impl<const D: usize> Model for DeepLabV3<D> {
    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`
    /// - logits: `[batch, out_channels, depth, height, width]`
    /// - auxiliary, when training with it: logits of the same shape from the last level but one
    /// - features: the levels of the backbone (`backbone.relu`, `backbone.layer1` and on), `classifier.0`, and `classifier`,
    ///   the logits before they are resized
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let image = inputs.image()?;
        check_input(NAME, image, self.config.encoder.in_channels(), D)?;
        let mut features = Features::of(context);
        let mut pyramid = self.backbone.pyramid(image, context)?;
        for (level, value) in self.backbone.levels().iter().zip(&pyramid) {
            features.keep(&level.name, value);
        }
        let last = pyramid.pop().expect("every backbone has levels");
        let out = self.classifier.aspp.forward(&last, context)?;
        features.keep("classifier.0", &out);
        let out = self.classifier.conv.forward(&out, context)?;
        let logits = self.classifier.logits.forward(&out, context)?;
        features.keep("classifier", &logits);
        let mut outputs = Outputs::new(resized_to::<D>(&logits, image, false)?);
        if let (Some(head), Some(level), true) =
            (&self.aux_classifier, pyramid.pop(), context.is_training())
        {
            let logits = head.forward(&level, context)?;
            outputs = outputs.with_auxiliary(vec![resized_to::<D>(&logits, image, false)?]);
        }
        Ok(outputs.with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
