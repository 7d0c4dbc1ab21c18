//! The two linear layers of a transformer block.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Dropout, DropoutUnit, Linear, LinearConfig};
use mednn::ops::{self, Activation};
use mednn::params::{Init, ParamPath};

/// What an [`Mlp`] consists of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MlpConfig {
    /// Features of a token.
    pub(crate) features: usize,
    /// Features between the layers.
    pub(crate) hidden: usize,
    /// Probability that training drops an element behind a layer.
    pub(crate) dropout: f64,
    /// The names of the layers.
    pub(crate) names: [&'static str; 2],
    /// How weights and biases are drawn; PyTorch's way when not set.
    pub(crate) init: Option<(Init, Init)>,
}

/// A linear layer, GELU, a linear layer.
#[derive(Debug, Clone)]
pub(crate) struct Mlp {
    layers: [Linear; 2],
    dropouts: [Dropout; 2],
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
        Ok(Self {
            layers: [
                linear(config.features, config.hidden, first)?,
                linear(config.hidden, config.features, second)?,
            ],
            dropouts: [dropout("drop1")?, dropout("drop2")?],
        })
    }

    /// # Shapes
    /// - tokens and output: `[batch, ..., features]`
    pub(crate) fn forward(&self, tokens: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let hidden = self.layers[0].forward(tokens, context)?;
        let hidden = ops::activation(&hidden, Activation::Gelu)?;
        let hidden = self.dropouts[0].forward(&hidden, context)?;
        let out = self.layers[1].forward(&hidden, context)?;
        self.dropouts[1].forward(&out, context)
    }
}
