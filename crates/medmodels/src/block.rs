//! Convolution, normalisation, dropout and activation in the orders networks have them, and what networks share around them.

use std::collections::BTreeMap;

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{
    BatchNorm, BatchNormConfig, Conv, ConvConfig, Dropout, DropoutUnit, GroupNorm, InstanceNorm,
    NormConfig,
};
use mednn::ops::{self, Activation};
use mednn::params::{Init, ParamPath};
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
            out = ops::activation(&out, self.activation)?;
        }
        Ok(out)
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
        Ok(Self {
            conv: Conv::new(config, conv)?,
            norm: BatchNorm::new(config.out_channels, &after, norm)?,
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

/// He-normal weights by the number of outputs one input reaches, as PyTorch counts them (groups are not), and bias zero.
pub(crate) fn with_fan_out_init<const D: usize>(conv: ConvConfig<D>) -> ConvConfig<D> {
    let fan_out = conv.out_channels * conv.kernel.iter().product::<usize>();
    let std = (2.0 / fan_out as f64).sqrt();
    conv.with_init(Init::Normal { mean: 0.0, std }, Some(Init::ZEROS))
}

/// The mean of each channel, `[batch, channels]`.
pub(crate) fn global_average<const D: usize>(features: &Tensor) -> mednn::Result<Tensor> {
    ops::flatten_from(&ops::adaptive_avg_pool(features, [1; D])?, 1)
}

/// The intermediate features that were asked for.
pub(crate) struct Features<'a> {
    context: &'a Context,
    kept: BTreeMap<String, Tensor>,
}

impl<'a> Features<'a> {
    pub(crate) fn of(context: &'a Context) -> Self {
        Self {
            context,
            kept: BTreeMap::new(),
        }
    }

    pub(crate) fn keep(&mut self, name: &str, value: &Tensor) {
        if self.context.wants_feature(name) {
            self.kept.insert(name.to_owned(), value.clone());
        }
    }

    pub(crate) fn into_map(self) -> BTreeMap<String, Tensor> {
        self.kept
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

/// That every axis is at least so long.
pub(crate) fn check_smallest(
    op: &'static str,
    image: &Tensor,
    smallest: usize,
) -> mednn::Result<()> {
    let too_short = image.dims().iter().skip(2).position(|&n| n < smallest);
    too_short.map_or(Ok(()), |axis| {
        Err(mednn::Error::Axis {
            op,
            tensor: "the image",
            axis: axis + 2,
            rule: format!("at least {smallest} long"),
            got: image.dims().to_vec(),
        })
    })
}
