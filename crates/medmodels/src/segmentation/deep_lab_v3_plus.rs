//! DeepLabV3+ (Chen et al., ECCV 2018, <https://arxiv.org/abs/1802.02611>): DeepLabV3 with separable convolutions and a
//! decoder that looks at features of a quarter of the resolution.
//!
//! Parameters have the names of `DeepLabV3Plus` of segmentation_models_pytorch, so its state dictionaries load unchanged,
//! and outputs, gradients and features are equal to its own where the backbone is a ResNet. The same network stands on any
//! backbone, and works on volumes.

use mednn::context::Context;
use mednn::layers::{Conv, ConvConfig};
use mednn::model::{Inputs, Model, Outputs};
use mednn::ops;
use mednn::params::{Init, LoadPolicy, Params};
use serde::{Deserialize, Serialize};

use crate::backbone::{Backbone, BackboneConfig, BackboneEnd, Level, described_by_encoder};
use crate::blocks::aspp::{Aspp, AsppConfig, ConvNormRelu, ConvShape, resized_to};
use crate::blocks::{Features, check_input, check_multiples};
use crate::check::{check_all_positive, check_axes, check_dropout, check_positive};
use crate::config::Architecture;
use crate::error::{Error, Result};
use crate::resnet::ResNetConfig;

const NAME: &str = "DeepLabV3Plus";

/// Features that the level of a quarter of the resolution is brought to, as in the paper.
const FINE_FEATURES: usize = 48;

/// The stride of the finer level.
const FINE_STRIDE: usize = 4;

/// Settings of [`DeepLabV3Plus`]; defaults are those of segmentation_models_pytorch.
///
/// ```
/// use medmodels::deep_lab_v3_plus::DeepLabV3PlusConfig;
///
/// let config = DeepLabV3PlusConfig::resnet34(3, 1);
/// assert_eq!(config.divisor(), [16, 16]);
/// config.check()?;
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DeepLabV3PlusConfig {
    /// The backbone, for 2 or 3 spatial axes, with a level of stride 4 below its last.
    pub encoder: BackboneConfig,
    /// Classes or regions.
    pub out_channels: usize,
    /// Features behind the backbone.
    pub features: usize,
    /// Dilations of the three convolutions side by side.
    pub rates: [usize; 3],
    /// Whether the dilated convolutions are separable; those of the decoder always are.
    pub separable: bool,
    /// Probability that training drops a value behind them.
    pub dropout: f64,
}

impl Architecture for DeepLabV3PlusConfig {
    described_by_encoder!(DeepLabV3Plus);

    fn accept(&self, policy: LoadPolicy) -> LoadPolicy {
        self.encoder
            .accept_behind(BackboneEnd::Stages, "encoder.", policy)
    }

    fn head(&self) -> &'static [&'static str] {
        &["segmentation_head.0.*"]
    }
}

impl DeepLabV3PlusConfig {
    /// 256 features and dilations 12, 24 and 36 on a backbone.
    #[must_use]
    pub fn new(encoder: impl Into<BackboneConfig>, out_channels: usize) -> Self {
        Self {
            encoder: encoder.into(),
            out_channels,
            features: 256,
            rates: [12, 24, 36],
            separable: true,
            dropout: 0.5,
        }
    }

    /// A ResNet whose last stage dilates instead of striding, so that its stride is 16.
    #[must_use]
    pub fn on_resnet(encoder: ResNetConfig, in_channels: usize, out_channels: usize) -> Self {
        let encoder = encoder
            .with_in_channels(in_channels)
            .with_dilated([false, false, true], true);
        Self::new(encoder, out_channels)
    }

    /// On ResNet-34, the library's default.
    #[must_use]
    pub fn resnet34(in_channels: usize, out_channels: usize) -> Self {
        Self::on_resnet(ResNetConfig::resnet34(1), in_channels, out_channels)
    }

    /// On ResNet-50.
    #[must_use]
    pub fn resnet50(in_channels: usize, out_channels: usize) -> Self {
        Self::on_resnet(ResNetConfig::resnet50(1), in_channels, out_channels)
    }

    /// Sets the features behind the backbone.
    #[must_use]
    pub fn with_features(self, features: usize) -> Self {
        Self { features, ..self }
    }

    /// Sets the dilations of the three convolutions side by side, and whether they are separable.
    #[must_use]
    pub fn with_rates(self, rates: [usize; 3], separable: bool) -> Self {
        Self {
            rates,
            separable,
            ..self
        }
    }

