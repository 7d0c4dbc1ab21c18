//! Activation functions as operators.

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Shape, Tensor};

use super::support::{self, check_float, check_min_rank, check_same_type, for_element};
use crate::cpu::activation as kernel;
pub use crate::cpu::activation::Activation;
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::{Error, Result};
use crate::graph::{Op, Step};
use crate::tape::Apply as _;

/// Applies an activation to every element.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::ops::{Activation, activation};
///
/// let x = Tensor::new(&[-2.0_f32, 0.0, 3.0], &Device::Cpu)?;
/// let y = activation(&x, Activation::LeakyRelu { slope: 0.1 })?;
/// assert_eq!(y.to_vec1::<f32>()?, [-0.2, 0.0, 3.0]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Errors
/// Refuses element types other than f32 and f64.
pub fn activation(input: &Tensor, activation: Activation) -> Result<Tensor> {
    let step = Step::begin();
    if activation == Activation::None {
        return Ok(input.clone());
    }
    check_float("activation", "the input", input)?;
    step.end(
        &[Some(input)],
        || Op::Activation(activation),
        input.contiguous()?.apply1(ActivationOp(activation))?,
    )
}

struct ActivationOp(Activation);

impl CustomOp1 for ActivationOp {
    fn name(&self) -> &'static str {
        "activation"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        for_element!(s, "activation", T => {
            Ok(support::output(kernel::forward(self.0, support::elements::<T>(s, l)?), l.dims()))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        for_element!(s, "activation", T => {
            let output = cuda::activation::forward(self.0, &cuda::elements::<T>(s, l)?)?;
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
        #[cfg(feature = "cuda")]
        if input.device().is_cuda() {
            return for_element!(input, "activation", T => {
                let values = cuda::with_array::<T, _>(input, |x| {
                    cuda::with_array::<T, _>(gradient, |g| cuda::activation::backward(self.0, x, g))
                })?;
                cuda::tensor(values, input.dims(), input).map(Some)
            });
        }
        for_element!(input, "activation", T => {
            let values = support::with_elements::<T, _>(input, |x| {
                support::with_elements::<T, _>(gradient, |g| Ok(kernel::backward(self.0, x, g)))
            })?;
            support::tensor(values, input.dims(), input).map(Some)
        })
    }
}

/// PReLU: `x` where positive, `slopes[channel] * x` elsewhere (He et al. 2015).
///
/// `slopes` has shape `[channels]`, or `[1]` for one slope common to all.
///
/// # Shapes
/// - input and output: `[batch, channels, ...]`
///
/// # Errors
/// Refuses another number of slopes and element types other than f32 and f64.
pub fn prelu(input: &Tensor, slopes: &Tensor) -> Result<Tensor> {
    const OP: &str = "prelu";
    let step = Step::begin();
    check_float(OP, "the input", input)?;
    check_min_rank(OP, "the input", input, 2)?;
    check_same_type(OP, "the slopes", slopes, input)?;
    if slopes.dims() != [1] && slopes.dims() != [input.dims()[1]] {
        return Err(Error::Shape {
            op: OP,
            tensor: "the slopes",
            expected: vec![input.dims()[1]],
            got: slopes.dims().to_vec(),
        });
    }
    step.end(
        &[Some(input), Some(slopes)],
        || Op::Prelu,
        input.contiguous()?.apply2(&slopes.contiguous()?, PreluOp)?,
    )
}

struct PreluOp;

impl CustomOp2 for PreluOp {
    fn name(&self) -> &'static str {
        "prelu"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        for_element!(s1, "prelu", T => {
            let (input, slopes) = (support::elements::<T>(s1, l1)?, support::elements::<T>(s2, l2)?);
            let output = kernel::prelu_forward(input, slopes, (l1.dims()[0], l1.dims()[1]));
            Ok(support::output(output, l1.dims()))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        for_element!(s1, "prelu", T => {
            let (input, slopes) = (cuda::elements::<T>(s1, l1)?, cuda::elements::<T>(s2, l2)?);
            let dims = (l1.dims()[0], l1.dims()[1]);
            let output = cuda::activation::prelu_forward(&input, &slopes, dims)?;
            Ok(cuda::output(output, l1.dims(), &s1.device))
        })
    }

    fn bwd(
        &self,
        input: &Tensor,
        slopes: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        let dims = (input.dims()[0], input.dims()[1]);
        #[cfg(feature = "cuda")]
        if input.device().is_cuda() {
            return for_element!(input, "prelu", T => {
                let [of_input, of_slopes] = cuda::with_arrays::<T, _>(
                    &[input, slopes, gradient],
                    |a| cuda::activation::prelu_backward(&a[0], &a[1], &a[2], dims),
                )?;
                let wrap = |values, like: &Tensor| {
                    let tracked = like.track_op();
                    tracked.then(|| cuda::tensor::<T>(values, like.dims(), like)).transpose()
                };
                Ok((wrap(of_input, input)?, wrap(of_slopes, slopes)?))
            });
        }
        for_element!(input, "prelu", T => {
            let (of_input, of_slopes) = support::with_elements::<T, _>(input, |x| {
                support::with_elements::<T, _>(slopes, |a| {
                    support::with_elements::<T, _>(gradient, |g| Ok(kernel::prelu_backward(x, a, g, dims)))
                })
            })?;
            Ok((
                input.track_op().then(|| support::tensor(of_input, input.dims(), input)).transpose()?,
                slopes.track_op().then(|| support::tensor(of_slopes, slopes.dims(), slopes)).transpose()?,
            ))
        })
    }
}
