//! The part of a SENet in front of its head.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::ConvConfig;
use mednn::ops::{self, Activation};
use mednn::params::{Init, ParamPath};

use super::{DEEP_STEM, EXPANSION, NAME, SENetBlock, SENetConfig, SMALLEST};
use crate::backbone::{Backbone, Level, below, pyramid};
use crate::blocks::{ConvBatchNorm, check_input, check_smallest, checkpointed};
use crate::blocks::{SqueezeConfig, SqueezeExcitation};
use crate::check::check_asked;
use crate::error::Result;

/// A convolution of MONAI's, drawn He-normal by its inputs; the normalisation stands in a block beside it.
fn layer<const D: usize>(
    config: ConvConfig<D>,
    activation: Activation,
    path: &ParamPath,
) -> mednn::Result<ConvBatchNorm<D>> {
    let (conv, norm) = (path.child("conv"), path.child("adn.N"));
    ConvBatchNorm::new(&drawn(config), activation, &conv, &norm)
}

fn drawn<const D: usize>(config: ConvConfig<D>) -> ConvConfig<D> {
    config
        .with_bias(false)
        .with_init(Init::KaimingNormal { slope: 0.0 }, None)
}

/// Three convolutions and squeeze-and-excitation beside a shortcut, a rectifier behind their sum.
#[derive(Debug, Clone)]
struct Block<const D: usize> {
    convs: [ConvBatchNorm<D>; 3],
    squeeze: SqueezeExcitation<D>,
    project: Option<ConvBatchNorm<D>>,
}

impl<const D: usize> Block<D> {
    fn new(
        config: &SENetConfig,
        (from, features, stride): (usize, usize, usize),
        project_kernel: Option<usize>,
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let to = EXPANSION * features;
        let [first, second] = config.widths(features);
        let strides = match config.block {
            SENetBlock::ResNet => [stride, 1],
            SENetBlock::Wide | SENetBlock::ResNeXt => [1, stride],
        };
        let conv = |from, to, kernel, stride| {
            ConvConfig::same(from, to, [kernel; D]).with_stride([stride; D])
        };
        let mut middle = conv(first, second, 3, strides[1]);
        middle.geometry.groups = config.groups;
        let squeeze = SqueezeConfig {
            features: to / config.reduction,
            activation: Activation::Relu,
            gate: Activation::Sigmoid,
        };
        let fc = path.child("se_layer.fc");
        let project = |kernel| {
            let config = conv(from, to, kernel, stride);
            layer(config, Activation::None, &path.child("project"))
        };
        Ok(Self {
            convs: [
                layer(
                    conv(from, first, 1, strides[0]),
                    Activation::Relu,
                    &path.child("conv1"),
                )?,
                layer(middle, Activation::Relu, &path.child("conv2"))?,
                layer(
                    conv(second, to, 1, 1),
                    Activation::None,
                    &path.child("conv3"),
                )?,
            ],
            squeeze: SqueezeExcitation::linear(to, squeeze, &[fc.child(0), fc.child(2)])?,
            project: project_kernel.map(project).transpose()?,
        })
    }

    fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        checkpointed(self, [input.clone()], context, |block, [input], context| {
            block.sum(&input, context)
        })
    }

    fn sum(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let mut out = input.clone();
        for conv in &self.convs {
            out = conv.forward(&out, context)?;
        }
        out = self.squeeze.forward(&out, context)?;
        let sum = match &self.project {
            Some(project) => ops::add(&out, &project.forward(input, context)?)?,
            None => ops::add(&out, input)?,
        };
        ops::activation(&sum, Activation::Relu)
    }
}

/// A stem and four stages for `D` spatial axes: [`SENet`](super::SENet) without its head.
#[derive(Debug)]
pub struct SENetFeatures<const D: usize> {
    config: SENetConfig,
    path: ParamPath,
    stem: Vec<ConvBatchNorm<D>>,
    stages: [Vec<Block<D>>; 4],
}

