//! Losses of numbers.

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, DType, Layout, Shape, Tensor};

use super::segmentation::check_setting;
use crate::cpu::huber as kernel;
use crate::cpu::real::Real;
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::Result;
use crate::ops::support::{
    self, check_float, check_min_rank, check_same_type, check_shape, for_element,
};
use crate::tape::Apply as _;

/// The Huber loss (Huber 1964): `d^2 / 2` where `|d| < delta`, `delta (|d| - delta / 2)` elsewhere, `d` the difference; the mean over
/// all elements, as PyTorch's `huber_loss`.
///
/// # Errors
/// Refuses a `delta` that is not positive, tensors of different shapes or element types, empty ones and element types other than
/// f32 and f64.
pub fn huber(predicted: &Tensor, target: &Tensor, delta: f64) -> Result<Tensor> {
    const OP: &str = "huber";
    check_setting(OP, ("delta", "positive"), delta, |d| d > 0.0)?;
    let piecewise = kernel::Huber {
        threshold: delta,
        slope: delta,
    };
    run(OP, (predicted, target), piecewise)
}

/// The smooth L1 loss (Girshick 2015): `d^2 / (2 beta)` where `|d| < beta`, `|d| - beta / 2` elsewhere, `d` the difference; the mean
/// over all elements, as PyTorch's `smooth_l1_loss`. With `beta` 0 it is the mean absolute difference.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::loss::smooth_l1;
///
/// let predicted = Tensor::new(&[0.5_f32, 3.0], &Device::Cpu)?;
/// let target = Tensor::new(&[0.0_f32, 0.0], &Device::Cpu)?;
/// assert_eq!(smooth_l1(&predicted, &target, 1.0)?.to_scalar::<f32>()?, (0.125 + 2.5) / 2.0);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Errors
/// Refuses a negative `beta`, and what [`huber`] refuses.
pub fn smooth_l1(predicted: &Tensor, target: &Tensor, beta: f64) -> Result<Tensor> {
    const OP: &str = "smooth_l1";
    check_setting(OP, ("beta", "not negative"), beta, |b| b >= 0.0)?;
    let piecewise = kernel::Huber {
        threshold: beta,
        slope: 1.0,
    };
    run(OP, (predicted, target), piecewise)
}

fn run(
    op: &'static str,
    (predicted, target): (&Tensor, &Tensor),
    piecewise: kernel::Huber,
) -> Result<Tensor> {
    check_float(op, "the prediction", predicted)?;
    check_min_rank(op, "the prediction", predicted, 0)?;
    check_same_type(op, "the target", target, predicted)?;
    check_shape(op, "the target", target, predicted.dims())?;
    let difference = difference(predicted, target)?.contiguous()?;
    Ok(difference.apply1(HuberOp {
        name: op,
        piecewise,
    })?)
}

/// Element by element.
fn difference(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    #[cfg(feature = "cuda")]
    if a.device().is_cuda() {
        return crate::ops::subtract(a, b);
    }
    Ok((a - b)?)
}

struct HuberOp {
    name: &'static str,
    piecewise: kernel::Huber,
}

impl CustomOp1 for HuberOp {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        for_element!(s, self.name, T => {
            let differences = support::elements::<T>(s, l)?;
            let mean = self.piecewise.sum(differences) / differences.len() as f64;
            Ok(support::output(vec![<T as Real>::from_f64(mean)], &[]))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        for_element!(s, self.name, T => {
            let mean = cuda::loss::huber(&self.piecewise, &cuda::elements::<T>(s, l)?)?;
            Ok(cuda::output(mean, &[], &s.device))
        })
    }

    fn bwd(
        &self,
        difference: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<Option<Tensor>> {
        if !difference.track_op() {
            return Ok(None);
        }
        #[cfg(feature = "cuda")]
        if difference.device().is_cuda() {
            return for_element!(difference, self.name, T => {
                let made = cuda::with_arrays::<T, _>(&[difference, gradient], |arrays| {
                    cuda::loss::huber_gradient(&self.piecewise, &arrays[0], &arrays[1])
                })?;
                cuda::tensor(made, difference.dims(), difference).map(Some)
            });
        }
        let factor = gradient.to_dtype(DType::F64)?.to_scalar::<f64>()?;
        let factor = factor / difference.elem_count() as f64;
        for_element!(difference, self.name, T => {
            let made = support::with_elements::<T, _>(difference, |d| {
                Ok(self.piecewise.gradient(d, factor))
            })?;
            support::tensor(made, difference.dims(), difference).map(Some)
        })
    }
}
