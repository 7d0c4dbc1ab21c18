//! Selection and sums by indices, the largest elements, and one-hot codes.

use candle_core::{DType, Tensor};

use super::index_node::{GatherNode, IndexSelectNode, Indices, ScatterAddNode};
use super::node::apply;
use super::softmax::columns;
use super::support::{
    self, check_float, check_min_rank, check_rank, check_same_type, check_shape, for_element,
};
use super::view::reshape;
use crate::cpu::buffer::Columns;
use crate::cpu::real::Real;
pub use crate::cpu::top_k::Order;
use crate::cpu::{index as kernel, top_k as top_k_kernel};
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::{Error, Result};
use crate::graph::{Op, Step};

/// The slices of an axis that the indices name, in their order.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::ops::index_select;
///
/// let rows = Tensor::new(&[[1.0_f32, 2.0], [3.0, 4.0]], &Device::Cpu)?;
/// let chosen = index_select(&rows, 0, &Tensor::new(&[1_u32, 0, 1], &Device::Cpu)?)?;
/// assert_eq!(chosen.to_vec2::<f32>()?, [[3.0, 4.0], [1.0, 2.0], [3.0, 4.0]]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Shapes
/// - input: `[outer, axis, inner]`, any number of axes around the one named
/// - indices: `[count]`, u32, u8 or i64
/// - output: `[outer, count, inner]`
///
/// # Errors
/// Refuses an axis that does not exist, an index outside it, axes without elements and element types other than f32 and f64.
pub fn index_select(input: &Tensor, axis: usize, indices: &Tensor) -> Result<Tensor> {
    const OP: &str = "index_select";
    let step = Step::begin();
    check_float(OP, "the input", input)?;
    check_min_rank(OP, "the input", input, 1)?;
    check_rank(OP, "the indices", indices, 1)?;
    let columns = columns(OP, input, axis)?;
    let node = IndexSelectNode {
        columns,
        axis,
        indices: Indices::read(OP, indices, columns.count)?,
    };
    step.end(
        &[Some(input), Some(indices)],
        || Op::IndexSelect(axis),
        apply(node, &[input])?,
    )
}

/// Of each item of a batch the slices of axis 1 that its own indices name, in their order: the tokens that are left where
/// some are dropped.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::ops::select_each;
///
/// let tokens = Tensor::new(&[[1.0_f32, 2.0, 3.0], [4.0, 5.0, 6.0]], &Device::Cpu)?;
/// let chosen = select_each(&tokens, &[2, 0, 1, 2])?;
/// assert_eq!(chosen.to_vec2::<f32>()?, [[3.0, 1.0], [5.0, 6.0]]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Shapes
/// - input: `[batch, axis, ...]`
/// - indices: `batch * count`, those of an item one after another
/// - output: `[batch, count, ...]`
///
/// # Errors
/// Refuses fewer than two axes, axes without elements, other than as many indices for each item, an index outside the axis,
/// and element types other than f32 and f64.
pub fn select_each(input: &Tensor, indices: &[u32]) -> Result<Tensor> {
    const OP: &str = "select_each";
    let step = Step::begin();
    check_float(OP, "the input", input)?;
    check_min_rank(OP, "the input", input, 2)?;
    let length = columns(OP, input, 1)?.count;
    let (batch, inner) = (input.dims()[0], &input.dims()[2..]);
    let refuse = |setting, rule, value| Error::Setting {
        op: OP,
        setting,
        rule,
        value,
    };
    if indices.is_empty() || !indices.len().is_multiple_of(batch) {
        let value = format!("{} for {batch} items", indices.len());
        return Err(refuse(
            "the number of indices",
            "as many for each item",
            value,
        ));
    }
    let count = indices.len() / batch;
    let row = |(place, &index): (usize, &u32)| {
        let row = u32::try_from(place / count * length + index as usize).ok();
        row.filter(|_| (index as usize) < length).ok_or_else(|| {
            let value = format!("{index} for {batch} items of {length}");
            refuse("an index", "below the length of the axis", value)
        })
    };
    let rows: Vec<u32> = indices.iter().enumerate().map(row).collect::<Result<_>>()?;
    let rows = Tensor::from_vec(rows, indices.len(), input.device())?;
    let joined = reshape(input, &[&[batch * length], inner].concat())?;
    let chosen = index_select(&joined, 0, &rows)?;
    step.end(
        &[Some(input)],
        || Op::SelectEach(indices.to_vec()),
        reshape(&chosen, &[&[batch, count], inner].concat())?,
    )
}

/// For each index the input's element there along the axis and at the index's own place along the others, as PyTorch's
/// `gather`.
///
/// # Shapes
/// - input: `[outer, axis, inner]`
/// - indices and output: `[outer, count, inner]`; unlike PyTorch's, as long as the input along all other axes
///
/// # Errors
/// Refuses an axis that does not exist, indices of another shape or outside the axis, axes without elements and element types
/// other than f32 and f64.
pub fn gather(input: &Tensor, axis: usize, indices: &Tensor) -> Result<Tensor> {
    const OP: &str = "gather";
    let step = Step::begin();
    check_float(OP, "the input", input)?;
    check_min_rank(OP, "the input", input, 1)?;
    let columns = columns(OP, input, axis)?;
    check_along(OP, indices, input, axis)?;
    let node = GatherNode {
        columns,
        shape: indices.dims().to_vec(),
        indices: Indices::read(OP, indices, columns.count)?,
    };
    step.end(
        &[Some(input), Some(indices)],
        || Op::Gather(axis),
        apply(node, &[input])?,
    )
}

