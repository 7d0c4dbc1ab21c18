//! Convolution and transposed convolution with trained weights.

use candle_core::Tensor;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::ops::conv::{ConvConfig as ConvGeometry, conv, spatial};
use crate::ops::conv_transpose::{ConvTransposeConfig as ConvTransposeGeometry, conv_transpose};
use crate::ops::prepared_conv::{ConvTail, PreparedConv};
use crate::params::{Init, Param, ParamPath};

/// How many zeros stand around the input of a [`Conv`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ConvPadding {
    /// Those of the geometry.
    #[default]
    Fixed,
    /// As many that the output has `ceil(extent / stride)` voxels, whatever the extent: TensorFlow's `SAME`, see
    /// [`with_ceiling_padding`](ConvGeometry::with_ceiling_padding).
    Ceiling,
}

/// Settings of [`Conv`], `D` = 1, 2 or 3.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ConvConfig<const D: usize> {
    /// Input channels.
    pub in_channels: usize,
    /// Output channels.
    pub out_channels: usize,
    /// Kernel extent of each axis.
    pub kernel: [usize; D],
    /// Stride, padding, dilation and groups.
    pub geometry: ConvGeometry<D>,
    /// Whether the padding is that of the geometry.
    pub padding: ConvPadding,
    /// Whether there is a bias.
    pub bias: bool,
    /// How the weight is drawn.
    pub weight_init: Init,
    /// How the bias is drawn; PyTorch's way when not set.
    pub bias_init: Option<Init>,
}

impl<const D: usize> ConvConfig<D> {
    /// A convolution of stride 1 whose output has the size of its input (odd kernels), with bias, drawn as PyTorch does.
    #[must_use]
    pub fn same(in_channels: usize, out_channels: usize, kernel: [usize; D]) -> Self {
        Self {
            in_channels,
            out_channels,
            kernel,
            geometry: ConvGeometry::same(kernel),
            padding: ConvPadding::Fixed,
            bias: true,
            weight_init: Init::PYTORCH_WEIGHT,
            bias_init: None,
        }
    }

    /// Sets stride, padding, dilation and groups.
    #[must_use]
    pub fn with_geometry(mut self, geometry: ConvGeometry<D>) -> Self {
        self.geometry = geometry;
        self
    }

    /// Sets the stride.
    #[must_use]
    pub fn with_stride(mut self, stride: [usize; D]) -> Self {
        self.geometry.stride = stride;
        self
    }

    /// Sets how many zeros stand around the input.
    #[must_use]
    pub fn with_padding(mut self, padding: ConvPadding) -> Self {
        self.padding = padding;
        self
    }

    /// Sets whether there is a bias.
    #[must_use]
    pub fn with_bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// Sets how weight and bias are drawn.
    #[must_use]
    pub fn with_init(mut self, weight: Init, bias: Option<Init>) -> Self {
        self.weight_init = weight;
        self.bias_init = bias;
        self
    }

    /// Draws as nnU-Net does: weights He-normal for a leaky ReLU of slope 0.01, bias zero.
    #[must_use]
    pub fn with_nnunet_init(self) -> Self {
        self.with_init(Init::NNUNET_WEIGHT, Some(Init::ZEROS))
    }
}

/// Convolution.
#[derive(Debug, Clone)]
pub struct Conv<const D: usize> {
    weight: Param,
    bias: Option<Param>,
    kernel: [usize; D],
    geometry: ConvGeometry<D>,
    padding: ConvPadding,
}

impl<const D: usize> Conv<D> {
    /// A layer with the parameters `weight` (`[out, in / groups, ...kernel]`) and `bias` (`[out]`).
    ///
    /// # Errors
    /// Refuses names that are taken.
    pub fn new(config: &ConvConfig<D>, path: &ParamPath) -> Result<Self> {
        let mut shape = vec![
            config.out_channels,
            config.in_channels / config.geometry.groups.max(1),
        ];
        shape.extend(config.kernel);
        let bias_init = config
            .bias_init
            .unwrap_or_else(|| Init::pytorch_bias(&shape));
        Ok(Self {
            weight: path.parameter("weight", &shape, config.weight_init)?,
            bias: bias_of(config.bias, config.out_channels, bias_init, path)?,
            kernel: config.kernel,
            geometry: config.geometry,
            padding: config.padding,
        })
    }

    /// Convolves.
    ///
    /// # Shapes
    /// - input: `[batch, in_channels, depth, height, width]`
    /// - output: `[batch, out_channels, depth, height, width]`
    ///
    /// # Errors
    /// Refuses an input of another number of channels or smaller than the kernel.
    pub fn forward(&self, input: &Tensor, context: &Context) -> Result<Tensor> {
        let weight = self.weight.tensor(context);
        let bias = self.bias.as_ref().map(|bias| bias.tensor(context));
        let geometry = match self.padding {
            ConvPadding::Ceiling if input.rank() == D + 2 => self
                .geometry
                .with_ceiling_padding(self.kernel, spatial(input)),
            _ => self.geometry,
        };
        conv(input, &weight, bias.as_ref(), &geometry)
    }

