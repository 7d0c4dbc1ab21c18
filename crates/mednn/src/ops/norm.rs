//! Batch, instance and group normalisation, activation included in the same node.
//!
//! One node means that neither the normalised values nor the input of the activation are kept for the backward pass, which for
//! one full-resolution tensor of a 3D U-Net saves some hundred megabytes.

use std::sync::{Arc, OnceLock};

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp3, Layout, Shape, Tensor};

use super::activation;
use super::support::{
    self, Element, check_float, check_min_rank, check_same_type, check_shape, for_element,
};
use crate::cpu::activation::Activation;
use crate::cpu::norm::{self as kernel, Backward, Gradients, Sets, Statistics};
use crate::cpu::reduce::Moments;
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::{Error, Result};
use crate::graph::{NormAttributes, Op, Step};
use crate::tape::Apply as _;

/// Scale and shift of each channel, both `[channels]`.
pub type Affine<'a> = Option<(&'a Tensor, &'a Tensor)>;

/// Normalises every channel of every batch item by its own mean and variance (Ulyanov et al. 2016), then applies scale, shift
/// and activation.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::ops::{Activation, instance_norm};
///
/// let x = Tensor::new(&[[[[1.0_f32, 3.0]]]], &Device::Cpu)?;
/// let y = instance_norm(&x, None, 0.0, Activation::Relu)?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [0.0, 1.0]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Shapes
/// - input and output: `[batch, channels, ...]`, at least three axes
///
/// # Errors
/// Refuses fewer axes, a single voxel (which would always give zero, as PyTorch refuses it), scale or shift of another shape
/// and element types other than f32 and f64.
pub fn instance_norm(
    input: &Tensor,
    affine: Affine<'_>,
    epsilon: f64,
    activation: Activation,
) -> Result<Tensor> {
    const OP: &str = "instance_norm";
    let step = Step::begin();
    let shape = check(OP, input, affine, Sets::Instance)?;
    if shape.row_len == 1 {
        return Err(Error::Axis {
            op: OP,
            tensor: "the input",
            axis: 2,
            rule: "such that a channel has more than one voxel".to_owned(),
            got: input.dims().to_vec(),
        });
    }
    step.end(
        &[Some(input), affine.map(|a| a.0), affine.map(|a| a.1)],
        || Op::InstanceNorm(NormAttributes::new(epsilon, activation)),
        run(
            input,
            affine,
            NormOp::new(OP, shape, epsilon, activation),
            activation,
        )?,
    )
}

/// Normalises groups of consecutive channels of every batch item (Wu and He 2018), then applies scale, shift and activation.
///
/// # Shapes
/// - input and output: `[batch, channels, ...]`, at least three axes
///
/// # Errors
/// Refuses a number of groups that does not divide the channels, fewer axes, scale or shift of another shape and element types
/// other than f32 and f64.
pub fn group_norm(
    input: &Tensor,
    groups: usize,
    affine: Affine<'_>,
    epsilon: f64,
    activation: Activation,
) -> Result<Tensor> {
    const OP: &str = "group_norm";
    let step = Step::begin();
    let shape = check(OP, input, affine, Sets::Group { groups })?;
    if groups == 0 || !shape.channels.is_multiple_of(groups) {
        return Err(Error::Setting {
            op: OP,
            setting: "the number of groups",
            rule: "a divisor of the number of channels",
            value: format!("{groups} for {} channels", shape.channels),
        });
    }
    step.end(
        &[Some(input), affine.map(|a| a.0), affine.map(|a| a.1)],
        || Op::GroupNorm {
            groups,
            norm: NormAttributes::new(epsilon, activation),
        },
        run(
            input,
            affine,
            NormOp::new(OP, shape, epsilon, activation),
            activation,
        )?,
    )
}

/// Mean and variance of each channel over a batch.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct BatchStatistics {
    /// The mean of each channel.
    pub mean: Vec<f64>,
    /// The variance of each channel, biased (divided by the number of values).
    pub variance: Vec<f64>,
    /// The number of values of a channel.
    pub count: usize,
}

impl BatchStatistics {
    /// The unbiased variance of each channel, which goes into running statistics.
    #[must_use]
    pub fn unbiased_variance(&self) -> Vec<f64> {
        let n = self.count as f64;
        self.variance.iter().map(|v| v * n / (n - 1.0)).collect()
    }
}