/// `base` plus each element of `source` at its index along the axis, as PyTorch's `scatter_add`; where several meet they are
/// added in order, so the result is always the same.
///
/// # Shapes
/// - base and output: `[outer, axis, inner]`
/// - indices and source: `[outer, count, inner]`
///
/// # Errors
/// As [`gather`], and when the source has another shape than the indices.
pub fn scatter_add(
    base: &Tensor,
    axis: usize,
    indices: &Tensor,
    source: &Tensor,
) -> Result<Tensor> {
    const OP: &str = "scatter_add";
    let step = Step::begin();
    check_float(OP, "the base", base)?;
    check_min_rank(OP, "the base", base, 1)?;
    let columns = columns(OP, base, axis)?;
    check_along(OP, indices, base, axis)?;
    check_shape(OP, "the source", source, indices.dims())?;
    check_same_type(OP, "the source", source, base)?;
    let node = ScatterAddNode {
        columns,
        indices: Indices::read(OP, indices, columns.count)?,
    };
    step.end(
        &[Some(base), Some(indices), Some(source)],
        || Op::ScatterAdd(axis),
        apply(node, &[base, source])?,
    )
}

/// The first elements of an axis in some order.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TopK {
    /// The elements, differentiable.
    pub values: Tensor,
    /// Where they were along the axis, u32.
    pub indices: Tensor,
}

/// The `k` largest or smallest elements along an axis, in order; of equal ones the lowest index comes first.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::ops::{Order, top_k};
///
/// let scores = Tensor::new(&[0.2_f32, 0.9, 0.9, 0.1], &Device::Cpu)?;
/// let best = top_k(&scores, 0, 3, Order::Largest)?;
/// assert_eq!(best.values.to_vec1::<f32>()?, [0.9, 0.9, 0.2]);
/// assert_eq!(best.indices.to_vec1::<u32>()?, [1, 2, 0]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Shapes
/// - input: `[outer, axis, inner]`
/// - values and indices: `[outer, k, inner]`
///
/// # Errors
/// Refuses an axis that does not exist, `k` of 0 or beyond it, axes without elements and element types other than f32 and f64.
pub fn top_k(input: &Tensor, axis: usize, k: usize, order: Order) -> Result<TopK> {
    const OP: &str = "top_k";
    let step = Step::begin();
    check_float(OP, "the input", input)?;
    check_min_rank(OP, "the input", input, 1)?;
    let columns = columns(OP, input, axis)?;
    if k == 0 || k > columns.count || u32::try_from(columns.count).is_err() {
        return Err(Error::Setting {
            op: OP,
            setting: "k",
            rule: "at least 1 and at most the length of the axis",
            value: format!("{k} for {}", columns.count),
        });
    }
    let mut shape = input.dims().to_vec();
    shape[axis] = k;
    let indices = first(columns, k, order, input, &shape)?;
    step.end(
        &[Some(input)],
        || Op::TopK { axis, k, order },
        TopK {
            values: gather(input, axis, &indices)?,
            indices,
        },
    )
}

/// The numbers of the first `k` columns, as a tensor of `shape` that is not on the tape.
fn first(
    columns: Columns,
    k: usize,
    order: Order,
    input: &Tensor,
    shape: &[usize],
) -> Result<Tensor> {
    const OP: &str = "top_k";
    #[cfg(feature = "cuda")]
    if input.device().is_cuda() {
        return for_element!(input, OP, T => {
            let indices = cuda::with_array::<T, _>(input, |values| {
                cuda::index::top_k(columns, k, order, values)
            })?;
            Ok(cuda::tensor(indices, shape, input)?)
        });
    }
    let indices = for_element!(input, OP, T => {
        support::with_elements::<T, _>(input, |values| {
            Ok(top_k_kernel::indices(columns, k, order, values))
        })
    })?;
    Ok(Tensor::from_vec(indices, shape, input.device())?)
}

/// A new axis that holds 1 at the label and 0 elsewhere.
///
/// # Shapes
/// - labels: `[outer, inner]`, u32, u8 or i64
/// - output: `[outer, classes, inner]`, the new axis at `axis`: 1 for `[batch, channels, ...]`, the rank of the labels for the
///   last place
///
/// # Errors
/// Refuses an axis beyond the rank of the labels, a label that is not below `classes`, axes without elements and output types
/// other than f32 and f64.
pub fn one_hot(labels: &Tensor, classes: usize, axis: usize, dtype: DType) -> Result<Tensor> {
    const OP: &str = "one_hot";
    let step = Step::begin();
    check_min_rank(OP, "the labels", labels, axis)?;
    let indices = Indices::read(OP, labels, classes)?.numbers;
    let (outer, inner) = labels.dims().split_at(axis);
    let shape = [outer, &[classes], inner].concat();
    let columns = Columns {
        outer: outer.iter().product(),
        count: classes,
        inner: inner.iter().product(),
    };
    let zeros = Tensor::zeros(shape.as_slice(), dtype, labels.device())?;
    check_float(OP, "the output", &zeros)?;
    let codes = for_element!(&zeros, OP, T => {
        let ones = vec![<T as Real>::ONE; indices.len()];
        let codes = kernel::scatter_add(columns, &indices, None, &ones);
        support::tensor(codes, &shape, labels)
    })?;
    let op = || Op::OneHot {
        classes,
        axis,
        dtype,
    };
    step.end(&[Some(labels)], op, codes)
}

/// Refuses indices that are not as long as the input along every other axis.
fn check_along(op: &'static str, indices: &Tensor, input: &Tensor, axis: usize) -> Result<()> {
    check_rank(op, "the indices", indices, input.rank())?;
    let mut expected = input.dims().to_vec();
    expected[axis] = indices.dims()[axis];
    check_shape(op, "the indices", indices, &expected)
}
