//! Convolutions of tensors on a GPU.

use candle_core::cuda_backend::cudarc::driver::CudaSlice;
use candle_core::{CudaStorage, Layout, Shape, Tensor};

use super::conv::Conv;
use super::conv_transpose::ConvTranspose;
use super::support::for_element;
use crate::cpu::conv::Problem;
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

/// Which of a pair of operators, each the gradient of the other, a convolution is.
#[derive(Clone, Copy)]
enum Way {
    /// From the problem's input to its output.
    Convolved,
    /// From the problem's output to its input.
    Transposed,
}

/// Either convolution, as the kernels see it.
pub(super) struct Convolution<'a> {
    op: &'static str,
    problem: &'a Problem,
    way: Way,
    /// Shape of the result.
    shape: Vec<usize>,
}

impl Convolution<'_> {
    /// The operator along `way`: of this convolution, or of its gradient by the input.
    fn along<T: cuda::Element>(
        &self,
        way: Way,
        weight: &cuda::Array<'_, T>,
        input: &cuda::Array<'_, T>,
        bias: Option<&cuda::Array<'_, T>>,
    ) -> candle_core::Result<CudaSlice<T>> {
        match way {
            Way::Convolved => kernel::forward(self.problem, input, weight, bias),
            Way::Transposed => kernel::transposed(self.problem, weight, input, bias),
        }
    }

    pub(super) fn forward(
        &self,
        (input, input_layout): (&CudaStorage, &Layout),
        (weight, weight_layout): (&CudaStorage, &Layout),
        bias: Option<(&CudaStorage, &Layout)>,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        for_element!(input, self.op, T => {
            let x = cuda::elements::<T>(input, input_layout)?;
            let w = cuda::elements::<T>(weight, weight_layout)?;
            let b = bias.map(|(bias, layout)| cuda::elements::<T>(bias, layout)).transpose()?;
            let output = self.along(self.way, &w, &x, b.as_ref())?;
            Ok(cuda::output(output, &self.shape, &input.device))
        })
    }

    pub(super) fn backward(
        &self,
        input: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        gradient: &Tensor,
    ) -> Gradients {
        let problem = self.problem;
        for_element!(gradient, self.op, T => cuda::with_array::<T, _>(gradient, |g| {
            let by_input = wanted(Some(input), || {
                let back = match self.way {
                    Way::Convolved => Way::Transposed,
                    Way::Transposed => Way::Convolved,
                };
                cuda::with_array::<T, _>(weight, |w| self.along(back, w, g, None))
            })?;
            let by_weight = wanted(Some(weight), || {
                cuda::with_array::<T, _>(input, |x| match self.way {
                    Way::Convolved => kernel::weight_gradient(problem, x, g),
                    Way::Transposed => kernel::weight_gradient(problem, g, x),
                })
            })?;
            let by_bias = wanted(bias, || {
                let (channels, extents) = match self.way {
                    Way::Convolved => (problem.out_channels(), problem.output()),
                    Way::Transposed => (problem.in_channels(), problem.input()),
                };
                kernel::bias_gradient(problem.batch(), channels, extents.iter().product(), g)
            })?;
            Ok([by_input, by_weight, by_bias])
        }))
    }
}

impl Conv {
    pub(super) fn on_device(&self) -> Convolution<'_> {
        Convolution {
            op: self.op,
            problem: &self.problem,
            way: Way::Convolved,
            shape: self.shape(),
        }
    }
}

impl ConvTranspose {
    pub(super) fn on_device(&self) -> Convolution<'_> {
        Convolution {
            op: self.op,
            problem: &self.problem,
            way: Way::Transposed,
            shape: self.shape(),
        }
    }
}
