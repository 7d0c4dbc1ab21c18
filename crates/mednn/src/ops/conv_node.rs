//! The node of convolutions and of their transposes.

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, Layout, Shape, Tensor};

use super::conv::raise;
use super::node::{self, Gradients, Node};
use super::support::{self, for_element};
use crate::cpu::conv::{self as kernel, Element, Problem};
use crate::error::Result;

/// Which of a pair of operators, each the gradient of the other by its input, a convolution is.
#[derive(Clone, Copy)]
pub(super) enum Way {
    /// From the problem's input to its output.
    Convolved,
    /// From the problem's output to its input.
    Transposed,
}

impl Way {
    /// The way of the input's gradient.
    pub(super) fn back(self) -> Self {
        match self {
            Self::Convolved => Self::Transposed,
            Self::Transposed => Self::Convolved,
        }
    }
}

/// Either convolution; its inputs are image, weight and perhaps bias.
pub(super) struct Convolution {
    pub(super) op: &'static str,
    pub(super) problem: Problem,
    pub(super) way: Way,
    /// Spatial axes of the tensors.
    axes: usize,
}

impl Convolution {
    pub(super) fn new(op: &'static str, problem: Problem, way: Way, axes: usize) -> Self {
        Self {
            op,
            problem,
            way,
            axes,
        }
    }

    /// Puts it on the tape.
    pub(super) fn apply(
        self,
        input: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
    ) -> Result<Tensor> {
        let inputs: Vec<&Tensor> = [input, weight].into_iter().chain(bias).collect();
        Ok(node::apply(self, &inputs)?)
    }

    /// Channels and voxels of the result.
    pub(super) fn result(&self) -> (usize, [usize; 3]) {
        match self.way {
            Way::Convolved => (self.problem.out_channels(), self.problem.output()),
            Way::Transposed => (self.problem.in_channels(), self.problem.input()),
        }
    }

    /// Shape of the result.
    pub(super) fn shape(&self) -> Vec<usize> {
        let (channels, extents) = self.result();
        let mut shape = vec![self.problem.batch(), channels];
        shape.extend_from_slice(&extents[3 - self.axes..]);
        shape
    }

    /// The operator along `way`: of this convolution, or of its gradient by the input.
    fn along<T: Element>(
        &self,
        way: Way,
        weight: &[T],
        input: &[T],
        bias: Option<&[T]>,
    ) -> candle_core::Result<Vec<T>> {
        let output = match way {
            Way::Convolved => kernel::forward(&self.problem, input, weight, bias),
            Way::Transposed => kernel::transposed(&self.problem, weight, input, bias),
        };
        output.map_err(raise)
    }

    fn weight_gradient<T: Element>(
        &self,
        input: &[T],
        gradient: &[T],
    ) -> candle_core::Result<Vec<T>> {
        let (input, output) = match self.way {
            Way::Convolved => (input, gradient),
            Way::Transposed => (gradient, input),
        };
        kernel::weight_gradient(&self.problem, input, output).map_err(raise)
    }

    fn bias_gradient<T: Element>(&self, gradient: &[T]) -> candle_core::Result<Vec<T>> {
        let (channels, extents) = self.result();
        let voxels = extents.iter().product();
        kernel::bias_gradient(self.problem.batch(), channels, voxels, gradient).map_err(raise)
    }

    /// The gradients of those inputs that are on the tape.
    fn gradients<T: Element + support::Element>(
        &self,
        inputs: &[&Tensor],
        gradient: &[T],
    ) -> Gradients {
        let (input, weight) = (inputs[0], inputs[1]);
        let wrap = |values, like: &Tensor| support::tensor::<T>(values, like.dims(), like);
        let of_input = || {
            let way = self.way.back();
            let values = support::with_elements(weight, |w| self.along(way, w, gradient, None))?;
            wrap(values, input)
        };
        let of_weight = || {
            let values = support::with_elements(input, |x| self.weight_gradient(x, gradient))?;
            wrap(values, weight)
        };
        let bias = inputs.get(2).filter(|bias| bias.track_op());
        Ok([
            input.track_op().then(of_input).transpose()?,
            weight.track_op().then(of_weight).transpose()?,
            bias.map(|bias| wrap(self.bias_gradient(gradient)?, bias))
                .transpose()?,
        ])
    }
}

impl Node for Convolution {
    fn name(&self) -> &'static str {
        self.op
    }

    fn forward(
        &self,
        inputs: &[(&CpuStorage, &Layout)],
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        for_element!(inputs[0].0, self.op, T => {
            let inputs: Vec<&[T]> = support::all_elements(inputs)?;
            let output = self.along(self.way, inputs[1], inputs[0], inputs.get(2).copied())?;
            Ok(support::output(output, &self.shape()))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_forward(
        &self,
        inputs: &[(&CudaStorage, &Layout)],
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        self.forward_on_device(inputs)
    }

    fn backward(&self, inputs: &[&Tensor], _: &Tensor, gradient: &Tensor) -> Gradients {
        #[cfg(feature = "cuda")]
        if gradient.device().is_cuda() {
            return self.backward_on_device(inputs, gradient);
        }
        for_element!(gradient, self.op, T => {
            support::with_elements::<T, _>(gradient, |g| self.gradients(inputs, g))
        })
    }
}
