//! The part of a VGG network in front of its pooling to 7x7.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Conv, ConvConfig};
use mednn::ops::{self, Activation};
use mednn::params::ParamPath;

use super::{NAME, SMALLEST, VggConfig};
use crate::backbone::{Backbone, Level, below, pyramid};
use crate::blocks::{ConvBatchNorm, check_input, check_smallest, checkpointed, with_fan_out_init};
use crate::error::Result;

/// A convolution of size 3 that ends in a rectifier.
#[derive(Debug, Clone)]
enum Layer {
    Plain(Conv<2>),
    Normalised(ConvBatchNorm<2>),
}

impl Layer {
    fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        match self {
            Self::Plain(conv) => ops::activation(&conv.forward(input, context)?, Activation::Relu),
            Self::Normalised(conv) => conv.forward(input, context),
        }
    }
}

/// Convolutions of one resolution, then max pooling by two.
#[derive(Debug, Clone)]
struct Stage {
    layers: Vec<Layer>,
    /// The name of what it gives: that of its pooling.
    name: String,
}

impl Stage {
    /// Its modules are numbered from `next` on, as are those of all stages.
    fn new(
        config: &VggConfig,
        (from, to, convs): (usize, usize, usize),
        next: &mut usize,
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let layer = |c: usize| {
            let conv =
                with_fan_out_init(ConvConfig::same(if c == 0 { from } else { to }, to, [3; 2]));
            let (conv_path, norm_path) = (path.child(*next), path.child(*next + 1));
            // The rectifier is a module, too.
            *next += config.modules();
            Ok(if config.batch_norm {
                Layer::Normalised(ConvBatchNorm::new(
                    &conv,
                    Activation::Relu,
                    &conv_path,
                    &norm_path,
                )?)
            } else {
                Layer::Plain(Conv::new(&conv, &conv_path)?)
            })
        };
        let layers = (0..convs).map(layer).collect::<mednn::Result<_>>()?;
        let name = path.child(*next).name().to_owned();
        *next += 1;
        Ok(Self { layers, name })
    }

    fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let mut out = input.clone();
        for layer in &self.layers {
            out = layer.forward(&out, context)?;
        }
        ops::max_pool(&out, &ops::PoolConfig::new([2; 2]))
    }

    /// As [`Stage::forward`], with a checkpoint around it.
    fn checkpointed(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        checkpointed(self, [input.clone()], context, |stage, [input], context| {
            stage.forward(&input, context)
        })
    }
}

/// Five stages of convolutions of size 3: [`Vgg`](super::Vgg) without its head.
#[derive(Debug)]
pub struct VggFeatures {
    config: VggConfig,
    path: ParamPath,
    stages: Vec<Stage>,
}

impl VggFeatures {
    /// The modules `features.0` and on with new parameters below `path`, drawn as torchvision does; the classes of the
    /// settings are of no meaning.
    ///
    /// # Errors
    /// Refuses settings out of range and names that are taken.
    pub fn new(config: &VggConfig, path: &ParamPath) -> Result<Self> {
        config.check()?;
        let list = path.child("features");
        let (mut stages, mut from, mut next) = (Vec::new(), config.in_channels, 0);
        for (to, convs) in config.features.into_iter().zip(config.convs) {
            stages.push(Stage::new(config, (from, to, convs), &mut next, &list)?);
            from = to;
        }
        Ok(Self {
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
        check_input(NAME, image, self.config.in_channels, 2)?;
        check_smallest(NAME, image, SMALLEST)?;
        let mut out = image.clone();
        for stage in &self.stages {
            out = stage.checkpointed(&out, context)?;
            show(&stage.name, &out);
        }
        Ok(out)
    }
}

impl VggConfig {
    /// Modules of a convolution: itself, its normalisation, where there is one, and its rectifier.
    fn modules(&self) -> usize {
        if self.batch_norm { 3 } else { 2 }
    }

    /// The levels of the features, named from their root: the poolings.
    pub(crate) fn levels(&self) -> Vec<Level> {
        let mut next = 0;
        let level = |(s, (&convs, &features)): (usize, (&usize, &usize))| {
            next += convs * self.modules() + 1;
            Level::new(format!("features.{}", next - 1), features, vec![2 << s; 2])
        };
        let stages = self.convs.iter().zip(&self.features);
        stages.enumerate().map(level).collect()
    }

    /// What a file of the classifier holds behind the features, from the classifier's root.
    pub(crate) fn behind(&self) -> Vec<String> {
        vec!["classifier.**".to_owned()]
    }
}

impl Backbone for VggFeatures {
    /// The poolings behind the five stages: with 16 layers `features.4`, `features.9`, `features.16`, `features.23` and
    /// `features.30`.
    fn levels(&self) -> Vec<Level> {
        below(&self.path, self.config.levels())
    }

    fn pyramid(&self, image: &Tensor, context: &Context) -> mednn::Result<Vec<Tensor>> {
        pyramid(&self.levels(), |show| self.walk(image, context, show))
    }
}
