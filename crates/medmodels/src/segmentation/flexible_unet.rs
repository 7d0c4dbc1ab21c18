//! A U-Net on any backbone: MONAI's FlexibleUNet, after that of segmentation_models_pytorch.
//!
//! Parameters have the names of MONAI 1.x `FlexibleUNet`, so its state dictionaries load unchanged, and outputs, gradients
//! and features are equal to its own where the backbone is a ResNet or an EfficientNet of MONAI. The shortcuts without weights
//! of the ResNets (18 and 34 layers) pass the gradient on here, which MONAI cuts; the layers of the EfficientNets behind the
//! last stage, which MONAI holds and does not run, are left out and may be in files.

use mednn::context::Context;
use mednn::layers::{Conv, ConvConfig};
use mednn::model::{Inputs, Model, Outputs};
use mednn::params::{LoadPolicy, Params};
use serde::{Deserialize, Serialize};

use crate::backbone::{Backbone, BackboneConfig, BackboneEnd, Level, described_by_encoder};
use crate::blocks::two_conv::{TwoConvConfig, UpCat, UpCatShape};
use crate::blocks::upsample::Upsampling;
use crate::blocks::{Features, Nonlinearity, Normalization, check_input, check_multiples};
use crate::check::{check_all_positive, check_axes, check_dropout, check_positive};
use crate::config::Architecture;
use crate::efficientnet::EfficientNetConfig;
use crate::error::{Error, Result};
use crate::resnet::ResNetConfig;

const NAME: &str = "FlexibleUNet";

/// Settings of [`FlexibleUNet`]; defaults are MONAI's.
///
/// ```
/// use medmodels::densenet::DenseNetConfig;
/// use medmodels::flexible_unet::FlexibleUNetConfig;
///
/// let endoscopy = FlexibleUNetConfig::monai("resnet18", 2, 3, 2)?;
/// assert_eq!(endoscopy.divisor(), [32, 32]);
/// FlexibleUNetConfig::monai("efficientnet-b4", 2, 3, 2)?.check()?;
/// // On a backbone that MONAI does not have there.
/// FlexibleUNetConfig::new(DenseNetConfig::densenet121(1), 4).check()?;
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FlexibleUNetConfig {
    /// What goes down, for 2 or 3 spatial axes; each of its levels has half the resolution of the one before, and the first
    /// half of the image's, a quarter or so on.
    pub encoder: BackboneConfig,
    /// Classes or regions.
    pub out_channels: usize,
    /// Features of the blocks on the way up, the lowest first, one for each doubling of the resolution: as many as the encoder
    /// has levels where the first has half the resolution of the image.
    pub decoder_channels: Vec<usize>,
    /// What normalises features on the way up.
    pub normalization: Normalization,
    /// What follows a normalisation on the way up.
    pub activation: Nonlinearity,
    /// Whether the convolutions on the way up have a bias.
    pub bias: bool,
    /// Probability that training drops a value after a normalisation on the way up.
    pub dropout: f64,
    /// How features get a higher resolution.
    pub upsampling: Upsampling,
}

impl Architecture for FlexibleUNetConfig {
    described_by_encoder!(FlexibleUNet);

    fn accept(&self, policy: LoadPolicy) -> LoadPolicy {
        self.encoder
            .accept_behind(BackboneEnd::Stages, "encoder.", policy)
    }

    fn head(&self) -> &'static [&'static str] {
        &["segmentation_head.0.*"]
    }
}

impl FlexibleUNetConfig {
    /// MONAI's decoder of 256, 128, 64, 32 and 16 features on a backbone of five levels.
    #[must_use]
    pub fn new(encoder: impl Into<BackboneConfig>, out_channels: usize) -> Self {
        Self {
            encoder: encoder.into(),
            out_channels,
            decoder_channels: vec![256, 128, 64, 32, 16],
            normalization: Normalization::BatchWith {
                epsilon: 1e-3,
                momentum: 0.1,
            },
            activation: Nonlinearity::Relu,
            bias: false,
            dropout: 0.0,
            upsampling: Upsampling::Nearest,
        }
    }

