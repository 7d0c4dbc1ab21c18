//! Attention of several heads with its linear layers.

use candle_core::Tensor;

use super::dropout::AttentionDropout;
use super::linear::{Linear, LinearConfig};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::ops::{self, AttentionConfig};
use crate::params::{Init, Param, ParamPath};

/// The names and initial values of the parameters of [`MultiHeadAttention`]; the libraries lay them out alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum AttentionNames {
    /// `torch.nn.MultiheadAttention`'s: `in_proj_weight`, `in_proj_bias`, `out_proj.weight`, `out_proj.bias` (torchvision's
    /// vision transformers).
    #[default]
    Torch,
    /// timm's: `qkv.weight`, `qkv.bias`, `proj.weight`, `proj.bias` (its vision and Swin transformers, MONAI's SwinUNETR).
    Timm,
    /// MONAI's: `qkv.weight`, `qkv.bias`, `out_proj.weight`, `out_proj.bias` (its vision transformer).
    Monai,
}

/// Settings of [`MultiHeadAttention`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct MultiHeadAttentionConfig {
    /// Features of a token.
    pub width: usize,
    /// Heads, which divide the features.
    pub heads: usize,
    /// Whether the layer that makes queries, keys and values has a bias; the last layer always has one.
    pub bias: bool,
    /// How the parameters are called.
    pub names: AttentionNames,
    /// How the weights and biases of both layers are drawn; as [`AttentionNames`]' library does when not set.
    pub init: Option<(Init, Init)>,
    /// Probability that training drops a weight.
    pub dropout: f64,
}

impl MultiHeadAttentionConfig {
    /// Attention with bias and PyTorch's names.
    #[must_use]
    pub fn new(width: usize, heads: usize) -> Self {
        Self {
            width,
            heads,
            bias: true,
            names: AttentionNames::Torch,
            init: None,
            dropout: 0.0,
        }
    }

    /// Sets whether the layer that makes queries, keys and values has a bias.
    #[must_use]
    pub fn with_bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// Sets how the parameters are called.
    #[must_use]
    pub fn with_names(mut self, names: AttentionNames) -> Self {
        self.names = names;
        self
    }

    /// Sets the probability that training drops a weight.
    #[must_use]
    pub fn with_dropout(mut self, dropout: f64) -> Self {
        self.dropout = dropout;
        self
    }

    /// Sets how the weights and biases of both layers are drawn.
    #[must_use]
    pub fn with_init(mut self, weight: Init, bias: Init) -> Self {
        self.init = Some((weight, bias));
        self
    }
}

/// Attention of several heads (Vaswani et al. 2017), of tokens to one another or to others.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use mednn::layers::{MultiHeadAttention, MultiHeadAttentionConfig};
/// use mednn::ops::AttentionConfig;
/// use mednn::{Context, Params};
///
/// let params = Params::new(7);
/// let layer = MultiHeadAttention::new(&MultiHeadAttentionConfig::new(8, 2), &params.root())?;
/// let names = ["in_proj_bias", "in_proj_weight", "out_proj.bias", "out_proj.weight"];
/// assert_eq!(params.names(), names);
/// let image = Tensor::zeros((1, 5, 8), DType::F32, &Device::Cpu)?;
/// let report = Tensor::zeros((1, 3, 8), DType::F32, &Device::Cpu)?;
/// let (weighing, context) = (AttentionConfig::default(), Context::evaluate());
/// assert_eq!(layer.forward(&image, None, &weighing, &context)?.dims(), [1, 5, 8]);
/// assert_eq!(layer.forward_cross(&report, &image, &weighing, &context)?.dims(), [1, 3, 8]);
/// # Ok::<(), mednn::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct MultiHeadAttention {
    weight: Param,
    bias: Option<Param>,
    output: Linear,
    dropout: AttentionDropout,
    width: usize,
    heads: usize,
}

