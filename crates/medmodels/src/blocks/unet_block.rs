//! Two convolutions, with or without a shortcut beside them: MONAI's `UnetResBlock` and `UnetBasicBlock`.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{ConvConfig, DropoutUnit};
use mednn::ops::{self, Activation};
use mednn::params::ParamPath;

use crate::blocks::{
    AdnConfig, AdnPaths, AdnStep, ConvBlock, Nonlinearity, Normalization, checkpointed,
};

/// MONAI's slope below zero in these blocks.
const SLOPE: f64 = 0.01;

/// What a [`UnetBlock`] consists of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnetBlockConfig {
    pub(crate) in_channels: usize,
    pub(crate) out_channels: usize,
    pub(crate) normalization: Normalization,
    /// Whether the input is added to what the convolutions make of it.
    pub(crate) residual: bool,
}

/// Two convolutions of size 3, each normalised, and leaky rectifiers.
#[derive(Debug, Clone)]
pub(crate) struct UnetBlock<const D: usize> {
    convs: [ConvBlock<D>; 2],
    /// Whether the input is added.
    residual: bool,
    /// What makes the input addable where the channels change.
    projection: Option<ConvBlock<D>>,
}

impl<const D: usize> UnetBlock<D> {
    /// A block with MONAI's names: `conv1.conv`, `norm1` and on.
    pub(crate) fn new(config: &UnetBlockConfig, path: &ParamPath) -> mednn::Result<Self> {
        let &UnetBlockConfig {
            in_channels: from,
            out_channels: to,
            residual,
            ..
        } = config;
        let normalized = &[AdnStep::Normalization][..];
        let activated = &[AdnStep::Normalization, AdnStep::Activation][..];
        let conv = |i: usize, from, size, order| {
            let adn = AdnConfig {
                norm: config.normalization,
                activation: Nonlinearity::LeakyRelu { slope: SLOPE },
                dropout: 0.0,
                dropout_unit: DropoutUnit::Element,
                order,
            };
            let conv = path.child(format!("conv{i}")).child("conv");
            let paths = AdnPaths {
                norm: path.child(format!("norm{i}")),
                dropout: conv.clone(),
                activation: path.child("lrelu"),
            };
            let config = ConvConfig::same(from, to, [size; D]).with_bias(false);
            ConvBlock::new(&config, &adn, &conv, &paths)
        };
        let last = if residual { normalized } else { activated };
        Ok(Self {
            convs: [conv(1, from, 3, activated)?, conv(2, to, 3, last)?],
            residual,
            projection: (residual && from != to)
                .then(|| conv(3, from, 1, normalized))
                .transpose()?,
        })
    }

    /// # Shapes
    /// - input: `[batch, in_channels, depth, height, width]`
    /// - output: `[batch, out_channels, depth, height, width]`
    pub(crate) fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        checkpointed(self, [input.clone()], context, |block, [input], context| {
            let out = block.convs[0].forward(&input, context)?;
            let out = block.convs[1].forward(&out, context)?;
            if !block.residual {
                return Ok(out);
            }
            let shortcut = match &block.projection {
                Some(projection) => projection.forward(&input, context)?,
                None => input,
            };
            let sum = ops::add(&out, &shortcut)?;
            ops::activation(&sum, Activation::LeakyRelu { slope: SLOPE })
        })
    }
}