impl<const D: usize> SENetFeatures<D> {
    /// The modules `layer0` to `layer4` with new parameters below `path`, drawn as MONAI does; the classes of the settings
    /// are of no meaning.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &SENetConfig, path: &ParamPath) -> Result<Self> {
        config.check()?;
        check_asked(NAME, config.spatial_dims, D)?;
        let mut from = config.stem;
        let mut stages = [const { Vec::new() }; 4];
        for (s, stage) in stages.iter_mut().enumerate() {
            let path = path.child(STAGES[s]);
            for b in 0..config.blocks[s] {
                let stride = if s > 0 && b == 0 { 2 } else { 1 };
                let to = EXPANSION * config.features[s];
                let kernel = if s > 0 { config.shortcut_kernel } else { 1 };
                let project = (b == 0 && (stride != 1 || from != to)).then_some(kernel);
                let shape = (from, config.features[s], stride);
                stage.push(Block::new(config, shape, project, &path.child(b))?);
                from = to;
            }
        }
        Ok(Self {
            stem: stem(config, &path.child("layer0"))?,
            stages,
            path: path.clone(),
            config: config.clone(),
        })
    }

    /// Runs the network and shows what its modules give, with their names; the features of the last are the result.
    pub(crate) fn walk(
        &self,
        image: &Tensor,
        context: &Context,
        show: &mut dyn FnMut(&str, &Tensor),
    ) -> mednn::Result<Tensor> {
        check_input(NAME, image, self.config.in_channels, D)?;
        check_smallest(NAME, image, SMALLEST)?;
        let mut show = |name: &str, value: &Tensor| show(self.path.child(name).name(), value);
        let mut out = image.clone();
        for conv in &self.stem {
            out = conv.forward(&out, context)?;
        }
        show(&self.config.stem_name(), &out);
        let halving = ops::PoolConfig::new([3; D])
            .with_stride([2; D])
            .with_ceil_mode(true);
        out = ops::max_pool(&out, &halving)?;
        show("layer0", &out);
        for (name, stage) in STAGES.into_iter().zip(&self.stages) {
            for block in stage {
                out = block.forward(&out, context)?;
            }
            show(name, &out);
        }
        Ok(out)
    }
}

const STAGES: [&str; 4] = ["layer1", "layer2", "layer3", "layer4"];

/// The convolutions before the pooling.
fn stem<const D: usize>(
    config: &SENetConfig,
    path: &ParamPath,
) -> mednn::Result<Vec<ConvBatchNorm<D>>> {
    let same = |from, to, kernel| ConvConfig::same(from, to, [kernel; D]);
    let convs = if config.deep_stem {
        vec![
            same(config.in_channels, DEEP_STEM, 3).with_stride([2; D]),
            same(DEEP_STEM, DEEP_STEM, 3),
            same(DEEP_STEM, config.stem, 3),
        ]
    } else {
        vec![same(config.in_channels, config.stem, 7).with_stride([2; D])]
    };
    let layer = |(place, conv): (usize, ConvConfig<D>)| {
        let (conv_path, norm) = (
            path.child(format!("conv{place}")),
            path.child(format!("bn{place}")),
        );
        ConvBatchNorm::new(&drawn(conv), Activation::Relu, &conv_path, &norm)
    };
    (1..).zip(convs).map(layer).collect()
}

impl SENetConfig {
    /// The last rectifier of the stem.
    fn stem_name(&self) -> String {
        format!("layer0.relu{}", if self.deep_stem { 3 } else { 1 })
    }

    /// The levels of the features, named from their root: the stem before its pooling, and the stages.
    pub(crate) fn levels(&self) -> Vec<Level> {
        let stride = |at: usize| vec![2 << at; self.spatial_dims];
        let stem = Level::new(self.stem_name(), self.stem, stride(0));
        let stages = STAGES.into_iter().zip(self.features);
        let stages = (1..)
            .zip(stages)
            .map(|(at, (name, features))| Level::new(name, EXPANSION * features, stride(at)));
        std::iter::once(stem).chain(stages).collect()
    }

    /// What a file of the classifier holds behind the features, from the classifier's root.
    pub(crate) fn behind(&self) -> Vec<String> {
        vec!["last_linear.*".to_owned()]
    }
}

impl<const D: usize> Backbone for SENetFeatures<D> {
    /// The stem before its pooling (`layer0.relu1`, `layer0.relu3` if it is deep) and the stages `layer1` to `layer4`.
    fn levels(&self) -> Vec<Level> {
        below(&self.path, self.config.levels())
    }

    fn pyramid(&self, image: &Tensor, context: &Context) -> mednn::Result<Vec<Tensor>> {
        pyramid(&self.levels(), |show| self.walk(image, context, show))
    }
}
