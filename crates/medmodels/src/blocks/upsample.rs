//! Upsampling, as MONAI's `UpSample` and its transposed `Convolution` do it.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Conv, ConvConfig, ConvTranspose, ConvTransposeConfig};
use mednn::ops::conv_transpose::ConvTransposeConfig as ConvTransposeGeometry;
use mednn::ops::{self, Interpolation, Size};
use mednn::params::ParamPath;
use serde::{Deserialize, Serialize};

/// How features get a higher resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Upsampling {
    /// By linear interpolation between voxel centres (MONAI's `nontrainable`).
    Linear,
    /// By repeating voxels.
    Nearest,
    /// By a transposed convolution (MONAI's `deconv`).
    Transposed,
}

/// What an [`UpSample`] consists of.
#[derive(Debug, Clone)]
pub(crate) struct UpSampleConfig<const D: usize> {
    pub(crate) mode: Upsampling,
    pub(crate) in_channels: usize,
    pub(crate) out_channels: usize,
    /// How many times longer each axis gets.
    pub(crate) factor: [usize; D],
    /// Kernel of a transposed convolution, odd; the factor if not given.
    pub(crate) kernel: Option<[usize; D]>,
    pub(crate) bias: bool,
}

/// Upsampling with the parameters it needs.
#[derive(Debug, Clone)]
pub(crate) enum UpSample<const D: usize> {
    Interpolated {
        /// Where input and output differ in channels.
        preconv: Option<Conv<D>>,
        factor: [usize; D],
        interpolation: Interpolation,
    },
    Transposed(ConvTranspose<D>),
}

impl<const D: usize> UpSample<D> {
    /// A layer with MONAI's names, `preconv` and `deconv`.
    pub(crate) fn new(config: &UpSampleConfig<D>, path: &ParamPath) -> mednn::Result<Self> {
        let (from, to) = (config.in_channels, config.out_channels);
        Ok(match config.mode {
            Upsampling::Linear | Upsampling::Nearest => {
                let conv = ConvConfig::same(from, to, [1; D]).with_bias(config.bias);
                let linear = Interpolation::Linear {
                    align_corners: false,
                };
                Self::Interpolated {
                    preconv: (from != to)
                        .then(|| Conv::new(&conv, &path.child("preconv")))
                        .transpose()?,
                    factor: config.factor,
                    interpolation: match config.mode {
                        Upsampling::Nearest => Interpolation::Nearest,
                        _ => linear,
                    },
                }
            }
            Upsampling::Transposed => {
                let conv = match config.kernel {
                    Some(kernel) => transposed(from, to, kernel, config.factor),
                    None => ConvTransposeConfig::upsampling(from, to, config.factor),
                };
                let conv = conv.with_bias(config.bias);
                Self::Transposed(ConvTranspose::new(&conv, &path.child("deconv"))?)
            }
        })
    }

    /// # Shapes
    /// - input: `[batch, in_channels, depth, height, width]`
    /// - output: `[batch, out_channels, ...]`, the spatial shape times the factor
    pub(crate) fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        match self {
            Self::Interpolated {
                preconv,
                factor,
                interpolation,
            } => {
                let input = match preconv {
                    Some(conv) => &conv.forward(input, context)?,
                    None => input,
                };
                let size = Size::Factor(factor.map(|f| f as f64));
                ops::resize(input, size, *interpolation)
            }
            Self::Transposed(conv) => conv.forward(input, context),
        }
    }
}

/// A transposed convolution of odd kernel whose output is `factor` times as long as its input.
pub(crate) fn transposed<const D: usize>(
    in_channels: usize,
    out_channels: usize,
    kernel: [usize; D],
    factor: [usize; D],
) -> ConvTransposeConfig<D> {
    let geometry = ConvTransposeGeometry::default()
        .with_stride(factor)
        .with_padding(kernel.map(|k| (k / 2, k / 2)))
        .with_output_padding(factor.map(|f| f - 1));
    ConvTransposeConfig::upsampling(in_channels, out_channels, factor)
        .with_kernel(kernel)
        .with_geometry(geometry)
}
