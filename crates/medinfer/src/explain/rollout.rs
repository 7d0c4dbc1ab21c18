//! Attention rollout (Abnar and Zuidema 2020, <https://arxiv.org/abs/2005.00928>).

use mednn::graph::{AttentionAttributes, Node, Op};
use mednn::model::{Inputs, Model};
use serde::{Deserialize, Serialize};

use super::Explain;
use super::circuit::Circuit;
use super::elements::values;
use super::layer::patches;
use super::maps::on_input;
use super::saliency::{Method, Saliency};
use super::scores::Scores;
use super::target::Target;
use crate::error::{Error, Result};

/// How the heads of an attention become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Heads {
    /// Their mean, as in the paper.
    #[default]
    Mean,
    /// Their largest weight.
    Largest,
    /// Their smallest weight.
    Smallest,
}

/// How much of each patch reaches the class token of a vision transformer, when attention is followed through all blocks
/// and half of each token goes past every attention.
///
/// Values are shares of the class token, none negative. The map is the same for every class: it says where the network
/// looks, not what for.
///
/// ```
/// use mednn::candle_core::{Device, Tensor};
/// use mednn::{Inputs, Params};
/// use medinfer::explain::{AttentionRollout, Explain, Target};
/// use medmodels::vit::{ViT, ViTConfig};
///
/// let config = ViTConfig::vit_tiny_patch16_224(2).with_image_size(&[32, 48]).with_features(12, 2).with_depth(2);
/// let network = ViT::<2>::new(&config.with_mlp_features(24), &Params::new(7))?;
/// let image = Tensor::rand(0.0_f32, 1.0, (1, 3, 32, 48), &Device::Cpu)?;
/// let maps = AttentionRollout::default().explain(&network, &Inputs::new(image), &Target::Predicted)?;
/// assert_eq!(maps[0].shape(), [32, 48]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct AttentionRollout {
    /// How heads become one.
    pub heads: Heads,
}

impl AttentionRollout {
    /// Joins heads otherwise.
    #[must_use]
    pub fn with_heads(self, heads: Heads) -> Self {
        Self { heads }
    }
}

impl Explain for AttentionRollout {
    fn method(&self) -> Method {
        Method::AttentionRollout
    }

    /// As everywhere; also refuses networks whose attention is not that of all tokens to one another.
    fn explain(
        &self,
        network: &dyn Model,
        inputs: &Inputs,
        target: &Target,
    ) -> Result<Vec<Saliency>> {
        let circuit = Circuit::record(network, inputs, &[])?;
        let layers = attentions(&circuit)?;
        let [.., (last, _)] = layers[..] else {
            return refuse("no attention");
        };
        let mut wanted: Vec<_> = layers
            .iter()
            .filter_map(|(node, _)| node.inputs[0])
            .collect();
        wanted.push(circuit.logits());
        let tensors = circuit.values(inputs, &wanted)?;
        let [sources @ .., logits] = tensors.as_slice() else {
            return refuse("no attention");
        };
        let scores = Scores::of(logits, target)?;
        let image = inputs.image()?;
        let axes = image.dims().len() - 2;
        let grid = patches(&circuit, last.outputs[0], axes);
        let tokens = sources[0].dims()[1];
        let grid = grid.filter(|grid| grid.iter().product::<usize>() < tokens);
        let Some(grid) = grid else {
            return refuse("tokens without patches and a class token");
        };
        let prefix = tokens - grid.iter().product::<usize>();
        let mut rolled = vec![Vec::new(); scores.classes.len()];
        for (source, (_, attention)) in sources.iter().zip(&layers) {
            let all = values(source)?;
            let length = all.len() / rolled.len();
            for (item, rolled) in all.chunks_exact(length).zip(&mut rolled) {
                let weights = self.joined(item, tokens, attention);
                *rolled = match rolled.is_empty() {
                    true => weights,
                    false => product(&weights, rolled, tokens),
                };
            }
        }
        let map = |(item, rolled): (usize, &Vec<f64>)| {
            let explained = scores.explained(self.method(), item);
            let shape = &image.dims()[2..];
            let values = on_input(&rolled[prefix..tokens], &grid, shape)?;
            Saliency::new(explained, 1, shape, values)
        };
        rolled.iter().enumerate().map(map).collect()
    }
}

