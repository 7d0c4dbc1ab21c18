//! The part of a densely connected network in front of its head.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{BatchNorm, BatchNormConfig, Conv, ConvConfig, Dropout, DropoutUnit};
use mednn::ops::{self, Activation};
use mednn::params::{Init, ParamPath};

use super::{DenseNetConfig, DenseNetConvention, NAME};
use crate::backbone::{Backbone, Level, below, pyramid};
use crate::blocks::{ConvBatchNorm, check_input, check_smallest, checkpointed};
use crate::check::check_asked;
use crate::error::Result;

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
        checkpointed(self, [input.clone()], context, |block, [input], context| {
            block.forward(&input, context)
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

/// Stem, dense blocks and transitions for `D` spatial axes: [`DenseNet`](super::DenseNet) without its head.
#[derive(Debug)]
pub struct DenseNetFeatures<const D: usize> {
    config: DenseNetConfig,
    path: ParamPath,
    stem: ConvBatchNorm<D>,
    blocks: Vec<DenseBlock<D>>,
    /// Behind all blocks but the last.
    transitions: Vec<Transition<D>>,
    norm5: BatchNorm,
}

impl<const D: usize> DenseNetFeatures<D> {
    /// The modules `conv0`, `norm0`, `denseblock1`, `transition1` and on, and `norm5` with new parameters below `path`,
    /// drawn as both references do; the classes of the settings are of no meaning.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &DenseNetConfig, path: &ParamPath) -> Result<Self> {
        config.check()?;
        check_asked(NAME, config.spatial_dims, D)?;
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
        Ok(Self {
            stem,
            blocks,
            transitions,
            norm5: norm_relu(from, &path.child("norm5"))?,
            path: path.clone(),
            config: config.clone(),
        })
    }

    /// Channels behind the last block.
    #[must_use]
    pub fn out_channels(&self) -> usize {
        self.config
            .channels()
            .pop()
            .unwrap_or(self.config.init_features)
    }

    /// Runs the network and shows what its modules give, with their names; the features of the last are the result.
    pub(crate) fn walk(
        &self,
        image: &Tensor,
        context: &Context,
        show: &mut dyn FnMut(&str, &Tensor),
    ) -> mednn::Result<Tensor> {
        check_input(NAME, image, self.config.in_channels, D)?;
        check_smallest(NAME, image, self.config.smallest())?;
        let mut show_child = |name: &str, value: &Tensor| show(self.path.child(name).name(), value);
        let halving = ops::PoolConfig::new([3; D])
            .with_stride([2; D])
            .with_padding([1; D]);
        let mut out = self.stem.forward(image, context)?;
        show_child(STEM, &out);
        out = ops::max_pool(&out, &halving)?;
        show_child("pool0", &out);
        for (b, block) in self.blocks.iter().enumerate() {
            out = block.checkpointed(&out, context)?;
            show_child(&format!("denseblock{}", b + 1), &out);
            if let Some(transition) = self.transitions.get(b) {
                out = transition.forward(&out, context)?;
                show_child(&format!("transition{}", b + 1), &out);
            }
        }
        out = self.norm5.forward(&out, context)?;
        show(self.path.name(), &out);
        Ok(out)
    }
}

/// The rectifier of the stem.
const STEM: &str = "relu0";

impl DenseNetConfig {
    /// Channels behind every block.
    fn channels(&self) -> Vec<usize> {
        let mut from = 2 * self.init_features;
        let after = |&layers: &usize| {
            from = from / 2 + layers * self.growth_rate;
            from
        };
        self.blocks.iter().map(after).collect()
    }

    /// The levels of the features, named from their root, which is the name of the last.
    pub(crate) fn levels(&self) -> Vec<Level> {
        let channels = self.channels();
        let last = channels.len();
        let level = |(b, channels): (usize, usize)| {
            let name = if b == last {
                String::new()
            } else {
                format!("denseblock{b}")
            };
            Level::new(name, channels, vec![2 << b; self.spatial_dims])
        };
        let stem = Level::new(STEM, self.init_features, vec![2; self.spatial_dims]);
        let blocks = (1..).zip(channels).map(level);
        std::iter::once(stem).chain(blocks).collect()
    }
}

impl<const D: usize> Backbone for DenseNetFeatures<D> {
    /// The stem (`relu0`), all blocks but the last, and the normalised features behind the last, which have the name of the
    /// backbone itself.
    fn levels(&self) -> Vec<Level> {
        below(&self.path, self.config.levels())
    }

    fn pyramid(&self, image: &Tensor, context: &Context) -> mednn::Result<Vec<Tensor>> {
        pyramid(&self.levels(), |show| self.walk(image, context, show))
    }
}
