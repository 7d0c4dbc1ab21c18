//! What every operator needs to get from tensors to slices and back.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, DType, Layout, Shape, Storage, Tensor, Var, WithDType};

use crate::cpu::buffer;
use crate::cpu::real::Real;
use crate::error::{Error, Result};

/// An element type operators work on: `f32`, or `f64` for gradient checks.
pub(crate) trait Element: Real + WithDType {}

impl Element for f32 {}
impl Element for f64 {}

/// Runs generic code for the element type of a tensor: `for_element!(tensor, op, T => expression)`.
macro_rules! for_element {
    ($tensor:expr, $op:expr, $t:ident => $body:expr) => {
        match $crate::ops::support::Typed::element_type($tensor) {
            ::candle_core::DType::F32 => {
                type $t = f32;
                $body
            }
            ::candle_core::DType::F64 => {
                type $t = f64;
                $body
            }
            got => Err($crate::ops::support::unsupported_type($op, got).into()),
        }
    };
}
pub(crate) use for_element;

/// What has an element type.
pub(crate) trait Typed {
    fn element_type(&self) -> DType;
}

impl Typed for Tensor {
    fn element_type(&self) -> DType {
        self.dtype()
    }
}

impl Typed for CpuStorage {
    fn element_type(&self) -> DType {
        BackendStorage::dtype(self)
    }
}

#[cfg(feature = "cuda")]
impl Typed for candle_core::CudaStorage {
    fn element_type(&self) -> DType {
        BackendStorage::dtype(self)
    }
}

/// The error for an element type without kernel, in candle's type because it also leaves operators' own methods.
pub(crate) fn unsupported_type(op: &'static str, got: DType) -> candle_core::Error {
    candle_core::Error::UnsupportedDTypeForOp(got, op)
}

/// Refuses tensors that are neither `f32` nor `f64`.
pub(crate) fn check_float(op: &'static str, name: &'static str, tensor: &Tensor) -> Result<()> {
    match tensor.dtype() {
        DType::F32 | DType::F64 => Ok(()),
        got => Err(Error::ElementType {
            op,
            tensor: name,
            expected: "f32 or f64",
            got,
        }),
    }
}

/// Refuses a tensor of another element type than `like`.
pub(crate) fn check_same_type(
    op: &'static str,
    name: &'static str,
    tensor: &Tensor,
    like: &Tensor,
) -> Result<()> {
    if tensor.dtype() == like.dtype() {
        return Ok(());
    }
    Err(Error::ElementType {
        op,
        tensor: name,
        expected: if like.dtype() == DType::F64 {
            "f64, as the input"
        } else {
            "f32, as the input"
        },
        got: tensor.dtype(),
    })
}

/// Refuses a tensor of another shape.
pub(crate) fn check_shape(
    op: &'static str,
    name: &'static str,
    tensor: &Tensor,
    expected: &[usize],
) -> Result<()> {
    if tensor.dims() == expected {
        return Ok(());
    }
    Err(Error::Shape {
        op,
        tensor: name,
        expected: expected.to_vec(),
        got: tensor.dims().to_vec(),
    })
}

/// Refuses a tensor with fewer axes, and one without elements.
pub(crate) fn check_min_rank(
    op: &'static str,
    name: &'static str,
    tensor: &Tensor,
    rank: usize,
) -> Result<()> {
    if tensor.rank() < rank {
        return Err(Error::Rank {
            op,
            tensor: name,
            expected: format!("at least {rank}"),
            got: tensor.dims().to_vec(),
        });
    }
    check_not_empty(op, name, tensor)
}

/// Refuses a tensor with another number of axes, and one without elements.
pub(crate) fn check_rank(
    op: &'static str,
    name: &'static str,
    tensor: &Tensor,
    rank: usize,
) -> Result<()> {
    if tensor.rank() != rank {
        return Err(Error::Rank {
            op,
            tensor: name,
            expected: rank.to_string(),
            got: tensor.dims().to_vec(),
        });
    }
    check_not_empty(op, name, tensor)
}

/// Refuses numbers of spatial axes other than 1, 2 and 3, and a tensor that has not `D` of them behind batch and channels.
pub(crate) fn check_spatial<const D: usize>(
    op: &'static str,
    name: &'static str,
    tensor: &Tensor,
) -> Result<()> {
    if !(1..=3).contains(&D) {
        return Err(Error::Setting {
            op,
            setting: "the number of spatial axes",
            rule: "1, 2 or 3",
            value: D.to_string(),
        });
    }
    check_rank(op, name, tensor, D + 2)
}

/// Refuses an output with more elements than any memory has.
pub(crate) fn check_output(op: &'static str, shape: &[usize]) -> Result<()> {
    // The tables of an axis take a few machine words an element.
    const MOST: usize = isize::MAX as usize / 64;
    let elements = shape
        .iter()
        .try_fold(1_usize, |product, &length| product.checked_mul(length));
    if elements.is_some_and(|elements| elements <= MOST) {
        return Ok(());
    }
    Err(Error::Setting {
        op,
        setting: "the shape of the output",
        rule: "small enough for memory",
        value: format!("{shape:?}"),
    })
}

