//! Densely connected networks (Huang et al., CVPR 2017, <https://arxiv.org/abs/1608.06993>) for signals, images and volumes.
//!
//! torchvision's `DenseNet` and MONAI's compute the same and name their parameters differently: the settings say which names
//! are wanted. A block keeps one tensor of all features so far and appends to it, so evaluation holds two of them at most;
//! with gradient checkpointing training keeps no more than what goes into each block.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Linear, LinearConfig};
use mednn::model::{Inputs, Model, Outputs};
use mednn::params::{Init, NameMap, Params};
use serde::{Deserialize, Serialize};

use crate::blocks::{Features, global_average};
use crate::check::{check_dropout, check_one_to_three_axes, check_positive};
use crate::config::{Architecture, described_by_fields, in_dimensions};
use crate::error::{Error, Result};
use crate::weights::names;

mod features;

pub use features::DenseNetFeatures;

const NAME: &str = "DenseNet";

/// Whose names parameters have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DenseNetConvention {
    /// `features.denseblock1.denselayer1.norm1`, `classifier`; dropout drops elements.
    Torchvision,
    /// `features.denseblock1.denselayer1.layers.norm1`, `class_layers.out`; dropout drops channels.
    Monai,
}

/// Settings of [`DenseNet`].
///
/// ```
/// use medmodels::densenet::DenseNetConfig;
///
/// let chest_xray = DenseNetConfig::densenet121(14).with_in_channels(1);
/// chest_xray.check()?;
/// let head_ct = DenseNetConfig::densenet121(2).monai(3).with_in_channels(1);
/// assert_eq!(head_ct.spatial_dims, 3);
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DenseNetConfig {
    /// 1, 2 or 3.
    pub spatial_dims: usize,
    /// Channels of the image.
    pub in_channels: usize,
    /// Classes.
    pub out_channels: usize,
    /// Features of the first convolution.
    pub init_features: usize,
    /// Features each layer adds.
    pub growth_rate: usize,
    /// Layers of each block.
    pub blocks: Vec<usize>,
    /// How many times the growth rate a layer has inside.
    pub bottleneck: usize,
    /// Probability that training drops what a layer adds.
    pub dropout: f64,
    /// Whose names parameters have.
    pub convention: DenseNetConvention,
}

impl Architecture for DenseNetConfig {
    described_by_fields!(Classification);

    fn names(&self) -> NameMap {
        names::torchvision_densenet()
    }

    fn stem(&self) -> &'static [&'static str] {
        &["features.conv0.weight"]
    }

    fn head(&self) -> &'static [&'static str] {
        match self.convention {
            DenseNetConvention::Torchvision => &["classifier.*"],
            DenseNetConvention::Monai => &["class_layers.out.*"],
        }
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        in_dimensions!(DenseNet, self, params, "1, 2 or 3": 1 2 3)
    }
}

impl DenseNetConfig {
    fn new(blocks: [usize; 4], classes: usize) -> Self {
        Self {
            spatial_dims: 2,
            in_channels: 3,
            out_channels: classes,
            init_features: 64,
            growth_rate: 32,
            blocks: blocks.to_vec(),
            bottleneck: 4,
            dropout: 0.0,
            convention: DenseNetConvention::Torchvision,
        }
    }

    /// 121 layers.
    #[must_use]
    pub fn densenet121(classes: usize) -> Self {
        Self::new([6, 12, 24, 16], classes)
    }

    /// 161 layers with a growth rate of 48, which torchvision has.
    #[must_use]
    pub fn densenet161(classes: usize) -> Self {
        Self::new([6, 12, 36, 24], classes)
            .with_init_features(96)
            .with_growth_rate(48)
    }

    /// 169 layers.
    #[must_use]
    pub fn densenet169(classes: usize) -> Self {
        Self::new([6, 12, 32, 32], classes)
    }

    /// 201 layers.
    #[must_use]
    pub fn densenet201(classes: usize) -> Self {
        Self::new([6, 12, 48, 32], classes)
    }

