//! Residual networks with squeeze-and-excitation (Hu et al., CVPR 2018, <https://arxiv.org/abs/1709.01507>) for signals, images
//! and volumes: SENet-154, SE-ResNet and SE-ResNeXt.
//!
//! Parameter names are those of MONAI's `SENet`, which took over the networks of Cadene's `pretrained-models.pytorch`.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Dropout, DropoutUnit, Linear, LinearConfig};
use mednn::model::{Inputs, Model, Outputs};
use mednn::params::{Init, Params};
use serde::{Deserialize, Serialize};

use crate::blocks::{Features, global_average};
use crate::check::{
    check_all_positive, check_one_to_three_axes, check_positive, check_probability,
};
use crate::config::{Architecture, described_by_fields, in_dimensions};
use crate::error::{Error, Result};

mod features;

pub use features::SENetFeatures;

const NAME: &str = "SENet";

/// A block gives four times its features.
const EXPANSION: usize = 4;

/// Features of the first two of three convolutions in a deep stem.
const DEEP_STEM: usize = 64;

/// The stem's pooling has windows of 3 behind a convolution that strides by 2.
const SMALLEST: usize = 3;

/// What a [`SENet`] is made of; in all, convolutions of size 1, 3 and 1, and four times the features at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SENetBlock {
    /// SENet-154's: twice the features behind the first convolution, four times behind the second, which strides.
    Wide,
    /// That of ResNet as Caffe has it: the first convolution strides.
    ResNet,
    /// That of ResNeXt: a sixteenth of the features in each group of the second convolution, which strides.
    ResNeXt,
}

/// Settings of [`SENet`]; defaults are MONAI's.
///
/// ```
/// use medmodels::senet::SENetConfig;
///
/// let nodules = SENetConfig::se_resnet50(2).with_spatial_dims(3).with_in_channels(1);
/// nodules.check()?;
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SENetConfig {
    /// 1, 2 or 3.
    pub spatial_dims: usize,
    /// Channels of the image.
    pub in_channels: usize,
    /// Classes.
    pub out_channels: usize,
    /// What the stages are made of.
    pub block: SENetBlock,
    /// Blocks of the four stages.
    pub blocks: [usize; 4],
    /// Features of the four stages; a block gives four times as many.
    pub features: [usize; 4],
    /// Groups of the convolutions of size 3.
    pub groups: usize,
    /// What the channels are divided by between the maps of squeeze-and-excitation.
    pub reduction: usize,
    /// Features of the stem.
    pub stem: usize,
    /// Whether the stem has three convolutions of size 3 instead of one of size 7.
    pub deep_stem: bool,
    /// Kernel of the convolutions beside blocks that stride, 1 or 3.
    pub shortcut_kernel: usize,
    /// Probability of dropout before the last layer.
    pub dropout: f64,
}

impl Architecture for SENetConfig {
    described_by_fields!(Classification);

    fn stem(&self) -> &'static [&'static str] {
        &["layer0.conv1.weight"]
    }

    fn head(&self) -> &'static [&'static str] {
        &["last_linear.*"]
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        in_dimensions!(SENet, self, params, "1, 2 or 3": 1 2 3)
    }
}

impl SENetConfig {
    fn new(block: SENetBlock, blocks: [usize; 4], groups: usize, classes: usize) -> Self {
        Self {
            spatial_dims: 2,
            in_channels: 3,
            out_channels: classes,
            block,
            blocks,
            features: [64, 128, 256, 512],
            groups,
            reduction: 16,
            stem: 64,
            deep_stem: false,
            shortcut_kernel: 1,
            dropout: 0.0,
        }
    }

    /// 154 layers, the network that won ILSVRC 2017.
    #[must_use]
    pub fn senet154(classes: usize) -> Self {
        Self {
            stem: 128,
            deep_stem: true,
            shortcut_kernel: 3,
            dropout: 0.2,
            ..Self::new(SENetBlock::Wide, [3, 8, 36, 3], 64, classes)
        }
    }

    /// ResNet with 50 layers.
    #[must_use]
    pub fn se_resnet50(classes: usize) -> Self {
        Self::new(SENetBlock::ResNet, [3, 4, 6, 3], 1, classes)
    }

    /// ResNet with 101 layers; MONAI has dropout in it.
    #[must_use]
    pub fn se_resnet101(classes: usize) -> Self {
        Self::new(SENetBlock::ResNet, [3, 4, 23, 3], 1, classes).with_dropout(0.2)
    }

    /// ResNet with 152 layers; MONAI has dropout in it.
    #[must_use]
    pub fn se_resnet152(classes: usize) -> Self {
        Self::new(SENetBlock::ResNet, [3, 8, 36, 3], 1, classes).with_dropout(0.2)
    }