    /// The network on a backbone that MONAI names: `resnet10`, `resnet18`, `resnet34`, `resnet50`, `resnet101`, `resnet152`,
    /// `resnet200`, `efficientnet-b0` to `efficientnet-b8` or `efficientnet-l2`.
    ///
    /// # Errors
    /// Refuses other names.
    pub fn monai(
        backbone: &str,
        spatial_dims: usize,
        in_channels: usize,
        out_channels: usize,
    ) -> Result<Self> {
        let resnet = |config: fn(usize) -> ResNetConfig| {
            let config = config(out_channels).medical_net();
            let config = config.with_spatial_dims(spatial_dims);
            BackboneConfig::from(config.with_in_channels(in_channels))
        };
        let efficientnet = |config: EfficientNetConfig| {
            let config = config.monai(spatial_dims);
            BackboneConfig::from(config.with_in_channels(in_channels))
        };
        let larger = |width, depth, resolution| {
            let config = EfficientNetConfig::b7(out_channels).with_factors(width, depth);
            efficientnet(config.with_resolution(resolution))
        };
        let encoder = match backbone {
            "resnet10" => resnet(ResNetConfig::resnet10),
            "resnet18" => resnet(ResNetConfig::resnet18),
            "resnet34" => resnet(ResNetConfig::resnet34),
            "resnet50" => resnet(ResNetConfig::resnet50),
            "resnet101" => resnet(ResNetConfig::resnet101),
            "resnet152" => resnet(ResNetConfig::resnet152),
            "resnet200" => resnet(ResNetConfig::resnet200),
            "efficientnet-b0" => efficientnet(EfficientNetConfig::b0(out_channels)),
            "efficientnet-b1" => efficientnet(EfficientNetConfig::b1(out_channels)),
            "efficientnet-b2" => efficientnet(EfficientNetConfig::b2(out_channels)),
            "efficientnet-b3" => efficientnet(EfficientNetConfig::b3(out_channels)),
            "efficientnet-b4" => efficientnet(EfficientNetConfig::b4(out_channels)),
            "efficientnet-b5" => efficientnet(EfficientNetConfig::b5(out_channels)),
            "efficientnet-b6" => efficientnet(EfficientNetConfig::b6(out_channels)),
            "efficientnet-b7" => efficientnet(EfficientNetConfig::b7(out_channels)),
            "efficientnet-b8" => larger(2.2, 3.6, 672),
            "efficientnet-l2" => larger(4.3, 5.3, 800),
            _ => {
                let rule = "resnet10, 18, 34, 50, 101, 152 or 200, efficientnet-b0 to efficientnet-b8 or \
                            efficientnet-l2";
                return Err(Error::setting(NAME, "backbone", rule, backbone));
            }
        };
        Ok(Self::new(encoder, out_channels))
    }

    /// Sets the features of the blocks on the way up.
    #[must_use]
    pub fn with_decoder_channels(self, channels: &[usize]) -> Self {
        Self {
            decoder_channels: channels.to_vec(),
            ..self
        }
    }

    /// Sets what normalises features on the way up.
    #[must_use]
    pub fn with_normalization(self, normalization: Normalization) -> Self {
        Self {
            normalization,
            ..self
        }
    }

    /// Sets what follows a normalisation on the way up.
    #[must_use]
    pub fn with_activation(self, activation: Nonlinearity) -> Self {
        Self { activation, ..self }
    }

    /// Sets whether the convolutions on the way up have a bias.
    #[must_use]
    pub fn with_bias(self, bias: bool) -> Self {
        Self { bias, ..self }
    }

    /// Sets the probability that training drops a value.
    #[must_use]
    pub fn with_dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    /// Sets how features get a higher resolution.
    #[must_use]
    pub fn with_upsampling(self, upsampling: Upsampling) -> Self {
        Self { upsampling, ..self }
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
        check_positive(NAME, &[("out_channels", self.out_channels)])?;
        check_all_positive(NAME, &[("decoder_channels", &self.decoder_channels)])?;
        check_dropout(NAME, self.dropout)?;
        let levels = self.encoder.levels();
        let Some(blocks) = blocks(&levels) else {
            let strides: Vec<_> = levels.iter().map(|level| &level.stride).collect();
            let rule = "of levels with strides of 2, 4, 8 and on, beginning anywhere";
            return Err(Error::setting(
                NAME,
                "encoder",
                rule,
                format!("{strides:?}"),
            ));
        };
        if self.decoder_channels.len() != blocks {
            let rule = format!("given for each of {blocks} blocks");
            let value = format!("{:?}", self.decoder_channels);
            return Err(Error::setting(NAME, "decoder_channels", rule, value));
        }
        // Blocks with a skip halve what they get; the first gets that of the encoder, the others that of the block before.
        let halved = levels.len().saturating_sub(2);
        if self.decoder_channels.iter().take(halved).any(|&c| c == 1) {
            let value = format!("{:?}", self.decoder_channels);
            let rule = format!("at least 2 in the first {halved}");
            return Err(Error::setting(NAME, "decoder_channels", rule, value));
        }
        Ok(())
    }
}