    /// Sets the probability that training drops a value behind them.
    #[must_use]
    pub fn with_dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    /// What every extent of an input must be a multiple of: the stride of the lowest level.
    #[must_use]
    pub fn divisor(&self) -> Vec<usize> {
        let lowest = self.encoder.levels().pop();
        lowest.map_or_else(Vec::new, |level| level.stride)
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
        let levels = self.encoder.levels();
        let last = levels.len().saturating_sub(1);
        if fine_level(&levels).is_none_or(|fine| fine == last) {
            let strides: Vec<_> = levels.iter().map(|level| &level.stride).collect();
            let rule = "with a level of stride 4 and one below it";
            return Err(Error::setting(
                NAME,
                "encoder",
                rule,
                format!("{strides:?}"),
            ));
        }
        Ok(())
    }
}

/// The position of the level of a quarter of the resolution.
fn fine_level(levels: &[Level]) -> Option<usize> {
    levels
        .iter()
        .position(|level| level.stride.iter().all(|&stride| stride == FINE_STRIDE))
}

/// A backbone, pooling at several scales, and a decoder of a quarter of the resolution.
#[derive(Debug)]
pub struct DeepLabV3Plus<const D: usize> {
    config: DeepLabV3PlusConfig,
    params: Params,
    encoder: Box<dyn Backbone>,
    fine: usize,
    aspp: Aspp<D>,
    aspp_conv: ConvNormRelu<D>,
    block1: ConvNormRelu<D>,
    block2: ConvNormRelu<D>,
    segmentation_head: Conv<D>,
}

impl<const D: usize> DeepLabV3Plus<D> {
    /// A network with new parameters in `params`, drawn as segmentation_models_pytorch does.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &DeepLabV3PlusConfig, params: &Params) -> Result<Self> {
        config.check()?;
        let root = params.root();
        let encoder = config.encoder.build::<D>(&root.child("encoder"))?;
        let levels = encoder.levels();
        let fine = fine_level(&levels).unwrap_or_default();
        let features = config.features;
        let init = Init::KaimingUniform { slope: 0.0 };
        let decoder = root.child("decoder");
        let path = decoder.child("aspp");
        let aspp = AsppConfig {
            from: levels.last().map_or(0, |level| level.channels),
            to: features,
            rates: config.rates,
            separable: config.separable,
            dropout: config.dropout,
            init,
        };
        let separable = |from| ConvShape::of_three(from, features).with_separable(true);
        let narrow = ConvShape::pointwise(levels[fine].channels, FINE_FEATURES);
        let joined = separable(features + FINE_FEATURES);
        // Uniform with the variance of Glorot and Bengio.
        let bound = (6.0 / (features + config.out_channels) as f64).sqrt();
        let head = ConvConfig::same(features, config.out_channels, [1; D]).with_init(
            Init::Uniform {
                low: -bound,
                high: bound,
            },
            Some(Init::ZEROS),
        );
        let head_path = root.child("segmentation_head").child(0);
        Ok(Self {
            encoder,
            fine,
            aspp: Aspp::new(&aspp, &path.child(0))?,
            aspp_conv: ConvNormRelu::at(separable(features), init, &path, (1, 2))?,
            block1: ConvNormRelu::at(narrow, init, &decoder.child("block1"), (0, 1))?,
            block2: ConvNormRelu::at(joined, init, &decoder.child("block2"), (0, 1))?,
            segmentation_head: Conv::new(&head, &head_path)?,
            params: params.clone(),
            config: config.clone(),
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &DeepLabV3PlusConfig {
        &self.config
    }
}

impl<const D: usize> Model for DeepLabV3Plus<D> {
    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`, extents multiples of [`DeepLabV3PlusConfig::divisor`]
    /// - logits: `[batch, out_channels, depth, height, width]`
    /// - features: the levels of the encoder (`encoder.relu`, `encoder.layer1` and on for a ResNet), `decoder.aspp.0`, `decoder.aspp`,
    ///   `decoder.block1`, `decoder.block2`
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let image = inputs.image()?;
        check_input(NAME, image, self.config.encoder.in_channels(), D)?;
        check_multiples(NAME, image, &self.config.divisor())?;
        let mut features = Features::of(context);
        let pyramid = self.encoder.pyramid(image, context)?;
        for (level, value) in self.encoder.levels().iter().zip(&pyramid) {
            features.keep(&level.name, value);
        }
        let last = pyramid.last().expect("every backbone has levels");
        let coarse = self.aspp.forward(last, context)?;
        features.keep("decoder.aspp.0", &coarse);
        let coarse = self.aspp_conv.forward(&coarse, context)?;
        features.keep("decoder.aspp", &coarse);
        let fine = self.block1.forward(&pyramid[self.fine], context)?;
        features.keep("decoder.block1", &fine);
        drop(pyramid);
        let coarse = resized_to::<D>(&coarse, &fine, true)?;
        let out = ops::concat(&[&coarse, &fine])?;
        let out = self.block2.forward(&out, context)?;
        features.keep("decoder.block2", &out);
        let logits = self.segmentation_head.forward(&out, context)?;
        let logits = resized_to::<D>(&logits, image, true)?;
        Ok(Outputs::new(logits).with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