    /// ResNeXt with 50 layers, 32 groups of 4 features.
    #[must_use]
    pub fn se_resnext50(classes: usize) -> Self {
        Self::new(SENetBlock::ResNeXt, [3, 4, 6, 3], 32, classes)
    }

    /// ResNeXt with 101 layers, 32 groups of 4 features.
    #[must_use]
    pub fn se_resnext101(classes: usize) -> Self {
        Self::new(SENetBlock::ResNeXt, [3, 4, 23, 3], 32, classes)
    }

    /// Sets the number of spatial axes.
    #[must_use]
    pub fn with_spatial_dims(self, spatial_dims: usize) -> Self {
        Self {
            spatial_dims,
            ..self
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

    /// Sets the features of the stem and of the four stages.
    #[must_use]
    pub fn with_features(self, stem: usize, features: [usize; 4]) -> Self {
        Self {
            stem,
            features,
            ..self
        }
    }

    /// Sets the groups of the convolutions of size 3.
    #[must_use]
    pub fn with_groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    /// Sets what the channels are divided by in squeeze-and-excitation.
    #[must_use]
    pub fn with_reduction(self, reduction: usize) -> Self {
        Self { reduction, ..self }
    }

    /// Sets the probability of dropout before the last layer.
    #[must_use]
    pub fn with_dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    /// Says whether such a network exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    pub fn check(&self) -> Result<()> {
        let refuse =
            |setting, rule: &str, value: String| Err(Error::setting(NAME, setting, rule, value));
        check_one_to_three_axes(NAME, self.spatial_dims)?;
        check_positive(
            NAME,
            &[
                ("in_channels", self.in_channels),
                ("out_channels", self.out_channels),
                ("groups", self.groups),
                ("reduction", self.reduction),
                ("stem", self.stem),
            ],
        )?;
        check_all_positive(
            NAME,
            &[("blocks", &self.blocks), ("features", &self.features)],
        )?;
        if !matches!(self.shortcut_kernel, 1 | 3) {
            let value = self.shortcut_kernel.to_string();
            return refuse("shortcut_kernel", "1 or 3", value);
        }
        let squeezes = |&f: &usize| f * EXPANSION >= self.reduction;
        if !self.features.iter().all(squeezes) {
            let value = format!("{} for {:?}", self.reduction, self.features);
            return refuse("reduction", "such that features are left", value);
        }
        let widths = self.features.map(|features| self.widths(features));
        let fits = |width: &usize| *width > 0 && width.is_multiple_of(self.groups);
        if !widths.iter().flatten().all(fits) {
            let value = format!("{} for {:?}", self.groups, self.features);
            return refuse("groups", "such that all groups have equal features", value);
        }
        check_probability(NAME, "dropout", self.dropout)
    }

    /// Features behind the first and behind the second convolution of a block.
    fn widths(&self, features: usize) -> [usize; 2] {
        match self.block {
            SENetBlock::Wide => [2 * features, 4 * features],
            SENetBlock::ResNet => [features; 2],
            SENetBlock::ResNeXt => [features / 16 * self.groups; 2],
        }
    }
}

/// SENet for `D` spatial axes.
#[derive(Debug)]
pub struct SENet<const D: usize> {
    config: SENetConfig,
    params: Params,
    features: SENetFeatures<D>,
    dropout: Dropout,
    last_linear: Linear,
}

impl<const D: usize> SENet<D> {
    /// A network with new parameters in `params`, drawn as MONAI does.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &SENetConfig, params: &Params) -> Result<Self> {
        let path = params.root();
        let features = SENetFeatures::new(config, &path)?;
        let from = EXPANSION * config.features[3];
        let last = LinearConfig::new(from, config.out_channels);
        let weight = last.weight_init;
        Ok(Self {
            features,
            dropout: Dropout::new(config.dropout, DropoutUnit::Element, &path.child("dropout"))?,
            last_linear: Linear::new(
                &last.with_init(weight, Some(Init::ZEROS)),
                &path.child("last_linear"),
            )?,
            params: params.clone(),
            config: config.clone(),
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &SENetConfig {
        &self.config
    }
}

impl<const D: usize> Model for SENet<D> {
    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`, each axis at least 3 long
    /// - logits: `[batch, out_channels]`
    /// - features: `layer0.relu1` or `layer0.relu3` (the stem before its pooling), `layer0` to `layer4`, `[batch, channels, depth, height, width]`; `adaptive_avg_pool`,
    ///   `[batch, channels]`
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let mut features = Features::of(context);
        let mut keep = |name: &str, value: &Tensor| features.keep(name, value);
        let out = self.features.walk(inputs.image()?, context, &mut keep)?;
        let means = global_average::<D>(&out)?;
        features.keep("adaptive_avg_pool", &means);
        let means = self.dropout.forward(&means, context)?;
        let logits = self.last_linear.forward(&means, context)?;
        Ok(Outputs::new(logits).with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
