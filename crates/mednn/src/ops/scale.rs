//! Multiplication of rows by constants, what dropout is made of.

use std::sync::Arc;

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};

use super::support::{self, check_float, for_element};
use crate::cpu::buffer;
use crate::cpu::real::Real;
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::{Error, Result};
use crate::graph::{Op, Step};
use crate::tape::Apply as _;

/// Multiplies the tensor, seen as `factors.len()` rows of equal length, by one constant a row.
///
/// # Errors
/// Refuses a number of factors that does not divide the number of elements, and element types other than f32 and f64.
pub fn scale_rows(input: &Tensor, factors: Vec<f32>) -> Result<Tensor> {
    const OP: &str = "scale_rows";
    let step = Step::begin();
    check_float(OP, "the input", input)?;
    if factors.is_empty() || !input.elem_count().is_multiple_of(factors.len()) {
        return Err(Error::Setting {
            op: OP,
            setting: "the number of factors",
            rule: "a divisor of the number of elements",
            value: format!("{} for {} elements", factors.len(), input.elem_count()),
        });
    }
    let factors = Arc::new(factors);
    let output = input
        .contiguous()?
        .apply1(ScaleRowsOp(Arc::clone(&factors)))?;
    step.end(&[Some(input)], || Op::ScaleRows(factors.to_vec()), output)
}

struct ScaleRowsOp(Arc<Vec<f32>>);

impl ScaleRowsOp {
    fn run<T: Real>(&self, input: &[T]) -> Vec<T> {
        let factors = &self.0;
        let row_len = input.len() / factors.len();
        buffer::build(input.len(), |start, out| {
            let input = &input[start..start + out.len()];
            if row_len == 1 {
                let factors = &factors[start..start + out.len()];
                T::vectorize(
                    #[inline(always)]
                    move || {
                        for ((o, &x), &f) in out.iter_mut().zip(input).zip(factors) {
                            *o = x * T::from_f64(f64::from(f));
                        }
                    },
                );
            } else {
                for (i, (o, &x)) in out.iter_mut().zip(input).enumerate() {
                    *o = x * T::from_f64(f64::from(factors[(start + i) / row_len]));
                }
            }
        })
    }
}

impl CustomOp1 for ScaleRowsOp {
    fn name(&self) -> &'static str {
        "scale_rows"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        for_element!(s, "scale_rows", T => {
            Ok(support::output(self.run(support::elements::<T>(s, l)?), l.dims()))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        for_element!(s, "scale_rows", T => {
            let output = cuda::arithmetic::scale_rows(&self.0, &cuda::elements::<T>(s, l)?)?;
            Ok(cuda::output(output, l.dims(), &s.device))
        })
    }

    fn bwd(
        &self,
        input: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<Option<Tensor>> {
        if !input.track_op() {
            return Ok(None);
        }
        Ok(Some(gradient.contiguous()?.apply_op1_no_bwd(self)?))
    }
}
