//! Convolution in one, two and three dimensions, differentiable in input, weight and bias.
//!
//! As in PyTorch this is a cross-correlation: the kernel is not mirrored.

use candle_core::Tensor;

use super::conv_node::{Convolution, Way};
use super::support::{check_float, check_rank, check_same_type, check_shape};
use crate::cpu::conv::{Problem, Window};
use crate::error::{Error, Result};
use crate::graph::{Op, Step};

/// How a kernel walks over `D` spatial axes (1, 2 or 3), in storage order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConvConfig<const D: usize> {
    /// Voxels between neighbouring outputs.
    pub stride: [usize; D],
    /// Zeros before and after each axis of the input.
    pub padding: [(usize, usize); D],
    /// Voxels between neighbouring taps of the kernel.
    pub dilation: [usize; D],
    /// Groups of channels convolved separately.
    pub groups: usize,
}

impl<const D: usize> Default for ConvConfig<D> {
    fn default() -> Self {
        Self {
            stride: [1; D],
            padding: [(0, 0); D],
            dilation: [1; D],
            groups: 1,
        }
    }
}

impl<const D: usize> ConvConfig<D> {
    /// The padding with which the output has the size of the input at stride 1, as PyTorch's `padding="same"`.
    ///
    /// An even kernel takes the odd zero after the axis.
    ///
    /// ```
    /// use mednn::ops::conv::ConvConfig;
    ///
    /// assert_eq!(ConvConfig::same([3, 2]).padding, [(1, 1), (0, 1)]);
    /// ```
    #[must_use]
    pub fn same(kernel: [usize; D]) -> Self {
        Self {
            padding: kernel.map(|k| (k.saturating_sub(1) / 2, k / 2)),
            ..Self::default()
        }
    }

    /// Sets the stride.
    #[must_use]
    pub fn with_stride(self, stride: [usize; D]) -> Self {
        Self { stride, ..self }
    }

    /// Sets the zeros before and after each axis.
    #[must_use]
    pub fn with_padding(self, padding: [(usize, usize); D]) -> Self {
        Self { padding, ..self }
    }

    /// Sets the dilation.
    #[must_use]
    pub fn with_dilation(self, dilation: [usize; D]) -> Self {
        Self { dilation, ..self }
    }

    /// Sets the padding with which an input of this extent has an output of `ceil(extent / stride)`: TensorFlow's `SAME`.
    ///
    /// An odd zero stands after the axis, and how many there are depends on the extent.
    ///
    /// ```
    /// use mednn::ops::conv::ConvConfig;
    ///
    /// let halving = ConvConfig::default().with_stride([2, 2]);
    /// assert_eq!(halving.with_ceiling_padding([3, 3], [7, 8]).padding, [(1, 1), (0, 1)]);
    /// ```
    #[must_use]
    pub fn with_ceiling_padding(self, kernel: [usize; D], extent: [usize; D]) -> Self {
        let padding = std::array::from_fn(|axis| {
            let stride = self.stride[axis].max(1);
            let last = extent[axis].div_ceil(stride).saturating_sub(1) * stride;
            let reach = kernel[axis].saturating_sub(1) * self.dilation[axis] + 1;
            let zeros = (last + reach).saturating_sub(extent[axis]);
            (zeros / 2, zeros - zeros / 2)
        });
        Self { padding, ..self }
    }

    /// Sets the number of groups.
    #[must_use]
    pub fn with_groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    /// The window of a kernel, lifted to three axes.
    pub(super) fn window(&self, kernel: [usize; D]) -> Window {
        Window {
            kernel: lift(kernel, 1),
            stride: lift(self.stride, 1),
            padding: lift(self.padding, (0, 0)),
            dilation: lift(self.dilation, 1),
        }
    }
}

/// Puts axes of extent 1 before `values`, so that there are three.
pub(super) fn lift<T: Copy, const D: usize>(values: [T; D], fill: T) -> [T; 3] {
    let mut lifted = [fill; 3];
    for (to, from) in lifted.iter_mut().rev().zip(values.into_iter().rev()) {
        *to = from;
    }
    lifted
}

