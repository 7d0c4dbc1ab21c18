//! Linear maps for inference: weights in the order of the kernels, activation and residual applied to sums in the cache.

use std::fmt;
use std::sync::Arc;

use candle_core::{DType, Tensor};

use super::activation::Activation;
use super::prepared_conv::Residual;
use super::support::{self, check_float, check_min_rank, check_rank, check_same_type, check_shape};
use crate::cpu::conv::{Element, Finish};
use crate::cpu::linear::PackedLinear;
use crate::error::{Error, Result};

const OP: &str = "prepared_linear";

/// A linear map whose weights do not change any more; it keeps a copy of them, which its own copies share.
///
/// No gradient passes through it, and it does not become part of a [`Graph`](crate::graph::Graph), which is made of the layers it was
/// prepared from.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::ops::Activation;
/// use mednn::ops::prepared_linear::PreparedLinear;
///
/// let weight = Tensor::new(&[[1.0_f32, 0.0], [0.0, -1.0]], &Device::Cpu)?;
/// let linear = PreparedLinear::new(&weight, None, Activation::Relu)?;
/// let x = Tensor::new(&[[[3.0_f32, 2.0]]], &Device::Cpu)?;
/// assert_eq!(linear.forward(&x, None)?.to_vec3::<f32>()?, [[[3.0, 0.0]]]);
/// # Ok::<(), mednn::Error>(())
/// ```
#[derive(Clone)]
pub struct PreparedLinear {
    weights: Weights,
    /// `[outputs, inputs]`.
    shape: [usize; 2],
    activation: Activation,
}

#[derive(Clone)]
enum Weights {
    F32(Arc<PackedLinear<f32>>),
    F64(Arc<PackedLinear<f64>>),
}

impl fmt::Debug for PreparedLinear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedLinear")
            .field("shape", &self.shape)
            .field("activation", &self.activation)
            .finish_non_exhaustive()
    }
}

/// Features and the activation.
impl fmt::Display for PreparedLinear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [outputs, inputs] = self.shape;
        write!(f, "linear from {inputs} to {outputs}")?;
        match self.activation {
            Activation::None => Ok(()),
            activation => write!(f, ", {activation:?}"),
        }
    }
}

impl PreparedLinear {
    /// Prepares a weight, `[outputs, inputs]`, and a bias, `[outputs]`.
    ///
    /// # Errors
    /// Refuses shapes and element types that do not fit together, and element types other than f32 and f64.
    pub fn new(weight: &Tensor, bias: Option<&Tensor>, activation: Activation) -> Result<Self> {
        check_float(OP, "the weight", weight)?;
        check_rank(OP, "the weight", weight, 2)?;
        let shape = [weight.dims()[0], weight.dims()[1]];
        if let Some(bias) = bias {
            check_shape(OP, "the bias", bias, &shape[..1])?;
            check_same_type(OP, "the bias", bias, weight)?;
        }
        let weights = match weight.dtype() {
            DType::F64 => Weights::F64(pack(shape, weight, bias)?),
            _ => Weights::F32(pack(shape, weight, bias)?),
        };
        Ok(Self {
            weights,
            shape,
            activation,
        })
    }

    /// Maps the last axis, adds the residual and applies the activation.
    ///
    /// # Shapes
    /// - input: `[..., inputs]`
    /// - output and residual: `[..., outputs]`
    ///
    /// # Errors
    /// Refuses other shapes and element types, and tensors that are tracked for gradients.
    pub fn forward(&self, input: &Tensor, residual: Option<Residual<&Tensor>>) -> Result<Tensor> {
        let [outputs, inputs] = self.shape;
        check_min_rank(OP, "the input", input, 1)?;
        let leading = &input.dims()[..input.rank() - 1];
        check_shape(OP, "the input", input, &[leading, &[inputs]].concat())?;
        let shape = [leading, &[outputs]].concat();
        let added = residual.as_ref().map(|residual| *residual.values());
        if let Some(added) = added {
            check_shape(OP, "the residual", added, &shape)?;
            check_same_type(OP, "the residual", added, input)?;
        }
        let tensors: Vec<&Tensor> = std::iter::once(input).chain(added).collect();
        if let Some(tracked) = tensors.iter().find(|tensor| tensor.track_op()) {
            return Err(Error::Setting {
                op: OP,
                setting: "a tensor",
                rule: "free of gradients, which do not pass a prepared linear map",
                value: format!("a tracked tensor of shape {:?}", tracked.dims()),
            });
        }
        let rows = leading.iter().product();
        match (&self.weights, input.dtype()) {
            (Weights::F32(weights), DType::F32) => {
                self.run(weights, rows, &tensors, residual, &shape)
            }
            (Weights::F64(weights), DType::F64) => {
                self.run(weights, rows, &tensors, residual, &shape)
            }
            (weights, got) => Err(Error::ElementType {
                op: OP,
                tensor: "the input",
                expected: match weights {
                    Weights::F32(_) => "f32, as the weights",
                    Weights::F64(_) => "f64, as the weights",
                },
                got,
            }),
        }
    }

    fn run<T: Element + support::Element>(
        &self,
        weights: &PackedLinear<T>,
        rows: usize,
        tensors: &[&Tensor],
        residual: Option<Residual<&Tensor>>,
        shape: &[usize],
    ) -> Result<Tensor> {
        let values = support::with_all_elements(tensors, |slices: &[&[T]]| {
            let finish = Finish {
                activation: self.activation,
                residual: residual.map(|residual| residual.map(|_| slices[1])),
            };
            Ok(weights.forward(rows, slices[0], &finish))
        })?;
        Ok(support::tensor(values, shape, tensors[0])?)
    }
}

fn pack<T: Element + support::Element>(
    [outputs, inputs]: [usize; 2],
    weight: &Tensor,
    bias: Option<&Tensor>,
) -> Result<Arc<PackedLinear<T>>> {
    let tensors: Vec<&Tensor> = std::iter::once(weight).chain(bias).collect();
    let packed = support::with_all_elements(&tensors, |slices: &[&[T]]| {
        Ok(PackedLinear::new(
            [inputs, outputs],
            slices[0],
            slices.get(1).copied(),
        ))
    })?;
    Ok(Arc::new(packed))
}
