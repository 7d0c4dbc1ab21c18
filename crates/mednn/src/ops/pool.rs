//! Maximum and average pooling in 1D, 2D and 3D.

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};

use super::support::{self, check_float, check_spatial, for_element};
use crate::cpu::pool as kernel;
use crate::cpu::pool::Windows;
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::{Error, Result};
use crate::graph::{Op, Step};
use crate::tape::Apply as _;

/// The windows of a pooling over `D` spatial axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PoolConfig<const D: usize> {
    /// Extent of a window along each axis.
    pub kernel: [usize; D],
    /// Distance of windows along each axis.
    pub stride: [usize; D],
    /// Voxels added on both sides of each axis, at most half the kernel; minus infinity for the maximum, zero for the average.
    pub padding: [usize; D],
    /// Whether a last window that is only partly inside gives an output, unless it starts in the padding behind.
    pub ceil_mode: bool,
    /// Whether padding counts in an average.
    pub count_include_pad: bool,
}

impl<const D: usize> PoolConfig<D> {
    /// Windows that tile the input: stride equal to kernel, no padding, PyTorch's defaults for the rest.
    #[must_use]
    pub fn new(kernel: [usize; D]) -> Self {
        Self {
            kernel,
            stride: kernel,
            padding: [0; D],
            ceil_mode: false,
            count_include_pad: true,
        }
    }

    /// Sets the distance of windows.
    #[must_use]
    pub fn with_stride(mut self, stride: [usize; D]) -> Self {
        self.stride = stride;
        self
    }

    /// Sets the padding.
    #[must_use]
    pub fn with_padding(mut self, padding: [usize; D]) -> Self {
        self.padding = padding;
        self
    }

    /// Sets whether a last partial window gives an output.
    #[must_use]
    pub fn with_ceil_mode(mut self, ceil_mode: bool) -> Self {
        self.ceil_mode = ceil_mode;
        self
    }

    /// Sets whether padding counts in an average.
    #[must_use]
    pub fn with_count_include_pad(mut self, count_include_pad: bool) -> Self {
        self.count_include_pad = count_include_pad;
        self
    }

    pub(super) fn windows(&self, op: &'static str, input: &Tensor) -> Result<Windows> {
        let refuse = |setting, rule, value: String| {
            Err(Error::Setting {
                op,
                setting,
                rule,
                value,
            })
        };
        if self.kernel.contains(&0) {
            return refuse(
                "the kernel",
                "at least 1 along each axis",
                format!("{:?}", self.kernel),
            );
        }
        if self.stride.contains(&0) {
            return refuse(
                "the stride",
                "at least 1 along each axis",
                format!("{:?}", self.stride),
            );
        }
        if (0..D).any(|a| self.padding[a] > self.kernel[a] / 2) {
            return refuse(
                "the padding",
                "at most half the kernel",
                format!("{:?}", self.padding),
            );
        }
        let spatial = &input.dims()[2..];
        let mut windows = Windows {
            input: [1; 3],
            output: [1; 3],
            kernel: [1; 3],
            stride: [1; 3],
            padding: [0; 3],
        };
        for a in 0..D {
            let axis = 3 - D + a;
            let reach = self.padding[a].saturating_mul(2).saturating_add(spatial[a]);
            windows.input[axis] = spatial[a];
            // Only a window that is alone along the axis reaches beyond its padding altogether.
            windows.kernel[axis] = self.kernel[a].min(reach);
            windows.stride[axis] = self.stride[a];
            windows.padding[axis] = self.padding[a];
            let output = kernel::output_len(
                spatial[a],
                self.kernel[a],
                self.stride[a],
                self.padding[a],
                self.ceil_mode,
            );
            windows.output[axis] = output.ok_or_else(|| {
                let beyond = if self.ceil_mode {
                    self.stride[a] - 1
                } else {
                    0
                };
                let inside = self.kernel[a] - 2 * self.padding[a];
                Error::Axis {
                    op,
                    tensor: "the input",
                    axis: a + 2,
                    rule: format!("at least {} long", inside.saturating_sub(beyond).max(1)),
                    got: input.dims().to_vec(),
                }
            })?;
        }
        Ok(windows)
    }
}

/// The largest value of each window, `D` = 1, 2 or 3; the first of several gets the gradient.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::ops::{PoolConfig, max_pool};
///
/// let x = Tensor::new(&[[[[1.0_f32, 5.0, 2.0], [3.0, 4.0, 9.0]]]], &Device::Cpu)?;
/// let y = max_pool(&x, &PoolConfig::new([2, 2]))?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [5.0]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Shapes
/// - input and output: `[batch, channels, depth, height, width]`, `[batch, channels, height, width]` or
///   `[batch, channels, width]`
///
/// # Errors
/// Refuses other numbers of axes, windows that do not fit and element types other than f32 and f64.
pub fn max_pool<const D: usize>(input: &Tensor, config: &PoolConfig<D>) -> Result<Tensor> {
    let step = Step::begin();
    step.end(
        &[Some(input)],
        || Op::MaxPool(config.into()),
        pool("max_pool", input, config, Kind::Max)?,
    )
}

