//! What an operator computes, without its tensors.

use candle_core::DType;

use super::attributes::{
    AttentionAttributes, ConvAttributes, NormAttributes, PoolAttributes, ResizeTo, RoiAttributes,
    WindowAttributes,
};
use crate::ops::{Activation, GridSampleConfig, Interpolation, Order, PadMode, Reduced};

/// An operator of [`crate::ops`] with its settings; each variant names its inputs, `?` those that may be missing.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Op {
    /// An activation of one input.
    Activation(Activation),
    /// `prelu(input, slopes)`.
    Prelu,
    /// `conv(input, weight, bias?)`.
    Conv(ConvAttributes),
    /// `conv_transpose(input, weight, bias?)`.
    ConvTranspose(ConvAttributes),
    /// `linear(input, weight, bias?)`.
    Linear,
    /// Largest of each window of one input.
    MaxPool(PoolAttributes),
    /// Largest of each window of one input, and where it is.
    MaxPoolWithIndices(PoolAttributes),
    /// Mean of each window of one input.
    AvgPool(PoolAttributes),
    /// Largest of each bin of one input; as many bins along each axis.
    AdaptiveMaxPool(Vec<usize>),
    /// Largest of each bin of one input, and where it is.
    AdaptiveMaxPoolWithIndices(Vec<usize>),
    /// Mean of each bin of one input; as many bins along each axis.
    AdaptiveAvgPool(Vec<usize>),
    /// `max_unpool(input, indices)` to a size.
    MaxUnpool(Vec<usize>),
    /// `instance_norm(input, scale?, shift?)`.
    InstanceNorm(NormAttributes),
    /// `group_norm(input, scale?, shift?)`.
    GroupNorm {
        /// Groups of channels.
        groups: usize,
        /// The rest.
        norm: NormAttributes,
    },
    /// `batch_norm(input, scale?, shift?)` by the statistics of the batch.
    BatchNorm(NormAttributes),
    /// `batch_norm_with(input, mean, variance, scale?, shift?)`.
    BatchNormWith(NormAttributes),
    /// `layer_norm(input, scale?, shift?)` over the last axes.
    LayerNorm {
        /// The lengths of these axes.
        normalized_shape: Vec<usize>,
        /// What is added to the variance.
        epsilon: f64,
    },
    /// `layer_norm_channels(input, scale?, shift?)` over axis 1.
    LayerNormChannels {
        /// What is added to the variance.
        epsilon: f64,
    },
    /// `rms_norm(input, scale?)` over the last axes.
    RmsNorm {
        /// The lengths of these axes.
        normalized_shape: Vec<usize>,
        /// What is added to the mean square.
        epsilon: f64,
    },
    /// `attention(query, key, value, bias?, mask?)`.
    Attention(AttentionAttributes),
    /// `self_attention(query_key_value, bias?, mask?)`.
    SelfAttention(AttentionAttributes),
    /// `cross_attention(query, key_value, bias?, mask?)`.
    CrossAttention(AttentionAttributes),
    /// `unit_query_key(query_key_value, log_factor)`.
    UnitQueryKey,
    /// Softmax of one input along an axis.
    Softmax(usize),
    /// Logarithm of the softmax of one input along an axis.
    LogSoftmax(usize),
    /// Any number of inputs one behind the other along axis 1.
    Concat,
    /// One input at another size.
    Resize {
        /// Which.
        to: ResizeTo,
        /// How values between voxels are found.
        interpolation: Interpolation,
    },
    /// One input with voxels added at its ends.
    Pad {
        /// How many before and behind, one pair for each axis.
        widths: Vec<(usize, usize)>,
        /// What they hold.
        mode: PadMode,
    },
    /// `grid_sample(input, grid)`.
    GridSample(GridSampleConfig),
    /// The sampling grid of affine maps, one input.
    AffineGrid {
        /// Voxels along each axis.
        size: Vec<usize>,
        /// Whether -1 and 1 are centres of the outermost voxels.
        align_corners: bool,
    },
    /// Channels of one input become voxels, by a factor for each axis.
    PixelShuffle(Vec<usize>),
    /// Voxels of one input become channels, by a factor for each axis.
    PixelUnshuffle(Vec<usize>),
    /// One input as a sequence of patches of a size.
    Patchify(Vec<usize>),
    /// A sequence of patches, one input, as an image.
    Unpatchify {
        /// Voxels of the image along each axis.
        size: Vec<usize>,
        /// Voxels of a patch along each axis.
        patch: Vec<usize>,
    },
    /// One input cut into windows.
    WindowPartition(WindowAttributes),
    /// Windows, one input, put together.
    WindowReverse(WindowAttributes),
    /// Which tokens of shifted windows see each other; no input.
    ShiftMask(WindowAttributes),
    /// The rows of a table of relative positions in a window of a size; no input.
    RelativePositionIndex(Vec<usize>),
    /// The relative positions in a window, log-spaced; no input.
    RelativePositionCoordinates {
        /// Tokens of the window along each axis.
        window: Vec<usize>,
        /// Those of the window whose ends are one unit away.
        unit: Vec<usize>,
    },
    /// The bias that a table, one input, gives for a window of a size.
    RelativePositionBias(Vec<usize>),
    /// `index_select(input, indices)` along an axis.
    IndexSelect(usize),
    /// Slices of axis 1 of one input, as many of these for each item: what training leaves where it drops tokens.
    SelectEach(Vec<u32>),
    /// `gather(input, indices)` along an axis.
    Gather(usize),
    /// `scatter_add(base, indices, source)` along an axis.
    ScatterAdd(usize),
    /// The first of one input along an axis in an order, and where they are.
    TopK {
        /// The axis.
        axis: usize,
        /// How many.
        k: usize,
        /// Which come first.
        order: Order,
    },
    /// Labels, one input, as indicators along a new axis.
    OneHot {
        /// Length of the new axis.
        classes: usize,
        /// Its place.
        axis: usize,
        /// Element type of the result.
        dtype: DType,
    },
    /// `roi_align(features, boxes)`.
    RoiAlign(RoiAttributes),
    /// One input multiplied by constants, one for each of as many rows.
    ScaleRows(Vec<f32>),
    /// One input multiplied by a constant.
    Scale(f64),
    /// `add(a, b)`, either repeated where it is 1 long.
    Add,
    /// `subtract(a, b)`, either repeated where it is 1 long.
    Subtract,
    /// `multiply(a, b)`, either repeated where it is 1 long.
    Multiply,
    /// The sum of one input along axes.
    Sum {
        /// Which.
        axes: Vec<usize>,
        /// What becomes of them.
        reduced: Reduced,
    },
    /// The mean of one input along axes.
    Mean {
        /// Which.
        axes: Vec<usize>,
        /// What becomes of them.
        reduced: Reduced,
    },
    /// The largest of one input along axes.
    Max {
        /// Which.
        axes: Vec<usize>,
        /// What becomes of them.
        reduced: Reduced,
    },
    /// One input under another shape.
    Reshape(Vec<usize>),
    /// One input with all axes from one on joined.
    FlattenFrom(usize),
    /// One input with its axes in another order.
    Permute(Vec<usize>),
    /// A range of one input.
    Narrow {
        /// Along which axis.
        axis: usize,
        /// Its first index.
        start: usize,
        /// Its length.
        len: usize,
    },
}

