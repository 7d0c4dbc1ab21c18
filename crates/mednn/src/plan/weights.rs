//! Convolutions and linear maps with their weights in the order of the kernels.

use std::collections::BTreeMap;
use std::fmt;

use candle_core::Tensor;

use super::fuse::{FixedNorm, Kernel};
use crate::error::Result;
use crate::ops::conv::ConvConfig;
use crate::ops::prepared_conv::{ChannelAffine, ConvTail, PreparedConv, Residual};
use crate::ops::prepared_linear::PreparedLinear;
use crate::params::Params;

/// A prepared convolution in as many dimensions as it was recorded in, or a prepared linear map.
#[derive(Debug, Clone)]
pub(super) enum Weighted {
    Linear(PreparedLinear),
    One(PreparedConv<1>),
    Two(PreparedConv<2>),
    Three(PreparedConv<3>),
}

impl Weighted {
    pub(super) fn new(kernel: &Kernel, params: &Params) -> Result<Self> {
        let weight = params.tensor(&kernel.weight)?;
        let bias = kernel.bias.as_deref().map(|name| params.tensor(name));
        let bias = bias.transpose()?;
        let Some(config) = &kernel.config else {
            let linear = PreparedLinear::new(&weight, bias.as_ref(), kernel.activation)?;
            return Ok(Self::Linear(linear));
        };
        let mut tail = ConvTail::new().with_activation(kernel.activation);
        if let Some(norm) = &kernel.norm {
            tail = tail.with_affine(norm.affine(params)?);
        }
        /// With as many axes as strides.
        macro_rules! in_axes {
            ($variant:ident) => {{
                let config = ConvConfig::from(config);
                Self::$variant(PreparedConv::new(&weight, bias.as_ref(), &config, &tail)?)
            }};
        }
        Ok(match config.stride.len() {
            1 => in_axes!(One),
            2 => in_axes!(Two),
            _ => in_axes!(Three),
        })
    }

    pub(super) fn forward(
        &self,
        input: &Tensor,
        residual: Option<Residual<&Tensor>>,
    ) -> Result<Tensor> {
        match self {
            Self::Linear(linear) => linear.forward(input, residual),
            Self::One(conv) => conv.forward(input, residual),
            Self::Two(conv) => conv.forward(input, residual),
            Self::Three(conv) => conv.forward(input, residual),
        }
    }
}

impl fmt::Display for Weighted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Linear(linear) => linear.fmt(f),
            Self::One(conv) => conv.fmt(f),
            Self::Two(conv) => conv.fmt(f),
            Self::Three(conv) => conv.fmt(f),
        }
    }
}

impl FixedNorm {
    fn affine(&self, params: &Params) -> Result<ChannelAffine> {
        let tensor = |name: &String| params.tensor(name);
        let scale = self.scale.as_ref().map(tensor).transpose()?;
        let shift = self.shift.as_ref().map(tensor).transpose()?;
        let statistics = (&tensor(&self.mean)?, &tensor(&self.variance)?);
        ChannelAffine::of_batch_norm(statistics, scale.as_ref().zip(shift.as_ref()), self.epsilon)
    }
}

/// What was prepared for one plan and serves the next.
#[derive(Debug, Default)]
pub(super) struct Weights {
    /// By everything that decides them.
    prepared: BTreeMap<String, Weighted>,
}

impl Weights {
    pub(super) fn weighted(&mut self, kernel: &Kernel, params: &Params) -> Result<Weighted> {
        let key = format!("{kernel:?}");
        if let Some(found) = self.prepared.get(&key) {
            return Ok(found.clone());
        }
        let prepared = Weighted::new(kernel, params)?;
        self.prepared.insert(key, prepared.clone());
        Ok(prepared)
    }
}
