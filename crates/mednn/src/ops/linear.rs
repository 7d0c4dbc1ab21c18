//! The linear map of the last axis.

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, Layout, Shape, Tensor};

use super::node::{Gradients, Node, apply};
use super::support::{
    self, Element, check_float, check_min_rank, check_rank, check_same_type, check_shape,
    for_element,
};
use crate::cpu::linear::Linear;
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::{Error, Result};
use crate::graph::{Op, Step};

/// `input weight^T + bias` over the last axis, as PyTorch's `linear`.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::ops::linear;
///
/// let x = Tensor::new(&[[1.0_f32, 2.0]], &Device::Cpu)?;
/// let weight = Tensor::new(&[[1.0_f32, 0.0], [0.0, 1.0], [1.0, 1.0]], &Device::Cpu)?;
/// let bias = Tensor::new(&[0.0_f32, 0.0, 10.0], &Device::Cpu)?;
/// assert_eq!(linear(&x, &weight, Some(&bias))?.to_vec2::<f32>()?, [[1.0, 2.0, 13.0]]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Shapes
/// - input: `[..., inputs]`
/// - weight: `[outputs, inputs]`
/// - bias: `[outputs]`
/// - output: `[..., outputs]`
///
/// # Errors
/// Refuses shapes and element types that do not fit together, axes without elements and element types other than f32 and f64.
pub fn linear(input: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    const OP: &str = "linear";
    let step = Step::begin();
    check_float(OP, "the input", input)?;
    check_min_rank(OP, "the input", input, 1)?;
    check_rank(OP, "the weight", weight, 2)?;
    check_same_type(OP, "the weight", weight, input)?;
    let (outputs, inputs) = (weight.dims()[0], weight.dims()[1]);
    let (last, leading) = (input.rank() - 1, &input.dims()[..input.rank() - 1]);
    if input.dims()[last] != inputs {
        return Err(Error::Shape {
            op: OP,
            tensor: "the input",
            expected: [leading, &[inputs]].concat(),
            got: input.dims().to_vec(),
        });
    }
    if let Some(bias) = bias {
        check_shape(OP, "the bias", bias, &[outputs])?;
        check_same_type(OP, "the bias", bias, input)?;
    }
    let node = LinearNode(Linear {
        rows: leading.iter().product(),
        inputs,
        outputs,
    });
    let tensors: Vec<&Tensor> = [input, weight].into_iter().chain(bias).collect();
    step.end(
        &[Some(input), Some(weight), bias],
        || Op::Linear,
        apply(node, &tensors)?,
    )
}

struct LinearNode(Linear);

impl LinearNode {
    fn gradients<T: Element>(&self, inputs: &[&Tensor], gradient: &[T]) -> Gradients {
        let (input, weight) = (inputs[0], inputs[1]);
        let mut gradients = [None, None, None];
        if input.track_op() {
            let values = support::with_elements::<T, _>(weight, |weight| {
                Ok(self.0.input_gradient(weight, gradient))
            })?;
            gradients[0] = Some(support::tensor(values, input.dims(), input)?);
        }
        if weight.track_op() {
            let values = support::with_elements::<T, _>(input, |input| {
                Ok(self.0.weight_gradient(input, gradient))
            })?;
            gradients[1] = Some(support::tensor(values, weight.dims(), weight)?);
        }
        if let Some(bias) = inputs.get(2).filter(|bias| bias.track_op()) {
            let values = self.0.bias_gradient(gradient);
            gradients[2] = Some(support::tensor(values, bias.dims(), bias)?);
        }
        Ok(gradients)
    }
}

#[cfg(feature = "cuda")]
impl LinearNode {
    fn cuda_gradients(&self, inputs: &[&Tensor], gradient: &Tensor) -> Gradients {
        use cuda::linear as kernel;
        let (input, weight) = (inputs[0], inputs[1]);
        for_element!(gradient, self.name(), T => cuda::with_array::<T, _>(gradient, |g| {
            let wrap = |values, like: &Tensor| cuda::tensor::<T>(values, like.dims(), like);
            let of_input = || {
                let values = cuda::with_array(weight, |w| kernel::input_gradient(&self.0, w, g))?;
                wrap(values, input)
            };
            let of_weight = || {
                let values = cuda::with_array(input, |x| kernel::weight_gradient(&self.0, x, g))?;
                wrap(values, weight)
            };
            let bias = inputs.get(2).filter(|bias| bias.track_op());
            Ok([
                input.track_op().then(of_input).transpose()?,
                weight.track_op().then(of_weight).transpose()?,
                bias.map(|bias| wrap(kernel::bias_gradient(&self.0, g)?, bias)).transpose()?,
            ])
        }))
    }
}

impl Node for LinearNode {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn forward(
        &self,
        inputs: &[(&CpuStorage, &Layout)],
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let mut shape = inputs[0].1.dims().to_vec();
        if let Some(last) = shape.last_mut() {
            *last = self.0.outputs;
        }
        for_element!(inputs[0].0, self.name(), T => {
            let inputs: Vec<&[T]> = support::all_elements(inputs)?;
            let output = self.0.forward(inputs[0], inputs[1], inputs.get(2).copied());
            Ok(support::output(output, &shape))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_forward(
        &self,
        inputs: &[(&CudaStorage, &Layout)],
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        let (storage, layout) = inputs[0];
        let mut shape = layout.dims().to_vec();
        if let Some(last) = shape.last_mut() {
            *last = self.0.outputs;
        }
        for_element!(storage, self.name(), T => {
            let inputs = cuda::all_elements::<T>(inputs)?;
            let output = cuda::linear::forward(&self.0, &inputs[0], &inputs[1], inputs.get(2))?;
            Ok(cuda::output(output, &shape, &storage.device))
        })
    }

    fn backward(&self, inputs: &[&Tensor], _: &Tensor, gradient: &Tensor) -> Gradients {
        #[cfg(feature = "cuda")]
        if gradient.device().is_cuda() {
            return self.cuda_gradients(inputs, gradient);
        }
        for_element!(inputs[0], self.name(), T => {
            support::with_elements::<T, _>(gradient, |g| self.gradients(inputs, g))
        })
    }
}