impl MultiHeadAttention {
    /// A layer with the parameters that [`AttentionNames`] lists.
    ///
    /// # Errors
    /// Refuses heads that do not divide the features, a probability out of range and names that are taken.
    pub fn new(config: &MultiHeadAttentionConfig, path: &ParamPath) -> Result<Self> {
        let (width, heads) = (config.width, config.heads);
        if width == 0 || heads == 0 || !width.is_multiple_of(heads) {
            return Err(Error::Setting {
                op: "multi_head_attention",
                setting: "the number of heads",
                rule: "a divisor of the number of features",
                value: format!("{heads} for {width} features"),
            });
        }
        let shape = [3 * width, width];
        let (inside, weight, bias) = match config.names {
            AttentionNames::Torch => (path.clone(), "in_proj_weight", "in_proj_bias"),
            AttentionNames::Timm | AttentionNames::Monai => (path.child("qkv"), "weight", "bias"),
        };
        let (weight_init, bias_init) = config.init.unwrap_or_else(|| match config.names {
            AttentionNames::Torch => {
                // Xavier-uniform over the whole weight (Glorot and Bengio 2010).
                let bound = (6.0 / (4 * width) as f64).sqrt();
                let xavier = Init::Uniform {
                    low: -bound,
                    high: bound,
                };
                (xavier, Init::ZEROS)
            }
            _ => (Init::PYTORCH_WEIGHT, Init::pytorch_bias(&shape)),
        });
        let (output_weight, output_bias) = match config.init {
            Some((weight, bias)) => (weight, Some(bias)),
            None if config.names == AttentionNames::Torch => {
                (Init::PYTORCH_WEIGHT, Some(Init::ZEROS))
            }
            None => (Init::PYTORCH_WEIGHT, None),
        };
        let output = LinearConfig::new(width, width).with_init(output_weight, output_bias);
        let output_path = match config.names {
            AttentionNames::Timm => path.child("proj"),
            AttentionNames::Torch | AttentionNames::Monai => path.child("out_proj"),
        };
        let weight = inside.parameter(weight, &shape, weight_init)?;
        let bias = config
            .bias
            .then(|| inside.parameter(bias, &shape[..1], bias_init))
            .transpose()?;
        let output = Linear::new(&output, &output_path)?;
        Ok(Self {
            weight,
            bias,
            output,
            dropout: AttentionDropout::new(config.dropout, &path.child("weights"))?,
            width,
            heads,
        })
    }

    /// Attention of tokens to one another; `bias`, `[heads, tokens, tokens]`, is added to the scores.
    ///
    /// # Shapes
    /// - tokens and output: `[batch, tokens, width]`
    ///
    /// # Errors
    /// See [`ops::self_attention`].
    pub fn forward(
        &self,
        tokens: &Tensor,
        bias: Option<&Tensor>,
        weighing: &AttentionConfig,
        context: &Context,
    ) -> Result<Tensor> {
        let inner = self.bias.as_ref().map(|bias| bias.tensor(context));
        let packed = ops::linear(tokens, &self.weight.tensor(context), inner.as_ref())?;
        let weighing = self.dropout.weighing(weighing.clone(), context);
        let seen = ops::self_attention(&packed, self.heads, bias, &weighing)?;
        self.output.forward(&seen, context)
    }

    /// Attention of queries to other tokens.
    ///
    /// # Shapes
    /// - queries and output: `[batch, queries, width]`
    /// - tokens: `[batch, tokens, width]`
    ///
    /// # Errors
    /// See [`ops::cross_attention`].
    pub fn forward_cross(
        &self,
        queries: &Tensor,
        tokens: &Tensor,
        weighing: &AttentionConfig,
        context: &Context,
    ) -> Result<Tensor> {
        let projected = |input: &Tensor, start: usize, roles: usize| -> Result<Tensor> {
            let part = |param: &Param| -> Result<Tensor> {
                let rows = (start * self.width, roles * self.width);
                ops::narrow(&param.tensor(context), 0, rows.0, rows.1)
            };
            let bias = self.bias.as_ref().map(part).transpose()?;
            ops::linear(input, &part(&self.weight)?, bias.as_ref())
        };
        let (query, key_value) = (projected(queries, 0, 1)?, projected(tokens, 1, 2)?);
        let weighing = self.dropout.weighing(weighing.clone(), context);
        let seen = ops::cross_attention(&query, &key_value, self.heads, None, &weighing)?;
        self.output.forward(&seen, context)
    }
}
