//! Window attention and linear layers, each normalised before or, by cosines, behind and added to its input.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{DropPath, LayerNorm, LayerNormConfig};
use mednn::ops;
use mednn::params::{Init, ParamPath};

use super::attention::{
    PositionIndex, Weighing, WindowAttention, WindowAttentionConfig, WindowFit,
};
use crate::blocks::checkpointed;
use crate::blocks::{FeedForward, Mlp, MlpConfig};

/// What the blocks of a stage consist of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SwinBlockConfig<const D: usize> {
    pub(crate) features: usize,
    pub(crate) heads: usize,
    pub(crate) window: [usize; D],
    pub(crate) fit: WindowFit,
    pub(crate) index: PositionIndex,
    pub(crate) weighing: Weighing<D>,
    pub(crate) qkv_bias: bool,
    /// Probability that training drops a weight of attention.
    pub(crate) attention_dropout: f64,
    /// Features inside the linear layers.
    pub(crate) hidden: usize,
    /// The names of the linear layers.
    pub(crate) mlp: [&'static str; 2],
    /// Probability that training drops an element behind a linear layer.
    pub(crate) dropout: f64,
    /// How weights and biases are drawn; PyTorch's way when not set.
    pub(crate) init: Option<(Init, Init)>,
    /// How the scales of norms are drawn.
    pub(crate) norm_init: Init,
}

/// A block of a Swin transformer.
#[derive(Debug, Clone)]
pub(crate) struct SwinBlock<const D: usize> {
    norm1: LayerNorm,
    attention: WindowAttention<D>,
    norm2: LayerNorm,
    mlp: Mlp,
    drop_path: [DropPath; 2],
    shifted: bool,
    /// Whether norms come behind attention and linear layers.
    normed_behind: bool,
}

impl<const D: usize> SwinBlock<D> {
    /// The blocks of a stage, every second with moved windows, with the probability of each that its branches are dropped.
    pub(crate) fn stage(
        config: &SwinBlockConfig<D>,
        drop_path: &[f64],
        path: &ParamPath,
    ) -> mednn::Result<Vec<Self>> {
        let block = |(i, rate): (usize, &f64)| Self::new(config, *rate, i % 2 == 1, &path.child(i));
        drop_path.iter().enumerate().map(block).collect()
    }

    fn new(
        config: &SwinBlockConfig<D>,
        drop_path: f64,
        shifted: bool,
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let features = config.features;
        let attention = WindowAttentionConfig {
            features,
            heads: config.heads,
            window: config.window,
            fit: config.fit,
            index: config.index,
            weighing: config.weighing,
            qkv_bias: config.qkv_bias,
            attention_dropout: config.attention_dropout,
            dropout: config.dropout,
            init: config.init,
        };
        let mlp = MlpConfig {
            features,
            hidden: config.hidden,
            between: FeedForward::Gelu,
            dropout: config.dropout,
            names: config.mlp,
            init: config.init,
        };
        let norm = LayerNormConfig::default().with_scale_init(config.norm_init);
        let norm = |name| LayerNorm::new(&[features], &norm, &path.child(name));
        let drop_path = |name| DropPath::new(drop_path, &path.child(name));
        Ok(Self {
            norm1: norm("norm1")?,
            attention: WindowAttention::new(&attention, &path.child("attn"))?,
            norm2: norm("norm2")?,
            mlp: Mlp::new(&mlp, &path.child("mlp"))?,
            drop_path: [drop_path("drop_path1")?, drop_path("drop_path2")?],
            shifted,
            normed_behind: matches!(config.weighing, Weighing::Cosines(_)),
        })
    }

    /// # Shapes
    /// - tokens and output: `[batch, depth, height, width, features]`
    pub(crate) fn forward(&self, tokens: Tensor, context: &Context) -> mednn::Result<Tensor> {
        checkpointed(self, [tokens], context, |block, [tokens], context| {
            let out = block.normed(&block.norm1, &tokens, context, |tokens| {
                block.attention.forward(tokens, block.shifted, context)
            })?;
            let tokens = ops::add(&tokens, &block.drop_path[0].forward(&out, context)?)?;
            let out = block.normed(&block.norm2, &tokens, context, |tokens| {
                block.mlp.forward(tokens, context)
            })?;
            ops::add(&tokens, &block.drop_path[1].forward(&out, context)?)
        })
    }

    /// A branch with its norm in front or behind.
    fn normed(
        &self,
        norm: &LayerNorm,
        tokens: &Tensor,
        context: &Context,
        branch: impl FnOnce(&Tensor) -> mednn::Result<Tensor>,
    ) -> mednn::Result<Tensor> {
        if self.normed_behind {
            norm.forward(&branch(tokens)?, context)
        } else {
            branch(&norm.forward(tokens, context)?)
        }
    }
}