/// Normalises every channel by its mean and variance over the batch (Ioffe and Szegedy 2015), then applies scale, shift and
/// activation; the statistics used are returned for running averages.
///
/// # Shapes
/// - input and output: `[batch, channels, ...]`, at least three axes
///
/// # Errors
/// Refuses fewer axes, a single value for each channel, scale or shift of another shape and element types other than f32 and
/// f64.
pub fn batch_norm(
    input: &Tensor,
    affine: Affine<'_>,
    epsilon: f64,
    activation: Activation,
) -> Result<(Tensor, BatchStatistics)> {
    const OP: &str = "batch_norm";
    let step = Step::begin();
    let shape = check(OP, input, affine, Sets::Batch)?;
    if shape.set_len() == 1 {
        return Err(Error::Axis {
            op: OP,
            tensor: "the input",
            axis: 0,
            rule: "such that a channel has more than one value when training".to_owned(),
            got: input.dims().to_vec(),
        });
    }
    let op = NormOp::new(OP, shape, epsilon, activation);
    let moments = Arc::clone(&op.moments);
    let output = run(input, affine, op, activation)?;
    let moments = moments.get().map(Vec::as_slice).unwrap_or_default();
    let statistics = BatchStatistics {
        mean: moments.iter().map(|m| m.mean).collect(),
        variance: moments.iter().map(Moments::variance).collect(),
        count: shape.set_len(),
    };
    step.end(
        &[Some(input), affine.map(|a| a.0), affine.map(|a| a.1)],
        || Op::BatchNorm(NormAttributes::new(epsilon, activation)),
        (output, statistics),
    )
}

/// Batch normalisation by given statistics, as when evaluating; `mean` and `variance` are constants of shape `[channels]`.
///
/// # Shapes
/// - input and output: `[batch, channels, ...]`, at least three axes
///
/// # Errors
/// Refuses fewer axes, scale, shift or statistics of another shape and element types other than f32 and f64.
pub fn batch_norm_with(
    input: &Tensor,
    (mean, variance): (&Tensor, &Tensor),
    affine: Affine<'_>,
    epsilon: f64,
    activation: Activation,
) -> Result<Tensor> {
    const OP: &str = "batch_norm";
    let step = Step::begin();
    let shape = check(OP, input, affine, Sets::Batch)?;
    check_shape(OP, "the running mean", mean, &[shape.channels])?;
    check_shape(OP, "the running variance", variance, &[shape.channels])?;
    let mut op = NormOp::new(OP, shape, epsilon, activation);
    op.take(mean, variance)?;
    step.end(
        &[
            Some(input),
            Some(mean),
            Some(variance),
            affine.map(|a| a.0),
            affine.map(|a| a.1),
        ],
        || Op::BatchNormWith(NormAttributes::new(epsilon, activation)),
        run(input, affine, op, activation)?,
    )
}

fn check(
    op: &'static str,
    input: &Tensor,
    affine: Affine<'_>,
    sets: Sets,
) -> Result<kernel::Shape> {
    check_float(op, "the input", input)?;
    check_min_rank(op, "the input", input, 3)?;
    let [batch, channels, spatial @ ..] = input.dims() else {
        unreachable!("the rank was checked")
    };
    if let Some((scale, shift)) = affine {
        for (name, tensor) in [("the scale", scale), ("the shift", shift)] {
            check_shape(op, name, tensor, &[*channels])?;
            check_same_type(op, name, tensor, input)?;
        }
    }
    Ok(kernel::Shape {
        batch: *batch,
        channels: *channels,
        row_len: spatial.iter().product(),
        sets,
    })
}

/// Runs the node and, for the activations that are not fused, a second one.
fn run(input: &Tensor, affine: Affine<'_>, op: NormOp, activation: Activation) -> Result<Tensor> {
    let input = input.contiguous()?;
    let output = match affine {
        None => input.apply1(op)?,
        Some((scale, shift)) => input.apply3(&scale.contiguous()?, &shift.contiguous()?, op)?,
    };
    match fused_slope(activation) {
        Some(_) => Ok(output),
        None => activation::activation(&output, activation),
    }
}

/// The negative slope of an activation that the kernel can apply in its own pass.
fn fused_slope(activation: Activation) -> Option<f64> {
    match activation {
        Activation::None => Some(1.0),
        Activation::Relu => Some(0.0),
        Activation::LeakyRelu { slope } => Some(slope),
        _ => None,
    }
}

pub(super) struct NormOp {
    pub(super) name: &'static str,
    pub(super) shape: kernel::Shape,
    pub(super) epsilon: f64,
    pub(super) slope: f64,
    pub(super) statistics_of_input: bool,
    /// Of every set; given from outside, or filled in by the forward pass and used by the backward pass.
    statistics: OnceLock<Vec<Statistics>>,
    /// The same where the tensors lie on a GPU.
    #[cfg(feature = "cuda")]
    pub(super) on_device: OnceLock<cuda::norm::Statistics>,
    pub(super) moments: Arc<OnceLock<Vec<Moments>>>,
}

