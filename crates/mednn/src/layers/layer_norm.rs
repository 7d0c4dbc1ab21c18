//! Layer normalisation and root mean square normalisation.

use candle_core::Tensor;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::ops;
use crate::params::{Init, Param, ParamPath};

/// Which axes [`LayerNorm`] normalises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LayerNormAxes {
    /// The last axes of tokens, `[batch, ..., features]`.
    #[default]
    Last,
    /// The channels of each voxel, `[batch, channels, ...]`, as ConvNeXt does inside its stages.
    Channels,
}

/// Settings of [`LayerNorm`] and [`RmsNorm`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LayerNormConfig {
    /// Added to the variance; PyTorch has 1e-5, vision transformers 1e-6.
    pub epsilon: f64,
    /// Whether there is a trained scale.
    pub scale: bool,
    /// Whether there is a trained shift; never in [`RmsNorm`].
    pub shift: bool,
    /// Which axes are normalised; always the last in [`RmsNorm`].
    pub axes: LayerNormAxes,
    /// How the scale is drawn.
    pub scale_init: Init,
}

impl Default for LayerNormConfig {
    /// PyTorch's: epsilon 1e-5, trained scale and shift, last axes.
    fn default() -> Self {
        Self {
            epsilon: 1e-5,
            scale: true,
            shift: true,
            axes: LayerNormAxes::Last,
            scale_init: Init::ONES,
        }
    }
}

impl LayerNormConfig {
    /// Sets the value added to the variance.
    #[must_use]
    pub fn with_epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }

    /// Sets whether scale and shift are trained.
    #[must_use]
    pub fn with_affine(mut self, scale: bool, shift: bool) -> Self {
        self.scale = scale;
        self.shift = shift;
        self
    }

    /// Sets how the scale is drawn, ones when not said.
    #[must_use]
    pub fn with_scale_init(mut self, init: Init) -> Self {
        self.scale_init = init;
        self
    }

    /// Sets which axes are normalised.
    #[must_use]
    pub fn with_axes(mut self, axes: LayerNormAxes) -> Self {
        self.axes = axes;
        self
    }
}

/// Layer normalisation; the same in training and evaluation.
#[derive(Debug, Clone)]
pub struct LayerNorm {
    shape: Vec<usize>,
    weight: Option<Param>,
    bias: Option<Param>,
    config: LayerNormConfig,
}

impl LayerNorm {
    /// A layer for features of this shape, `[channels]` in most networks; its parameters are `weight` and `bias`.
    ///
    /// # Errors
    /// Refuses another shape than `[channels]` when channels are normalised, and names that are taken.
    pub fn new(shape: &[usize], config: &LayerNormConfig, path: &ParamPath) -> Result<Self> {
        if config.axes == LayerNormAxes::Channels && shape.len() != 1 {
            return Err(Error::Setting {
                op: "layer_norm",
                setting: "the shape of the channels",
                rule: "one number",
                value: format!("{shape:?}"),
            });
        }
        let parameter = |wanted: bool, name, init| {
            wanted
                .then(|| path.parameter(name, shape, init))
                .transpose()
        };
        Ok(Self {
            shape: shape.to_vec(),
            weight: parameter(config.scale, "weight", config.scale_init)?,
            bias: parameter(config.shift, "bias", Init::ZEROS)?,
            config: *config,
        })
    }

    /// Normalises.
    ///
    /// # Shapes
    /// - input and output: `[..., shape]`, or `[batch, channels, ...]`
    ///
    /// # Errors
    /// See [`ops::layer_norm()`].
    pub fn forward(&self, input: &Tensor, context: &Context) -> Result<Tensor> {
        let tensor = |param: &Option<Param>| param.as_ref().map(|p| p.tensor(context));
        let (weight, bias) = (tensor(&self.weight), tensor(&self.bias));
        let (weight, bias, epsilon) = (weight.as_ref(), bias.as_ref(), self.config.epsilon);
        match self.config.axes {
            LayerNormAxes::Last => ops::layer_norm(input, &self.shape, weight, bias, epsilon),
            LayerNormAxes::Channels => ops::layer_norm_channels(input, weight, bias, epsilon),
        }
    }
}

/// Root mean square normalisation of the last axes; the same in training and evaluation.
#[derive(Debug, Clone)]
pub struct RmsNorm {
    shape: Vec<usize>,
    weight: Option<Param>,
    epsilon: f64,
}

impl RmsNorm {
    /// A layer for features of this shape; its parameter is `weight`.
    ///
    /// # Errors
    /// Refuses a name that is taken.
    pub fn new(shape: &[usize], config: &LayerNormConfig, path: &ParamPath) -> Result<Self> {
        let weight = config
            .scale
            .then(|| path.parameter("weight", shape, config.scale_init));
        Ok(Self {
            shape: shape.to_vec(),
            weight: weight.transpose()?,
            epsilon: config.epsilon,
        })
    }

    /// Normalises.
    ///
    /// # Shapes
    /// - input and output: `[..., shape]`
    ///
    /// # Errors
    /// See [`ops::rms_norm`].
    pub fn forward(&self, input: &Tensor, context: &Context) -> Result<Tensor> {
        let weight = self.weight.as_ref().map(|p| p.tensor(context));
        ops::rms_norm(input, &self.shape, weight.as_ref(), self.epsilon)
    }
}
