//! Convolution, normalisation, dropout and activation, as both families of U-Nets order them.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{
    BatchNorm, BatchNormConfig, Conv, ConvConfig, Dropout, DropoutUnit, GroupNorm, InstanceNorm,
    NormConfig,
};
use mednn::ops::Activation;
use mednn::params::ParamPath;
use serde::{Deserialize, Serialize};

/// Which statistics features are normalised by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Normalization {
    /// Each channel of each item by itself, with trained scale and shift; epsilon 1e-5.
    Instance,
    /// Each channel over the batch, with running statistics; epsilon 1e-5, momentum 0.1.
    Batch,
    /// Groups of channels of each item; epsilon 1e-5.
    Group {
        /// Number of groups; divides every number of features.
        groups: usize,
    },
}

/// What follows a normalisation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Nonlinearity {
    /// `max(x, 0)`.
    Relu,
    /// `x` above zero, `slope * x` below.
    LeakyRelu {
        /// Slope below zero.
        slope: f64,
    },
}

impl Nonlinearity {
    fn activation(self) -> Activation {
        match self {
            Self::Relu => Activation::Relu,
            Self::LeakyRelu { slope } => Activation::LeakyRelu { slope },
        }
    }
}

/// A normalisation that ends in an activation.
#[derive(Debug, Clone)]
enum Norm {
    Instance(InstanceNorm),
    Batch(BatchNorm),
    Group(GroupNorm),
}

impl Norm {
    fn new(
        channels: usize,
        kind: Normalization,
        activation: Activation,
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let config = NormConfig::default().with_activation(activation);
        Ok(match kind {
            Normalization::Instance => Self::Instance(InstanceNorm::new(channels, &config, path)?),
            Normalization::Group { groups } => {
                Self::Group(GroupNorm::new(groups, channels, &config, path)?)
            }
            Normalization::Batch => {
                let config = BatchNormConfig::default().with_activation(activation);
                Self::Batch(BatchNorm::new(channels, &config, path)?)
            }
        })
    }

    fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        match self {
            Self::Instance(norm) => norm.forward(input, context),
            Self::Batch(norm) => norm.forward(input, context),
            Self::Group(norm) => norm.forward(input, context),
        }
    }
}

/// Where dropout stands in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DropoutPlace {
    /// Between normalisation and activation (MONAI's ordering NDA).
    BeforeActivation,
    /// Between convolution and normalisation (nnU-Net).
    AfterConv,
}

/// What a [`ConvBlock`] consists of.
#[derive(Debug, Clone)]
pub(crate) struct ConvBlockConfig<const D: usize> {
    pub(crate) conv: ConvConfig<D>,
    pub(crate) norm: Normalization,
    pub(crate) activation: Nonlinearity,
    pub(crate) dropout: f64,
    pub(crate) dropout_place: DropoutPlace,
}

/// One convolution with what follows it.
#[derive(Debug, Clone)]
pub(crate) struct ConvBlock<const D: usize> {
    conv: Conv<D>,
    norm: Norm,
    dropout: Option<Dropout>,
    dropout_place: DropoutPlace,
    activation: Activation,
}

impl<const D: usize> ConvBlock<D> {
    /// A block whose convolution and normalisation have these paths.
    pub(crate) fn new(
        config: &ConvBlockConfig<D>,
        conv: &ParamPath,
        norm: &ParamPath,
    ) -> mednn::Result<Self> {
        let activation = config.activation.activation();
        let drops = config.dropout > 0.0;
        // A dropout between the two keeps normalisation and activation from running in one pass.
        let apart = drops && config.dropout_place == DropoutPlace::BeforeActivation;
        let fused = if apart { Activation::None } else { activation };
        Ok(Self {
            norm: Norm::new(config.conv.out_channels, config.norm, fused, norm)?,
            dropout: drops
                .then(|| Dropout::new(config.dropout, DropoutUnit::Channel, &conv.child("dropout")))
                .transpose()?,
            dropout_place: config.dropout_place,
            activation: if apart { activation } else { Activation::None },
            conv: Conv::new(&config.conv, conv)?,
        })
    }

    /// # Shapes
    /// - input: `[batch, in_channels, depth, height, width]`
    /// - output: `[batch, out_channels, ...]`, the spatial shape divided by the stride
    pub(crate) fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let mut out = self.conv.forward(input, context)?;
        if let (Some(dropout), DropoutPlace::AfterConv) = (&self.dropout, self.dropout_place) {
            out = dropout.forward(&out, context)?;
        }
        out = self.norm.forward(&out, context)?;
        if let (Some(dropout), DropoutPlace::BeforeActivation) = (&self.dropout, self.dropout_place)
        {
            out = dropout.forward(&out, context)?;
            out = mednn::ops::activation(&out, self.activation)?;
        }
        Ok(out)
    }
}

/// The number of input channels, and that the spatial shape is what a network can work on.
pub(crate) fn check_input(
    op: &'static str,
    image: &Tensor,
    channels: usize,
    spatial_dims: usize,
) -> mednn::Result<()> {
    let dims = image.dims();
    if dims.len() != spatial_dims + 2 {
        return Err(mednn::Error::Rank {
            op,
            tensor: "the image",
            expected: (spatial_dims + 2).to_string(),
            got: dims.to_vec(),
        });
    }
    if dims[1] != channels {
        return Err(mednn::Error::Axis {
            op,
            tensor: "the image",
            axis: 1,
            rule: format!("{channels} channels long"),
            got: dims.to_vec(),
        });
    }
    Ok(())
}
