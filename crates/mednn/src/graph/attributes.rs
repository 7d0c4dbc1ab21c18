//! Settings of operators for any number of axes, as a graph keeps them.

use crate::error::{Error, Result};
use crate::ops::attention::{AttentionConfig, DroppedWeights};
use crate::ops::conv::ConvConfig;
use crate::ops::conv_transpose::ConvTransposeConfig;
use crate::ops::resize::Size;
use crate::ops::roi_align::RoiAlignConfig;
use crate::ops::windows::WindowConfig;
use crate::ops::{Activation, PoolConfig};

/// The first `D` of these; a graph that was recorded has as many as its operator has axes.
pub(super) fn array<T: Copy + Default, const D: usize>(values: &[T]) -> [T; D] {
    std::array::from_fn(|axis| values.get(axis).copied().unwrap_or_default())
}

/// Settings of a convolution or a transposed one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConvAttributes {
    /// Steps between positions of the kernel, one for each axis.
    pub stride: Vec<usize>,
    /// Zeros before and behind, one pair for each axis.
    pub padding: Vec<(usize, usize)>,
    /// Voxels between taps, one for each axis.
    pub dilation: Vec<usize>,
    /// Groups of channels that do not see each other.
    pub groups: usize,
    /// Extra voxels behind the output of a transposed convolution, one for each axis; empty for a convolution.
    pub output_padding: Vec<usize>,
}

impl<const D: usize> From<&ConvConfig<D>> for ConvAttributes {
    fn from(config: &ConvConfig<D>) -> Self {
        Self {
            stride: config.stride.into(),
            padding: config.padding.into(),
            dilation: config.dilation.into(),
            groups: config.groups,
            output_padding: vec![],
        }
    }
}

impl<const D: usize> From<&ConvAttributes> for ConvConfig<D> {
    fn from(attributes: &ConvAttributes) -> Self {
        Self {
            stride: array(&attributes.stride),
            padding: array(&attributes.padding),
            dilation: array(&attributes.dilation),
            groups: attributes.groups,
        }
    }
}

impl<const D: usize> From<&ConvTransposeConfig<D>> for ConvAttributes {
    fn from(config: &ConvTransposeConfig<D>) -> Self {
        Self {
            stride: config.stride.into(),
            padding: config.padding.into(),
            dilation: config.dilation.into(),
            groups: config.groups,
            output_padding: config.output_padding.into(),
        }
    }
}

impl<const D: usize> From<&ConvAttributes> for ConvTransposeConfig<D> {
    fn from(attributes: &ConvAttributes) -> Self {
        Self {
            stride: array(&attributes.stride),
            padding: array(&attributes.padding),
            output_padding: array(&attributes.output_padding),
            dilation: array(&attributes.dilation),
            groups: attributes.groups,
        }
    }
}

/// Settings of a pooling.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolAttributes {
    /// Voxels in a window, one number for each axis.
    pub kernel: Vec<usize>,
    /// Steps between windows, one for each axis.
    pub stride: Vec<usize>,
    /// Voxels added on both sides, one number for each axis.
    pub padding: Vec<usize>,
    /// Whether a last window may reach over the end.
    pub ceil_mode: bool,
    /// Whether an average counts the padding.
    pub count_include_pad: bool,
}

impl<const D: usize> From<&PoolConfig<D>> for PoolAttributes {
    fn from(config: &PoolConfig<D>) -> Self {
        Self {
            kernel: config.kernel.into(),
            stride: config.stride.into(),
            padding: config.padding.into(),
            ceil_mode: config.ceil_mode,
            count_include_pad: config.count_include_pad,
        }
    }
}

impl<const D: usize> From<&PoolAttributes> for PoolConfig<D> {
    fn from(attributes: &PoolAttributes) -> Self {
        Self {
            kernel: array(&attributes.kernel),
            stride: array(&attributes.stride),
            padding: array(&attributes.padding),
            ceil_mode: attributes.ceil_mode,
            count_include_pad: attributes.count_include_pad,
        }
    }
}

