//! Softmax along any axis.

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};

use super::support::{self, check_float, for_element};
use crate::cpu::buffer::Columns;
use crate::cpu::softmax::{self as kernel, Softmax};
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::{Error, Result};
use crate::graph::{Op, Step};
use crate::tape::Apply as _;

/// `exp(x_i) / sum_j exp(x_j)` along an axis.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::ops::softmax;
///
/// let logits = Tensor::new(&[[0.0_f32, 0.0], [0.0, 1000.0]], &Device::Cpu)?;
/// assert_eq!(softmax(&logits, 1)?.to_vec2::<f32>()?, [[0.5, 0.5], [0.0, 1.0]]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Errors
/// Refuses an axis that does not exist and element types other than f32 and f64.
pub fn softmax(input: &Tensor, axis: usize) -> Result<Tensor> {
    let step = Step::begin();
    step.end(
        &[Some(input)],
        || Op::Softmax(axis),
        run("softmax", input, axis, Softmax::Linear)?,
    )
}

/// The logarithm of [`softmax`], exact also where the softmax underflows.
///
/// # Errors
/// As [`softmax`].
pub fn log_softmax(input: &Tensor, axis: usize) -> Result<Tensor> {
    let step = Step::begin();
    step.end(
        &[Some(input)],
        || Op::LogSoftmax(axis),
        run("log_softmax", input, axis, Softmax::Log)?,
    )
}

/// Splits a shape around an axis.
pub(crate) fn columns(op: &'static str, input: &Tensor, axis: usize) -> Result<Columns> {
    let dims = input.dims();
    if axis >= dims.len() {
        return Err(Error::Rank {
            op,
            tensor: "the input",
            expected: format!("more than {axis}"),
            got: dims.to_vec(),
        });
    }
    Ok(Columns {
        outer: dims[..axis].iter().product(),
        count: dims[axis],
        inner: dims[axis + 1..].iter().product(),
    })
}

fn run(op: &'static str, input: &Tensor, axis: usize, kind: Softmax) -> Result<Tensor> {
    check_float(op, "the input", input)?;
    let columns = columns(op, input, axis)?;
    Ok(input.contiguous()?.apply1(SoftmaxOp {
        name: op,
        columns,
        kind,
    })?)
}

struct SoftmaxOp {
    name: &'static str,
    columns: Columns,
    kind: Softmax,
}

impl CustomOp1 for SoftmaxOp {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        for_element!(s, self.name, T => {
            let output = kernel::forward(self.kind, self.columns, support::elements::<T>(s, l)?);
            Ok(support::output(output, l.dims()))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        for_element!(s, self.name, T => {
            let input = cuda::elements::<T>(s, l)?;
            let output = cuda::softmax::forward(self.kind, self.columns, &input)?;
            Ok(cuda::output(output, l.dims(), &s.device))
        })
    }

    fn bwd(
        &self,
        input: &Tensor,
        output: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<Option<Tensor>> {
        if !input.track_op() {
            return Ok(None);
        }
        #[cfg(feature = "cuda")]
        if input.device().is_cuda() {
            return for_element!(input, self.name, T => {
                let values = cuda::with_array::<T, _>(output, |y| {
                    cuda::with_array::<T, _>(gradient, |g| {
                        cuda::softmax::backward(self.kind, self.columns, y, g)
                    })
                })?;
                cuda::tensor(values, input.dims(), input).map(Some)
            });
        }
        for_element!(input, self.name, T => {
            let values = support::with_elements::<T, _>(output, |y| {
                support::with_elements::<T, _>(gradient, |g| {
                    Ok(kernel::backward(self.kind, self.columns, y, g))
                })
            })?;
            support::tensor(values, input.dims(), input).map(Some)
        })
    }
}
