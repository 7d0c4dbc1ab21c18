//! Normalisations and activations by name.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{BatchNorm, BatchNormConfig, GroupNorm, InstanceNorm, NormConfig};
use mednn::ops::{self, Activation};
use mednn::params::{Init, Param, ParamPath};
use serde::{Deserialize, Serialize};

/// Which statistics features are normalised by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Normalization {
    /// Each channel of each item by itself, with trained scale and shift; epsilon 1e-5.
    Instance,
    /// Each channel of each item by itself, with nothing trained (PyTorch's default); epsilon 1e-5.
    PlainInstance,
    /// Each channel over the batch, with running statistics; epsilon 1e-5, momentum 0.1.
    Batch,
    /// Each channel over the batch, with running statistics.
    BatchWith {
        /// Added to the variance.
        epsilon: f64,
        /// The weight of a new batch in the running statistics.
        momentum: f64,
    },
    /// Groups of channels of each item; epsilon 1e-5.
    Group {
        /// Number of groups; divides every number of features.
        groups: usize,
    },
}

impl Normalization {
    /// Whether a channel needs more than one voxel.
    pub(crate) fn is_of_instances(self) -> bool {
        matches!(self, Self::Instance | Self::PlainInstance)
    }
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
    /// `x` above zero, `weight * x` below, with one trained weight for all channels.
    Prelu {
        /// The weight at first, 0.25 in PyTorch.
        init: f64,
    },
    /// `x` above zero, `weight * x` below, with one trained weight for each channel.
    ChannelPrelu {
        /// The weights at first, 0.25 in PyTorch.
        init: f64,
    },
    /// `x` above zero, `alpha * (exp(x) - 1)` below.
    Elu {
        /// Minus the limit at minus infinity, 1 in PyTorch.
        alpha: f64,
    },
    /// `x * Phi(x)` with the normal distribution function.
    Gelu,
    /// `x * sigmoid(x)`, also called Swish.
    Silu,
    /// `x * tanh(softplus(x))`.
    Mish,
}

impl Nonlinearity {
    /// The operator, where nothing of it is trained.
    pub(crate) fn operator(self) -> Option<Activation> {
        Some(match self {
            Self::Relu => Activation::Relu,
            Self::LeakyRelu { slope } => Activation::LeakyRelu { slope },
            Self::Prelu { .. } | Self::ChannelPrelu { .. } => return None,
            Self::Elu { alpha } => Activation::Elu { alpha },
            Self::Gelu => Activation::Gelu,
            Self::Silu => Activation::Silu,
            Self::Mish => Activation::Mish,
        })
    }
}

/// An activation as a layer.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Fixed(Activation),
    Prelu(Param),
}

impl Act {
    /// A layer for this many channels whose parameter, if it has one, is `weight`.
    pub(crate) fn new(
        kind: Nonlinearity,
        channels: usize,
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let prelu = |weights, init| {
            let init = Init::Constant(init);
            Ok(Self::Prelu(path.parameter("weight", &[weights], init)?))
        };
        match (kind, kind.operator()) {
            (_, Some(operator)) => Ok(Self::Fixed(operator)),
            (Nonlinearity::Prelu { init }, None) => prelu(1, init),
            (Nonlinearity::ChannelPrelu { init }, None) => prelu(channels, init),
            (_, None) => unreachable!("PReLU alone has parameters"),
        }
    }

    pub(crate) fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        match self {
            Self::Fixed(activation) => ops::activation(input, *activation),
            Self::Prelu(weight) => ops::prelu(input, &weight.tensor(context)),
        }
    }
}

/// A normalisation that ends in an activation.
#[derive(Debug, Clone)]
pub(crate) enum Norm {
    Instance(InstanceNorm),
    Batch(BatchNorm),
    Group(GroupNorm),
}

impl Norm {
    pub(crate) fn new(
        channels: usize,
        kind: Normalization,
        activation: Activation,
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let config = NormConfig::default().with_activation(activation);
        Ok(match kind {
            Normalization::Instance => Self::Instance(InstanceNorm::new(channels, &config, path)?),
            Normalization::PlainInstance => {
                let config = config.with_affine(false);
                Self::Instance(InstanceNorm::new(channels, &config, path)?)
            }
            Normalization::Group { groups } => {
                Self::Group(GroupNorm::new(groups, channels, &config, path)?)
            }
            Normalization::Batch => {
                let config = BatchNormConfig::default().with_activation(activation);
                Self::Batch(BatchNorm::new(channels, &config, path)?)
            }
            Normalization::BatchWith { epsilon, momentum } => {
                let config = BatchNormConfig::default()
                    .with_epsilon(epsilon)
                    .with_momentum(Some(momentum))
                    .with_activation(activation);
                Self::Batch(BatchNorm::new(channels, &config, path)?)
            }
        })
    }

    pub(crate) fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        match self {
            Self::Instance(norm) => norm.forward(input, context),
            Self::Batch(norm) => norm.forward(input, context),
            Self::Group(norm) => norm.forward(input, context),
        }
    }
}
