//! The node of batch, instance and group normalisation.

use std::sync::{Arc, OnceLock};

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, Layout, Shape, Tensor};

use super::node::{self, Node};
use super::support::{self, Element, for_element};
use crate::cpu::activation::Activation;
use crate::cpu::norm::{self as kernel, Backward, Sets, Statistics};
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

/// Normalisation of an image; its further inputs, where there are any, are scale and shift.
pub(super) struct NormNode {
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

impl NormNode {
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

    fn normalise<T: Element>(&self, input: &[T], affine: kernel::Affine<'_, T>) -> Vec<T> {
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

    fn gradients<T: Element>(
        &self,
        input: &Tensor,
        gradient: &Tensor,
        affine: kernel::Affine<'_, T>,
    ) -> candle_core::Result<kernel::Gradients<T>> {
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

impl Node for NormNode {
    fn name(&self) -> &'static str {
        self.name
    }

    fn forward(
        &self,
        inputs: &[(&CpuStorage, &Layout)],
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let shape = inputs[0].1.dims();
        for_element!(inputs[0].0, self.name, T => {
            let inputs: Vec<&[T]> = support::all_elements(inputs)?;
            let affine = inputs.get(1).copied().zip(inputs.get(2).copied());
            Ok(support::output(self.normalise(inputs[0], affine), shape))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_forward(
        &self,
        inputs: &[(&CudaStorage, &Layout)],
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        self.forward_on_device(inputs)
    }

    fn backward(&self, inputs: &[&Tensor], _: &Tensor, gradient: &Tensor) -> node::Gradients {
        #[cfg(feature = "cuda")]
        if gradient.device().is_cuda() {
            return self.backward_on_device(inputs, gradient);
        }
        let input = inputs[0];
        for_element!(input, self.name, T => {
            let wrap = |values: Vec<T>, like: &Tensor| {
                let tracked = like.track_op();
                tracked.then(|| support::tensor(values, like.dims(), like)).transpose()
            };
            let [_, scale, shift] = inputs else {
                let gradients = self.gradients::<T>(input, gradient, None)?;
                return Ok([wrap(gradients.input, input)?, None, None]);
            };
            let gradients = support::with_elements::<T, _>(scale, |w| {
                support::with_elements::<T, _>(shift, |b| self.gradients(input, gradient, Some((w, b))))
            })?;
            Ok([
                wrap(gradients.input, input)?,
                wrap(gradients.scale, scale)?,
                wrap(gradients.shift, shift)?,
            ])
        })
    }
}
