//! The node of batch, instance and group normalisation.

use std::sync::{Arc, OnceLock};

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp3, Layout, Shape, Tensor};

use super::support::{self, Element, for_element};
use crate::cpu::activation::Activation;
use crate::cpu::norm::{self as kernel, Backward, Gradients, Sets, Statistics};
use crate::cpu::reduce::Moments;
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::Result;

/// The negative slope of an activation that the kernel can apply in its own pass.
pub(super) fn fused_slope(activation: Activation) -> Option<f64> {
    match activation {
        Activation::None => Some(1.0),
        Activation::Relu => Some(0.0),
        Activation::LeakyRelu { slope } => Some(slope),
        _ => None,
    }
}

pub(super) struct NormOp {
    pub(super) name: &'static str,
    pub(super) shape: kernel::Shape,
    pub(super) epsilon: f64,
    pub(super) slope: f64,
    pub(super) statistics_of_input: bool,
    /// Of every set; given from outside, or filled in by the forward pass and used by the backward pass.
    statistics: OnceLock<Vec<Statistics>>,
    /// The same where the tensors lie on a GPU.
    #[cfg(feature = "cuda")]
    pub(super) on_device: OnceLock<cuda::norm::Statistics>,
    pub(super) moments: Arc<OnceLock<Vec<Moments>>>,
}

impl NormOp {
    pub(super) fn new(
        name: &'static str,
        shape: kernel::Shape,
        epsilon: f64,
        activation: Activation,
    ) -> Self {
        Self {
            name,
            shape,
            epsilon,
            slope: fused_slope(activation).unwrap_or(1.0),
            statistics_of_input: true,
            statistics: OnceLock::new(),
            #[cfg(feature = "cuda")]
            on_device: OnceLock::new(),
            moments: Arc::default(),
        }
    }

    /// Normalises by these statistics instead of the input's.
    pub(super) fn take(&mut self, mean: &Tensor, variance: &Tensor) -> Result<()> {
        self.statistics_of_input = false;
        #[cfg(feature = "cuda")]
        if mean.device().is_cuda() {
            return self.cuda_take(mean, variance);
        }
        let values = |t: &Tensor| -> Result<Vec<f64>> {
            Ok(t.to_dtype(candle_core::DType::F64)?.to_vec1::<f64>()?)
        };
        let statistics: Vec<Statistics> = values(mean)?
            .into_iter()
            .zip(values(variance)?)
            .map(|(mean, v)| Statistics {
                mean,
                reciprocal_deviation: 1.0 / (v + self.epsilon).sqrt(),
            })
            .collect();
        self.statistics = OnceLock::from(statistics);
        Ok(())
    }

    fn forward<T: Element>(&self, input: &[T], affine: kernel::Affine<'_, T>) -> Vec<T> {
        if self.shape.sets == Sets::Instance {
            let (output, statistics) =
                kernel::apply_instance(&self.shape, input, affine, self.epsilon, self.slope);
            self.statistics.get_or_init(|| statistics);
            return output;
        }
        let statistics = self.statistics.get_or_init(|| {
            let moments = self
                .moments
                .get_or_init(|| kernel::moments(&self.shape, input));
            moments
                .iter()
                .map(|m| kernel::statistics(m, self.epsilon))
                .collect()
        });
        kernel::apply(&self.shape, input, affine, statistics, self.slope)
    }

    fn backward<T: Element>(
        &self,
        input: &Tensor,
        gradient: &Tensor,
        affine: kernel::Affine<'_, T>,
    ) -> candle_core::Result<Gradients<T>> {
        let statistics = self.statistics.get().map(Vec::as_slice).unwrap_or_default();
        support::with_elements::<T, _>(input, |x| {
            support::with_elements::<T, _>(gradient, |g| {
                Ok(Backward {
                    shape: &self.shape,
                    input: x,
                    gradient: g,
                    affine,
                    statistics,
                    slope: self.slope,
                    statistics_of_input: self.statistics_of_input,
                }
                .run())
            })
        })
    }
}

impl CustomOp1 for NormOp {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        for_element!(s, self.name, T => {
            Ok(support::output(self.forward(support::elements::<T>(s, l)?, None), l.dims()))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        self.cuda_forward((s, l), None)
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
            let [of_input, ..] = self.cuda_backward(input, None, gradient)?;
            return Ok(of_input);
        }
        for_element!(input, self.name, T => {
            let gradients = self.backward::<T>(input, gradient, None)?;
            support::tensor(gradients.input, input.dims(), input).map(Some)
        })
    }
}

impl CustomOp3 for NormOp {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        for_element!(s1, self.name, T => {
            let affine = (support::elements::<T>(s2, l2)?, support::elements::<T>(s3, l3)?);
            Ok(support::output(self.forward(support::elements::<T>(s1, l1)?, Some(affine)), l1.dims()))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
        s3: &CudaStorage,
        l3: &Layout,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        self.cuda_forward((s1, l1), Some([(s2, l2), (s3, l3)]))
    }

    fn bwd(
        &self,
        input: &Tensor,
        scale: &Tensor,
        shift: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        #[cfg(feature = "cuda")]
        if input.device().is_cuda() {
            let affine = Some((scale, shift));
            return self.cuda_backward(input, affine, gradient).map(Into::into);
        }
        for_element!(input, self.name, T => {
            let gradients = support::with_elements::<T, _>(scale, |w| {
                support::with_elements::<T, _>(shift, |b| self.backward(input, gradient, Some((w, b))))
            })?;
            let wrap = |values: Vec<T>, like: &Tensor| {
                like.track_op().then(|| support::tensor(values, like.dims(), like)).transpose()
            };
            Ok((wrap(gradients.input, input)?, wrap(gradients.scale, scale)?, wrap(gradients.shift, shift)?))
        })
    }
}
