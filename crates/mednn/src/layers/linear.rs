//! The linear layer.

use candle_core::Tensor;

use crate::context::Context;
use crate::error::Result;
use crate::ops;
use crate::params::{Init, Param, ParamPath};

/// Settings of [`Linear`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LinearConfig {
    /// Features of the input.
    pub inputs: usize,
    /// Features of the output.
    pub outputs: usize,
    /// Whether there is a bias.
    pub bias: bool,
    /// How the weight is drawn.
    pub weight_init: Init,
    /// How the bias is drawn; PyTorch's way when not set.
    pub bias_init: Option<Init>,
}

impl LinearConfig {
    /// A layer with bias, drawn as PyTorch does.
    #[must_use]
    pub fn new(inputs: usize, outputs: usize) -> Self {
        Self {
            inputs,
            outputs,
            bias: true,
            weight_init: Init::PYTORCH_WEIGHT,
            bias_init: None,
        }
    }

    /// Sets whether there is a bias.
    #[must_use]
    pub fn with_bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// Sets how weight and bias are drawn.
    #[must_use]
    pub fn with_init(mut self, weight: Init, bias: Option<Init>) -> Self {
        self.weight_init = weight;
        self.bias_init = bias;
        self
    }
}

/// A linear map of the last axis.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use mednn::layers::{Linear, LinearConfig};
/// use mednn::{Context, Params};
///
/// let params = Params::new(7);
/// let head = Linear::new(&LinearConfig::new(8, 3), &params.root().child("head"))?;
/// assert_eq!(params.names(), ["head.bias", "head.weight"]);
/// let tokens = Tensor::zeros((2, 5, 8), DType::F32, &Device::Cpu)?;
/// assert_eq!(head.forward(&tokens, &Context::evaluate())?.dims(), [2, 5, 3]);
/// # Ok::<(), mednn::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Linear {
    weight: Param,
    bias: Option<Param>,
}

impl Linear {
    /// A layer with the parameters `weight` (`[outputs, inputs]`) and `bias` (`[outputs]`).
    ///
    /// # Errors
    /// Refuses names that are taken.
    pub fn new(config: &LinearConfig, path: &ParamPath) -> Result<Self> {
        let shape = [config.outputs, config.inputs];
        let bias_init = config
            .bias_init
            .unwrap_or_else(|| Init::pytorch_bias(&shape));
        Ok(Self {
            weight: path.parameter("weight", &shape, config.weight_init)?,
            bias: config
                .bias
                .then(|| path.parameter("bias", &shape[..1], bias_init))
                .transpose()?,
        })
    }

    /// Applies the map.
    ///
    /// # Shapes
    /// - input: `[..., inputs]`
    /// - output: `[..., outputs]`
    ///
    /// # Errors
    /// See [`ops::linear`](crate::ops::linear()).
    pub fn forward(&self, input: &Tensor, context: &Context) -> Result<Tensor> {
        let bias = self.bias.as_ref().map(|bias| bias.tensor(context));
        ops::linear(input, &self.weight.tensor(context), bias.as_ref())
    }

    /// The weight, `[outputs, inputs]`.
    #[must_use]
    pub fn weight(&self) -> &Param {
        &self.weight
    }

    /// The bias, `[outputs]`.
    #[must_use]
    pub fn bias(&self) -> Option<&Param> {
        self.bias.as_ref()
    }
}
