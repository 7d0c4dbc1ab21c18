//! Densely connected networks (Huang et al., CVPR 2017, <https://arxiv.org/abs/1608.06993>) for signals, images and volumes.
//!
//! torchvision's `DenseNet` and MONAI's compute the same and name their parameters differently: the settings say which names
//! are wanted. A block keeps one tensor of all features so far and appends to it, so evaluation holds two of them at most;
//! with gradient checkpointing training keeps no more than what goes into each block.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{
    BatchNorm, BatchNormConfig, Conv, ConvConfig, Dropout, DropoutUnit, Linear, LinearConfig,
};
use mednn::model::{Inputs, Model, Outputs};
use mednn::ops::{self, Activation};
use mednn::params::{Init, LoadPolicy, ParamPath, Params};
use mednn::tape::checkpoint;
use serde::{Deserialize, Serialize};

use crate::block::{ConvBatchNorm, Features, check_input, check_smallest, global_average};
use crate::config::{Architecture, Task, in_two_or_three_dimensions};
use crate::error::{Error, Result};

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
    const NAME: &'static str = NAME;

    fn task(&self) -> Task {
        Task::Classification
    }

    fn spatial_dims(&self) -> usize {
        self.spatial_dims
    }

    fn in_channels(&self) -> usize {
        self.in_channels
    }

    fn out_channels(&self) -> usize {
        self.out_channels
    }

    fn load_policy(&self) -> LoadPolicy {
        self.load_policy()
    }

    fn check(&self) -> Result<()> {
        self.check()
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        if self.spatial_dims == 1 {
            return Ok(Box::new(DenseNet::<1>::new(self, params)?));
        }
        in_two_or_three_dimensions!(DenseNet, self, params)
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

    /// Accepts what torchvision published first: layers named `norm.1` for `norm1`, and no counters of batches.
    #[must_use]
    pub fn load_policy(&self) -> LoadPolicy {
        let mut policy = LoadPolicy::strict();
        if self.convention != DenseNetConvention::Torchvision {
            return policy;
        }
        let mut norms = vec!["features.norm0".to_owned(), "features.norm5".to_owned()];
        for (b, &layers) in (1..).zip(&self.blocks) {
            for l in 1..=layers {
                let layer = format!("features.denseblock{b}.denselayer{l}");
                for i in 1..=2 {
                    for kind in ["norm", "conv"] {
                        let old = format!("{layer}.{kind}.{i}.");
                        policy = policy.with_rename(old, format!("{layer}.{kind}{i}."));
                    }
                    norms.push(format!("{layer}.norm{i}"));
                }
            }
            norms.push(format!("features.transition{b}.norm"));
        }
        norms.into_iter().fold(policy, |policy, norm| {
            policy.with_missing_allowed(format!("{norm}.num_batches_tracked"))
        })
    }

    /// Says whether such a network exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    pub fn check(&self) -> Result<()> {
        let refuse =
            |setting, rule: &str, value: String| Err(Error::setting(NAME, setting, rule, value));
        if !matches!(self.spatial_dims, 1..=3) {
            return refuse("spatial_dims", "1, 2 or 3", self.spatial_dims.to_string());
        }
        for (setting, value) in [
            ("in_channels", self.in_channels),
            ("out_channels", self.out_channels),
            ("init_features", self.init_features),
            ("growth_rate", self.growth_rate),
            ("bottleneck", self.bottleneck),
        ] {
            if value == 0 {
                return refuse(setting, "at least 1", value.to_string());
            }
        }
        if !(1..=8).contains(&self.blocks.len()) || self.blocks.contains(&0) {
            let value = format!("{:?}", self.blocks);
            return refuse("blocks", "1 to 8 blocks of at least 1 layer", value);
        }
        if !(0.0..1.0).contains(&self.dropout) {
            let value = self.dropout.to_string();
            return refuse("dropout", "at least 0 and below 1", value);
        }
        Ok(())
    }

    /// The shortest axis that is left something by the stem (a quarter) and by the pooling behind all but the last block.
    fn smallest(&self) -> usize {
        (4 << (self.blocks.len() - 1)) - 3
    }
}

/// A convolution without bias, drawn as both references do.
fn conv<const D: usize>(from: usize, to: usize, size: usize) -> ConvConfig<D> {
    ConvConfig::same(from, to, [size; D])
        .with_bias(false)
        .with_init(Init::KaimingNormal { slope: 0.0 }, None)
}

fn norm_relu(channels: usize, path: &ParamPath) -> mednn::Result<BatchNorm> {
    let config = BatchNormConfig::default().with_activation(Activation::Relu);
    BatchNorm::new(channels, &config, path)
}

/// Normalisation, a convolution of size 1, normalisation, a convolution of size 3: what a layer adds.
#[derive(Debug, Clone)]
struct DenseLayer<const D: usize> {
    norm1: BatchNorm,
    conv1: ConvBatchNorm<D>,
    conv2: Conv<D>,
    dropout: Dropout,
}

