//! Transposed convolution in one, two and three dimensions, differentiable in input, weight and bias.
//!
//! It is the gradient of a convolution's input: the convolution that maps its output to its input has the same weight.

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Shape, Tensor};

use super::conv::{ConvConfig, check_tensors, lift, name, raise, spatial, wanted};
use super::support::{self, check_shape, for_element};
use crate::cpu::conv::{self as kernel, Problem};
use crate::error::{Error, Result};
use crate::graph::{Op, Step};
use crate::tape::Apply as _;

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
    let operator = ConvTranspose {
        op,
        problem,
        axes: D,
    };
    let (image, kernel) = (input.contiguous()?, weight.contiguous()?);
    step.end(
        &[Some(input), Some(weight), bias],
        || Op::ConvTranspose(config.into()),
        match bias {
            None => image.apply2(&kernel, operator)?,
            Some(bias) => {
                check_shape(op, "the bias", bias, &[out_channels])?;
                image.apply3(&kernel, &bias.contiguous()?, operator)?
            }
        },
    )
}

/// `problem` is the convolution whose input gradient this is.
pub(super) struct ConvTranspose {
    pub(super) op: &'static str,
    pub(super) problem: Problem,
    axes: usize,
}

impl ConvTranspose {
    /// Of the output.
    pub(super) fn shape(&self) -> Vec<usize> {
        let mut shape = vec![self.problem.batch(), self.problem.in_channels()];
        shape.extend_from_slice(&self.problem.input()[3 - self.axes..]);
        shape
    }

    fn forward(
        &self,
        (input, input_layout): (&CpuStorage, &Layout),
        (weight, weight_layout): (&CpuStorage, &Layout),
        bias: Option<(&CpuStorage, &Layout)>,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        for_element!(input, self.op, T => {
            let x = support::elements::<T>(input, input_layout)?;
            let w = support::elements::<T>(weight, weight_layout)?;
            let b = bias.map(|(bias, layout)| support::elements::<T>(bias, layout)).transpose()?;
            Ok(support::output(kernel::transposed(&self.problem, w, x, b).map_err(raise)?, &self.shape()))
        })
    }

    fn backward(
        &self,
        input: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        gradient: &Tensor,
    ) -> candle_core::Result<[Option<Tensor>; 3]> {
        #[cfg(feature = "cuda")]
        if gradient.device().is_cuda() {
            return self.on_device().backward(input, weight, bias, gradient);
        }
        for_element!(gradient, self.op, T => support::with_elements::<T, _>(gradient, |g| {
            let by_input = wanted(Some(input), || {
                support::with_elements(weight, |w| kernel::forward(&self.problem, g, w, None).map_err(raise))
            })?;
            let by_weight = wanted(Some(weight), || {
                support::with_elements(input, |x| kernel::weight_gradient(&self.problem, g, x).map_err(raise))
            })?;
            let by_bias = wanted(bias, || {
                let volume = self.problem.input().iter().product();
                kernel::bias_gradient(self.problem.batch(), self.problem.in_channels(), volume, g).map_err(raise)
            })?;
            Ok([by_input, by_weight, by_bias])
        }))
    }
}

impl CustomOp2 for ConvTranspose {
    fn name(&self) -> &'static str {
        self.op
    }

    fn cpu_fwd(
        &self,
        input: &CpuStorage,
        input_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        self.forward((input, input_layout), (weight, weight_layout), None)
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        input: &CudaStorage,
        input_layout: &Layout,
        weight: &CudaStorage,
        weight_layout: &Layout,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        self.on_device()
            .forward((input, input_layout), (weight, weight_layout), None)
    }

    fn bwd(
        &self,
        input: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        let [by_input, by_weight, _] = self.backward(input, weight, None, gradient)?;
        Ok((by_input, by_weight))
    }
}

impl CustomOp3 for ConvTranspose {
    fn name(&self) -> &'static str {
        self.op
    }

    fn cpu_fwd(
        &self,
        input: &CpuStorage,
        input_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        self.forward(
            (input, input_layout),
            (weight, weight_layout),
            Some((bias, bias_layout)),
        )
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        input: &CudaStorage,
        input_layout: &Layout,
        weight: &CudaStorage,
        weight_layout: &Layout,
        bias: &CudaStorage,
        bias_layout: &Layout,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        let bias = Some((bias, bias_layout));
        self.on_device()
            .forward((input, input_layout), (weight, weight_layout), bias)
    }

    fn bwd(
        &self,
        input: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let [by_input, by_weight, by_bias] = self.backward(input, weight, Some(bias), gradient)?;
        Ok((by_input, by_weight, by_bias))
    }
}