fn check_not_empty(op: &'static str, name: &'static str, tensor: &Tensor) -> Result<()> {
    match tensor.dims().iter().position(|&length| length == 0) {
        None => Ok(()),
        Some(axis) => Err(Error::Axis {
            op,
            tensor: name,
            axis,
            rule: "at least 1 long".to_owned(),
            got: tensor.dims().to_vec(),
        }),
    }
}

/// The elements of a contiguous storage.
pub(crate) fn elements<'a, T: WithDType>(
    storage: &'a CpuStorage,
    layout: &Layout,
) -> candle_core::Result<&'a [T]> {
    let (start, end) = layout
        .contiguous_offsets()
        .ok_or_else(|| candle_core::Error::RequiresContiguous { op: "mednn" })?;
    Ok(&storage.as_slice::<T>()?[start..end])
}

/// The elements of several contiguous storages.
pub(crate) fn all_elements<'a, T: Element>(
    inputs: &[(&'a CpuStorage, &Layout)],
) -> candle_core::Result<Vec<&'a [T]>> {
    inputs
        .iter()
        .map(|(storage, layout)| elements(storage, layout))
        .collect()
}

/// Calls `f` with the elements of a tensor in storage order, copied first if it is not contiguous.
pub(crate) fn with_elements<T: Element, R>(
    tensor: &Tensor,
    f: impl FnOnce(&[T]) -> candle_core::Result<R>,
) -> candle_core::Result<R> {
    with_raw_elements::<T, R>(tensor, f)
}

/// As [`with_elements`], for several tensors.
pub(crate) fn with_all_elements<T: Element, R>(
    tensors: &[&Tensor],
    f: impl FnOnce(&[&[T]]) -> candle_core::Result<R>,
) -> candle_core::Result<R> {
    fn next<T: Element, R>(
        tensors: &[&Tensor],
        slices: Vec<&[T]>,
        f: impl FnOnce(&[&[T]]) -> candle_core::Result<R>,
    ) -> candle_core::Result<R> {
        let [first, rest @ ..] = tensors else {
            return f(&slices);
        };
        let first = first.contiguous()?;
        with_elements::<T, R>(&first, |elements| {
            let mut slices: Vec<&[T]> = slices;
            slices.push(elements);
            next(rest, slices, f)
        })
    }
    next(tensors, Vec::with_capacity(tensors.len()), f)
}

/// As [`with_elements`] for any type of candle.
pub(crate) fn with_raw_elements<T: WithDType, R>(
    tensor: &Tensor,
    f: impl FnOnce(&[T]) -> candle_core::Result<R>,
) -> candle_core::Result<R> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else {
        return Err(candle_core::Error::Msg(format!(
            "no kernel for device {:?}",
            tensor.device().location()
        )));
    };
    let (start, end) = layout
        .contiguous_offsets()
        .ok_or_else(|| candle_core::Error::RequiresContiguous { op: "mednn" })?;
    f(&storage.as_slice::<T>()?[start..end])
}

/// What a kernel made, as candle wants it.
pub(crate) fn output<T: Element>(values: Vec<T>, shape: &[usize]) -> (CpuStorage, Shape) {
    (T::to_cpu_storage_owned(values), Shape::from_dims(shape))
}

/// A new tensor that is not on the tape.
pub(crate) fn tensor<T: Element>(
    values: Vec<T>,
    shape: &[usize],
    like: &Tensor,
) -> candle_core::Result<Tensor> {
    Tensor::from_vec(values, shape, like.device())
}

/// The sum of two tensors of one shape, neither on the tape.
pub(crate) fn add(a: &Tensor, b: &Tensor) -> candle_core::Result<Tensor> {
    #[cfg(feature = "cuda")]
    if a.device().is_cuda() && a.dims() == b.dims() {
        use crate::cuda::{arithmetic, tensor, with_array};
        return for_element!(a, "add", T => {
            let sum = with_array::<T, _>(a, |x| with_array::<T, _>(b, |y| arithmetic::add(x, y)))?;
            tensor(sum, a.dims(), a)
        });
    }
    if !a.device().is_cpu() || a.dims() != b.dims() {
        return Ok((a + b)?.detach());
    }
    for_element!(a, "add", T => with_elements::<T, _>(a, |x| with_elements::<T, _>(b, |y| {
        tensor(buffer::build(x.len(), |start, out| {
            let (x, y) = (&x[start..start + out.len()], &y[start..start + out.len()]);
            T::vectorize(
                #[inline(always)]
                move || {
                    for ((out, &x), &y) in out.iter_mut().zip(x).zip(y) {
                        *out = x + y;
                    }
                },
            );
        }), a.dims(), a)
    })))
}

/// A variable with the values of a tensor.
pub(crate) fn variable(of: &Tensor) -> candle_core::Result<Var> {
    if !of.device().is_cpu() {
        return Var::from_tensor(&of.detach());
    }
    for_element!(of, "variable", T => with_elements::<T, _>(of, |values| {
        Var::from_vec(buffer::copy(values), of.dims(), of.device())
    }))
}
