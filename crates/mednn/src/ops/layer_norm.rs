//! Layer normalisation and root mean square normalisation.

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, Layout, Shape, Tensor};

use super::node::{Gradients, Node, apply};
use super::softmax::columns;
use super::support::{
    self, Element, check_float, check_min_rank, check_same_type, check_shape, for_element,
};
use crate::cpu::buffer::Columns;
use crate::cpu::layer_norm::{Centre, LayerNorm};
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::{Error, Result};
use crate::graph::{Op, Step};

/// Normalises the last axes, whose lengths are `normalized_shape`, by their mean and variance (Ba et al. 2016), then applies
/// scale and shift of that shape.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::ops::layer_norm;
///
/// let tokens = Tensor::new(&[[1.0_f32, 3.0], [10_000.0, 10_002.0]], &Device::Cpu)?;
/// let y = layer_norm(&tokens, &[2], None, None, 0.0)?;
/// assert_eq!(y.to_vec2::<f32>()?, [[-1.0, 1.0], [-1.0, 1.0]]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Shapes
/// - input and output: `[..., normalized_shape]`
///
/// # Errors
/// Refuses an input that does not end in that shape, scale or shift of another shape, axes without elements and element types
/// other than f32 and f64.
pub fn layer_norm(
    input: &Tensor,
    normalized_shape: &[usize],
    scale: Option<&Tensor>,
    shift: Option<&Tensor>,
    epsilon: f64,
) -> Result<Tensor> {
    const OP: &str = "layer_norm";
    let step = Step::begin();
    let columns = last_axes(OP, input, normalized_shape)?;
    check_affine(OP, input, normalized_shape, scale, shift)?;
    let node = LayerNormNode {
        name: OP,
        norm: LayerNorm {
            columns,
            centre: Centre::Mean,
            epsilon,
        },
        has_scale: scale.is_some(),
    };
    step.end(
        &[Some(input), scale, shift],
        || Op::LayerNorm {
            normalized_shape: normalized_shape.into(),
            epsilon,
        },
        apply(node, &present(input, [scale, shift]))?,
    )
}

/// Divides the last axes, whose lengths are `normalized_shape`, by their root mean square (Zhang and Sennrich 2019), then
/// applies a scale of that shape.
///
/// # Shapes
/// - input and output: `[..., normalized_shape]`
///
/// # Errors
/// As [`layer_norm`].
pub fn rms_norm(
    input: &Tensor,
    normalized_shape: &[usize],
    scale: Option<&Tensor>,
    epsilon: f64,
) -> Result<Tensor> {
    const OP: &str = "rms_norm";
    let step = Step::begin();
    let columns = last_axes(OP, input, normalized_shape)?;
    check_affine(OP, input, normalized_shape, scale, None)?;
    let node = LayerNormNode {
        name: OP,
        norm: LayerNorm {
            columns,
            centre: Centre::Zero,
            epsilon,
        },
        has_scale: scale.is_some(),
    };
    step.end(
        &[Some(input), scale],
        || Op::RmsNorm {
            normalized_shape: normalized_shape.into(),
            epsilon,
        },
        apply(node, &present(input, [scale, None]))?,
    )
}

/// Normalises the channels of every voxel, as ConvNeXt's "channels first" layer does (Liu et al. 2022,
/// <https://arxiv.org/abs/2201.03545>), then applies scale and shift of each channel.
///
/// # Shapes
/// - input and output: `[batch, channels, ...]`
/// - scale and shift: `[channels]`
///
/// # Errors
/// Refuses fewer than two axes, scale or shift of another shape, axes without elements and element types other than f32 and
/// f64.
pub fn layer_norm_channels(
    input: &Tensor,
    scale: Option<&Tensor>,
    shift: Option<&Tensor>,
    epsilon: f64,
) -> Result<Tensor> {
    const OP: &str = "layer_norm_channels";
    let step = Step::begin();
    check_float(OP, "the input", input)?;
    check_min_rank(OP, "the input", input, 2)?;
    check_affine(OP, input, &input.dims()[1..2], scale, shift)?;
    let columns = columns(OP, input, 1)?;
    let node = LayerNormNode {
        name: OP,
        norm: LayerNorm {
            columns,
            centre: Centre::Mean,
            epsilon,
        },
        has_scale: scale.is_some(),
    };
    step.end(
        &[Some(input), scale, shift],
        || Op::LayerNormChannels { epsilon },
        apply(node, &present(input, [scale, shift]))?,
    )
}

/// The last axes of the input as rows.
fn last_axes(op: &'static str, input: &Tensor, shape: &[usize]) -> Result<Columns> {
    check_float(op, "the input", input)?;
    check_min_rank(op, "the input", input, shape.len().max(1))?;
    if shape.is_empty() {
        return Err(Error::Setting {
            op,
            setting: "the normalized shape",
            rule: "at least one axis",
            value: "[]".to_owned(),
        });
    }
    let (outer, last) = input.dims().split_at(input.rank() - shape.len());
    if last != shape {
        return Err(Error::Shape {
            op,
            tensor: "the input",
            expected: [outer, shape].concat(),
            got: input.dims().to_vec(),
        });
    }
    Ok(Columns {
        outer: outer.iter().product(),
        count: shape.iter().product(),
        inner: 1,
    })
}