/// How often the resolution must be doubled from the last level to the image, if it is halved from each level to the next.
fn blocks(levels: &[Level]) -> Option<usize> {
    let &first = levels.first()?.stride.first()?;
    let halves = |(i, level): (usize, &Level)| {
        let stride = u32::try_from(i).ok().and_then(|i| first.checked_shl(i));
        level.stride.iter().all(|&s| Some(s) == stride)
    };
    let fits = first > 1 && first.is_power_of_two() && levels.iter().enumerate().all(halves);
    fits.then(|| levels.len() - 1 + first.ilog2() as usize)
}

/// A backbone down, upsampling and pairs of convolutions up.
#[derive(Debug)]
pub struct FlexibleUNet<const D: usize> {
    config: FlexibleUNetConfig,
    params: Params,
    encoder: Box<dyn Backbone>,
    blocks: Vec<UpCat<D>>,
    segmentation_head: Conv<D>,
}

impl<const D: usize> FlexibleUNet<D> {
    /// A network with new parameters in `params`.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &FlexibleUNetConfig, params: &Params) -> Result<Self> {
        config.check()?;
        let root = params.root();
        let encoder = config.encoder.build::<D>(&root.child("encoder"))?;
        let blocks = TwoConvConfig {
            normalization: config.normalization,
            activation: config.activation,
            bias: config.bias,
            dropout: config.dropout,
            upsampling: config.upsampling,
        };
        let mut skips: Vec<usize> = encoder.levels().iter().map(|l| l.channels).collect();
        let mut from = skips.pop().unwrap_or_default();
        let block = |(i, &out): (usize, &usize)| {
            let skip = skips.pop();
            let shape = UpCatShape {
                from,
                up: if skip.is_some() { from / 2 } else { from },
                skip: skip.unwrap_or(0),
                out,
            };
            from = out;
            let path = root.child("decoder").child("blocks").child(i);
            UpCat::new(&blocks, shape, &path)
        };
        let blocks = config.decoder_channels.iter().enumerate().map(block);
        let blocks = blocks.collect::<mednn::Result<_>>()?;
        let head = ConvConfig::same(from, config.out_channels, [3; D]);
        let head_path = root.child("segmentation_head").child(0);
        Ok(Self {
            encoder,
            blocks,
            segmentation_head: Conv::new(&head, &head_path)?,
            params: params.clone(),
            config: config.clone(),
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &FlexibleUNetConfig {
        &self.config
    }
}

impl<const D: usize> Model for FlexibleUNet<D> {
    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`, extents multiples of [`FlexibleUNetConfig::divisor`]
    /// - logits: `[batch, out_channels, depth, height, width]`
    /// - features: the levels of the encoder (`encoder.relu`, `encoder.layer1` and on for a ResNet), `decoder.blocks.0` and on
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let image = inputs.image()?;
        check_input(NAME, image, self.config.encoder.in_channels(), D)?;
        check_multiples(NAME, image, &self.config.divisor())?;
        let mut features = Features::of(context);
        let mut skips = self.encoder.pyramid(image, context)?;
        for (level, value) in self.encoder.levels().iter().zip(&skips) {
            features.keep(&level.name, value);
        }
        let mut out = skips.pop().expect("every backbone has levels");
        for (i, block) in self.blocks.iter().enumerate() {
            out = block.forward(out, skips.pop(), context)?;
            features.keep(&format!("decoder.blocks.{i}"), &out);
        }
        let logits = self.segmentation_head.forward(&out, context)?;
        Ok(Outputs::new(logits).with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
