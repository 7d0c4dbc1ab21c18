//! What a head says of its cells as rows, and what is asked of them.

use mednn::candle_core::{DType, Tensor};
use mednn::ops;

/// The numbers of a tensor, without its tape.
pub(crate) fn numbers(tensor: &Tensor) -> mednn::Result<Vec<f64>> {
    let tensor = tensor.detach().to_dtype(DType::F64)?;
    Ok(tensor.flatten_all()?.to_vec1()?)
}

/// Numbers as a tensor of the kind of another.
pub(crate) fn constant(numbers: Vec<f64>, shape: &[usize], like: &Tensor) -> mednn::Result<Tensor> {
    Ok(Tensor::from_vec(numbers, shape, like.device())?.to_dtype(like.dtype())?)
}

/// The rows of these numbers.
pub(crate) fn pick(rows: &Tensor, numbers: &[u32]) -> mednn::Result<Tensor> {
    let numbers = Tensor::from_slice(numbers, numbers.len(), rows.device())?;
    ops::index_select(rows, 0, &numbers)
}

/// The sum of all elements, `[]`.
pub(crate) fn total(values: &Tensor) -> mednn::Result<Tensor> {
    let axes: Vec<usize> = (0..values.rank()).collect();
    ops::sum(values, &axes, ops::Reduced::Dropped)
}

/// The value of a scalar.
pub(crate) fn scalar(tensor: &Tensor) -> mednn::Result<f64> {
    Ok(tensor.to_dtype(DType::F64)?.to_scalar()?)
}