impl NormOp {
    fn new(name: &'static str, shape: kernel::Shape, epsilon: f64, activation: Activation) -> Self {
        Self {
            name,
            shape,
            epsilon,
            slope: fused_slope(activation).unwrap_or(1.0),
            statistics_of_input: true,
            statistics: OnceLock::new(),
            #[cfg(feature = "cuda")]
            on_device: OnceLock::new(),
            moments: Arc::default(),
        }
    }

    /// Normalises by these statistics instead of the input's.
    fn take(&mut self, mean: &Tensor, variance: &Tensor) -> Result<()> {
        self.statistics_of_input = false;
        #[cfg(feature = "cuda")]
        if mean.device().is_cuda() {
            return self.cuda_take(mean, variance);
        }
        let values = |t: &Tensor| -> Result<Vec<f64>> {
            Ok(t.to_dtype(candle_core::DType::F64)?.to_vec1::<f64>()?)
        };
        let statistics: Vec<Statistics> = values(mean)?
            .into_iter()
            .zip(values(variance)?)
            .map(|(mean, v)| Statistics {
                mean,
                reciprocal_deviation: 1.0 / (v + self.epsilon).sqrt(),
            })
            .collect();
        self.statistics = OnceLock::from(statistics);
        Ok(())
    }

    fn forward<T: Element>(&self, input: &[T], affine: kernel::Affine<'_, T>) -> Vec<T> {
        if self.shape.sets == Sets::Instance {
            let (output, statistics) =
                kernel::apply_instance(&self.shape, input, affine, self.epsilon, self.slope);
            self.statistics.get_or_init(|| statistics);
            return output;
        }
        let statistics = self.statistics.get_or_init(|| {
            let moments = self
                .moments
                .get_or_init(|| kernel::moments(&self.shape, input));
            moments
                .iter()
                .map(|m| kernel::statistics(m, self.epsilon))
                .collect()
        });
        kernel::apply(&self.shape, input, affine, statistics, self.slope)
    }

    fn backward<T: Element>(
        &self,
        input: &Tensor,
        gradient: &Tensor,
        affine: kernel::Affine<'_, T>,
    ) -> candle_core::Result<Gradients<T>> {
        let statistics = self.statistics.get().map(Vec::as_slice).unwrap_or_default();
        support::with_elements::<T, _>(input, |x| {
            support::with_elements::<T, _>(gradient, |g| {
                Ok(Backward {
                    shape: &self.shape,
                    input: x,
                    gradient: g,
                    affine,
                    statistics,
                    slope: self.slope,
                    statistics_of_input: self.statistics_of_input,
                }
                .run())
            })
        })
    }
}

impl CustomOp1 for NormOp {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        for_element!(s, self.name, T => {
            Ok(support::output(self.forward(support::elements::<T>(s, l)?, None), l.dims()))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        self.cuda_forward((s, l), None)
    }

    fn bwd(
        &self,
        input: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<Option<Tensor>> {
        if !input.track_op() {
            return Ok(None);
        }
        #[cfg(feature = "cuda")]
        if input.device().is_cuda() {
            let [of_input, ..] = self.cuda_backward(input, None, gradient)?;
            return Ok(of_input);
        }
        for_element!(input, self.name, T => {
            let gradients = self.backward::<T>(input, gradient, None)?;
            support::tensor(gradients.input, input.dims(), input).map(Some)
        })
    }
}

impl CustomOp3 for NormOp {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        for_element!(s1, self.name, T => {
            let affine = (support::elements::<T>(s2, l2)?, support::elements::<T>(s3, l3)?);
            Ok(support::output(self.forward(support::elements::<T>(s1, l1)?, Some(affine)), l1.dims()))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
        s3: &CudaStorage,
        l3: &Layout,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        self.cuda_forward((s1, l1), Some([(s2, l2), (s3, l3)]))
    }

    fn bwd(
        &self,
        input: &Tensor,
        scale: &Tensor,
        shift: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        #[cfg(feature = "cuda")]
        if input.device().is_cuda() {
            let affine = Some((scale, shift));
            return self.cuda_backward(input, affine, gradient).map(Into::into);
        }
        for_element!(input, self.name, T => {
            let gradients = support::with_elements::<T, _>(scale, |w| {
                support::with_elements::<T, _>(shift, |b| self.backward(input, gradient, Some((w, b))))
            })?;
            let wrap = |values: Vec<T>, like: &Tensor| {
                like.track_op().then(|| support::tensor(values, like.dims(), like)).transpose()
            };
            Ok((wrap(gradients.input, input)?, wrap(gradients.scale, scale)?, wrap(gradients.shift, shift)?))
        })
    }
}
