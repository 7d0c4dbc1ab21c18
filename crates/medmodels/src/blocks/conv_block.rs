//! A convolution with what follows it.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{BatchNorm, BatchNormConfig, Conv, ConvConfig};
use mednn::ops::Activation;
use mednn::params::ParamPath;

use super::{Adn, AdnConfig, AdnPaths};

/// One convolution with what follows it.
#[derive(Debug, Clone)]
pub(crate) struct ConvBlock<const D: usize> {
    conv: Conv<D>,
    adn: Adn,
}

impl<const D: usize> ConvBlock<D> {
    /// A block whose convolution and further steps have these paths.
    pub(crate) fn new(
        conv: &ConvConfig<D>,
        adn: &AdnConfig<'_>,
        path: &ParamPath,
        paths: &AdnPaths,
    ) -> mednn::Result<Self> {
        Ok(Self {
            conv: Conv::new(conv, path)?,
            adn: Adn::new(conv.out_channels, adn, paths)?,
        })
    }

    /// MONAI's `Convolution`: `conv` and `adn` below the path.
    pub(crate) fn monai(
        conv: &ConvConfig<D>,
        adn: &AdnConfig<'_>,
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        Self::new(conv, adn, &path.child("conv"), &AdnPaths::monai(path))
    }

    /// # Shapes
    /// - input: `[batch, in_channels, depth, height, width]`
    /// - output: `[batch, out_channels, ...]`, the spatial shape divided by the stride
    pub(crate) fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let convolved = self.conv.forward(input, context)?;
        self.adn.forward(convolved, context)
    }
}

/// A convolution without dropout and its batch normalisation, which may end in an activation.
#[derive(Debug, Clone)]
pub(crate) struct ConvBatchNorm<const D: usize> {
    conv: Conv<D>,
    norm: BatchNorm,
}

impl<const D: usize> ConvBatchNorm<D> {
    /// A block whose convolution and normalisation have these paths.
    pub(crate) fn new(
        config: &ConvConfig<D>,
        activation: Activation,
        conv: &ParamPath,
        norm: &ParamPath,
    ) -> mednn::Result<Self> {
        let after = BatchNormConfig::default().with_activation(activation);
        Self::with_norm(config, &after, conv, norm)
    }

    /// A block whose normalisation has other settings than PyTorch's.
    pub(crate) fn with_norm(
        config: &ConvConfig<D>,
        after: &BatchNormConfig,
        conv: &ParamPath,
        norm: &ParamPath,
    ) -> mednn::Result<Self> {
        Ok(Self {
            conv: Conv::new(config, conv)?,
            norm: BatchNorm::new(config.out_channels, after, norm)?,
        })
    }

    /// # Shapes
    /// - input: `[batch, in_channels, depth, height, width]`
    /// - output: `[batch, out_channels, ...]`
    pub(crate) fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let out = self.conv.forward(input, context)?;
        self.norm.forward(&out, context)
    }
}
