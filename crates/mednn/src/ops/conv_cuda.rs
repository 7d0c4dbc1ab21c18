//! Convolutions of tensors on a GPU.

use candle_core::cuda_backend::cudarc::driver::CudaSlice;
use candle_core::{CudaStorage, Layout, Shape, Tensor};

use super::conv_node::{Convolution, Way};
use super::node::Gradients;
use super::support::for_element;
use crate::cuda::{self, Array, conv as kernel};

impl Convolution {
    /// The operator along `way`: of this convolution, or of its gradient by the input.
    fn along_on_device<T: cuda::Element>(
        &self,
        way: Way,
        weight: &Array<'_, T>,
        input: &Array<'_, T>,
        bias: Option<&Array<'_, T>>,
    ) -> candle_core::Result<CudaSlice<T>> {
        match way {
            Way::Convolved => kernel::forward(&self.problem, input, weight, bias),
            Way::Transposed => kernel::transposed(&self.problem, weight, input, bias),
        }
    }

    pub(super) fn forward_on_device(
        &self,
        inputs: &[(&CudaStorage, &Layout)],
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        let storage = inputs[0].0;
        for_element!(storage, self.op, T => {
            let inputs = cuda::all_elements::<T>(inputs)?;
            let output = self.along_on_device(self.way, &inputs[1], &inputs[0], inputs.get(2))?;
            Ok(cuda::output(output, &self.shape(), &storage.device))
        })
    }

    /// The gradients of those inputs that are on the tape.
    pub(super) fn backward_on_device(&self, inputs: &[&Tensor], gradient: &Tensor) -> Gradients {
        let (input, weight) = (inputs[0], inputs[1]);
        for_element!(gradient, self.op, T => cuda::with_array::<T, _>(gradient, |g| {
            let wrap = |values, like: &Tensor| cuda::tensor::<T>(values, like.dims(), like);
            let of_input = || {
                let way = self.way.back();
                let values = cuda::with_array(weight, |w| self.along_on_device(way, w, g, None))?;
                wrap(values, input)
            };
            let of_weight = || {
                let values = cuda::with_array::<T, _>(input, |x| match self.way {
                    Way::Convolved => kernel::weight_gradient(&self.problem, x, g),
                    Way::Transposed => kernel::weight_gradient(&self.problem, g, x),
                })?;
                wrap(values, weight)
            };
            let of_bias = |bias: &Tensor| {
                let (channels, extents) = self.result();
                let voxels = extents.iter().product();
                wrap(kernel::bias_gradient(self.problem.batch(), channels, voxels, g)?, bias)
            };
            let bias = inputs.get(2).filter(|bias| bias.track_op());
            Ok([
                input.track_op().then(of_input).transpose()?,
                weight.track_op().then(of_weight).transpose()?,
                bias.map(|bias| of_bias(bias)).transpose()?,
            ])
        }))
    }
}
