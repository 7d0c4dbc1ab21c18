//! Convolution for inference: a normalisation folded into the weights, weights in the order of the kernels, activation and
//! residual applied before sums leave the cache.

use std::fmt;
use std::sync::Arc;

use candle_core::{DType, Tensor};

use super::activation::Activation;
use super::conv::{ConvConfig, check_device, lift, name, raise, spatial};
use super::prepared::{check_operand, check_type};
use super::support::{self, check_float, check_rank, check_shape};
pub use crate::cpu::conv::Residual;
use crate::cpu::conv::{Element, Finish, Prepared, Problem};
use crate::cpu::real::Real;
use crate::error::{Error, Result};

const OP: &str = "prepared_conv";

/// A factor and an addend for each channel, as a normalisation by fixed statistics is; one of each a channel.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelAffine {
    /// The factor of each channel.
    pub scale: Vec<f64>,
    /// The addend of each channel.
    pub shift: Vec<f64>,
}

impl ChannelAffine {
    /// A normalisation by a mean and a variance for each channel, then a scale and a shift, as
    /// [`batch_norm_with`](super::batch_norm_with) does it.
    ///
    /// # Errors
    /// Refuses tensors that cannot be read as numbers, one a channel.
    pub fn of_batch_norm(
        (mean, variance): (&Tensor, &Tensor),
        affine: Option<(&Tensor, &Tensor)>,
        epsilon: f64,
    ) -> Result<Self> {
        let values = |tensor: &Tensor| tensor.to_dtype(DType::F64)?.to_vec1::<f64>();
        let inverse = |variance: f64| 1.0 / (variance + epsilon).sqrt();
        let mut scale: Vec<f64> = values(variance)?.into_iter().map(inverse).collect();
        let mut shift = vec![0.0; scale.len()];
        if let Some((weight, bias)) = affine {
            for (scale, weight) in scale.iter_mut().zip(values(weight)?) {
                *scale *= weight;
            }
            shift = values(bias)?;
        }
        for ((shift, scale), mean) in shift.iter_mut().zip(&scale).zip(values(mean)?) {
            *shift -= mean * scale;
        }
        Ok(Self { scale, shift })
    }

    /// Makes the map part of weights and bias, each number rounded once.
    fn fold<T: Real>(&self, weights: &mut [T], bias: &mut [T]) {
        let row = (weights.len() / bias.len().max(1)).max(1);
        for (row, &scale) in weights.chunks_exact_mut(row).zip(&self.scale) {
            for weight in row {
                *weight = T::from_f64(weight.to_f64() * scale);
            }
        }
        for (bias, (scale, shift)) in bias.iter_mut().zip(self.scale.iter().zip(&self.shift)) {
            *bias = T::from_f64(bias.to_f64() * scale + shift);
        }
    }
}

/// What follows a convolution in the same pass.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct ConvTail {
    /// A normalisation by fixed statistics, which becomes part of the weights.
    pub affine: Option<ChannelAffine>,
    /// What follows it.
    pub activation: Activation,
}

impl ConvTail {
    /// Nothing: the sums as they are.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets factor and addend of each channel.
    #[must_use]
    pub fn with_affine(mut self, affine: ChannelAffine) -> Self {
        self.affine = Some(affine);
        self
    }

    /// Sets the activation.
    #[must_use]
    pub fn with_activation(mut self, activation: Activation) -> Self {
        self.activation = activation;
        self
    }
}

