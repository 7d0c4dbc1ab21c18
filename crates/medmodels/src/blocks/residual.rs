//! Convolutions beside a shortcut, as nnU-Net's residual networks have them.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::ops::{self, Activation, PoolConfig};

use crate::blocks::ConvBlock;

/// What is added to the result of a [`ResidualBlock`].
#[derive(Debug, Clone)]
pub(crate) struct Shortcut<const D: usize> {
    /// Where the shortcut is not projected with a stride: average pooling in front of it (ResNet-D).
    pub(crate) pool: Option<PoolConfig<D>>,
    /// A convolution of size 1 and its normalisation, where the shape changes.
    pub(crate) projection: Option<ConvBlock<D>>,
}

impl<const D: usize> Shortcut<D> {
    fn forward(&self, input: Tensor, context: &Context) -> mednn::Result<Tensor> {
        let mut out = input;
        if let Some(pool) = &self.pool {
            out = ops::avg_pool(&out, pool)?;
        }
        match &self.projection {
            Some(projection) => projection.forward(&out, context),
            None => Ok(out),
        }
    }
}

/// Convolutions one after the other, a shortcut added to them where there is one, and an activation behind the sum.
#[derive(Debug, Clone)]
pub(crate) struct ResidualBlock<const D: usize> {
    pub(crate) convs: Vec<ConvBlock<D>>,
    pub(crate) shortcut: Shortcut<D>,
    pub(crate) activation: Activation,
}

impl<const D: usize> ResidualBlock<D> {
    /// # Shapes
    /// - input: `[batch, in_channels, depth, height, width]`
    /// - output: `[batch, out_channels, ...]`, the spatial shape divided by the stride
    pub(crate) fn forward(&self, input: Tensor, context: &Context) -> mednn::Result<Tensor> {
        let mut out = input.clone();
        for conv in &self.convs {
            out = conv.forward(&out, context)?;
        }
        let out = ops::add(&out, &self.shortcut.forward(input, context)?)?;
        ops::activation(&out, self.activation)
    }
}
