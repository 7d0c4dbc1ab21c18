//! Residual networks (He et al., CVPR 2016, <https://arxiv.org/abs/1512.03385>) for signals, images and volumes; wide ones
//! (Zagoruyko and Komodakis 2016, <https://arxiv.org/abs/1605.07146>) and those with grouped convolutions, ResNeXt
//! (Xie et al., CVPR 2017, <https://arxiv.org/abs/1611.05431>).
//!
//! torchvision's `ResNet`, MONAI's and that of MedicalNet (Chen et al. 2019, <https://arxiv.org/abs/1904.00625>) name their
//! parameters alike and differ in the stem and in the shortcuts, so one network is all three and its settings say which.
//! A bottleneck strides in its convolution of size 3, as all three do, not in the first as the paper does.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{ConvConfig, Linear, LinearConfig};
use mednn::model::{Inputs, Model, Outputs};
use mednn::ops::{self, Activation};
use mednn::params::{ParamPath, Params};
use mednn::tape::checkpoint;
use serde::{Deserialize, Serialize};

use crate::block::{ConvBatchNorm, Features, check_input, global_average, with_fan_out_init};
use crate::config::{Architecture, Task, in_two_or_three_dimensions};
use crate::error::{Error, Result};

const NAME: &str = "ResNet";

/// What a [`ResNet`] is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResNetBlock {
    /// Two convolutions of size 3.
    Basic,
    /// Convolutions of size 1, 3 and 1; the last gives four times the features.
    Bottleneck,
}

impl ResNetBlock {
    fn expansion(self) -> usize {
        match self {
            Self::Basic => 1,
            Self::Bottleneck => 4,
        }
    }
}

/// What stands beside a block that changes the shape of its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResNetShortcut {
    /// A convolution of size 1 and its normalisation (type B).
    Projection,
    /// The same, the convolution with a bias (MONAI's default).
    BiasedProjection,
    /// Every second voxel, and zeros for the new channels (type A). The gradient goes through it as in the paper; MONAI
    /// cuts it there.
    ZeroPadding,
}

/// Settings of [`ResNet`]; defaults are torchvision's.
///
/// ```
/// use medmodels::resnet::ResNetConfig;
///
/// let chest_xray = ResNetConfig::resnet18(14).with_in_channels(1);
/// chest_xray.check()?;
/// let chest_ct = ResNetConfig::resnet50(2).medical_net();
/// assert_eq!((chest_ct.spatial_dims, chest_ct.in_channels), (3, 1));
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ResNetConfig {
    /// 1, 2 or 3.
    pub spatial_dims: usize,
    /// Channels of the image.
    pub in_channels: usize,
    /// Classes.
    pub out_channels: usize,
    /// What the stages are made of.
    pub block: ResNetBlock,
    /// Blocks of the four stages.
    pub blocks: [usize; 4],
    /// Features of the four stages; a bottleneck gives four times as many. The stem has those of the first.
    pub features: [usize; 4],
    /// Groups of the convolutions of size 3 in bottlenecks.
    pub groups: usize,
    /// Features of each group in a bottleneck of 64 features; 64 in one group is the plain network, 128 the wide one.
    pub width_per_group: usize,
    /// Kernel of the first convolution along each axis.
    pub stem_kernel: Vec<usize>,
    /// Stride of the first convolution along each axis.
    pub stem_stride: Vec<usize>,
    /// Whether max pooling of size 3 and stride 2 follows the first convolution.
    pub stem_pool: bool,
    /// What stands beside a block that changes the shape.
    pub shortcut: ResNetShortcut,
}

impl Architecture for ResNetConfig {
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

    fn check(&self) -> Result<()> {
        self.check()
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        if self.spatial_dims == 1 {
            return Ok(Box::new(ResNet::<1>::new(self, params)?));
        }
        in_two_or_three_dimensions!(ResNet, self, params)
    }
}

impl ResNetConfig {
    fn new(block: ResNetBlock, blocks: [usize; 4], classes: usize) -> Self {
        Self {
            spatial_dims: 2,
            in_channels: 3,
            out_channels: classes,
            block,
            blocks,
            features: [64, 128, 256, 512],
            groups: 1,
            width_per_group: 64,
            stem_kernel: vec![7; 2],
            stem_stride: vec![2; 2],
            stem_pool: true,
            shortcut: ResNetShortcut::Projection,
        }
    }

    /// 10 layers, which MONAI and MedicalNet have.
    #[must_use]
    pub fn resnet10(classes: usize) -> Self {
        Self::new(ResNetBlock::Basic, [1, 1, 1, 1], classes)
    }

