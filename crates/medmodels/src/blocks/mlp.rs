//! The two linear layers of a transformer block.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Dropout, DropoutUnit, Linear, LinearConfig};
use mednn::ops::{self, Activation};
use mednn::params::{Init, ParamPath};
use serde::{Deserialize, Serialize};

/// What stands between the two linear layers of a transformer block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FeedForward {
    /// GELU.
    #[default]
    Gelu,
    /// A gate: the first layer gives twice the features, and the SiLU of the first half weighs the second (Shazeer 2020,
    /// <https://arxiv.org/abs/2002.05202>; timm's `SwiGLUPacked`, DINOv2's `SwiGLUFFN`).
    SwiGlu,
}

/// What an [`Mlp`] consists of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MlpConfig {
    /// Features of a token.
    pub(crate) features: usize,
    /// Features that enter the second layer.
    pub(crate) hidden: usize,
    /// What stands between the layers.
    pub(crate) between: FeedForward,
    /// Probability that training drops an element behind a layer.
    pub(crate) dropout: f64,
    /// The names of the layers.
    pub(crate) names: [&'static str; 2],
    /// How weights and biases are drawn; PyTorch's way when not set.
    pub(crate) init: Option<(Init, Init)>,
}

/// A linear layer, GELU or a gate, a linear layer.
#[derive(Debug, Clone)]
pub(crate) struct Mlp {
    layers: [Linear; 2],
    dropouts: [Dropout; 2],
    between: FeedForward,
}

impl Mlp {
    pub(crate) fn new(config: &MlpConfig, path: &ParamPath) -> mednn::Result<Self> {
        let linear = |from, to, name| {
            let linear = LinearConfig::new(from, to);
            let linear = match config.init {
                Some((weight, bias)) => linear.with_init(weight, Some(bias)),
                None => linear,
            };
            Linear::new(&linear, &path.child(name))
        };
        let dropout = |name| Dropout::new(config.dropout, DropoutUnit::Element, &path.child(name));
        let [first, second] = config.names;
        let packed = match config.between {
            FeedForward::Gelu => config.hidden,
            // A number that is none of a layer is refused as such.
            FeedForward::SwiGlu => config.hidden.saturating_mul(2),
        };
        Ok(Self {
            layers: [
                linear(config.features, packed, first)?,
                linear(config.hidden, config.features, second)?,
            ],
            dropouts: [dropout("drop1")?, dropout("drop2")?],
            between: config.between,
        })
    }

    /// # Shapes
    /// - tokens and output: `[batch, ..., features]`
    pub(crate) fn forward(&self, tokens: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let hidden = self.layers[0].forward(tokens, context)?;
        let hidden = match self.between {
            FeedForward::Gelu => ops::activation(&hidden, Activation::Gelu)?,
            FeedForward::SwiGlu => gated(&hidden)?,
        };
        let hidden = self.dropouts[0].forward(&hidden, context)?;
        let out = self.layers[1].forward(&hidden, context)?;
        self.dropouts[1].forward(&out, context)
    }
}

/// The second half of the last axis, weighed by the SiLU of the first.
fn gated(packed: &Tensor) -> mednn::Result<Tensor> {
    let last = packed.rank() - 1;
    let half = packed.dims()[last] / 2;
    let gate = ops::activation(&ops::narrow(packed, last, 0, half)?, Activation::Silu)?;
    ops::multiply(&gate, &ops::narrow(packed, last, half, half)?)
}