fn check_affine(
    op: &'static str,
    input: &Tensor,
    shape: &[usize],
    scale: Option<&Tensor>,
    shift: Option<&Tensor>,
) -> Result<()> {
    for (name, tensor) in [("the scale", scale), ("the shift", shift)] {
        if let Some(tensor) = tensor {
            check_shape(op, name, tensor, shape)?;
            check_same_type(op, name, tensor, input)?;
        }
    }
    Ok(())
}

/// The inputs of a node, those that are there.
fn present<'a>(input: &'a Tensor, affine: [Option<&'a Tensor>; 2]) -> Vec<&'a Tensor> {
    std::iter::once(input)
        .chain(affine.into_iter().flatten())
        .collect()
}

/// The node; behind the input come the scale, if there is one, and the shift, if there is one.
struct LayerNormNode {
    name: &'static str,
    norm: LayerNorm,
    has_scale: bool,
}

impl LayerNormNode {
    /// Scale and shift among the tensors behind the input.
    fn named<V: Copy>(&self, affine: &[V]) -> [Option<V>; 2] {
        let (scale, shift) = affine.split_at(usize::from(self.has_scale));
        [scale.first().copied(), shift.first().copied()]
    }

    fn gradients<T: Element>(&self, inputs: &[&Tensor], x: &[T], g: &[T]) -> Gradients {
        let (input, affine) = (inputs[0], &inputs[1..]);
        let [scale, shift] = self.named(affine);
        let of_input = || -> candle_core::Result<Tensor> {
            let values = match scale {
                None => self.norm.input_gradient(x, None, g),
                Some(scale) => support::with_elements::<T, _>(scale, |scale| {
                    Ok(self.norm.input_gradient(x, Some(scale), g))
                })?,
            };
            support::tensor(values, input.dims(), input)
        };
        let of_input = input.track_op().then(of_input).transpose()?;
        if !affine.iter().any(|tensor| tensor.track_op()) {
            return Ok([of_input, None, None]);
        }
        let sums = self.norm.affine_gradients(x, g);
        let mut of_affine = [(scale, sums.scale), (shift, sums.shift)]
            .into_iter()
            .filter_map(|(tensor, values)| {
                let tensor = tensor?;
                let tracked = tensor.track_op();
                Some(tracked.then(|| support::tensor(values, tensor.dims(), tensor)))
            })
            .map(Option::transpose);
        Ok([
            of_input,
            of_affine.next().transpose()?.flatten(),
            of_affine.next().transpose()?.flatten(),
        ])
    }
}

#[cfg(feature = "cuda")]
impl LayerNormNode {
    fn cuda_gradients(&self, inputs: &[&Tensor], gradient: &Tensor) -> Gradients {
        use cuda::layer_norm as kernel;
        let (input, affine) = (inputs[0], &inputs[1..]);
        let [scale, shift] = self.named(affine);
        for_element!(input, self.name, T => {
            let gradients = cuda::with_array::<T, _>(input, |x| {
                cuda::with_array::<T, _>(gradient, |g| match scale {
                    None => kernel::backward(&self.norm, x, None, g),
                    Some(scale) => cuda::with_array::<T, _>(scale, |scale| {
                        kernel::backward(&self.norm, x, Some(scale), g)
                    }),
                })
            })?;
            let wrap = |values, like: &Tensor| {
                let tracked = like.track_op();
                tracked.then(|| cuda::tensor::<T>(values, like.dims(), like)).transpose()
            };
            let mut of_affine = [(scale, gradients.scale), (shift, gradients.shift)]
                .into_iter()
                .filter_map(|(tensor, values)| Some(wrap(values, tensor?)));
            let of_input = wrap(gradients.input, input)?;
            Ok([
                of_input,
                of_affine.next().transpose()?.flatten(),
                of_affine.next().transpose()?.flatten(),
            ])
        })
    }
}

impl Node for LayerNormNode {
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
            let [scale, shift] = self.named(&inputs[1..]);
            let output = self.norm.forward(inputs[0], scale, shift);
            Ok(support::output(output, shape))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_forward(
        &self,
        inputs: &[(&CudaStorage, &Layout)],
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        let (storage, layout) = inputs[0];
        for_element!(storage, self.name, T => {
            let inputs = cuda::all_elements::<T>(inputs)?;
            let affine: Vec<&cuda::Array<'_, T>> = inputs[1..].iter().collect();
            let [scale, shift] = self.named(&affine);
            let output = cuda::layer_norm::forward(&self.norm, &inputs[0], scale, shift)?;
            Ok(cuda::output(output, layout.dims(), &storage.device))
        })
    }

    fn backward(&self, inputs: &[&Tensor], _: &Tensor, gradient: &Tensor) -> Gradients {
        #[cfg(feature = "cuda")]
        if gradient.device().is_cuda() {
            return self.cuda_gradients(inputs, gradient);
        }
        for_element!(inputs[0], self.name, T => {
            support::with_elements::<T, _>(inputs[0], |x| {
                support::with_elements::<T, _>(gradient, |g| self.gradients(inputs, x, g))
            })
        })
    }
}