    /// 18 layers.
    #[must_use]
    pub fn resnet18(classes: usize) -> Self {
        Self::new(ResNetBlock::Basic, [2, 2, 2, 2], classes)
    }

    /// 34 layers.
    #[must_use]
    pub fn resnet34(classes: usize) -> Self {
        Self::new(ResNetBlock::Basic, [3, 4, 6, 3], classes)
    }

    /// 50 layers.
    #[must_use]
    pub fn resnet50(classes: usize) -> Self {
        Self::new(ResNetBlock::Bottleneck, [3, 4, 6, 3], classes)
    }

    /// 101 layers.
    #[must_use]
    pub fn resnet101(classes: usize) -> Self {
        Self::new(ResNetBlock::Bottleneck, [3, 4, 23, 3], classes)
    }

    /// 152 layers.
    #[must_use]
    pub fn resnet152(classes: usize) -> Self {
        Self::new(ResNetBlock::Bottleneck, [3, 8, 36, 3], classes)
    }

    /// 200 layers, which MONAI and MedicalNet have.
    #[must_use]
    pub fn resnet200(classes: usize) -> Self {
        Self::new(ResNetBlock::Bottleneck, [3, 24, 36, 3], classes)
    }

    /// 50 layers, bottlenecks twice as wide inside.
    #[must_use]
    pub fn wide_resnet50_2(classes: usize) -> Self {
        Self::resnet50(classes).with_groups(1, 128)
    }

    /// 101 layers, bottlenecks twice as wide inside.
    #[must_use]
    pub fn wide_resnet101_2(classes: usize) -> Self {
        Self::resnet101(classes).with_groups(1, 128)
    }

    /// ResNeXt with 50 layers, 32 groups of 4 features.
    #[must_use]
    pub fn resnext50_32x4d(classes: usize) -> Self {
        Self::resnet50(classes).with_groups(32, 4)
    }

    /// ResNeXt with 101 layers, 32 groups of 8 features.
    #[must_use]
    pub fn resnext101_32x8d(classes: usize) -> Self {
        Self::resnet101(classes).with_groups(32, 8)
    }

    /// ResNeXt with 101 layers, 64 groups of 4 features.
    #[must_use]
    pub fn resnext101_64x4d(classes: usize) -> Self {
        Self::resnet101(classes).with_groups(64, 4)
    }

    /// The network as MONAI has it by default: a first convolution that does not stride, and biased shortcuts.
    #[must_use]
    pub fn monai(self, spatial_dims: usize) -> Self {
        Self {
            stem_stride: vec![1; spatial_dims],
            shortcut: ResNetShortcut::BiasedProjection,
            ..self.with_spatial_dims(spatial_dims)
        }
    }

    /// The network for volumes of one channel to which MedicalNet has weights, all but `fc`: 18 and 34 layers have shortcuts
    /// of type A, the others of type B without bias.
    #[must_use]
    pub fn medical_net(self) -> Self {
        let deep_basic = self.block == ResNetBlock::Basic && self.blocks != [1; 4];
        Self {
            in_channels: 1,
            shortcut: if deep_basic {
                ResNetShortcut::ZeroPadding
            } else {
                ResNetShortcut::Projection
            },
            ..self.with_spatial_dims(3)
        }
    }

    /// The network for small images (CIFAR): a first convolution of size 3 that does not stride, and no pooling.
    #[must_use]
    pub fn small_images(self) -> Self {
        Self {
            stem_kernel: vec![3; self.spatial_dims],
            stem_stride: vec![1; self.spatial_dims],
            stem_pool: false,
            ..self
        }
    }

