//! Two convolutions, with or without a shortcut beside them: MONAI's `UnetResBlock` and `UnetBasicBlock`.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{ConvConfig, DropoutUnit};
use mednn::ops::Activation;
use mednn::params::ParamPath;

use crate::blocks::residual::{ResidualBlock, Shortcut};
use crate::blocks::{
    AdnConfig, AdnPaths, AdnStep, ConvBlock, Nonlinearity, Normalization, checkpointed,
};

/// What a [`UnetBlock`] consists of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnetBlockConfig<const D: usize> {
    pub(crate) in_channels: usize,
    pub(crate) out_channels: usize,
    pub(crate) kernel: [usize; D],
    /// By what the first convolution divides extents.
    pub(crate) stride: [usize; D],
    pub(crate) normalization: Normalization,
    /// What follows a normalisation or the sum; without parameters.
    pub(crate) activation: Nonlinearity,
    /// Probability that training drops a value behind a convolution.
    pub(crate) dropout: f64,
    /// Whether the input is added to what the convolutions make of it.
    pub(crate) residual: bool,
    /// Whether weights are drawn as nnU-Net does.
    pub(crate) nnunet_init: bool,
}

impl<const D: usize> UnetBlockConfig<D> {
    /// A block with a shortcut, kernels of 3 and MONAI's slope below zero.
    pub(crate) fn new(
        in_channels: usize,
        out_channels: usize,
        normalization: Normalization,
    ) -> Self {
        Self {
            in_channels,
            out_channels,
            kernel: [3; D],
            stride: [1; D],
            normalization,
            activation: Nonlinearity::LeakyRelu { slope: 0.01 },
            dropout: 0.0,
            residual: true,
            nnunet_init: false,
        }
    }

    /// Convolution `conv1`, `conv2` or `conv3`, dropout and normalisation, and an activation where it is wanted.
    fn conv(&self, place: usize, activated: bool, path: &ParamPath) -> mednn::Result<ConvBlock<D>> {
        let (from, kernel, stride) = match place {
            1 => (self.in_channels, self.kernel, self.stride),
            2 => (self.out_channels, self.kernel, [1; D]),
            _ => (self.in_channels, [1; D], self.stride),
        };
        let steps = if activated { 3 } else { 2 };
        let adn = AdnConfig {
            norm: self.normalization,
            activation: self.activation,
            dropout: self.dropout,
            dropout_unit: DropoutUnit::Element,
            order: &AdnStep::DNA[..steps],
        };
        let conv = path.child(format!("conv{place}"));
        let paths = AdnPaths {
            norm: path.child(format!("norm{place}")),
            dropout: conv.child("adn").child("D"),
            activation: path.child("lrelu"),
        };
        let mut config = strided(from, self.out_channels, kernel, stride);
        if self.nnunet_init {
            config = config.with_nnunet_init();
        }
        ConvBlock::new(&config, &adn, &conv.child("conv"), &paths)
    }
}

/// A convolution without bias that divides extents by its stride, however long that is.
fn strided<const D: usize>(
    from: usize,
    to: usize,
    kernel: [usize; D],
    stride: [usize; D],
) -> ConvConfig<D> {
    let mut config = ConvConfig::same(from, to, kernel)
        .with_stride(stride)
        .with_bias(false);
    config.geometry.padding = std::array::from_fn(|axis| {
        let padding = (kernel[axis] + 1 - stride[axis]) / 2;
        (padding, padding)
    });
    config
}

/// Two convolutions, each normalised.
#[derive(Debug, Clone)]
pub(crate) enum UnetBlock<const D: usize> {
    Plain([ConvBlock<D>; 2]),
    Residual(ResidualBlock<D>),
}

impl<const D: usize> UnetBlock<D> {
    /// A block with MONAI's names: `conv1.conv`, `norm1` and on.
    pub(crate) fn new(config: &UnetBlockConfig<D>, path: &ParamPath) -> mednn::Result<Self> {
        let first = config.conv(1, true, path)?;
        let second = config.conv(2, !config.residual, path)?;
        if !config.residual {
            return Ok(Self::Plain([first, second]));
        }
        let reshapes = config.in_channels != config.out_channels || config.stride != [1; D];
        let projection = reshapes.then(|| config.conv(3, false, path));
        Ok(Self::Residual(ResidualBlock {
            convs: vec![first, second],
            shortcut: Shortcut {
                pool: None,
                projection: projection.transpose()?,
            },
            activation: config.activation.operator().unwrap_or(Activation::None),
        }))
    }

    /// # Shapes
    /// - input: `[batch, in_channels, depth, height, width]`
    /// - output: `[batch, out_channels, ...]`, the spatial shape divided by the stride
    pub(crate) fn forward(&self, input: Tensor, context: &Context) -> mednn::Result<Tensor> {
        match self {
            Self::Plain([first, second]) => {
                let out = first.forward(&input, context)?;
                drop(input);
                second.forward(&out, context)
            }
            Self::Residual(block) => block.forward(input, context),
        }
    }

    /// As [`UnetBlock::forward`], with a checkpoint around it.
    pub(crate) fn checkpointed(&self, input: Tensor, context: &Context) -> mednn::Result<Tensor> {
        checkpointed(self, [input], context, |block, [input], context| {
            block.forward(input, context)
        })
    }
}