/// The name for `D` spatial axes, of which there must be one, two or three.
pub(super) fn name<const D: usize>(names: [&'static str; 3]) -> &'static str {
    const { assert!(D >= 1 && D <= 3, "there are one, two or three spatial axes") };
    names[D - 1]
}

/// The last `D` sizes of a tensor whose rank has been checked.
pub(crate) fn spatial<const D: usize>(tensor: &Tensor) -> [usize; D] {
    std::array::from_fn(|axis| tensor.dims()[axis + 2])
}

/// Refuses tensors that the kernels cannot read: rank, element type, device.
pub(super) fn check_tensors<const D: usize>(
    op: &'static str,
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
) -> Result<()> {
    check_float(op, "the input", input)?;
    check_rank(op, "the input", input, D + 2)?;
    check_rank(op, "the weight", weight, D + 2)?;
    for (name, tensor) in [("the weight", Some(weight)), ("the bias", bias)] {
        if let Some(tensor) = tensor {
            check_same_type(op, name, tensor, input)?;
        }
    }
    for tensor in [Some(input), Some(weight), bias].into_iter().flatten() {
        check_backend(op, tensor)?;
    }
    Ok(())
}

/// Refuses tensors on devices for which this build has no convolution.
fn check_backend(op: &'static str, tensor: &Tensor) -> Result<()> {
    if cfg!(feature = "cuda") && tensor.device().is_cuda() {
        return Ok(());
    }
    check_device(op, tensor)
}

/// Refuses tensors that are not on the CPU.
pub(super) fn check_device(op: &'static str, tensor: &Tensor) -> Result<()> {
    if tensor.device().is_cpu() {
        return Ok(());
    }
    Err(Error::Device {
        op,
        device: format!("{:?}", tensor.device().location()),
    })
}

/// Convolves signals, images or volumes, `D` = 1, 2 or 3.
///
/// # Shapes
/// - input: `[batch, in_channels, depth, height, width]`, `D` of the spatial axes
/// - weight: `[out_channels, in_channels / groups, kernel depth, kernel height, kernel width]`
/// - bias: `[out_channels]`
/// - output: `[batch, out_channels, depth, height, width]`
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use mednn::ops::conv::{ConvConfig, conv};
///
/// let image = Tensor::ones((1, 1, 3, 4), DType::F32, &Device::Cpu)?;
/// let box_filter = Tensor::ones((1, 1, 3, 3), DType::F32, &Device::Cpu)?;
/// let sums = conv(&image, &box_filter, None, &ConvConfig::same([3, 3]))?;
/// assert_eq!(sums.squeeze(0)?.squeeze(0)?.to_vec2::<f32>()?, [
///     [4.0, 6.0, 6.0, 4.0],
///     [6.0, 9.0, 9.0, 6.0],
///     [4.0, 6.0, 6.0, 4.0],
/// ]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Errors
/// Refuses shapes, settings, element types and devices that do not fit together.
pub fn conv<const D: usize>(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    config: &ConvConfig<D>,
) -> Result<Tensor> {
    let step = Step::begin();
    let op = name::<D>(["conv1d", "conv2d", "conv3d"]);
    check_tensors::<D>(op, input, weight, bias)?;
    let (batch, in_channels, out_channels) = (input.dims()[0], input.dims()[1], weight.dims()[0]);
    let window = config.window(spatial(weight));
    let size = lift(spatial::<D>(input), 1);
    let problem = Problem::new(
        batch,
        [in_channels, out_channels],
        config.groups,
        size,
        window,
    )?;
    let mut expected = vec![out_channels, in_channels / config.groups];
    expected.extend(spatial::<D>(weight));
    check_shape(op, "the weight", weight, &expected)?;
    if let Some(bias) = bias {
        check_shape(op, "the bias", bias, &[out_channels])?;
    }
    let node = Convolution::new(op, problem, Way::Convolved, D);
    step.end(
        &[Some(input), Some(weight), bias],
        || Op::Conv(config.into()),
        node.apply(input, weight, bias)?,
    )
}

/// An error in candle's type, which operators' own methods return.
pub(super) fn raise(error: Error) -> candle_core::Error {
    candle_core::Error::wrap(error)
}