    /// 264 layers, which MONAI has.
    #[must_use]
    pub fn densenet264(classes: usize) -> Self {
        Self::new([6, 12, 64, 48], classes)
    }

    /// The network with MONAI's names.
    #[must_use]
    pub fn monai(self, spatial_dims: usize) -> Self {
        Self {
            spatial_dims,
            convention: DenseNetConvention::Monai,
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

    /// Sets the features of the first convolution.
    #[must_use]
    pub fn with_init_features(self, init_features: usize) -> Self {
        Self {
            init_features,
            ..self
        }
    }

    /// Sets how many features each layer adds.
    #[must_use]
    pub fn with_growth_rate(self, growth_rate: usize) -> Self {
        Self {
            growth_rate,
            ..self
        }
    }

    /// Sets how many times the growth rate a layer has inside.
    #[must_use]
    pub fn with_bottleneck(self, bottleneck: usize) -> Self {
        Self { bottleneck, ..self }
    }

    /// Sets the layers of each block.
    #[must_use]
    pub fn with_blocks(self, blocks: &[usize]) -> Self {
        Self {
            blocks: blocks.to_vec(),
            ..self
        }
    }

    /// Sets the probability that training drops what a layer adds.
    #[must_use]
    pub fn with_dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    /// Says whether such a network exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    pub fn check(&self) -> Result<()> {
        check_one_to_three_axes(NAME, self.spatial_dims)?;
        check_positive(
            NAME,
            &[
                ("in_channels", self.in_channels),
                ("out_channels", self.out_channels),
                ("init_features", self.init_features),
                ("growth_rate", self.growth_rate),
                ("bottleneck", self.bottleneck),
            ],
        )?;
        if !(1..=8).contains(&self.blocks.len()) || self.blocks.contains(&0) {
            let value = format!("{:?}", self.blocks);
            let rule = "1 to 8 blocks of at least 1 layer";
            return Err(Error::setting(NAME, "blocks", rule, value));
        }
        check_dropout(NAME, self.dropout)
    }

    /// The shortest axis that is left something by the stem (a quarter) and by the pooling behind all but the last block.
    fn smallest(&self) -> usize {
        (4 << (self.blocks.len() - 1)) - 3
    }
}

/// Densely connected network for `D` spatial axes.
#[derive(Debug)]
pub struct DenseNet<const D: usize> {
    config: DenseNetConfig,
    params: Params,
    features: DenseNetFeatures<D>,
    classifier: Linear,
}

impl<const D: usize> DenseNet<D> {
    /// A network with new parameters in `params`, drawn as both references do.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &DenseNetConfig, params: &Params) -> Result<Self> {
        let features = DenseNetFeatures::new(config, &params.root().child("features"))?;
        let head = match config.convention {
            DenseNetConvention::Torchvision => params.root().child("classifier"),
            DenseNetConvention::Monai => params.root().child("class_layers").child("out"),
        };
        let linear = LinearConfig::new(features.out_channels(), config.out_channels)
            .with_init(Init::PYTORCH_WEIGHT, Some(Init::ZEROS));
        Ok(Self {
            features,
            classifier: Linear::new(&linear, &head)?,
            params: params.clone(),
            config: config.clone(),
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &DenseNetConfig {
        &self.config
    }
}

impl<const D: usize> Model for DenseNet<D> {
    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`, every extent at least 29 when there are four blocks
    /// - logits: `[batch, out_channels]`
    /// - features: `features.pool0`, `features.denseblock1` and on, `features.transition1` and on, `features` (normalised and
    ///   rectified), `[batch, channels, depth, height, width]`
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let mut features = Features::of(context);
        let mut keep = |name: &str, value: &Tensor| features.keep(name, value);
        let out = self.features.walk(inputs.image()?, context, &mut keep)?;
        let logits = self
            .classifier
            .forward(&global_average::<D>(&out)?, context)?;
        Ok(Outputs::new(logits).with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
