//! The inverted residual of MobileNetV2 and its successors (Sandler et al., CVPR 2018, <https://arxiv.org/abs/1801.04381>): to
//! many features, one convolution for each of them, back to few; the shortcut joins the few.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{BatchNormConfig, ConvConfig, ConvPadding, DropPath};
use mednn::ops::{self, Activation};
use mednn::params::ParamPath;

use super::{SqueezeConfig, SqueezeExcitation};
use crate::blocks::{ConvBatchNorm, checkpointed};

/// The multiple of eight next to a scaled number of features, not more than a tenth below it.
pub(crate) fn multiple_of_eight(features: f64) -> usize {
    let nearest = ((features + 4.0) as usize / 8 * 8).max(8);
    nearest
        + if (nearest as f64) < 0.9 * features {
            8
        } else {
            0
        }
}

/// Where zeros stand around the input of a convolution that strides.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Zeros {
    /// As many before as after each axis.
    Symmetric,
    /// TensorFlow's `SAME` for the extent the input has.
    Ceiling,
    /// TensorFlow's `SAME` for this extent of each axis, whatever the input has.
    CeilingOf(usize),
}

impl Zeros {
    /// The convolution with these zeros.
    pub(crate) fn around<const D: usize>(self, conv: ConvConfig<D>) -> ConvConfig<D> {
        match self {
            Self::Symmetric => conv,
            Self::Ceiling => conv.with_padding(ConvPadding::Ceiling),
            Self::CeilingOf(extent) => {
                let geometry = conv.geometry.with_ceiling_padding(conv.kernel, [extent; D]);
                conv.with_geometry(geometry)
            }
        }
    }

    /// The zeros behind a layer of this stride.
    pub(crate) fn after(self, stride: usize) -> Self {
        match self {
            Self::CeilingOf(extent) => Self::CeilingOf(extent.div_ceil(stride)),
            same => same,
        }
    }
}

/// A block's numbers.
#[derive(Debug, Clone)]
pub(crate) struct InvertedResidualConfig<const D: usize> {
    pub(crate) from: usize,
    /// Features of the convolution of each by itself; the block has no first convolution where these are `from`.
    pub(crate) expanded: usize,
    pub(crate) to: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) dilation: usize,
    pub(crate) squeeze: Option<SqueezeConfig>,
    pub(crate) activation: Activation,
    /// Epsilon and momentum of all normalisations.
    pub(crate) norm: BatchNormConfig,
    pub(crate) zeros: Zeros,
    /// Whether the input is added where it has the shape of the output.
    pub(crate) shortcut: bool,
    /// Probability with which the branch is dropped.
    pub(crate) drop_path: f64,
    /// How weights are drawn.
    pub(crate) draw: fn(ConvConfig<D>) -> ConvConfig<D>,
}

impl<const D: usize> InvertedResidualConfig<D> {
    pub(crate) fn expands(&self) -> bool {
        self.expanded != self.from
    }
}

/// Where a convolution and its normalisation have their parameters.
#[derive(Debug, Clone)]
pub(crate) struct ConvNormPaths {
    pub(crate) conv: ParamPath,
    pub(crate) norm: ParamPath,
}

impl ConvNormPaths {
    /// Two names below a path.
    pub(crate) fn of(path: &ParamPath, conv: &str, norm: &str) -> Self {
        Self {
            conv: path.child(conv),
            norm: path.child(norm),
        }
    }

    /// torchvision's `Conv2dNormActivation`: places in a list.
    pub(crate) fn torchvision(path: &ParamPath) -> Self {
        Self::of(path, "0", "1")
    }
}

/// Where a block has its parameters.
#[derive(Debug, Clone)]
pub(crate) struct InvertedResidualPaths {
    pub(crate) expand: ConvNormPaths,
    pub(crate) depthwise: ConvNormPaths,
    pub(crate) squeeze: [ParamPath; 2],
    pub(crate) project: ConvNormPaths,
    pub(crate) drop_path: ParamPath,
}

impl InvertedResidualPaths {
    /// torchvision's names: a list of what there is.
    pub(crate) fn torchvision(path: &ParamPath, expands: bool, squeezes: bool) -> Self {
        let layer = |place: usize| path.child("block").child(place);
        let depthwise = usize::from(expands);
        let squeeze = layer(depthwise + 1);
        Self {
            expand: ConvNormPaths::torchvision(&layer(0)),
            depthwise: ConvNormPaths::torchvision(&layer(depthwise)),
            squeeze: ["fc1", "fc2"].map(|name| squeeze.child(name)),
            project: ConvNormPaths::torchvision(&layer(depthwise + 1 + usize::from(squeezes))),
            drop_path: path.child("stochastic_depth"),
        }
    }