impl<const D: usize> DenseLayer<D> {
    fn new(config: &DenseNetConfig, from: usize, path: &ParamPath) -> mednn::Result<Self> {
        let (path, unit) = match config.convention {
            DenseNetConvention::Torchvision => (path.clone(), DropoutUnit::Element),
            DenseNetConvention::Monai => (path.child("layers"), DropoutUnit::Channel),
        };
        let inside = config.bottleneck * config.growth_rate;
        Ok(Self {
            norm1: norm_relu(from, &path.child("norm1"))?,
            conv1: ConvBatchNorm::new(
                &conv(from, inside, 1),
                Activation::Relu,
                &path.child("conv1"),
                &path.child("norm2"),
            )?,
            conv2: Conv::new(&conv(inside, config.growth_rate, 3), &path.child("conv2"))?,
            dropout: Dropout::new(config.dropout, unit, &path.child("dropout"))?,
        })
    }

    fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let out = self.norm1.forward(input, context)?;
        let out = self.conv1.forward(&out, context)?;
        let out = self.conv2.forward(&out, context)?;
        self.dropout.forward(&out, context)
    }
}

/// Layers that each see the features of all before them.
#[derive(Debug, Clone)]
struct DenseBlock<const D: usize>(Vec<DenseLayer<D>>);

impl<const D: usize> DenseBlock<D> {
    fn new(
        config: &DenseNetConfig,
        layers: usize,
        from: usize,
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let layer = |l| {
            let from = from + l * config.growth_rate;
            DenseLayer::new(config, from, &path.child(format!("denselayer{}", l + 1)))
        };
        (0..layers)
            .map(layer)
            .collect::<mednn::Result<_>>()
            .map(Self)
    }

    fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let mut features = input.clone();
        for layer in &self.0 {
            features = ops::concat(&[&features, &layer.forward(&features, context)?])?;
        }
        Ok(features)
    }

    /// As [`DenseBlock::forward`], with a checkpoint around it.
    fn checkpointed(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let block = self.clone();
        checkpoint(context, &[input], move |inputs, context| {
            block.forward(&inputs[0], context)
        })
    }
}

/// Normalisation, a convolution of size 1 that halves the features, average pooling by two.
#[derive(Debug, Clone)]
struct Transition<const D: usize> {
    norm: BatchNorm,
    conv: Conv<D>,
}

impl<const D: usize> Transition<D> {
    fn new(from: usize, path: &ParamPath) -> mednn::Result<Self> {
        Ok(Self {
            norm: norm_relu(from, &path.child("norm"))?,
            conv: Conv::new(&conv(from, from / 2, 1), &path.child("conv"))?,
        })
    }

    fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let out = self.norm.forward(input, context)?;
        let out = self.conv.forward(&out, context)?;
        ops::avg_pool(&out, &ops::PoolConfig::new([2; D]))
    }
}

/// Densely connected network for `D` spatial axes.
#[derive(Debug)]
pub struct DenseNet<const D: usize> {
    config: DenseNetConfig,
    params: Params,
    stem: ConvBatchNorm<D>,
    blocks: Vec<DenseBlock<D>>,
    /// Behind all blocks but the last.
    transitions: Vec<Transition<D>>,
    norm5: BatchNorm,
    classifier: Linear,
}

impl<const D: usize> DenseNet<D> {
    /// A network with new parameters in `params`, drawn as both references do.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &DenseNetConfig, params: &Params) -> Result<Self> {
        config.check()?;
        if config.spatial_dims != D {
            return Err(Error::SpatialDims {
                architecture: NAME,
                configured: config.spatial_dims,
                asked: D,
            });
        }
        let path = params.root().child("features");
        let mut from = config.init_features;
        let stem = ConvBatchNorm::new(
            &conv(config.in_channels, from, 7).with_stride([2; D]),
            Activation::Relu,
            &path.child("conv0"),
            &path.child("norm0"),
        )?;
        let (mut blocks, mut transitions) = (Vec::new(), Vec::new());
        for (b, &layers) in (1..).zip(&config.blocks) {
            let block = path.child(format!("denseblock{b}"));
            blocks.push(DenseBlock::new(config, layers, from, &block)?);
            from += layers * config.growth_rate;
            if b < config.blocks.len() {
                let transition = path.child(format!("transition{b}"));
                transitions.push(Transition::new(from, &transition)?);
                from /= 2;
            }
        }
        let head = match config.convention {
            DenseNetConvention::Torchvision => params.root().child("classifier"),
            DenseNetConvention::Monai => params.root().child("class_layers").child("out"),
        };
        let linear = LinearConfig::new(from, config.out_channels)
            .with_init(Init::PYTORCH_WEIGHT, Some(Init::ZEROS));
        Ok(Self {
            stem,
            blocks,
            transitions,
            norm5: norm_relu(from, &path.child("norm5"))?,
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
        let image = inputs.image()?;
        check_input(NAME, image, self.config.in_channels, D)?;
        check_smallest(NAME, image, self.config.smallest())?;
        let mut features = Features::of(context);
        let halving = ops::PoolConfig::new([3; D])
            .with_stride([2; D])
            .with_padding([1; D]);
        let mut out = ops::max_pool(&self.stem.forward(image, context)?, &halving)?;
        features.keep("features.pool0", &out);
        for (b, block) in self.blocks.iter().enumerate() {
            out = block.checkpointed(&out, context)?;
            features.keep(&format!("features.denseblock{}", b + 1), &out);
            if let Some(transition) = self.transitions.get(b) {
                out = transition.forward(&out, context)?;
                features.keep(&format!("features.transition{}", b + 1), &out);
            }
        }
        out = self.norm5.forward(&out, context)?;
        features.keep("features", &out);
        let logits = self
            .classifier
            .forward(&global_average::<D>(&out)?, context)?;
        Ok(Outputs::new(logits).with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
