//! Contrastive losses of embeddings.

use candle_core::{DType, Tensor};

use super::maps::{Sum, sum};
use super::segmentation::check_setting;
use crate::error::{Error, Result};
use crate::ops::log_softmax;
use crate::ops::support::{check_float, check_rank, check_same_type, check_shape};

/// What the similarity of an embedding with itself is set to: its exponential vanishes.
const NEVER: f64 = -1e9;
/// Added to squared lengths, so that a vector of zeros has a direction.
const TINY: f64 = 1e-16;

/// NT-Xent, the loss of SimCLR (Chen et al. 2020, <https://arxiv.org/abs/2002.05709>): each of two views of an image is to be
/// closer to the other view than to all other images in the batch; MONAI's `ContrastiveLoss`, whose temperature is 0.5 by default.
///
/// `-log exp(s_ij / T) / sum_(k != i) exp(s_ik / T)` with `s` the cosine similarity, averaged over both views of all images.
///
/// # Shapes
/// - first, second: `[batch, features]`, the views of an image in the same row
/// - output: `[]`
///
/// # Errors
/// Refuses a temperature that is not positive, tensors of different shapes or element types, and element types other than f32 and
/// f64.
pub fn nt_xent(first: &Tensor, second: &Tensor, temperature: f64) -> Result<Tensor> {
    const OP: &str = "nt_xent";
    check_embeddings(OP, first, temperature)?;
    check_same_type(OP, "the second views", second, first)?;
    check_shape(OP, "the second views", second, first.dims())?;
    let batch = first.dims()[0];
    let both = Tensor::cat(&[first, second], 0)?;
    let pairs = 2 * batch;
    let mut weights = vec![0.0; pairs * pairs];
    for i in 0..pairs {
        weights[i * pairs + (i + batch) % pairs] = 1.0 / pairs as f64;
    }
    surprise(OP, (&both, &both), temperature, Pairs::of_one_set(weights))
}

/// InfoNCE (van den Oord et al. 2018, <https://arxiv.org/abs/1807.03748>): each query is to be closer to its own key than to those
/// of all others in the batch.
///
/// `-log exp(s_ii / T) / sum_k exp(s_ik / T)` with `s` the cosine similarity of query and key, averaged over queries. CLIP's loss is
/// the mean of this and of the same with queries and keys exchanged.
///
/// # Shapes
/// - queries, keys: `[batch, features]`
/// - output: `[]`
///
/// # Errors
/// As [`nt_xent`].
pub fn info_nce(queries: &Tensor, keys: &Tensor, temperature: f64) -> Result<Tensor> {
    const OP: &str = "info_nce";
    check_embeddings(OP, queries, temperature)?;
    check_same_type(OP, "the keys", keys, queries)?;
    check_shape(OP, "the keys", keys, queries.dims())?;
    let batch = queries.dims()[0];
    let mut weights = vec![0.0; batch * batch];
    for i in 0..batch {
        weights[i * batch + i] = 1.0 / batch as f64;
    }
    surprise(
        OP,
        (queries, keys),
        temperature,
        Pairs {
            weights,
            one_set: false,
        },
    )
}

/// The supervised contrastive loss (Khosla et al. 2020, <https://arxiv.org/abs/2004.11362>, its `L_out`): embeddings of one class
/// are to be closer to each other than to all others.
///
/// `-mean_(p in P(i)) log exp(s_ip / T) / sum_(k != i) exp(s_ik / T)` with `s` the cosine similarity and `P(i)` the others of the class
/// of `i`, averaged over the embeddings that have such others; 0 when none has. The authors' program multiplies by temperature over
/// base temperature, 1 by default.
///
/// # Shapes
/// - embeddings: `[batch, features]`
/// - labels: `[batch]` in u8 or u32
/// - output: `[]`
///
/// # Errors
/// As [`nt_xent`], and other element types of labels.
pub fn supervised_contrastive(
    embeddings: &Tensor,
    labels: &Tensor,
    temperature: f64,
) -> Result<Tensor> {
    const OP: &str = "supervised_contrastive";
    check_embeddings(OP, embeddings, temperature)?;
    let batch = embeddings.dims()[0];
    check_shape(OP, "the labels", labels, &[batch])?;
    if !matches!(labels.dtype(), DType::U8 | DType::U32) {
        return Err(Error::ElementType {
            op: OP,
            tensor: "the labels",
            expected: "u8 or u32",
            got: labels.dtype(),
        });
    }
    let labels = labels.to_dtype(DType::U32)?.to_vec1::<u32>()?;
    let others = |i: usize| labels.iter().filter(|&&l| l == labels[i]).count() - 1;
    let anchors = (0..batch).filter(|&i| others(i) > 0).count();
    let mut weights = vec![0.0; batch * batch];
    for i in 0..batch {
        for k in 0..batch {
            if i != k && labels[i] == labels[k] {
                weights[i * batch + k] = 1.0 / (others(i) * anchors) as f64;
            }
        }
    }
    let pairs = Pairs::of_one_set(weights);
    surprise(OP, (embeddings, embeddings), temperature, pairs)
}

/// How much each pair counts.
struct Pairs {
    /// `[rows, columns]`.
    weights: Vec<f64>,
    /// Whether rows and columns are the same embeddings, so that the diagonal is left out.
    one_set: bool,
}

impl Pairs {
    fn of_one_set(weights: Vec<f64>) -> Self {
        Self {
            weights,
            one_set: true,
        }
    }
}

/// `-sum w_ik log softmax_k(s_ik / T)`.
fn surprise(
    op: &'static str,
    (rows, columns): (&Tensor, &Tensor),
    temperature: f64,
    pairs: Pairs,
) -> Result<Tensor> {
    let (count, device, dtype) = (columns.dims()[0], rows.device(), rows.dtype());
    let unit = |tensor: &Tensor| -> candle_core::Result<Tensor> {
        let length = tensor.sqr()?.sum_keepdim(1)?.affine(1.0, TINY)?.sqrt()?;
        tensor.broadcast_div(&length)
    };
    let similarity = unit(rows)?.matmul(&unit(columns)?.t()?.contiguous()?)?;
    let mut scaled = similarity.affine(1.0 / temperature, 0.0)?;
    if pairs.one_set {
        let mut itself = vec![0.0; count * count];
        for i in 0..count {
            itself[i * count + i] = NEVER;
        }
        let itself = Tensor::from_vec(itself, (count, count), device)?.to_dtype(dtype)?;
        scaled = (scaled + itself)?;
    }
    let weights = Tensor::from_vec(pairs.weights, scaled.dims(), device)?.to_dtype(dtype)?;
    let sums = sum(op, &log_softmax(&scaled, 1)?, Sum::Weighted(weights))?;
    Ok(sums.sum_all()?.affine(-1.0, 0.0)?)
}

fn check_embeddings(op: &'static str, embeddings: &Tensor, temperature: f64) -> Result<()> {
    check_setting(op, ("the temperature", "positive"), temperature, |t| {
        t > 0.0
    })?;
    check_float(op, "the embeddings", embeddings)?;
    check_rank(op, "the embeddings", embeddings, 2)
}