    /// timm's names: `DepthwiseSeparableConv` without a first convolution, `InvertedResidual` with it.
    pub(crate) fn timm(path: &ParamPath, expands: bool) -> Self {
        let se = path.child("se");
        let (depthwise, project) = if expands {
            (("conv_dw", "bn2"), ("conv_pwl", "bn3"))
        } else {
            (("conv_dw", "bn1"), ("conv_pw", "bn2"))
        };
        Self {
            expand: ConvNormPaths::of(path, "conv_pw", "bn1"),
            depthwise: ConvNormPaths::of(path, depthwise.0, depthwise.1),
            squeeze: ["conv_reduce", "conv_expand"].map(|name| se.child(name)),
            project: ConvNormPaths::of(path, project.0, project.1),
            drop_path: path.child("drop_path"),
        }
    }

    /// The names of MONAI's `MBConvBlock`.
    pub(crate) fn monai(path: &ParamPath) -> Self {
        Self {
            expand: ConvNormPaths::of(path, "_expand_conv", "_bn0"),
            depthwise: ConvNormPaths::of(path, "_depthwise_conv", "_bn1"),
            squeeze: ["_se_reduce", "_se_expand"].map(|name| path.child(name)),
            project: ConvNormPaths::of(path, "_project_conv", "_bn2"),
            drop_path: path.child("_drop_connect"),
        }
    }
}

/// Expansion, a convolution of each feature by itself, squeeze-and-excitation, projection.
#[derive(Debug, Clone)]
pub(crate) struct InvertedResidual<const D: usize> {
    expand: Option<ConvBatchNorm<D>>,
    depthwise: ConvBatchNorm<D>,
    squeeze: Option<SqueezeExcitation<D>>,
    project: ConvBatchNorm<D>,
    /// There is a shortcut where the input has the shape of the output.
    shortcut: Option<DropPath>,
}

impl<const D: usize> InvertedResidual<D> {
    pub(crate) fn new(
        config: &InvertedResidualConfig<D>,
        paths: &InvertedResidualPaths,
    ) -> mednn::Result<Self> {
        let expanded = config.expanded;
        let layer = |conv: ConvConfig<D>, activation, paths: &ConvNormPaths| {
            ConvBatchNorm::with_norm(
                &(config.draw)(conv.with_bias(false)),
                &config.norm.with_activation(activation),
                &paths.conv,
                &paths.norm,
            )
        };
        let pointwise = |from, to| ConvConfig::same(from, to, [1; D]);
        let mut depthwise = ConvConfig::same(expanded, expanded, [config.kernel; D]);
        depthwise.geometry = depthwise
            .geometry
            .with_stride([config.stride; D])
            .with_dilation([config.dilation; D])
            .with_padding(
                [(
                    config.kernel / 2 * config.dilation,
                    config.kernel / 2 * config.dilation,
                ); D],
            )
            .with_groups(expanded);
        let keeps_shape = config.shortcut && config.from == config.to && config.stride == 1;
        Ok(Self {
            expand: config
                .expands()
                .then(|| {
                    layer(
                        pointwise(config.from, expanded),
                        config.activation,
                        &paths.expand,
                    )
                })
                .transpose()?,
            depthwise: layer(
                config.zeros.around(depthwise),
                config.activation,
                &paths.depthwise,
            )?,
            squeeze: config
                .squeeze
                .map(|squeeze| {
                    SqueezeExcitation::new(expanded, squeeze, config.draw, &paths.squeeze)
                })
                .transpose()?,
            project: layer(
                pointwise(expanded, config.to),
                Activation::None,
                &paths.project,
            )?,
            shortcut: keeps_shape
                .then(|| DropPath::new(config.drop_path, &paths.drop_path))
                .transpose()?,
        })
    }

    /// # Shapes
    /// - input: `[batch, from, depth, height, width]`
    /// - output: `[batch, to, ...]`, the spatial shape divided by the stride
    pub(crate) fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        checkpointed(self, [input.clone()], context, |block, [input], context| {
            block.branch_and_shortcut(&input, context)
        })
    }

    fn branch_and_shortcut(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let mut out = input.clone();
        if let Some(expand) = &self.expand {
            out = expand.forward(&out, context)?;
        }
        out = self.depthwise.forward(&out, context)?;
        if let Some(squeeze) = &self.squeeze {
            out = squeeze.forward(&out, context)?;
        }
        out = self.project.forward(&out, context)?;
        match &self.shortcut {
            Some(drop_path) => ops::add(&drop_path.forward(&out, context)?, input),
            None => Ok(out),
        }
    }
}
