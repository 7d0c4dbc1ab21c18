//! What attention by cosines needs (Swin Transformer V2, Liu et al. 2022, <https://arxiv.org/abs/2111.09883>).

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, Layout, Shape, Tensor};

use super::node::{Gradients, Node, apply};
use super::support::{self, Element, check_float, check_rank, check_same_type, for_element};
use crate::cpu::unit_query_key::{PackedTokens, factors};
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::{Error, Result};
use crate::graph::{Op, Step};

/// Gives queries and keys length 1, then queries their head's factor `exp(log_factor)`, at most 100: with scale 1,
/// [`self_attention`](super::self_attention) of the result weighs by cosines instead of products.
///
/// A vector shorter than 1e-12 is divided by that instead of its length, as PyTorch's `normalize` does. A factor above
/// 100 gets no gradient.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::ops::unit_query_key;
///
/// let token = Tensor::new(&[[[3.0_f32, 4.0, 0.0, 2.0, 5.0, 6.0]]], &Device::Cpu)?;
/// let log_factor = Tensor::new(&[10.0_f32.ln()], &Device::Cpu)?;
/// let y = unit_query_key(&token, &log_factor)?.flatten_all()?.to_vec1::<f32>()?;
/// let expected = [6.0, 8.0, 0.0, 1.0, 5.0, 6.0];
/// assert!(y.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{y:?}");
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Shapes
/// - query_key_value and output: `[batch, tokens, 3 * heads * dim]`: the queries of all heads, then the keys, then the values
/// - log_factor: `[heads]`
///
/// # Errors
/// Refuses a last axis that does not divide by three times the heads, axes without elements, and element types other than f32
/// and f64.
pub fn unit_query_key(query_key_value: &Tensor, log_factor: &Tensor) -> Result<Tensor> {
    const OP: &str = "unit_query_key";
    let step = Step::begin();
    check_float(OP, "the input", query_key_value)?;
    check_rank(OP, "the input", query_key_value, 3)?;
    check_same_type(OP, "the factors", log_factor, query_key_value)?;
    check_rank(OP, "the factors", log_factor, 1)?;
    let heads = log_factor.dims()[0];
    let width = query_key_value.dims()[2];
    if !width.is_multiple_of(3 * heads) {
        return Err(Error::Axis {
            op: OP,
            tensor: "the input",
            axis: 2,
            rule: format!("a multiple of 3 times the {heads} heads"),
            got: query_key_value.dims().to_vec(),
        });
    }
    let node = UnitNode {
        tokens: PackedTokens {
            rows: query_key_value.dims()[0] * query_key_value.dims()[1],
            heads,
            dim: width / (3 * heads),
        },
    };
    step.end(
        &[Some(query_key_value), Some(log_factor)],
        || Op::UnitQueryKey,
        apply(node, &[query_key_value, log_factor])?,
    )
}

struct UnitNode {
    tokens: PackedTokens,
}

impl UnitNode {
    fn gradients<T: Element>(&self, inputs: &[&Tensor], slices: &[&[T]], g: &[T]) -> Gradients {
        let (input, logs) = (slices[0], slices[1]);
        let of_input = || {
            let values = self.tokens.input_gradient(input, &factors(logs), g);
            support::tensor(values, inputs[0].dims(), inputs[0])
        };
        let of_logs = || {
            let values = self.tokens.log_gradient(input, logs, g);
            support::tensor(values, inputs[1].dims(), inputs[1])
        };
        Ok([
            inputs[0].track_op().then(of_input).transpose()?,
            inputs[1].track_op().then(of_logs).transpose()?,
            None,
        ])
    }
}

#[cfg(feature = "cuda")]
impl UnitNode {
    fn gradients_on_device(&self, inputs: &[&Tensor], gradient: &Tensor) -> Gradients {
        use cuda::unit_query_key::{input_gradient, log_gradient};
        for_element!(gradient, self.name(), T => {
            cuda::with_arrays::<T, _>(&[inputs[0], inputs[1], gradient], |arrays| {
                let (given, g) = ([&arrays[0], &arrays[1]], &arrays[2]);
                let of_input = || {
                    let values = input_gradient(&self.tokens, given, g)?;
                    cuda::tensor(values, inputs[0].dims(), inputs[0])
                };
                let of_logs = || {
                    let values = log_gradient(&self.tokens, given, g)?;
                    cuda::tensor(values, inputs[1].dims(), inputs[1])
                };
                Ok([
                    inputs[0].track_op().then(of_input).transpose()?,
                    inputs[1].track_op().then(of_logs).transpose()?,
                    None,
                ])
            })
        })
    }
}

impl Node for UnitNode {
    fn name(&self) -> &'static str {
        "unit_query_key"
    }

    fn forward(
        &self,
        inputs: &[(&CpuStorage, &Layout)],
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        for_element!(inputs[0].0, self.name(), T => {
            let slices: Vec<&[T]> = support::all_elements(inputs)?;
            let output = self.tokens.forward(slices[0], &factors(slices[1]));
            Ok(support::output(output, inputs[0].1.dims()))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_forward(
        &self,
        inputs: &[(&CudaStorage, &Layout)],
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        let (s, l) = inputs[0];
        for_element!(s, self.name(), T => {
            let arrays = cuda::all_elements::<T>(inputs)?;
            let output = cuda::unit_query_key::forward(&self.tokens, &arrays[0], &arrays[1])?;
            Ok(cuda::output(output, l.dims(), &s.device))
        })
    }

    fn backward(&self, inputs: &[&Tensor], _: &Tensor, gradient: &Tensor) -> Gradients {
        #[cfg(feature = "cuda")]
        if gradient.device().is_cuda() {
            return self.gradients_on_device(inputs, gradient);
        }
        for_element!(inputs[0], self.name(), T => {
            support::with_all_elements::<T, _>(inputs, |slices| {
                support::with_elements::<T, _>(gradient, |g| self.gradients(inputs, slices, g))
            })
        })
    }
}