impl Op {
    /// The name of the function in [`crate::ops`].
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Activation(_) => "activation",
            Self::Prelu => "prelu",
            Self::Conv(_) => "conv",
            Self::ConvTranspose(_) => "conv_transpose",
            Self::Linear => "linear",
            Self::MaxPool(_) => "max_pool",
            Self::MaxPoolWithIndices(_) => "max_pool_with_indices",
            Self::AvgPool(_) => "avg_pool",
            Self::AdaptiveMaxPool(_) => "adaptive_max_pool",
            Self::AdaptiveMaxPoolWithIndices(_) => "adaptive_max_pool_with_indices",
            Self::AdaptiveAvgPool(_) => "adaptive_avg_pool",
            Self::MaxUnpool(_) => "max_unpool",
            Self::InstanceNorm(_) => "instance_norm",
            Self::GroupNorm { .. } => "group_norm",
            Self::BatchNorm(_) => "batch_norm",
            Self::BatchNormWith(_) => "batch_norm_with",
            Self::LayerNorm { .. } => "layer_norm",
            Self::LayerNormChannels { .. } => "layer_norm_channels",
            Self::RmsNorm { .. } => "rms_norm",
            Self::Attention(_) => "attention",
            Self::SelfAttention(_) => "self_attention",
            Self::CrossAttention(_) => "cross_attention",
            Self::UnitQueryKey => "unit_query_key",
            Self::Softmax(_) => "softmax",
            Self::LogSoftmax(_) => "log_softmax",
            Self::Concat => "concat",
            Self::Resize { .. } => "resize",
            Self::Pad { .. } => "pad",
            Self::GridSample(_) => "grid_sample",
            Self::AffineGrid { .. } => "affine_grid",
            Self::PixelShuffle(_) => "pixel_shuffle",
            Self::PixelUnshuffle(_) => "pixel_unshuffle",
            Self::Patchify(_) => "patchify",
            Self::Unpatchify { .. } => "unpatchify",
            Self::WindowPartition(_) => "window_partition",
            Self::WindowReverse(_) => "window_reverse",
            Self::ShiftMask(_) => "shift_mask",
            Self::RelativePositionIndex(_) => "relative_position_index",
            Self::RelativePositionCoordinates { .. } => "relative_position_coordinates",
            Self::RelativePositionBias(_) => "relative_position_bias",
            Self::IndexSelect(_) => "index_select",
            Self::SelectEach(_) => "select_each",
            Self::Gather(_) => "gather",
            Self::ScatterAdd(_) => "scatter_add",
            Self::TopK { .. } => "top_k",
            Self::OneHot { .. } => "one_hot",
            Self::RoiAlign(_) => "roi_align",
            Self::ScaleRows(_) => "scale_rows",
            Self::Scale(_) => "scale",
            Self::Add => "add",
            Self::Subtract => "subtract",
            Self::Multiply => "multiply",
            Self::Sum { .. } => "sum",
            Self::Mean { .. } => "mean",
            Self::Max { .. } => "max",
            Self::Reshape(_) => "reshape",
            Self::FlattenFrom(_) => "flatten_from",
            Self::Permute(_) => "permute",
            Self::Narrow { .. } => "narrow",
        }
    }
}
