//! Columns of a table as tokens that look at one another and at the image.
//!
//! The columns become tokens as in the FT-Transformer (Gorishniy et al., NeurIPS 2021, <https://arxiv.org/abs/2106.11959>)
//! and a class token stands in front of them. What follows is the decoder of Vaswani et al. 2017
//! (<https://arxiv.org/abs/1706.03762>) with normalisation first: tokens attend to tokens, then to the positions of the
//! image. Layers have the names of PyTorch's `TransformerDecoderLayer` and compute what it does.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{
    Dropout, DropoutUnit, LayerNorm, LayerNormConfig, Linear, LinearConfig, MultiHeadAttention,
    MultiHeadAttentionConfig,
};
use mednn::ops::{self, AttentionConfig};
use mednn::params::{Init, Param, ParamPath};
use serde::{Deserialize, Serialize};

use super::NAME;
use super::join::{Join, Sides};
use super::table::TableConfig;
use crate::blocks::{Features, FeedForward, Mlp, MlpConfig, with_zero_tokens};
use crate::check::{check_dropout, check_positive};
use crate::error::{Error, Result};

/// A class token and one token for each column, which attend to one another and to the positions of the image; the class
/// token is the result.
///
/// A column's token is a linear map of its entries: the value times a vector, plus the vector of its being missing where it
/// is, or the vector of its level; plus a vector of the column. Positions of the image are the patches of a vision
/// transformer or the voxels of a backbone's last feature map, by a linear map and a normalisation; the former know their
/// place, the latter what the convolutions' padding tells them.
///
/// With [`CrossAttentionConfig::with_tokens`] embeddings of texts or records stand behind the columns, as a set: they have
/// no order. Those that are absent are seen by nobody.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CrossAttentionConfig {
    /// Features of a token.
    pub features: usize,
    /// Heads of attention, which divide the features.
    pub heads: usize,
    /// Layers.
    pub depth: usize,
    /// Features inside the linear layers of a layer.
    pub mlp_features: usize,
    /// Length of the embeddings of texts or records, where the network reads any.
    pub token_width: Option<usize>,
    /// Probability that training drops a feature behind attention and behind a linear layer.
    pub dropout: f64,
}

impl Default for CrossAttentionConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl CrossAttentionConfig {
    /// Two layers of four heads, 128 features, no further tokens.
    #[must_use]
    pub fn new() -> Self {
        Self {
            features: 128,
            heads: 4,
            depth: 2,
            mlp_features: 256,
            token_width: None,
            dropout: 0.0,
        }
    }

    /// Sets the features of a token and the heads; the linear layers get twice as many inside.
    #[must_use]
    pub fn with_features(self, features: usize, heads: usize) -> Self {
        Self {
            features,
            heads,
            mlp_features: 2 * features,
            ..self
        }
    }

    /// Sets the number of layers.
    #[must_use]
    pub fn with_depth(self, depth: usize) -> Self {
        Self { depth, ..self }
    }

    /// Lets the network read embeddings of texts or records of this length.
    #[must_use]
    pub fn with_tokens(self, width: usize) -> Self {
        Self {
            token_width: Some(width),
            ..self
        }
    }

    /// Sets the probability that training drops a feature.
    #[must_use]
    pub fn with_dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    pub(super) fn check(&self) -> Result<()> {
        let settings = [
            ("features", self.features),
            ("heads", self.heads),
            ("depth", self.depth),
            ("mlp_features", self.mlp_features),
            ("token_width", self.token_width.unwrap_or(1)),
        ];
        check_positive(NAME, &settings)?;
        if !self.features.is_multiple_of(self.heads) {
            let rule = format!("a divisor of the {} features", self.features);
            return Err(Error::setting(NAME, "heads", rule, self.heads));
        }
        check_dropout(NAME, self.dropout)
    }
}

/// One layer: attention to tokens, attention to the image, two linear layers, each normalised before and added.
#[derive(Debug)]
struct Layer {
    norms: [LayerNorm; 3],
    of_tokens: MultiHeadAttention,
    of_image: MultiHeadAttention,
    dropouts: [Dropout; 2],
    mlp: Mlp,
}

impl Layer {
    fn new(config: &CrossAttentionConfig, path: &ParamPath) -> mednn::Result<Self> {
        let attention = MultiHeadAttentionConfig::new(config.features, config.heads);
        let mlp = MlpConfig {
            features: config.features,
            hidden: config.mlp_features,
            between: FeedForward::Gelu,
            dropout: config.dropout,
            names: ["linear1", "linear2"],
            init: None,
        };
        let norm = |name| norm(config.features, &path.child(name));
        let dropout = |name| Dropout::new(config.dropout, DropoutUnit::Element, &path.child(name));
        Ok(Self {
            norms: [norm("norm1")?, norm("norm2")?, norm("norm3")?],
            of_tokens: MultiHeadAttention::new(&attention, &path.child("self_attn"))?,
            of_image: MultiHeadAttention::new(&attention, &path.child("multihead_attn"))?,
            dropouts: [dropout("dropout1")?, dropout("dropout2")?],
            mlp: Mlp::new(&mlp, path)?,
        })
    }

