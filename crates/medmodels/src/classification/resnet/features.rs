//! The part of a residual network in front of its head.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::ConvConfig;
use mednn::ops::{self, Activation};
use mednn::params::ParamPath;

use super::{NAME, ResNetBlock, ResNetConfig, ResNetShortcut};
use crate::backbone::{Backbone, Level, below, pyramid};
use crate::blocks::{ConvBatchNorm, check_input, checkpointed, per_axis, with_fan_out_init};
use crate::check::check_asked;
use crate::error::Result;

/// What is added to the result of a block.
#[derive(Debug, Clone)]
enum Shortcut<const D: usize> {
    Identity,
    Projection(Box<ConvBatchNorm<D>>),
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

/// What differs between the blocks of a network.
struct BlockShape<const D: usize> {
    from: usize,
    features: usize,
    stride: [usize; D],
    dilation: usize,
}

/// Convolutions beside a shortcut, a rectifier behind their sum.
#[derive(Debug, Clone)]
struct Block<const D: usize> {
    convs: Vec<ConvBatchNorm<D>>,
    shortcut: Shortcut<D>,
}

impl<const D: usize> Block<D> {
    fn new(config: &ResNetConfig, shape: &BlockShape<D>, path: &ParamPath) -> mednn::Result<Self> {
        let &BlockShape {
            from,
            features,
            stride,
            dilation,
        } = shape;
        let width = config.width(features);
        let to = features * config.block.expansion();
        let conv = |from, to, size: usize| {
            let mut conv = ConvConfig::same(from, to, [size; D]).with_bias(false);
            if size > 1 {
                let geometry = conv.geometry.with_padding([(dilation, dilation); D]);
                conv = conv.with_geometry(geometry.with_dilation([dilation; D]));
            }
            with_fan_out_init(conv)
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
                let projection = ConvBatchNorm::new(&projection, Activation::None, &conv, &norm)?;
                Shortcut::Projection(Box::new(projection))
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
        checkpointed(self, [input.clone()], context, |block, [input], context| {
            block.forward(&input, context)
        })
    }
}

/// A stem and four stages of residual blocks for `D` spatial axes: [`ResNet`](super::ResNet) without its head, MONAI's
/// `ResNetFeatures`.
#[derive(Debug)]
pub struct ResNetFeatures<const D: usize> {
    config: ResNetConfig,
    path: ParamPath,
    stem: ConvBatchNorm<D>,
    stages: Vec<Vec<Block<D>>>,
}

impl<const D: usize> ResNetFeatures<D> {
    /// The modules `conv1`, `bn1` and `layer1` to `layer4` with new parameters below `path`, drawn as torchvision does;
    /// the classes of the settings are of no meaning.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &ResNetConfig, path: &ParamPath) -> Result<Self> {
        Self::up_to(config, STAGES.len(), path)
    }

    /// As [`ResNetFeatures::new`], so many of the stages, for what needs no coarser ones.
    ///
    /// # Errors
    /// As [`ResNetFeatures::new`].
    pub fn up_to(config: &ResNetConfig, stages: usize, path: &ParamPath) -> Result<Self> {
        config.check()?;
        check_asked(NAME, config.spatial_dims, D)?;
        let mut from = config.features[0];
        let stem = ConvConfig::same(config.in_channels, from, per_axis(&config.stem_kernel))
            .with_stride(per_axis(&config.stem_stride))
            .with_bias(false);
        let mut stages = vec![Vec::new(); stages.min(STAGES.len())];
        let mut dilation = 1;
        for (s, stage) in stages.iter_mut().enumerate() {
            let path = path.child(format!("layer{}", s + 1));
            let before = dilation;
            let dilates = s > 0 && config.dilated[s - 1];
            if dilates {
                dilation *= 2;
            }
            for b in 0..config.blocks[s] {
                let strides = s > 0 && b == 0 && !dilates;
                let as_before = b == 0 && !config.dilated_first_block;
                let shape = BlockShape {
                    from,
                    features: config.features[s],
                    stride: if strides { [2; D] } else { [1; D] },
                    dilation: if as_before { before } else { dilation },
                };
                stage.push(Block::new(config, &shape, &path.child(b))?);
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
            path: path.clone(),
            config: config.clone(),
        })
    }

    /// Channels of the last stage.
    #[must_use]
    pub fn out_channels(&self) -> usize {
        let features = self.config.features;
        match self.stages.len() {
            0 => features[0],
            stages => features[stages - 1] * self.config.block.expansion(),
        }
    }

    /// Runs the network and shows what its modules give, with their names; the features of the last are the result.
    pub(crate) fn walk(
        &self,
        image: &Tensor,
        context: &Context,
        show: &mut dyn FnMut(&str, &Tensor),
    ) -> mednn::Result<Tensor> {
        check_input(NAME, image, self.config.in_channels, D)?;
        let mut show = |name: &str, value: &Tensor| show(self.path.child(name).name(), value);
        let mut out = self.stem.forward(image, context)?;
        show("relu", &out);
        if self.config.stem_pool {
            let halving = ops::PoolConfig::new([3; D])
                .with_stride([2; D])
                .with_padding([1; D]);
            out = ops::max_pool(&out, &halving)?;
            show("maxpool", &out);
        }
        for (name, stage) in STAGES.into_iter().zip(&self.stages) {
            for block in stage {
                out = block.checkpointed(&out, context)?;
            }
            show(name, &out);
        }
        Ok(out)
    }
}

const STAGES: [&str; 4] = ["layer1", "layer2", "layer3", "layer4"];

impl ResNetConfig {
    /// The levels of the features, named from their root.
    pub(crate) fn levels(&self) -> Vec<Level> {
        let mut stride = self.stem_stride.clone();
        let mut levels = vec![Level::new("relu", self.features[0], stride.clone())];
        for (s, (name, features)) in STAGES.into_iter().zip(self.features).enumerate() {
            let halves = match s {
                0 => self.stem_pool,
                _ => !self.dilated[s - 1],
            };
            if halves {
                stride.iter_mut().for_each(|stride| *stride *= 2);
            }
            let channels = features * self.block.expansion();
            levels.push(Level::new(name, channels, stride.clone()));
        }
        levels
    }
}

impl<const D: usize> Backbone for ResNetFeatures<D> {
    /// The stem (`relu`) and the stages, of which there are four unless there were to be fewer.
    fn levels(&self) -> Vec<Level> {
        let mut levels = self.config.levels();
        levels.truncate(1 + self.stages.len());
        below(&self.path, levels)
    }

    fn pyramid(&self, image: &Tensor, context: &Context) -> mednn::Result<Vec<Tensor>> {
        pyramid(&self.levels(), |show| self.walk(image, context, show))
    }
}
