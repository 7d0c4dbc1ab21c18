//! Batch, instance and group normalisation, activation included in the same node.
//!
//! One node means that neither the normalised values nor the input of the activation are kept for the backward pass, which for
//! one full-resolution tensor of a 3D U-Net saves some hundred megabytes.

use std::sync::Arc;

use candle_core::Tensor;

use super::activation;
use super::node;
use super::norm_node::{NormNode, fused_slope};
use super::support::{check_float, check_min_rank, check_same_type, check_shape};
use crate::cpu::activation::Activation;
use crate::cpu::norm::{self as kernel, Sets};
use crate::cpu::reduce::Moments;
use crate::error::{Error, Result};
use crate::graph::{NormAttributes, Op, Step};

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
            NormNode::new(OP, shape, epsilon, activation),
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
            NormNode::new(OP, shape, epsilon, activation),
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
    let op = NormNode::new(OP, shape, epsilon, activation);
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
    let mut op = NormNode::new(OP, shape, epsilon, activation);
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
fn run(input: &Tensor, affine: Affine<'_>, op: NormNode, activation: Activation) -> Result<Tensor> {
    let output = match affine {
        None => node::apply(op, &[input]),
        Some((scale, shift)) => node::apply(op, &[input, scale, shift]),
    }?;
    match fused_slope(activation) {
        Some(_) => Ok(output),
        None => activation::activation(&output, activation),
    }
}