    /// The convolution with its weights as they are now, for inference, and what follows it in the same pass.
    ///
    /// A normalisation by running statistics is such a [tail](super::BatchNorm::tail).
    ///
    /// # Errors
    /// Refuses a tail for another number of channels, and padding that depends on the extent of the input.
    pub fn prepare(&self, tail: &ConvTail) -> Result<PreparedConv<D>> {
        let geometry = match self.padding {
            ConvPadding::Fixed => self.geometry,
            // At stride 1 the zeros are the same for every extent.
            ConvPadding::Ceiling if self.geometry.stride == [1; D] => {
                self.geometry.with_ceiling_padding(self.kernel, [1; D])
            }
            ConvPadding::Ceiling => {
                return Err(Error::Setting {
                    op: "prepare",
                    setting: "the padding",
                    rule: "fixed where the stride is not 1",
                    value: format!("{:?}", self.padding),
                });
            }
        };
        let context = Context::evaluate();
        let bias = self.bias.as_ref().map(|bias| bias.tensor(&context));
        PreparedConv::new(
            &self.weight.tensor(&context),
            bias.as_ref(),
            &geometry,
            tail,
        )
    }

    /// The weight, `[out, in / groups, ...kernel]`.
    #[must_use]
    pub fn weight(&self) -> &Param {
        &self.weight
    }

    /// The bias, `[out]`.
    #[must_use]
    pub fn bias(&self) -> Option<&Param> {
        self.bias.as_ref()
    }
}

/// Settings of [`ConvTranspose`], `D` = 1, 2 or 3.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ConvTransposeConfig<const D: usize> {
    /// Input channels.
    pub in_channels: usize,
    /// Output channels.
    pub out_channels: usize,
    /// Kernel extent of each axis.
    pub kernel: [usize; D],
    /// Stride, padding, output padding, dilation and groups.
    pub geometry: ConvTransposeGeometry<D>,
    /// Whether there is a bias.
    pub bias: bool,
    /// How the weight is drawn.
    pub weight_init: Init,
    /// How the bias is drawn; PyTorch's way when not set.
    pub bias_init: Option<Init>,
}

impl<const D: usize> ConvTransposeConfig<D> {
    /// Upsampling without overlap: kernel and stride are the factor of each axis; with bias, drawn as PyTorch does.
    #[must_use]
    pub fn upsampling(in_channels: usize, out_channels: usize, factor: [usize; D]) -> Self {
        let geometry = ConvTransposeGeometry {
            stride: factor,
            ..ConvTransposeGeometry::default()
        };
        Self {
            in_channels,
            out_channels,
            kernel: factor,
            geometry,
            bias: true,
            weight_init: Init::PYTORCH_WEIGHT,
            bias_init: None,
        }
    }

    /// Sets the kernel extent of each axis.
    #[must_use]
    pub fn with_kernel(mut self, kernel: [usize; D]) -> Self {
        self.kernel = kernel;
        self
    }

    /// Sets stride, padding, output padding, dilation and groups.
    #[must_use]
    pub fn with_geometry(mut self, geometry: ConvTransposeGeometry<D>) -> Self {
        self.geometry = geometry;
        self
    }

    /// Sets whether there is a bias.
    #[must_use]
    pub fn with_bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// Sets how weight and bias are drawn.
    #[must_use]
    pub fn with_init(mut self, weight: Init, bias: Option<Init>) -> Self {
        self.weight_init = weight;
        self.bias_init = bias;
        self
    }

    /// Draws as nnU-Net does: weights He-normal for a leaky ReLU of slope 0.01, bias zero.
    #[must_use]
    pub fn with_nnunet_init(self) -> Self {
        self.with_init(Init::NNUNET_WEIGHT, Some(Init::ZEROS))
    }
}

/// Transposed convolution.
#[derive(Debug, Clone)]
pub struct ConvTranspose<const D: usize> {
    weight: Param,
    bias: Option<Param>,
    geometry: ConvTransposeGeometry<D>,
}

impl<const D: usize> ConvTranspose<D> {
    /// A layer with the parameters `weight` (`[in, out / groups, ...kernel]`) and `bias` (`[out]`).
    ///
    /// # Errors
    /// Refuses names that are taken.
    pub fn new(config: &ConvTransposeConfig<D>, path: &ParamPath) -> Result<Self> {
        let mut shape = vec![
            config.in_channels,
            config.out_channels / config.geometry.groups.max(1),
        ];
        shape.extend(config.kernel);
        let bias_init = config
            .bias_init
            .unwrap_or_else(|| Init::pytorch_bias(&shape));
        Ok(Self {
            weight: path.parameter("weight", &shape, config.weight_init)?,
            bias: bias_of(config.bias, config.out_channels, bias_init, path)?,
            geometry: config.geometry,
        })
    }

    /// Convolves.
    ///
    /// # Shapes
    /// - input: `[batch, in_channels, depth, height, width]`
    /// - output: `[batch, out_channels, depth, height, width]`
    ///
    /// # Errors
    /// Refuses an input of another number of channels.
    pub fn forward(&self, input: &Tensor, context: &Context) -> Result<Tensor> {
        let weight = self.weight.tensor(context);
        let bias = self.bias.as_ref().map(|bias| bias.tensor(context));
        conv_transpose(input, &weight, bias.as_ref(), &self.geometry)
    }

    /// The weight, `[in, out / groups, ...kernel]`.
    #[must_use]
    pub fn weight(&self) -> &Param {
        &self.weight
    }
}

fn bias_of(wanted: bool, channels: usize, init: Init, path: &ParamPath) -> Result<Option<Param>> {
    wanted
        .then(|| path.parameter("bias", &[channels], init))
        .transpose()
}