    /// Sets the number of spatial axes; kernel and stride of the stem are then those of the first axis along all.
    #[must_use]
    pub fn with_spatial_dims(self, spatial_dims: usize) -> Self {
        let along_all =
            |of_axes: &[usize]| vec![of_axes.first().copied().unwrap_or(1); spatial_dims];
        Self {
            spatial_dims,
            stem_kernel: along_all(&self.stem_kernel),
            stem_stride: along_all(&self.stem_stride),
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

    /// Sets the features of the four stages.
    #[must_use]
    pub fn with_features(self, features: [usize; 4]) -> Self {
        Self { features, ..self }
    }

    /// Sets groups and features per group of bottlenecks.
    #[must_use]
    pub fn with_groups(self, groups: usize, width_per_group: usize) -> Self {
        Self {
            groups,
            width_per_group,
            ..self
        }
    }

    /// Sets kernel and stride of the first convolution.
    #[must_use]
    pub fn with_stem<const D: usize>(self, kernel: [usize; D], stride: [usize; D]) -> Self {
        Self {
            stem_kernel: kernel.to_vec(),
            stem_stride: stride.to_vec(),
            ..self
        }
    }

    /// Sets whether max pooling follows the first convolution.
    #[must_use]
    pub fn with_stem_pool(self, stem_pool: bool) -> Self {
        Self { stem_pool, ..self }
    }

    /// Sets what stands beside a block that changes the shape.
    #[must_use]
    pub fn with_shortcut(self, shortcut: ResNetShortcut) -> Self {
        Self { shortcut, ..self }
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
            ("groups", self.groups),
            ("width_per_group", self.width_per_group),
        ] {
            if value == 0 {
                return refuse(setting, "at least 1", value.to_string());
            }
        }
        for (setting, values) in [("blocks", self.blocks), ("features", self.features)] {
            if values.contains(&0) {
                return refuse(setting, "at least 1", format!("{values:?}"));
            }
        }
        let axes = self.spatial_dims;
        if self.stem_kernel.len() != axes || self.stem_kernel.iter().any(|k| k % 2 == 0) {
            let value = format!("{:?}", self.stem_kernel);
            return refuse("stem_kernel", "one odd extent an axis", value);
        }
        if self.stem_stride.len() != axes || self.stem_stride.contains(&0) {
            let value = format!("{:?}", self.stem_stride);
            return refuse("stem_stride", "one positive number an axis", value);
        }
        if self.block == ResNetBlock::Basic && (self.groups, self.width_per_group) != (1, 64) {
            let value = format!("{} of {}", self.groups, self.width_per_group);
            return refuse("groups", "1 of 64 features in basic blocks", value);
        }
        if self.block == ResNetBlock::Bottleneck
            && self.features.map(|f| self.width(f)).contains(&0)
        {
            let value = format!("{} for {:?}", self.width_per_group, self.features);
            return refuse("width_per_group", "such that a group has features", value);
        }
        let shrinks = self.features.windows(2).any(|pair| pair[0] > pair[1]);
        if shrinks && self.shortcut == ResNetShortcut::ZeroPadding {
            let value = format!("{:?}", self.features);
            return refuse("features", "growing where shortcuts have no weights", value);
        }
        Ok(())
    }

    /// Features inside a bottleneck, torchvision's formula.
    fn width(&self, features: usize) -> usize {
        features * self.width_per_group / 64 * self.groups
    }
}

/// What is added to the result of a block.
#[derive(Debug, Clone)]
enum Shortcut<const D: usize> {
    Identity,
    Projection(ConvBatchNorm<D>),
    ZeroPadding { stride: [usize; D], channels: usize },
}

impl<const D: usize> Shortcut<D> {
    fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        match self {
            Self::Identity => Ok(input.clone()),
            Self::Projection(projection) => projection.forward(input, context),
            &Self::ZeroPadding { stride, channels } => {
                let every = ops::PoolConfig::new([1; D]).with_stride(stride);
                let out = ops::avg_pool(input, &every)?;
                // Padding works on spatial axes, so the channels become one.
                let mut shape = out.dims().to_vec();
                let voxels = shape[2..].iter().product();
                let flat = ops::reshape(&out, &[shape[0], 1, shape[1], voxels])?;
                let added = (0, channels - shape[1]);
                let flat = ops::pad(&flat, [added, (0, 0)], ops::PadMode::Constant(0.0))?;
                shape[1] = channels;
                ops::reshape(&flat, &shape)
            }
        }
    }
}

/// Convolutions beside a shortcut, a rectifier behind their sum.
#[derive(Debug, Clone)]
struct Block<const D: usize> {
    convs: Vec<ConvBatchNorm<D>>,
    shortcut: Shortcut<D>,
}

