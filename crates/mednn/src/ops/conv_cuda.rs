//! Convolutions of tensors on a GPU.

use candle_core::cuda_backend::cudarc::driver::CudaSlice;
use candle_core::{CudaStorage, Layout, Shape, Tensor};

use super::conv::Conv;
use super::conv_transpose::ConvTranspose;
use super::support::for_element;
use crate::cuda::{self, conv as kernel};

type Gradients = candle_core::Result<[Option<Tensor>; 3]>;

/// The gradient of an argument, computed only if the argument is there and on the tape.
fn wanted<T: cuda::Element>(
    argument: Option<&Tensor>,
    gradient: impl FnOnce() -> candle_core::Result<CudaSlice<T>>,
) -> candle_core::Result<Option<Tensor>> {
    match argument {
        Some(argument) if argument.track_op() => {
            cuda::tensor(gradient()?, argument.dims(), argument).map(Some)
        }
        _ => Ok(None),
    }
}

impl Conv {
    pub(super) fn cuda_forward(
        &self,
        (input, input_layout): (&CudaStorage, &Layout),
        (weight, weight_layout): (&CudaStorage, &Layout),
        bias: Option<(&CudaStorage, &Layout)>,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        for_element!(input, self.op, T => {
            let x = cuda::elements::<T>(input, input_layout)?;
            let w = cuda::elements::<T>(weight, weight_layout)?;
            let b = bias.map(|(bias, layout)| cuda::elements::<T>(bias, layout)).transpose()?;
            let output = kernel::forward(&self.problem, &x, &w, b.as_ref())?;
            Ok(cuda::output(output, &self.shape(), &input.device))
        })
    }

    pub(super) fn cuda_backward(
        &self,
        input: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        gradient: &Tensor,
    ) -> Gradients {
        let problem = &self.problem;
        for_element!(gradient, self.op, T => cuda::with_array::<T, _>(gradient, |g| {
            let by_input = wanted(Some(input), || {
                cuda::with_array::<T, _>(weight, |w| kernel::transposed(problem, w, g, None))
            })?;
            let by_weight = wanted(Some(weight), || {
                cuda::with_array::<T, _>(input, |x| kernel::weight_gradient(problem, x, g))
            })?;
            let by_bias = wanted(bias, || {
                let volume = problem.output().iter().product();
                kernel::bias_gradient(problem.batch(), problem.out_channels(), volume, g)
            })?;
            Ok([by_input, by_weight, by_bias])
        }))
    }
}

impl ConvTranspose {
    pub(super) fn cuda_forward(
        &self,
        (input, input_layout): (&CudaStorage, &Layout),
        (weight, weight_layout): (&CudaStorage, &Layout),
        bias: Option<(&CudaStorage, &Layout)>,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        for_element!(input, self.op, T => {
            let x = cuda::elements::<T>(input, input_layout)?;
            let w = cuda::elements::<T>(weight, weight_layout)?;
            let b = bias.map(|(bias, layout)| cuda::elements::<T>(bias, layout)).transpose()?;
            let output = kernel::transposed(&self.problem, &w, &x, b.as_ref())?;
            Ok(cuda::output(output, &self.shape(), &input.device))
        })
    }

    pub(super) fn cuda_backward(
        &self,
        input: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        gradient: &Tensor,
    ) -> Gradients {
        let problem = &self.problem;
        for_element!(gradient, self.op, T => cuda::with_array::<T, _>(gradient, |g| {
            let by_input = wanted(Some(input), || {
                cuda::with_array::<T, _>(weight, |w| kernel::forward(problem, g, w, None))
            })?;
            let by_weight = wanted(Some(weight), || {
                cuda::with_array::<T, _>(input, |x| kernel::weight_gradient(problem, g, x))
            })?;
            let by_bias = wanted(bias, || {
                let volume = problem.input().iter().product();
                kernel::bias_gradient(problem.batch(), problem.in_channels(), volume, g)
            })?;
            Ok([by_input, by_weight, by_bias])
        }))
    }
}
