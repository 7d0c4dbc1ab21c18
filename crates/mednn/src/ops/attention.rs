//! Scaled dot product attention (Vaswani et al. 2017, <https://arxiv.org/abs/1706.03762>), differentiable in queries, keys, values
//! and bias.
//!
//! Scores exist for one block of queries at a time only, forward and backward.

use candle_core::{DType, Device, Tensor};
use medcore::random::Key;

use super::attention_node::AttentionNode;
use super::concat::concat;
use super::node::apply;
use super::support::{check_float, check_rank, check_same_type, check_shape};
use crate::context::BatchItems;
pub use crate::cpu::attention::DroppedWeights;
use crate::cpu::attention::{Attention, Layout, Sources};
use crate::error::{Error, Result};
use crate::graph::{AttentionAttributes, Op, Step};
use crate::tape::Apply as _;

/// How attention weighs.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct AttentionConfig {
    /// The factor of the scores; one over the root of the length of a key when not set.
    pub scale: Option<f64>,
    /// Whether query `i` sees only the keys `0..=i`.
    pub causal: bool,
    /// What each query may see.
    pub mask: Option<Tensor>,
    /// The weights that are dropped, in training.
    pub dropped: Option<DroppedWeights>,
}

impl AttentionConfig {
    /// Sets the factor of the scores.
    #[must_use]
    pub fn with_scale(mut self, scale: f64) -> Self {
        self.scale = Some(scale);
        self
    }

    /// Sets whether query `i` sees only the keys `0..=i`.
    #[must_use]
    pub fn with_causal(mut self, causal: bool) -> Self {
        self.causal = causal;
        self
    }

    /// Drops weights with this probability, at least 0 and below 1, and scales the others up; the key says which.
    #[must_use]
    pub fn with_dropped(mut self, probability: f64, key: Key) -> Self {
        self.dropped = Some(DroppedWeights {
            probability,
            key,
            items: None,
        });
        self
    }

    /// Says that the batch is a part of a larger one, for the weights that are dropped.
    #[must_use]
    pub fn with_items(mut self, items: BatchItems) -> Self {
        if let Some(dropped) = &mut self.dropped {
            dropped.items = Some(items);
        }
        self
    }

    /// Sets what each query may see: `[masks, queries, keys]`, common to all heads.
    ///
    /// Batch item `b` takes mask `b % masks`: one mask serves all, one a window serves windows that lie one after another in
    /// the batch. The axis of the queries may have length 1, which excludes keys for all of them (padding).
    /// A mask of u8 lets a query see the keys that are not 0, as PyTorch's boolean mask; one of floats is added to the scores,
    /// minus infinity excluding a key, and gets no gradient.
    #[must_use]
    pub fn with_mask(mut self, mask: Tensor) -> Self {
        self.mask = Some(mask);
        self
    }
}

