//! Normalisation of tensors on a GPU.

use std::sync::OnceLock;

use candle_core::{CudaStorage, Layout, Shape, Tensor};

use super::node;
use super::norm_node::NormNode;
use super::support::for_element;
use crate::cpu::norm::Sets;
use crate::cuda::norm::{self as kernel, Backward, Gradients, Statistics};
use crate::cuda::{self, Array};
use crate::error::Result;

impl NormNode {
    /// Normalises by these statistics instead of the input's.
    pub(super) fn cuda_take(&mut self, mean: &Tensor, variance: &Tensor) -> Result<()> {
        let given: candle_core::Result<Statistics> = for_element!(mean, self.name, T => {
            cuda::with_array::<T, _>(mean, |mean| {
                cuda::with_array::<T, _>(variance, |variance| kernel::given(mean, variance, self.epsilon))
            })
        });
        self.on_device = OnceLock::from(given?);
        Ok(())
    }

    pub(super) fn forward_on_device(
        &self,
        inputs: &[(&CudaStorage, &Layout)],
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        let (storage, layout) = inputs[0];
        for_element!(storage, self.name, T => {
            let inputs = cuda::all_elements::<T>(inputs)?;
            let (x, affine) = (&inputs[0], inputs.get(1).zip(inputs.get(2)));
            let output = kernel::apply(&self.shape, x, affine, self.statistics_on_device(x)?, self.slope)?;
            Ok(cuda::output(output, layout.dims(), &storage.device))
        })
    }

    /// Those given, or those of the input.
    fn statistics_on_device<T: cuda::Element>(
        &self,
        input: &Array<'_, T>,
    ) -> candle_core::Result<&Statistics> {
        if let Some(given) = self.on_device.get() {
            return Ok(given);
        }
        let (statistics, variances) = kernel::statistics(&self.shape, input, self.epsilon)?;
        // Running statistics are kept on the host, which has to wait for them.
        if self.shape.sets == Sets::Batch {
            let moments = kernel::on_host(&self.shape, input, &statistics, &variances)?;
            self.moments.get_or_init(|| moments);
        }
        Ok(self.on_device.get_or_init(|| statistics))
    }

    /// The gradients of input, scale and shift, as far as they are on the tape.
    pub(super) fn backward_on_device(
        &self,
        inputs: &[&Tensor],
        gradient: &Tensor,
    ) -> node::Gradients {
        let input = inputs[0];
        for_element!(input, self.name, T => {
            let wrap = |values, like: &Tensor| {
                let tracked = like.track_op();
                tracked.then(|| cuda::tensor::<T>(values, like.dims(), like)).transpose()
            };
            let [_, scale, shift] = inputs else {
                let gradients = self.cuda_gradients::<T>(input, gradient, None)?;
                return Ok([wrap(gradients.input, input)?, None, None]);
            };
            let gradients = cuda::with_array::<T, _>(scale, |scale| {
                cuda::with_array::<T, _>(shift, |shift| {
                    self.cuda_gradients(input, gradient, Some((scale, shift)))
                })
            })?;
            let [of_scale, of_shift] = match gradients.affine {
                Some([of_scale, of_shift]) => [wrap(of_scale, scale)?, wrap(of_shift, shift)?],
                None => [None, None],
            };
            Ok([wrap(gradients.input, input)?, of_scale, of_shift])
        })
    }

    fn cuda_gradients<T: cuda::Element>(
        &self,
        input: &Tensor,
        gradient: &Tensor,
        affine: kernel::Affine<'_, T>,
    ) -> candle_core::Result<Gradients<T>> {
        let Some(statistics) = self.on_device.get() else {
            return Err(candle_core::Error::BackwardNotSupported { op: self.name });
        };
        cuda::with_array::<T, _>(input, |input| {
            cuda::with_array::<T, _>(gradient, |gradient| {
                let backward = Backward {
                    shape: &self.shape,
                    input,
                    gradient,
                    affine,
                    statistics,
                    slope: self.slope,
                    statistics_of_input: self.statistics_of_input,
                };
                backward.run()
            })
        })
    }
}