/// A convolution whose weights do not change any more.
///
/// It keeps a copy of the weights as they were, and one or two more in the orders of the kernels, each made with the first image
/// of a size that needs it. No gradient passes through it, and it does not become part of a [`Graph`](crate::graph::Graph), which is
/// made of the layers it was prepared from. Copies share the weights.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use mednn::ops::Activation;
/// use mednn::ops::conv::ConvConfig;
/// use mednn::ops::prepared_conv::{ConvTail, PreparedConv, Residual};
///
/// let weight = Tensor::new(&[[[[-2.0_f32]]]], &Device::Cpu)?;
/// let tail = ConvTail::new().with_activation(Activation::Relu);
/// let halve = PreparedConv::new(&weight, None, &ConvConfig::<2>::default(), &tail)?;
///
/// let image = Tensor::ones((1, 1, 1, 2), DType::F32, &Device::Cpu)?;
/// let three = (&image * 3.0)?;
/// let sums = halve.forward(&image, Some(Residual::BeforeActivation(&three)))?;
/// assert_eq!(sums.flatten_all()?.to_vec1::<f32>()?, [1.0, 1.0]);
/// # Ok::<(), mednn::Error>(())
/// ```
#[derive(Clone)]
pub struct PreparedConv<const D: usize> {
    weights: Weights,
    /// `[out_channels, in_channels / groups, ...kernel]`.
    shape: Vec<usize>,
    config: ConvConfig<D>,
    activation: Activation,
}

impl<const D: usize> fmt::Debug for PreparedConv<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedConv")
            .field("shape", &self.shape)
            .field("config", &self.config)
            .field("activation", &self.activation)
            .finish_non_exhaustive()
    }
}

/// Channels, kernel, stride and groups, and the activation.
impl<const D: usize> fmt::Display for PreparedConv<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = |extents: &[usize]| {
            let texts: Vec<String> = extents.iter().map(usize::to_string).collect();
            texts.join("x")
        };
        let groups = self.config.groups;
        write!(
            f,
            "conv {} from {} to {}",
            by(&self.shape[2..]),
            self.shape[1] * groups,
            self.shape[0]
        )?;
        if self.config.stride.iter().any(|&stride| stride > 1) {
            write!(f, ", stride {}", by(&self.config.stride))?;
        }
        if groups > 1 {
            write!(f, ", {groups} groups")?;
        }
        match self.activation {
            Activation::None => Ok(()),
            activation => write!(f, ", {activation:?}"),
        }
    }
}