/// `softmax(scale query key^T + bias + mask) value` for each head; a query that sees no key gets zeros.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use mednn::ops::{AttentionConfig, attention};
///
/// let keys = Tensor::new(&[[[[100.0_f32, 0.0], [0.0, 100.0]]]], &Device::Cpu)?;
/// let values = Tensor::new(&[[[[1.0_f32], [2.0]]]], &Device::Cpu)?;
/// let y = attention(&keys, &keys, &values, None, &AttentionConfig::default())?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [1.0, 2.0]);
/// let blind = Tensor::zeros((1, 1, 2), DType::U8, &Device::Cpu)?;
/// let y = attention(&keys, &keys, &values, None, &AttentionConfig::default().with_mask(blind))?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [0.0, 0.0]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Shapes
/// - query: `[batch, heads, queries, dim]`
/// - key: `[batch, heads, keys, dim]`
/// - value: `[batch, heads, keys, value dim]`
/// - bias: `[heads, queries, keys]`, for all batch items, differentiable
/// - output: `[batch, heads, queries, value dim]`
///
/// # Errors
/// Refuses shapes and element types that do not fit together, axes without elements, element types other than f32 and f64, and a
/// probability out of range.
pub fn attention(
    query: &Tensor,
    key: &Tensor,
    value: &Tensor,
    bias: Option<&Tensor>,
    config: &AttentionConfig,
) -> Result<Tensor> {
    const OP: &str = "attention";
    let step = Step::begin();
    check_float(OP, "the query", query)?;
    check_rank(OP, "the query", query, 4)?;
    check_rank(OP, "the key", key, 4)?;
    check_rank(OP, "the value", value, 4)?;
    let [batch, heads, queries, dim] = sizes(query);
    let keys = key.dims()[2];
    let value_dim = value.dims()[3];
    check_shape(OP, "the key", key, &[batch, heads, keys, dim])?;
    check_shape(OP, "the value", value, &[batch, heads, keys, value_dim])?;
    check_same_type(OP, "the key", key, query)?;
    check_same_type(OP, "the value", value, query)?;
    let kernel = Attention {
        batch,
        heads,
        queries,
        keys,
        dim,
        value_dim,
        scale: config.scale.unwrap_or(1.0 / (dim as f64).sqrt()),
        causal: config.causal,
        layout: Layout::Heads,
        sources: Sources::Separate,
        dropped: config.dropped,
    };
    let output = if bias.is_some() {
        // candle's nodes have three inputs at most: with a bias, each key is put next to its value.
        let rows = batch * heads * keys;
        let joined = concat(&[
            &key.apply_reshape(&[rows, dim])?,
            &value.apply_reshape(&[rows, value_dim])?,
        ])?;
        let joined = joined.apply_reshape(&[batch, heads, keys, dim + value_dim])?;
        let kernel = Attention {
            sources: Sources::KeyValue,
            ..kernel
        };
        run(OP, kernel, &[query, &joined], bias, config)?
    } else {
        run(OP, kernel, &[query, key, value], None, config)?
    };
    let inputs = [
        Some(query),
        Some(key),
        Some(value),
        bias,
        config.mask.as_ref(),
    ];
    step.end(
        &inputs,
        || Op::Attention(AttentionAttributes::new(config, 1)),
        output,
    )
}

/// Attention of tokens to one another, from the one linear layer that makes queries, keys and values, without bringing the
/// heads of a token apart.
///
/// # Shapes
/// - query_key_value: `[batch, tokens, 3 * heads * dim]`: the queries of all heads, then the keys, then the values
/// - bias: `[heads, tokens, tokens]`, for all batch items, differentiable
/// - output: `[batch, tokens, heads * dim]`
///
/// # Errors
/// As [`attention`], and when the last axis does not divide by three times the heads.
pub fn self_attention(
    query_key_value: &Tensor,
    heads: usize,
    bias: Option<&Tensor>,
    config: &AttentionConfig,
) -> Result<Tensor> {
    const OP: &str = "self_attention";
    let step = Step::begin();
    check_float(OP, "the input", query_key_value)?;
    check_rank(OP, "the input", query_key_value, 3)?;
    let dim = divided(OP, "the input", query_key_value, 3, heads)?;
    let (batch, tokens) = (query_key_value.dims()[0], query_key_value.dims()[1]);
    let kernel = Attention {
        batch,
        heads,
        queries: tokens,
        keys: tokens,
        dim,
        value_dim: dim,
        scale: config.scale.unwrap_or(1.0 / (dim as f64).sqrt()),
        causal: config.causal,
        layout: Layout::Tokens,
        sources: Sources::Packed,
        dropped: config.dropped,
    };
    step.end(
        &[Some(query_key_value), bias, config.mask.as_ref()],
        || Op::SelfAttention(AttentionAttributes::new(config, heads)),
        run(OP, kernel, &[query_key_value], bias, config)?,
    )
}

