//! Attention and linear layers, each normalised before and added to its input.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{
    AttentionNames, DropPath, Dropout, DropoutUnit, LayerNorm, LayerNormConfig, MultiHeadAttention,
    MultiHeadAttentionConfig,
};
use mednn::ops::{self, AttentionConfig};
use mednn::params::{Init, Param, ParamPath};

use super::choices::ViTConvention;
use super::config::ViTConfig;
use super::embedding::TRUNCATED;
use crate::blocks::checkpointed;
use crate::blocks::{Mlp, MlpConfig};

/// What a block of a convention is called and drawn like.
struct Style {
    norms: [&'static str; 2],
    attention: (&'static str, AttentionNames),
    mlp: [&'static str; 2],
    /// Weights and biases of attention; those of its library when not set.
    attention_init: Option<(Init, Init)>,
    /// Weights and biases of the linear layers; PyTorch's when not set.
    mlp_init: Option<(Init, Init)>,
}

impl Style {
    fn of(config: &ViTConfig) -> Self {
        match config.convention {
            ViTConvention::Timm => Self {
                norms: ["norm1", "norm2"],
                attention: ("attn", AttentionNames::Timm),
                mlp: ["fc1", "fc2"],
                attention_init: Some((TRUNCATED, Init::ZEROS)),
                mlp_init: Some((TRUNCATED, Init::ZEROS)),
            },
            ViTConvention::Torchvision => {
                // Xavier-uniform (Glorot and Bengio 2010).
                let bound = (6.0 / (config.features + config.mlp_features) as f64).sqrt();
                let weight = Init::Uniform {
                    low: -bound,
                    high: bound,
                };
                let bias = Init::Normal {
                    mean: 0.0,
                    std: 1e-6,
                };
                Self {
                    norms: ["ln_1", "ln_2"],
                    attention: ("self_attention", AttentionNames::Torch),
                    mlp: ["0", "3"],
                    attention_init: None,
                    mlp_init: Some((weight, bias)),
                }
            }
            ViTConvention::Monai => Self {
                norms: ["norm1", "norm2"],
                attention: ("attn", AttentionNames::Monai),
                mlp: ["linear1", "linear2"],
                attention_init: None,
                mlp_init: None,
            },
        }
    }
}

/// A layer normalisation with the epsilon of the convention.
pub(super) fn layer_norm(config: &ViTConfig, path: &ParamPath) -> mednn::Result<LayerNorm> {
    let epsilon = match config.convention {
        ViTConvention::Timm | ViTConvention::Torchvision => 1e-6,
        ViTConvention::Monai => 1e-5,
    };
    let norm = LayerNormConfig::default().with_epsilon(epsilon);
    LayerNorm::new(&[config.features], &norm, path)
}

/// What follows attention or the linear layers before their result is added to their input.
#[derive(Debug, Clone)]
struct Tail {
    layer_scale: Option<Param>,
    drop_path: DropPath,
}

impl Tail {
    fn new(config: &ViTConfig, drop_path: f64, i: usize, path: &ParamPath) -> mednn::Result<Self> {
        let scale = |init| {
            let path = path.child(format!("ls{i}"));
            path.parameter("gamma", &[config.features], Init::Constant(init))
        };
        Ok(Self {
            layer_scale: config.layer_scale.map(scale).transpose()?,
            drop_path: DropPath::new(drop_path, &path.child(format!("drop_path{i}")))?,
        })
    }

    fn add(&self, input: &Tensor, branch: Tensor, context: &Context) -> mednn::Result<Tensor> {
        let branch = match &self.layer_scale {
            Some(gamma) => ops::multiply(&branch, &gamma.tensor(context))?,
            None => branch,
        };
        ops::add(input, &self.drop_path.forward(&branch, context)?)
    }
}

/// A block of a vision transformer.
#[derive(Debug, Clone)]
pub(super) struct Block {
    norms: [LayerNorm; 2],
    attention: MultiHeadAttention,
    dropout: Dropout,
    mlp: Mlp,
    tails: [Tail; 2],
}

impl Block {
    pub(super) fn new(config: &ViTConfig, drop_path: f64, path: &ParamPath) -> mednn::Result<Self> {
        let style = Style::of(config);
        let features = config.features;
        let (attention, names) = style.attention;
        let attention_path = path.child(attention);
        let mut attention = MultiHeadAttentionConfig::new(features, config.heads)
            .with_bias(config.qkv_bias)
            .with_names(names)
            .with_dropout(config.attention_dropout);
        attention.init = style.attention_init;
        let mlp = MlpConfig {
            features,
            hidden: config.mlp_features,
            between: config.feed_forward,
            dropout: config.dropout,
            names: style.mlp,
            init: style.mlp_init,
        };
        if config.convention == ViTConvention::Monai {
            let unused = path.child("norm_cross_attn");
            unused.buffer("weight", &[features], 1.0)?;
            unused.buffer("bias", &[features], 0.0)?;
        }
        let norm = |name| layer_norm(config, &path.child(name));
        let tail = |i| Tail::new(config, drop_path, i, path);
        Ok(Self {
            norms: [norm(style.norms[0])?, norm(style.norms[1])?],
            attention: MultiHeadAttention::new(&attention, &attention_path)?,
            dropout: Dropout::new(
                config.dropout,
                DropoutUnit::Element,
                &attention_path.child("dropout"),
            )?,
            mlp: Mlp::new(&mlp, &path.child("mlp"))?,
            tails: [tail(1)?, tail(2)?],
        })
    }

    /// # Shapes
    /// - tokens and output: `[batch, tokens, features]`
    pub(super) fn forward(&self, tokens: Tensor, context: &Context) -> mednn::Result<Tensor> {
        checkpointed(self, [tokens], context, |block, [tokens], context| {
            let weighing = AttentionConfig::default();
            let out = block.norms[0].forward(&tokens, context)?;
            let out = block.attention.forward(&out, None, &weighing, context)?;
            let out = block.dropout.forward(&out, context)?;
            let tokens = block.tails[0].add(&tokens, out, context)?;
            let out = block.norms[1].forward(&tokens, context)?;
            let out = block.mlp.forward(&out, context)?;
            block.tails[1].add(&tokens, out, context)
        })
    }
}
