//! Linear maps for inference: weights in the order of the kernels, activation and residual applied to sums in the cache.

use std::fmt;
use std::sync::Arc;

use candle_core::{DType, Tensor};

use super::activation::Activation;
use super::prepared::{check_operand, check_type};
use super::prepared_conv::Residual;
use super::support::{self, check_float, check_min_rank, check_rank, check_shape};
use crate::cpu::conv::{Element, Finish};
use crate::cpu::linear::PackedLinear;
use crate::error::Result;

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
            check_type(OP, weight.dtype(), "the bias", bias)?;
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
        let dtype = match self.weights {
            Weights::F32(_) => DType::F32,
            Weights::F64(_) => DType::F64,
        };
        check_operand(OP, dtype, "the input", input)?;
        check_min_rank(OP, "the input", input, 1)?;
        let leading = &input.dims()[..input.rank() - 1];
        check_shape(OP, "the input", input, &[leading, &[inputs]].concat())?;
        let shape = [leading, &[outputs]].concat();
        let added = residual.as_ref().map(|residual| *residual.values());
        if let Some(added) = added {
            check_shape(OP, "the residual", added, &shape)?;
            check_operand(OP, dtype, "the residual", added)?;
        }
        let tensors: Vec<&Tensor> = std::iter::once(input).chain(added).collect();
        let rows = leading.iter().product();
        match &self.weights {
            Weights::F32(weights) => self.run(weights, rows, &tensors, residual, &shape),
            Weights::F64(weights) => self.run(weights, rows, &tensors, residual, &shape),
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

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::ops::linear;

    #[test]
    fn what_does_not_fit_is_refused_and_what_fits_is_the_linear_map() {
        let arange = |shape: &[usize]| {
            let values = (0..shape.iter().product::<usize>()).map(|i| (i * 7 % 11) as f32 - 5.0);
            Tensor::from_vec(values.collect::<Vec<_>>(), shape, &Device::Cpu).unwrap()
        };
        let (weight, bias, x) = (arange(&[37, 5]), arange(&[37]), arange(&[2, 3, 5]));
        let prepared = PreparedLinear::new(&weight, Some(&bias), Activation::None).unwrap();
        let values = |tensor: Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(
            values(prepared.forward(&x, None).unwrap()),
            values(linear(&x, &weight, Some(&bias)).unwrap())
        );
        let refused = |tensor: &Tensor, residual: Option<&Tensor>| {
            let residual = residual.map(Residual::BeforeActivation);
            prepared.forward(tensor, residual).unwrap_err().to_string()
        };
        assert!(refused(&arange(&[2, 4]), None).contains("the input"));
        assert!(refused(&x, Some(&arange(&[6, 37]))).contains("the residual"));
        let doubles = x.to_dtype(DType::F64).unwrap();
        assert!(refused(&doubles, None).contains("f32, as the weights"));
        let tracked = candle_core::Var::from_tensor(&x).unwrap();
        assert!(refused(tracked.as_tensor(), None).contains("free of gradients"));
        assert!(PreparedLinear::new(&weight, Some(&x), Activation::None).is_err());
    }
}