impl AttentionRollout {
    /// The weights of all tokens to one another with half of each token beside them, `[tokens, tokens]`, rows adding up
    /// to 1; from the queries, keys and values of one item.
    fn joined(&self, packed: &[f64], tokens: usize, attention: &AttentionAttributes) -> Vec<f64> {
        let heads = attention.heads;
        let width = packed.len() / tokens;
        let dim = width / (3 * heads);
        let scale = attention.scale.unwrap_or(1.0 / (dim as f64).sqrt());
        let mut joined = vec![0.0; tokens * tokens];
        for (query, joined) in joined.chunks_exact_mut(tokens).enumerate() {
            let vector = |token: usize, role: usize, head: usize| {
                &packed[token * width + (role * heads + head) * dim..][..dim]
            };
            for head in 0..heads {
                let products = (0..tokens).map(|key| {
                    let (query, key) = (vector(query, 0, head), vector(key, 1, head));
                    scale * query.iter().zip(key).map(|(q, k)| q * k).sum::<f64>()
                });
                let weights = softmax(products.collect());
                for (joined, weight) in joined.iter_mut().zip(weights) {
                    *joined = match self.heads {
                        Heads::Mean => *joined + weight / heads as f64,
                        _ if head == 0 => weight,
                        Heads::Largest => joined.max(weight),
                        Heads::Smallest => joined.min(weight),
                    };
                }
            }
            joined[query] += 1.0;
            let sum: f64 = joined.iter().sum();
            joined.iter_mut().for_each(|weight| *weight /= sum);
        }
        joined
    }
}

/// The attentions of tokens to one another, from the first to the last.
fn attentions(circuit: &Circuit) -> Result<Vec<(&Node, AttentionAttributes)>> {
    let mut found = Vec::new();
    let mut tokens = None;
    for node in circuit.graph().nodes() {
        match &node.op {
            Op::SelfAttention(attributes) => {
                let plain = node.inputs[1..].iter().all(Option::is_none) && !attributes.causal;
                let shape = node.inputs[0].map(|id| circuit.graph().value(id).shape.clone());
                let same = tokens.get_or_insert_with(|| shape.clone()) == &shape;
                if !plain || !same {
                    return refuse("attention with a bias or mask, or within windows");
                }
                found.push((node, *attributes));
            }
            Op::Attention(_) | Op::CrossAttention(_) => {
                return refuse("attention between different tokens");
            }
            _ => {}
        }
    }
    Ok(found)
}

fn refuse<T>(got: &str) -> Result<T> {
    Err(Error::Explanation {
        rule: "the network is a vision transformer with a class token, whose tokens all see one another",
        got: got.to_owned(),
    })
}

fn softmax(mut values: Vec<f64>) -> Vec<f64> {
    let most = values.iter().copied().fold(f64::MIN, f64::max);
    values
        .iter_mut()
        .for_each(|value| *value = libm::exp(*value - most));
    let sum: f64 = values.iter().sum();
    values.iter_mut().for_each(|value| *value /= sum);
    values
}

/// `a b` of square matrices.
fn product(a: &[f64], b: &[f64], size: usize) -> Vec<f64> {
    let mut out = vec![0.0; size * size];
    for (row, out) in a.chunks_exact(size).zip(out.chunks_exact_mut(size)) {
        for (factor, b) in row.iter().zip(b.chunks_exact(size)) {
            { out.iter_mut().zip(b) }.for_each(|(out, b)| *out += factor * b);
        }
    }
    out
}
