//! Attention by cosines, with a bias that two layers make of relative places (Swin Transformer V2).

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{AttentionDropout, Linear, LinearConfig};
use mednn::ops::{self, Activation, AttentionConfig};
use mednn::params::{Init, Param, ParamPath};

use super::attention::WindowAttentionConfig;

/// Features between the layers that make biases of places.
const PLACE_FEATURES: usize = 512;

/// The factor of cosines in a new network.
const FACTOR: f64 = 10.0;

/// The largest bias.
const LARGEST_BIAS: f64 = 16.0;

/// How a library keeps the bias of queries and values; keys have none, which attention by cosines would turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InnerBias {
    /// As `qkv.bias`, whose part for keys has no effect (torchvision).
    Packed,
    /// As `q_bias` and `v_bias` (timm).
    Apart,
}

/// What is particular to attention by cosines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cosines<const D: usize> {
    pub(crate) bias: InnerBias,
    /// The window from whose places the layers that make biases learn: its ends are one unit away.
    pub(crate) unit: [usize; D],
}

#[derive(Debug, Clone)]
enum Bias {
    Packed(Param),
    Apart([Param; 2]),
}

/// Attention of the tokens of a window to one another.
#[derive(Debug, Clone)]
pub(super) struct CosineAttention<const D: usize> {
    window: [usize; D],
    unit: [usize; D],
    heads: usize,
    weight: Param,
    bias: Option<Bias>,
    log_factor: Param,
    places: [Linear; 2],
    dropout: AttentionDropout,
    output: Linear,
}

impl<const D: usize> CosineAttention<D> {
    pub(super) fn new(
        config: &WindowAttentionConfig<D>,
        cosines: Cosines<D>,
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let (features, heads) = (config.features, config.heads);
        let qkv = path.child("qkv");
        let (weight, zeros) = config.init.unwrap_or((Init::PYTORCH_WEIGHT, Init::ZEROS));
        let bias = match cosines.bias {
            _ if !config.qkv_bias => None,
            InnerBias::Packed => Some(Bias::Packed(qkv.parameter(
                "bias",
                &[3 * features],
                zeros,
            )?)),
            InnerBias::Apart => Some(Bias::Apart([
                path.parameter("q_bias", &[features], zeros)?,
                path.parameter("v_bias", &[features], zeros)?,
            ])),
        };
        let linear = |from, to| {
            let linear = LinearConfig::new(from, to);
            match config.init {
                Some((weight, bias)) => linear.with_init(weight, Some(bias)),
                None => linear,
            }
        };
        let inner = linear(D, PLACE_FEATURES);
        let outer = linear(PLACE_FEATURES, heads).with_bias(false);
        let places = path.child("cpb_mlp");
        let factor = Init::Constant(FACTOR.ln());
        Ok(Self {
            window: config.window,
            unit: cosines.unit,
            heads,
            weight: qkv.parameter("weight", &[3 * features, features], weight)?,
            bias,
            log_factor: path.parameter("logit_scale", &[heads, 1, 1], factor)?,
            places: [
                Linear::new(&inner, &places.child(0))?,
                Linear::new(&outer, &places.child(2))?,
            ],
            dropout: AttentionDropout::new(config.attention_dropout, &path.child("weights"))?,
            output: Linear::new(&linear(features, features), &path.child("proj"))?,
        })
    }

    /// # Shapes
    /// - tokens and output: `[batch * windows, tokens, features]`
    pub(super) fn forward(
        &self,
        tokens: &Tensor,
        weighing: AttentionConfig,
        context: &Context,
    ) -> mednn::Result<Tensor> {
        let bias = self.inner_bias(context)?;
        let packed = ops::linear(tokens, &self.weight.tensor(context), bias.as_ref())?;
        let log_factor = ops::reshape(&self.log_factor.tensor(context), &[self.heads])?;
        let packed = ops::unit_query_key(&packed, &log_factor)?;
        let bias = self.place_bias(tokens, context)?;
        let weighing = self.dropout.weighing(weighing.with_scale(1.0), context);
        let seen = ops::self_attention(&packed, self.heads, Some(&bias), &weighing)?;
        self.output.forward(&seen, context)
    }

    /// The bias of queries, keys and values, `[3 * features]`, zero for keys.
    fn inner_bias(&self, context: &Context) -> mednn::Result<Option<Tensor>> {
        let packed = match &self.bias {
            None => return Ok(None),
            Some(Bias::Packed(bias)) => bias.tensor(context),
            Some(Bias::Apart(parts)) => {
                let row = |part: &Param| {
                    let part = part.tensor(context);
                    ops::reshape(&part, &[1, part.elem_count()])
                };
                let [query, value] = [row(&parts[0])?, row(&parts[1])?];
                let packed = ops::concat(&[&query, &query, &value])?;
                ops::reshape(&packed, &[packed.elem_count()])?
            }
        };
        ops::scale_rows(&packed, vec![1.0, 0.0, 1.0]).map(Some)
    }

    /// The bias of each pair of tokens, `[heads, tokens, tokens]`, between 0 and 16.
    fn place_bias(&self, like: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let places = ops::relative_position_coordinates(self.window, self.unit, like.device())?;
        let hidden = self.places[0].forward(&places, context)?;
        let hidden = ops::activation(&hidden, Activation::Relu)?;
        let table = self.places[1].forward(&hidden, context)?;
        let table = ops::activation(&table, Activation::Sigmoid)?;
        let table = ops::scale(&table, LARGEST_BIAS)?;
        ops::relative_position_bias(&table, self.window)
    }
}