/// Settings of a norm with an activation behind it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct NormAttributes {
    /// What is added to the variance.
    pub epsilon: f64,
    /// What follows.
    pub activation: Activation,
}

impl NormAttributes {
    pub(crate) fn new(epsilon: f64, activation: Activation) -> Self {
        Self {
            epsilon,
            activation,
        }
    }
}

/// Settings of an attention.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct AttentionAttributes {
    /// What products of query and key are multiplied by; `None` is one over the root of the features of a head.
    pub scale: Option<f64>,
    /// Whether a query sees keys before it alone.
    pub causal: bool,
    /// The weights that training dropped, if it did.
    pub dropped: Option<DroppedWeights>,
    /// Heads that share a tensor; 1 where they have an axis of their own.
    pub heads: usize,
}

impl AttentionAttributes {
    pub(crate) fn new(config: &AttentionConfig, heads: usize) -> Self {
        Self {
            scale: config.scale,
            causal: config.causal,
            dropped: config.dropped,
            heads,
        }
    }
}

/// The size a resize goes to.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ResizeTo {
    /// Voxels along each axis.
    Voxels(Vec<usize>),
    /// A factor for each axis.
    Factor(Vec<f64>),
}

impl<const D: usize> From<Size<D>> for ResizeTo {
    fn from(size: Size<D>) -> Self {
        match size {
            Size::Voxels(voxels) => Self::Voxels(voxels.into()),
            Size::Factor(factor) => Self::Factor(factor.into()),
        }
    }
}

impl ResizeTo {
    pub(super) fn axes(&self) -> usize {
        match self {
            Self::Voxels(voxels) => voxels.len(),
            Self::Factor(factor) => factor.len(),
        }
    }

    pub(super) fn size<const D: usize>(&self) -> Size<D> {
        match self {
            Self::Voxels(voxels) => Size::Voxels(array(voxels)),
            Self::Factor(factor) => Size::Factor(array(factor)),
        }
    }
}

/// Settings of windows (Swin), and the size of the image where the windows do not say it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WindowAttributes {
    /// Voxels in a window, one number for each axis.
    pub window: Vec<usize>,
    /// By how much windows are shifted, one number for each axis.
    pub shift: Vec<usize>,
    /// Voxels of the image, one number for each axis; empty where the input says it.
    pub size: Vec<usize>,
}

impl WindowAttributes {
    pub(crate) fn new<const D: usize>(config: &WindowConfig<D>, size: &[usize]) -> Self {
        Self {
            window: config.window.into(),
            shift: config.shift.into(),
            size: size.into(),
        }
    }

    pub(super) fn config<const D: usize>(&self) -> WindowConfig<D> {
        WindowConfig {
            window: array(&self.window),
            shift: array(&self.shift),
        }
    }
}

/// Settings of ROI align.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RoiAttributes {
    /// The batch item of each box.
    pub items: Vec<usize>,
    /// Bins along each axis.
    pub bins: Vec<usize>,
    /// Voxels of the feature map for each unit of the boxes, one number for each axis.
    pub scale: Vec<f64>,
    /// Samples along each axis of a bin; `None` is as many as the bin has voxels.
    pub samples: Option<usize>,
    /// Whether boxes are moved by half a voxel.
    pub aligned: bool,
}

impl RoiAttributes {
    pub(crate) fn new<const D: usize>(items: &[usize], config: &RoiAlignConfig<D>) -> Self {
        Self {
            items: items.into(),
            bins: config.bins.into(),
            scale: config.scale.into(),
            samples: config.samples,
            aligned: config.aligned,
        }
    }

    pub(super) fn config<const D: usize>(&self) -> RoiAlignConfig<D> {
        RoiAlignConfig {
            bins: array(&self.bins),
            scale: array(&self.scale),
            samples: self.samples,
            aligned: self.aligned,
        }
    }
}

/// What an operator gives for one, two or three axes.
pub(super) fn unsupported<T>(op: &'static str, axes: usize) -> Result<T> {
    Err(Error::Setting {
        op,
        setting: "the number of axes",
        rule: "one to three",
        value: axes.to_string(),
    })
}