impl<const D: usize> Block<D> {
    fn new(
        config: &ResNetConfig,
        (from, features, stride): (usize, usize, [usize; D]),
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let width = config.width(features);
        let to = features * config.block.expansion();
        let conv = |from, to, size| {
            with_fan_out_init(ConvConfig::same(from, to, [size; D]).with_bias(false))
        };
        let configs = match config.block {
            ResNetBlock::Basic => vec![conv(from, to, 3).with_stride(stride), conv(to, to, 3)],
            ResNetBlock::Bottleneck => {
                let mut middle = conv(width, width, 3).with_stride(stride);
                middle.geometry.groups = config.groups;
                vec![conv(from, width, 1), middle, conv(width, to, 1)]
            }
        };
        let last = configs.len();
        let layer = |(i, config): (usize, &ConvConfig<D>)| {
            let activation = if i < last {
                Activation::Relu
            } else {
                Activation::None
            };
            let (conv, norm) = (format!("conv{i}"), format!("bn{i}"));
            ConvBatchNorm::new(config, activation, &path.child(conv), &path.child(norm))
        };
        let reshapes = from != to || stride != [1; D];
        let shortcut = match config.shortcut {
            _ if !reshapes => Shortcut::Identity,
            ResNetShortcut::ZeroPadding => Shortcut::ZeroPadding {
                stride,
                channels: to,
            },
            kind => {
                let bias = kind == ResNetShortcut::BiasedProjection;
                let mut projection = conv(from, to, 1).with_stride(stride).with_bias(bias);
                projection.bias_init = None;
                let path = path.child("downsample");
                let (conv, norm) = (path.child(0), path.child(1));
                Shortcut::Projection(ConvBatchNorm::new(
                    &projection,
                    Activation::None,
                    &conv,
                    &norm,
                )?)
            }
        };
        Ok(Self {
            convs: (1..)
                .zip(&configs)
                .map(layer)
                .collect::<mednn::Result<_>>()?,
            shortcut,
        })
    }

    fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let mut out = input.clone();
        for conv in &self.convs {
            out = conv.forward(&out, context)?;
        }
        let out = ops::add(&out, &self.shortcut.forward(input, context)?)?;
        ops::activation(&out, Activation::Relu)
    }

    /// As [`Block::forward`], with a checkpoint around it.
    fn checkpointed(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let block = self.clone();
        checkpoint(context, &[input], move |inputs, context| {
            block.forward(&inputs[0], context)
        })
    }
}

/// Residual network for `D` spatial axes.
#[derive(Debug)]
pub struct ResNet<const D: usize> {
    config: ResNetConfig,
    params: Params,
    stem: ConvBatchNorm<D>,
    stages: [Vec<Block<D>>; 4],
    fc: Linear,
}

impl<const D: usize> ResNet<D> {
    /// A network with new parameters in `params`, drawn as torchvision does.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &ResNetConfig, params: &Params) -> Result<Self> {
        config.check()?;
        if config.spatial_dims != D {
            return Err(Error::SpatialDims {
                architecture: NAME,
                configured: config.spatial_dims,
                asked: D,
            });
        }
        let path = params.root();
        let per_axis = |values: &[usize]| -> [usize; D] { std::array::from_fn(|a| values[a]) };
        let mut from = config.features[0];
        let stem = ConvConfig::same(config.in_channels, from, per_axis(&config.stem_kernel))
            .with_stride(per_axis(&config.stem_stride))
            .with_bias(false);
        let mut stages = [const { Vec::new() }; 4];
        for (s, stage) in stages.iter_mut().enumerate() {
            let path = path.child(format!("layer{}", s + 1));
            for b in 0..config.blocks[s] {
                let stride = if s > 0 && b == 0 { [2; D] } else { [1; D] };
                let shape = (from, config.features[s], stride);
                stage.push(Block::new(config, shape, &path.child(b))?);
                from = config.features[s] * config.block.expansion();
            }
        }
        Ok(Self {
            stem: ConvBatchNorm::new(
                &with_fan_out_init(stem),
                Activation::Relu,
                &path.child("conv1"),
                &path.child("bn1"),
            )?,
            stages,
            fc: Linear::new(
                &LinearConfig::new(from, config.out_channels),
                &path.child("fc"),
            )?,
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
    ///   `[batch, channels]`
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let image = inputs.image()?;
        check_input(NAME, image, self.config.in_channels, D)?;
        let mut features = Features::of(context);
        let mut out = self.stem.forward(image, context)?;
        features.keep("relu", &out);
        if self.config.stem_pool {
            let halving = ops::PoolConfig::new([3; D])
                .with_stride([2; D])
                .with_padding([1; D]);
            out = ops::max_pool(&out, &halving)?;
            features.keep("maxpool", &out);
        }
        for (name, stage) in ["layer1", "layer2", "layer3", "layer4"]
            .into_iter()
            .zip(&self.stages)
        {
            for block in stage {
                out = block.checkpointed(&out, context)?;
            }
            features.keep(name, &out);
        }
        let pooled = global_average::<D>(&out)?;
        features.keep("avgpool", &pooled);
        let logits = self.fc.forward(&pooled, context)?;
        Ok(Outputs::new(logits).with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