    /// # Shapes
    /// - tokens and output: `[batch, tokens, features]`
    /// - positions: `[batch, positions, features]`
    fn forward(
        &self,
        tokens: &Tensor,
        positions: &Tensor,
        among_tokens: &AttentionConfig,
        context: &Context,
    ) -> mednn::Result<Tensor> {
        let [first, second, third] = &self.norms;
        let out = first.forward(tokens, context)?;
        let out = self.of_tokens.forward(&out, None, among_tokens, context)?;
        let tokens = ops::add(tokens, &self.dropouts[0].forward(&out, context)?)?;
        let out = second.forward(&tokens, context)?;
        let everywhere = AttentionConfig::default();
        let out = self
            .of_image
            .forward_cross(&out, positions, &everywhere, context)?;
        let tokens = ops::add(&tokens, &self.dropouts[1].forward(&out, context)?)?;
        let out = third.forward(&tokens, context)?;
        ops::add(&tokens, &self.mlp.forward(&out, context)?)
    }
}

/// Tokens of both sides and the layers between them.
#[derive(Debug)]
pub(super) struct CrossAttention {
    class_token: Param,
    columns: Vec<Linear>,
    further: Option<Linear>,
    image: Linear,
    image_norm: LayerNorm,
    layers: Vec<Layer>,
    norm: LayerNorm,
    features: usize,
}

impl CrossAttention {
    pub(super) fn new(
        config: &CrossAttentionConfig,
        table: &TableConfig,
        channels: usize,
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let features = config.features;
        let fusion = path.child("fusion");
        // As the FT-Transformer draws its tokens.
        let bound = (features as f64).sqrt().recip();
        let drawn = Init::Uniform {
            low: -bound,
            high: bound,
        };
        let column = |column: &super::table::Column| {
            let config = LinearConfig::new(column.width(), features).with_init(drawn, Some(drawn));
            Linear::new(&config, &path.child("table").child(column.name()))
        };
        let further =
            |width| Linear::new(&LinearConfig::new(width, features), &path.child("tokens"));
        let layer = |i| Layer::new(config, &fusion.child("layers").child(i));
        Ok(Self {
            class_token: fusion.parameter("class_token", &[1, 1, features], drawn)?,
            columns: { table.columns.iter() }
                .map(column)
                .collect::<mednn::Result<_>>()?,
            further: config.token_width.map(further).transpose()?,
            image: Linear::new(
                &LinearConfig::new(channels, features),
                &fusion.child("image"),
            )?,
            image_norm: norm(features, &fusion.child("image_norm"))?,
            layers: (0..config.depth).map(layer).collect::<mednn::Result<_>>()?,
            norm: norm(features, &fusion.child("norm"))?,
            features,
        })
    }

    /// The class token, the columns and what else there is, and what they may see of one another.
    fn tokens(
        &self,
        sides: &Sides<'_>,
        context: &Context,
    ) -> mednn::Result<(Tensor, AttentionConfig)> {
        let mut tokens = Vec::with_capacity(self.columns.len() + 1);
        for (linear, entries) in self.columns.iter().zip(sides.columns) {
            let token = linear.forward(entries, context)?;
            tokens.push(ops::reshape(&token, &[token.dims()[0], 1, self.features])?);
        }
        let own = 1 + tokens.len();
        let mut weighing = AttentionConfig::default();
        if let (Some(linear), Some(given)) = (&self.further, sides.tokens) {
            tokens.push(linear.forward(&given.tokens, context)?);
            weighing = weighing.with_mask(given.mask(own)?);
        }
        let tokens = ops::concat(&tokens.iter().collect::<Vec<_>>())?;
        // The class token is the same for each patient: nothing here, everything in the sum.
        let tokens = with_zero_tokens(&tokens, (1, 0))?;
        let behind = tokens.dims()[1] - 1;
        let class_token = with_zero_tokens(&self.class_token.tensor(context), (0, behind))?;
        Ok((ops::add(&tokens, &class_token)?, weighing))
    }
}

impl Join for CrossAttention {
    fn features(&self) -> usize {
        self.features
    }

    fn forward(
        &self,
        sides: &Sides<'_>,
        shown: &mut Features<'_>,
        context: &Context,
    ) -> mednn::Result<Tensor> {
        let positions = self.image.forward(sides.image.positions(), context)?;
        let positions = self.image_norm.forward(&positions, context)?;
        let (mut tokens, among_tokens) = self.tokens(sides, context)?;
        shown.keep("fusion.tokens", &tokens);
        for (i, layer) in self.layers.iter().enumerate() {
            tokens = layer.forward(&tokens, &positions, &among_tokens, context)?;
            shown.keep(&format!("fusion.layers.{i}"), &tokens);
        }
        let class_token = ops::narrow(&tokens, 1, 0, 1)?;
        self.norm
            .forward(&ops::flatten_from(&class_token, 1)?, context)
    }
}

fn norm(features: usize, path: &ParamPath) -> mednn::Result<LayerNorm> {
    LayerNorm::new(&[features], &LayerNormConfig::default(), path)
}
