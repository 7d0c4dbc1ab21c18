//! Selection and sums by indices, the largest elements, and one-hot codes.

use std::sync::Arc;

use candle_core::{CpuStorage, DType, Layout, Shape, Tensor};

use super::node::{Gradients, Node, apply};
use super::softmax::columns;
use super::support::{
    self, check_float, check_min_rank, check_rank, check_same_type, check_shape, for_element,
};
use crate::cpu::buffer::Columns;
use crate::cpu::real::Real;
pub use crate::cpu::top_k::Order;
use crate::cpu::{index as kernel, top_k as top_k_kernel};
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
        indices: read_indices(OP, indices, columns.count)?,
    };
    step.end(
        &[Some(input), Some(indices)],
        || Op::IndexSelect(axis),
        apply(node, &[input])?,
    )
}

struct IndexSelectNode {
    columns: Columns,
    axis: usize,
    indices: Arc<[u32]>,
}

impl Node for IndexSelectNode {
    fn name(&self) -> &'static str {
        "index_select"
    }

    fn forward(
        &self,
        inputs: &[(&CpuStorage, &Layout)],
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let mut shape = inputs[0].1.dims().to_vec();
        shape[self.axis] = self.indices.len();
        for_element!(inputs[0].0, self.name(), T => {
            let input = support::elements::<T>(inputs[0].0, inputs[0].1)?;
            Ok(support::output(kernel::select(self.columns, &self.indices, input), &shape))
        })
    }

    fn backward(&self, inputs: &[&Tensor], _: &Tensor, gradient: &Tensor) -> Gradients {
        let input = inputs[0];
        if !input.track_op() {
            return Ok([None, None, None]);
        }
        for_element!(input, self.name(), T => {
            let values = support::with_elements::<T, _>(gradient, |g| {
                Ok(kernel::add_columns(self.columns, &self.indices, g))
            })?;
            Ok([Some(support::tensor(values, input.dims(), input)?), None, None])
        })
    }
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
        indices: read_indices(OP, indices, columns.count)?,
    };
    step.end(
        &[Some(input), Some(indices)],
        || Op::Gather(axis),
        apply(node, &[input])?,
    )
}

struct GatherNode {
    columns: Columns,
    shape: Vec<usize>,
    indices: Arc<[u32]>,
}

impl Node for GatherNode {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn forward(
        &self,
        inputs: &[(&CpuStorage, &Layout)],
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        for_element!(inputs[0].0, self.name(), T => {
            let input = support::elements::<T>(inputs[0].0, inputs[0].1)?;
            Ok(support::output(kernel::gather(self.columns, &self.indices, input), &self.shape))
        })
    }

    fn backward(&self, inputs: &[&Tensor], _: &Tensor, gradient: &Tensor) -> Gradients {
        let input = inputs[0];
        if !input.track_op() {
            return Ok([None, None, None]);
        }
        for_element!(input, self.name(), T => {
            let values = support::with_elements::<T, _>(gradient, |g| {
                Ok(kernel::scatter_add(self.columns, &self.indices, None, g))
            })?;
            Ok([Some(support::tensor(values, input.dims(), input)?), None, None])
        })
    }
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
        indices: read_indices(OP, indices, columns.count)?,
    };
    step.end(
        &[Some(base), Some(indices), Some(source)],
        || Op::ScatterAdd(axis),
        apply(node, &[base, source])?,
    )
}

struct ScatterAddNode {
    columns: Columns,
    indices: Arc<[u32]>,
}

impl Node for ScatterAddNode {
    fn name(&self) -> &'static str {
        "scatter_add"
    }

    fn forward(
        &self,
        inputs: &[(&CpuStorage, &Layout)],
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let shape = inputs[0].1.dims();
        for_element!(inputs[0].0, self.name(), T => {
            let inputs: Vec<&[T]> = support::all_elements(inputs)?;
            let sums = kernel::scatter_add(self.columns, &self.indices, Some(inputs[0]), inputs[1]);
            Ok(support::output(sums, shape))
        })
    }

    fn backward(&self, inputs: &[&Tensor], _: &Tensor, gradient: &Tensor) -> Gradients {
        let (base, source) = (inputs[0], inputs[1]);
        let of_base = base.track_op().then(|| gradient.clone());
        if !source.track_op() {
            return Ok([of_base, None, None]);
        }
        for_element!(source, self.name(), T => {
            let values = support::with_elements::<T, _>(gradient, |g| {
                Ok(kernel::gather(self.columns, &self.indices, g))
            })?;
            Ok([of_base, Some(support::tensor(values, source.dims(), source)?), None])
        })
    }
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
    let indices = for_element!(input, OP, T => {
        support::with_elements::<T, _>(input, |values| {
            Ok(top_k_kernel::indices(columns, k, order, values))
        })
    })?;
    let indices = Tensor::from_vec(indices, shape, input.device())?;
    step.end(
        &[Some(input)],
        || Op::TopK { axis, k, order },
        TopK {
            values: gather(input, axis, &indices)?,
            indices,
        },
    )
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
    let indices = read_indices(OP, labels, classes)?;
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

/// Indices as numbers below `count`.
fn read_indices(op: &'static str, indices: &Tensor, count: usize) -> Result<Arc<[u32]>> {
    if !matches!(indices.dtype(), DType::U8 | DType::U32 | DType::I64) {
        return Err(Error::ElementType {
            op,
            tensor: "the indices",
            expected: "u32, u8 or i64",
            got: indices.dtype(),
        });
    }
    let wide = indices.flatten_all()?.to_dtype(DType::I64)?;
    let numbers = wide.to_vec1::<i64>()?;
    numbers
        .into_iter()
        .map(|number| match u32::try_from(number) {
            Ok(index) if (index as usize) < count => Ok(index),
            _ => Err(Error::Setting {
                op,
                setting: "an index",
                rule: "at least 0 and below the length of the axis",
                value: format!("{number} for {count}"),
            }),
        })
        .collect()
}