/// The mean of each window, `D` = 1, 2 or 3.
///
/// # Shapes
/// As [`max_pool`].
///
/// # Errors
/// As [`max_pool`].
pub fn avg_pool<const D: usize>(input: &Tensor, config: &PoolConfig<D>) -> Result<Tensor> {
    let step = Step::begin();
    let kind = Kind::Average {
        count_padding: config.count_include_pad,
    };
    step.end(
        &[Some(input)],
        || Op::AvgPool(config.into()),
        pool("avg_pool", input, config, kind)?,
    )
}

/// [`max_pool`] of `[batch, channels, height, width]`.
///
/// # Errors
/// As [`max_pool`].
pub fn max_pool2d(input: &Tensor, config: &PoolConfig<2>) -> Result<Tensor> {
    max_pool(input, config)
}

/// [`max_pool`] of `[batch, channels, depth, height, width]`.
///
/// # Errors
/// As [`max_pool`].
pub fn max_pool3d(input: &Tensor, config: &PoolConfig<3>) -> Result<Tensor> {
    max_pool(input, config)
}

/// [`avg_pool`] of `[batch, channels, height, width]`.
///
/// # Errors
/// As [`max_pool`].
pub fn avg_pool2d(input: &Tensor, config: &PoolConfig<2>) -> Result<Tensor> {
    avg_pool(input, config)
}

/// [`avg_pool`] of `[batch, channels, depth, height, width]`.
///
/// # Errors
/// As [`max_pool`].
pub fn avg_pool3d(input: &Tensor, config: &PoolConfig<3>) -> Result<Tensor> {
    avg_pool(input, config)
}

fn pool<const D: usize>(
    op: &'static str,
    input: &Tensor,
    config: &PoolConfig<D>,
    kind: Kind,
) -> Result<Tensor> {
    check_float(op, "the input", input)?;
    check_spatial::<D>(op, "the input", input)?;
    let windows = config.windows(op, input)?;
    let mut shape = input.dims().to_vec();
    shape[2..].copy_from_slice(&windows.output[3 - D..]);
    Ok(input.contiguous()?.apply1(PoolOp {
        name: op,
        windows,
        shape,
        kind,
    })?)
}

#[derive(Clone, Copy)]
enum Kind {
    Max,
    Average { count_padding: bool },
}

struct PoolOp {
    name: &'static str,
    windows: Windows,
    /// Of the output.
    shape: Vec<usize>,
    kind: Kind,
}

#[cfg(feature = "cuda")]
impl PoolOp {
    fn cuda_backward(
        &self,
        input: &Tensor,
        output: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<Tensor> {
        let rows = self.shape[0] * self.shape[1];
        for_element!(input, self.name, T => {
            let values = cuda::with_array::<T, _>(gradient, |g| match self.kind {
                Kind::Max => cuda::with_array::<T, _>(input, |x| {
                    cuda::with_array::<T, _>(output, |y| {
                        cuda::pool::max_backward(&self.windows, rows, x, y, g)
                    })
                }),
                Kind::Average { count_padding } => {
                    cuda::pool::average_backward(&self.windows, rows, g, count_padding)
                }
            })?;
            cuda::tensor(values, input.dims(), input)
        })
    }
}

impl CustomOp1 for PoolOp {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let rows = self.shape[0] * self.shape[1];
        for_element!(s, self.name, T => {
            let input = support::elements::<T>(s, l)?;
            let output = match self.kind {
                Kind::Max => kernel::max_forward(&self.windows, rows, input),
                Kind::Average { count_padding } => {
                    kernel::average_forward(&self.windows, rows, input, count_padding)
                }
            };
            Ok(support::output(output, &self.shape))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        let rows = self.shape[0] * self.shape[1];
        for_element!(s, self.name, T => {
            let input = cuda::elements::<T>(s, l)?;
            let output = match self.kind {
                Kind::Max => cuda::pool::max_forward(&self.windows, rows, &input)?,
                Kind::Average { count_padding } => {
                    cuda::pool::average_forward(&self.windows, rows, &input, count_padding)?
                }
            };
            Ok(cuda::output(output, &self.shape, &s.device))
        })
    }

    fn bwd(
        &self,
        input: &Tensor,
        output: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<Option<Tensor>> {
        if !input.track_op() {
            return Ok(None);
        }
        #[cfg(feature = "cuda")]
        if input.device().is_cuda() {
            return self.cuda_backward(input, output, gradient).map(Some);
        }
        let rows = self.shape[0] * self.shape[1];
        for_element!(input, self.name, T => {
            let values = support::with_elements::<T, _>(gradient, |g| match self.kind {
                Kind::Max => support::with_elements::<T, _>(input, |x| {
                    support::with_elements::<T, _>(output, |y| {
                        Ok(kernel::max_backward(&self.windows, rows, x, y, g))
                    })
                }),
                Kind::Average { count_padding } => {
                    Ok(kernel::average_backward(&self.windows, rows, g, count_padding))
                }
            })?;
            support::tensor(values, input.dims(), input).map(Some)
        })
    }
}