/// Attention of tokens to others, from linear layers that make queries of the ones, keys and values of the others.
///
/// # Shapes
/// - query: `[batch, queries, heads * dim]`
/// - key_value: `[batch, keys, 2 * heads * dim]`: the keys of all heads, then the values
/// - bias: `[heads, queries, keys]`, for all batch items, differentiable
/// - output: `[batch, queries, heads * dim]`
///
/// # Errors
/// As [`attention`], and when the last axes do not divide by the heads.
pub fn cross_attention(
    query: &Tensor,
    key_value: &Tensor,
    heads: usize,
    bias: Option<&Tensor>,
    config: &AttentionConfig,
) -> Result<Tensor> {
    const OP: &str = "cross_attention";
    let step = Step::begin();
    check_float(OP, "the query", query)?;
    check_rank(OP, "the query", query, 3)?;
    check_rank(OP, "the keys and values", key_value, 3)?;
    check_same_type(OP, "the keys and values", key_value, query)?;
    let dim = divided(OP, "the query", query, 1, heads)?;
    let (batch, queries, keys) = (query.dims()[0], query.dims()[1], key_value.dims()[1]);
    let expected = [batch, keys, 2 * heads * dim];
    check_shape(OP, "the keys and values", key_value, &expected)?;
    let kernel = Attention {
        batch,
        heads,
        queries,
        keys,
        dim,
        value_dim: dim,
        scale: config.scale.unwrap_or(1.0 / (dim as f64).sqrt()),
        causal: config.causal,
        layout: Layout::Tokens,
        sources: Sources::KeyValue,
        dropped: config.dropped,
    };
    step.end(
        &[Some(query), Some(key_value), bias, config.mask.as_ref()],
        || Op::CrossAttention(AttentionAttributes::new(config, heads)),
        run(OP, kernel, &[query, key_value], bias, config)?,
    )
}

/// The sizes of a tensor whose rank has been checked.
fn sizes<const R: usize>(tensor: &Tensor) -> [usize; R] {
    std::array::from_fn(|axis| tensor.dims()[axis])
}

/// The length of one head's vector in a last axis that holds `roles` for each head.
fn divided(
    op: &'static str,
    name: &'static str,
    tensor: &Tensor,
    roles: usize,
    heads: usize,
) -> Result<usize> {
    let length = tensor.dims()[2];
    match heads.checked_mul(roles) {
        Some(parts @ 1..) if length.is_multiple_of(parts) => Ok(length / parts),
        _ => Err(Error::Axis {
            op,
            tensor: name,
            axis: 2,
            rule: format!("a multiple of {roles} times the {heads} heads"),
            got: tensor.dims().to_vec(),
        }),
    }
}

fn run(
    op: &'static str,
    kernel: Attention,
    sources: &[&Tensor],
    bias: Option<&Tensor>,
    config: &AttentionConfig,
) -> Result<Tensor> {
    if let Some(DroppedWeights { probability, .. }) = config.dropped
        && !(0.0..1.0).contains(&probability)
    {
        return Err(Error::Setting {
            op,
            setting: "the probability that weights are dropped",
            rule: "at least 0 and below 1",
            value: probability.to_string(),
        });
    }
    let mut inputs = sources.to_vec();
    if let Some(bias) = bias {
        let shape = [kernel.heads, kernel.queries, kernel.keys];
        check_shape(op, "the bias", bias, &shape)?;
        check_same_type(op, "the bias", bias, sources[0])?;
        inputs.push(bias);
    }
    let mask = match &config.mask {
        Some(mask) => Some(added(op, mask, &kernel, sources[0].dtype())?),
        None => None,
    };
    let node = AttentionNode::new(op, kernel, bias.is_some(), mask);
    Ok(apply(node, &inputs)?)
}

/// The mask as numbers to add, `[masks, rows, keys]`.
fn added(op: &'static str, mask: &Tensor, kernel: &Attention, dtype: DType) -> Result<Tensor> {
    check_rank(op, "the mask", mask, 3)?;
    let [masks, rows, _] = sizes(mask);
    if !kernel.batch.is_multiple_of(masks) {
        return Err(Error::Axis {
            op,
            tensor: "the mask",
            axis: 0,
            rule: format!("a divisor of the batch of {}", kernel.batch),
            got: mask.dims().to_vec(),
        });
    }
    let rows = if rows == 1 { 1 } else { kernel.queries };
    check_shape(op, "the mask", mask, &[masks, rows, kernel.keys])?;
    match mask.dtype() {
        DType::U8 => {
            let seen = mask.flatten_all()?.to_vec1::<u8>()?;
            let numbers: Vec<f32> = seen
                .into_iter()
                .map(|seen| if seen == 0 { f32::NEG_INFINITY } else { 0.0 })
                .collect();
            let added = Tensor::from_vec(numbers, mask.dims(), &Device::Cpu)?.to_dtype(dtype)?;
            Ok(added.to_device(mask.device())?)
        }
        DType::F32 | DType::F64 => Ok(mask.detach().to_dtype(dtype)?.contiguous()?),
        got => Err(Error::ElementType {
            op,
            tensor: "the mask",
            expected: "u8, f32 or f64",
            got,
        }),
    }
}