#[derive(Clone)]
enum Weights {
    F32(Arc<Prepared<'static, f32>>),
    F64(Arc<Prepared<'static, f64>>),
}

impl<const D: usize> PreparedConv<D> {
    /// Prepares weights, `[out_channels, in_channels / groups, kernel depth, height, width]`, and a bias, `[out_channels]`.
    ///
    /// # Errors
    /// Refuses shapes, settings, element types and devices that do not fit together.
    pub fn new(
        weight: &Tensor,
        bias: Option<&Tensor>,
        config: &ConvConfig<D>,
        tail: &ConvTail,
    ) -> Result<Self> {
        let op = name::<D>([OP; 3]);
        check_float(op, "the weight", weight)?;
        check_rank(op, "the weight", weight, D + 2)?;
        check_device(op, weight)?;
        let channels = weight.dims()[0];
        if let Some(bias) = bias {
            check_shape(op, "the bias", bias, &[channels])?;
            check_type(OP, weight.dtype(), "the bias", bias)?;
            check_device(op, bias)?;
        }
        if let Some(affine) = &tail.affine {
            for (setting, values) in [("the scale", &affine.scale), ("the shift", &affine.shift)] {
                if values.len() != channels {
                    return Err(Error::Setting {
                        op: OP,
                        setting,
                        rule: "one number for each output channel",
                        value: format!("{} for {channels} channels", values.len()),
                    });
                }
            }
        }
        let weights = match weight.dtype() {
            DType::F64 => Weights::F64(Arc::new(prepare(weight, bias, config, tail)?)),
            _ => Weights::F32(Arc::new(prepare(weight, bias, config, tail)?)),
        };
        Ok(Self {
            weights,
            shape: weight.dims().to_vec(),
            config: *config,
            activation: tail.activation,
        })
    }

    /// Convolves, adds the residual and applies the activation.
    ///
    /// # Shapes
    /// - input: `[batch, in_channels, depth, height, width]`, `D` of the spatial axes
    /// - output and residual: `[batch, out_channels, depth, height, width]`
    ///
    /// # Errors
    /// Refuses other shapes, element types and devices, and tensors that are tracked for gradients.
    pub fn forward(&self, input: &Tensor, residual: Option<Residual<&Tensor>>) -> Result<Tensor> {
        let added = residual.as_ref().map(|residual| *residual.values());
        for (name, tensor) in [("the input", Some(input)), ("the residual", added)] {
            if let Some(tensor) = tensor {
                self.check(name, tensor)?;
            }
        }
        let kernel = std::array::from_fn::<_, D, _>(|axis| self.shape[axis + 2]);
        let channels = [self.shape[1] * self.config.groups, self.shape[0]];
        if input.dims()[1] != channels[0] {
            let mut expected = input.dims().to_vec();
            expected[1] = channels[0];
            check_shape(OP, "the input", input, &expected)?;
        }
        let problem = Problem::new(
            input.dims()[0],
            channels,
            self.config.groups,
            lift(spatial::<D>(input), 1),
            self.config.window(kernel),
        )?;
        let mut shape = vec![problem.batch(), problem.out_channels()];
        shape.extend_from_slice(&problem.output()[3 - D..]);
        if let Some(added) = added {
            check_shape(OP, "the residual", added, &shape)?;
        }
        match &self.weights {
            Weights::F32(weights) => self.run(weights, &problem, input, residual, &shape),
            Weights::F64(weights) => self.run(weights, &problem, input, residual, &shape),
        }
    }

    fn run<T: Element + support::Element>(
        &self,
        weights: &Prepared<'_, T>,
        problem: &Problem,
        input: &Tensor,
        residual: Option<Residual<&Tensor>>,
        shape: &[usize],
    ) -> Result<Tensor> {
        let tensors: Vec<_> = std::iter::once(input)
            .chain(residual.as_ref().map(|residual| *residual.values()))
            .collect();
        let values = support::with_all_elements(&tensors, |slices: &[&[T]]| {
            let finish = Finish {
                activation: self.activation,
                residual: residual.map(|residual| residual.map(|_| slices[1])),
            };
            let values = weights.forward(problem, slices[0], &finish);
            values.map_err(raise)
        })?;
        Ok(support::tensor(values, shape, input)?)
    }

    /// Refuses a tensor that the kernels cannot read and one that wants a gradient.
    fn check(&self, name: &'static str, tensor: &Tensor) -> Result<()> {
        check_rank(OP, name, tensor, D + 2)?;
        let dtype = match self.weights {
            Weights::F32(_) => DType::F32,
            Weights::F64(_) => DType::F64,
        };
        check_operand(OP, dtype, name, tensor)
    }
}

/// The weights with the tail's factors, rounded once.
fn prepare<T: Element + support::Element, const D: usize>(
    weight: &Tensor,
    bias: Option<&Tensor>,
    config: &ConvConfig<D>,
    tail: &ConvTail,
) -> Result<Prepared<'static, T>> {
    let channels = weight.dims()[0];
    let values =
        |tensor: &Tensor| support::with_elements(tensor, |values: &[T]| Ok(values.to_vec()));
    let (mut weights, mut bias) = (values(weight)?, bias.map(values).transpose()?);
    if let Some(affine) = &tail.affine {
        let zeros = || vec![T::default(); channels];
        affine.fold(&mut weights, bias.get_or_insert_with(zeros));
    }
    let kernel = std::array::from_fn::<_, D, _>(|axis| weight.dims()[axis + 2]);
    let in_channels = weight.dims()[1].saturating_mul(config.groups);
    Prepared::new(
        [in_channels, channels],
        config.groups,
        config.window(kernel),
        weights,
        bias,
    )
}
