//! Normalisation of tensors on a GPU.

use std::sync::OnceLock;

use candle_core::{CudaStorage, Layout, Shape, Tensor};

use super::norm::Affine;
use super::norm_node::NormOp;
use super::support::for_element;
use crate::cpu::norm::Sets;
use crate::cuda::norm::{self as kernel, Backward, Gradients, Statistics};
use crate::cuda::{self, Array};
use crate::error::Result;

impl NormOp {
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

    pub(super) fn cuda_forward(
        &self,
        (input, layout): (&CudaStorage, &Layout),
        affine: Option<[(&CudaStorage, &Layout); 2]>,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        for_element!(input, self.name, T => {
            let x = cuda::elements::<T>(input, layout)?;
            let affine = match affine {
                None => None,
                Some([(s, l), (t, m)]) => Some((cuda::elements(s, l)?, cuda::elements(t, m)?)),
            };
            let affine = affine.as_ref().map(|(scale, shift)| (scale, shift));
            let output = kernel::apply(&self.shape, &x, affine, self.statistics_on_device(&x)?, self.slope)?;
            Ok(cuda::output(output, layout.dims(), &input.device))
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
    pub(super) fn cuda_backward(
        &self,
        input: &Tensor,
        affine: Affine<'_>,
        gradient: &Tensor,
    ) -> candle_core::Result<[Option<Tensor>; 3]> {
        for_element!(input, self.name, T => {
            let gradients = match affine {
                None => self.cuda_gradients::<T>(input, gradient, None)?,
                Some((scale, shift)) => cuda::with_array::<T, _>(scale, |scale| {
                    cuda::with_array::<T, _>(shift, |shift| {
                        self.cuda_gradients(input, gradient, Some((scale, shift)))
                    })
                })?,
            };
            let wrap = |values, like: &Tensor| {
                let tracked = like.track_op();
                tracked.then(|| cuda::tensor::<T>(values, like.dims(), like)).transpose()
            };
            let of_input = wrap(gradients.input, input)?;
            match (gradients.affine, affine) {
                (Some([of_scale, of_shift]), Some((scale, shift))) => {
                    Ok([of_input, wrap(of_scale, scale)?, wrap(of_shift, shift)?])
                }
                _ => Ok([of_input, None, None]),
            }
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
