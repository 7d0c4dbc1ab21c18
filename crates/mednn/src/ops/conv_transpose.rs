//! Transposed convolution in one, two and three dimensions, differentiable in input, weight and bias.
//!
//! It is the gradient of a convolution's input: the convolution that maps its output to its input has the same weight.

use candle_core::Tensor;

use super::conv::{ConvConfig, check_tensors, lift, name, spatial};
use super::conv_node::{Convolution, Way};
use super::support::check_shape;
use crate::cpu::conv::Problem;
use crate::error::{Error, Result};
use crate::graph::{Op, Step};

/// How a kernel is spread over `D` spatial axes (1, 2 or 3), in storage order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConvTransposeConfig<const D: usize> {
    /// Voxels of the output between neighbouring inputs.
    pub stride: [usize; D],
    /// Voxels cut off before and after each axis of the output.
    pub padding: [(usize, usize); D],
    /// Voxels added after each axis of the output, below the stride: sizes that a strided convolution rounds away.
    pub output_padding: [usize; D],
    /// Voxels between neighbouring taps of the kernel.
    pub dilation: [usize; D],
    /// Groups of channels treated separately.
    pub groups: usize,
}

impl<const D: usize> Default for ConvTransposeConfig<D> {
    fn default() -> Self {
        Self {
            stride: [1; D],
            padding: [(0, 0); D],
            output_padding: [0; D],
            dilation: [1; D],
            groups: 1,
        }
    }
}

impl<const D: usize> ConvTransposeConfig<D> {
    /// Upsampling by whole factors without overlap, for a kernel of the same size.
    #[must_use]
    pub fn upsample(factors: [usize; D]) -> Self {
        Self::default().with_stride(factors)
    }

    /// Sets the stride.
    #[must_use]
    pub fn with_stride(self, stride: [usize; D]) -> Self {
        Self { stride, ..self }
    }

    /// Sets the voxels cut off before and after each axis.
    #[must_use]
    pub fn with_padding(self, padding: [(usize, usize); D]) -> Self {
        Self { padding, ..self }
    }

    /// Sets the voxels added after each axis.
    #[must_use]
    pub fn with_output_padding(self, output_padding: [usize; D]) -> Self {
        Self {
            output_padding,
            ..self
        }
    }

    /// Sets the dilation.
    #[must_use]
    pub fn with_dilation(self, dilation: [usize; D]) -> Self {
        Self { dilation, ..self }
    }

    /// Sets the number of groups.
    #[must_use]
    pub fn with_groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    /// Size of the output along `axis`, if it has one.
    fn output(&self, axis: usize, input: usize, kernel: usize) -> Option<usize> {
        let spread = input.checked_sub(1)?.checked_mul(self.stride[axis])?;
        let reach = kernel.checked_sub(1)?.checked_mul(self.dilation[axis])?;
        let full = spread
            .checked_add(reach)?
            .checked_add(self.output_padding[axis])?
            .checked_add(1)?;
        let (before, after) = self.padding[axis];
        full.checked_sub(before)?
            .checked_sub(after)
            .filter(|&size| size > 0)
    }
}

/// Transposed convolution of signals, images or volumes, `D` = 1, 2 or 3.
///
/// # Shapes
/// - input: `[batch, in_channels, depth, height, width]`, `D` of the spatial axes
/// - weight: `[in_channels, out_channels / groups, kernel depth, kernel height, kernel width]`
/// - bias: `[out_channels]`
/// - output: `[batch, out_channels, depth, height, width]`, sizes
///   `(input - 1) * stride - padding + dilation * (kernel - 1) + output_padding + 1`
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::ops::conv_transpose::{ConvTransposeConfig, conv_transpose};
///
/// let image = Tensor::new(&[[[[1.0_f32, 2.0]]]], &Device::Cpu)?;
/// let weight = Tensor::new(&[[[[10.0_f32, 1.0]]]], &Device::Cpu)?;
/// let spread = conv_transpose(&image, &weight, None, &ConvTransposeConfig::upsample([1, 2]))?;
/// assert_eq!(spread.flatten_all()?.to_vec1::<f32>()?, [10.0, 1.0, 20.0, 2.0]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Errors
/// Refuses shapes, settings, element types and devices that do not fit together.
pub fn conv_transpose<const D: usize>(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    config: &ConvTransposeConfig<D>,
) -> Result<Tensor> {
    let step = Step::begin();
    let op = name::<D>(["conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]);
    check_tensors::<D>(op, input, weight, bias)?;
    let (batch, in_channels) = (input.dims()[0], input.dims()[1]);
    let kernel: [usize; D] = spatial(weight);
    let mut expected = vec![in_channels, weight.dims()[1]];
    expected.extend(kernel);
    check_shape(op, "the weight", weight, &expected)?;
    let size: [usize; D] = spatial(input);
    let mut output = [0; D];
    for axis in 0..D {
        if config.output_padding[axis] >= config.stride[axis] {
            let value = format!("{:?}", config.output_padding);
            return Err(Error::Setting {
                op,
                setting: "output_padding",
                rule: "below the stride",
                value,
            });
        }
        output[axis] = config
            .output(axis, size[axis], kernel[axis])
            .ok_or_else(|| Error::Setting {
                op,
                setting: "padding",
                rule: "small enough to leave an output",
                value: format!("{:?}", config.padding),
            })?;
    }
    let out_channels = weight.dims()[1] * config.groups;
    let window = ConvConfig {
        stride: config.stride,
        padding: config.padding,
        dilation: config.dilation,
        groups: config.groups,
    }
    .window(kernel);
    let problem = Problem::new(
        batch,
        [out_channels, in_channels],
        config.groups,
        lift(output, 1),
        window,
    )?;
    if let Some(bias) = bias {
        check_shape(op, "the bias", bias, &[out_channels])?;
    }
    let node = Convolution::new(op, problem, Way::Transposed, D);
    step.end(
        &[Some(input), Some(weight), bias],
        || Op::ConvTranspose(config.into()),
        node.apply(input, weight, bias)?,
    )
}
