//! Computing a graph again.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};

use super::attributes::{AttentionAttributes, array, unsupported};
use super::{Graph, Op, Output, Source};
use crate::error::{Error, Result};
use crate::model::{Inputs, Outputs};
use crate::ops::conv::conv;
use crate::ops::conv_transpose::conv_transpose;
use crate::ops::support::check_shape;
use crate::ops::{self, AttentionConfig};
use crate::params::Params;

/// The tensors an operator reads.
struct Arguments<'a> {
    op: &'static str,
    tensors: &'a [Option<&'a Tensor>],
    device: &'a Device,
}

impl<'a> Arguments<'a> {
    fn get(&self, i: usize) -> Result<&'a Tensor> {
        self.optional(i).ok_or(Error::Setting {
            op: self.op,
            setting: "the arguments",
            rule: "as many as the operator reads",
            value: format!("{} (number {i} is missing)", self.tensors.len()),
        })
    }

    fn optional(&self, i: usize) -> Option<&'a Tensor> {
        self.tensors.get(i).copied().flatten()
    }

    /// The settings of an attention, whose mask is argument `mask`.
    fn attention(&self, attributes: &AttentionAttributes, mask: usize) -> AttentionConfig {
        AttentionConfig {
            scale: attributes.scale,
            causal: attributes.causal,
            dropped: attributes.dropped,
            mask: self.optional(mask).cloned(),
        }
    }

    /// Scale and shift, from argument `i` on.
    fn affine(&self, i: usize) -> Option<(&'a Tensor, &'a Tensor)> {
        self.optional(i).zip(self.optional(i + 1))
    }
}

/// Evaluates for a number of axes that is only known at run time, 1 to 3 unless said.
macro_rules! with_axes {
    ($op:expr, $axes:expr, $D:ident => $body:expr) => {
        with_axes!($op, $axes, [1 2 3] $D => $body)
    };
    ($op:expr, $axes:expr, [$($count:literal)+] $D:ident => $body:expr) => {
        match $axes {
            $($count => {
                const $D: usize = $count;
                $body
            })+
            axes => unsupported($op, axes),
        }
    };
}

impl Op {
    /// Computes the operator; `device` is where one without inputs puts its result.
    ///
    /// # Errors
    /// Those of the operator, and when a tensor that it needs is not given.
    pub fn run(&self, inputs: &[Option<&Tensor>], device: &Device) -> Result<Vec<Tensor>> {
        let op = self.name();
        let a = Arguments {
            op,
            tensors: inputs,
            device,
        };
        let both = |(first, second)| vec![first, second];
        match self {
            Self::MaxPoolWithIndices(config) => with_axes!(op, config.kernel.len(), D =>
                ops::max_pool_with_indices::<D>(a.get(0)?, &config.into()).map(both)),
            Self::AdaptiveMaxPoolWithIndices(size) => with_axes!(op, size.len(), D =>
                ops::adaptive_max_pool_with_indices::<D>(a.get(0)?, array(size)).map(both)),
            Self::TopK { axis, k, order } => {
                let found = ops::top_k(a.get(0)?, *axis, *k, *order)?;
                Ok(vec![found.values, found.indices])
            }
            _ => Ok(vec![self.run_one(&a)?]),
        }
    }

    /// An operator with one result.
    fn run_one(&self, a: &Arguments<'_>) -> Result<Tensor> {
        let op = a.op;
        match self {
            Self::Activation(activation) => ops::activation(a.get(0)?, *activation),
            Self::Prelu => ops::prelu(a.get(0)?, a.get(1)?),
            Self::Conv(config) => with_axes!(op, config.stride.len(), D =>
                conv::<D>(a.get(0)?, a.get(1)?, a.optional(2), &config.into())),
            Self::ConvTranspose(config) => with_axes!(op, config.stride.len(), D =>
                conv_transpose::<D>(a.get(0)?, a.get(1)?, a.optional(2), &config.into())),
            Self::Linear => ops::linear(a.get(0)?, a.get(1)?, a.optional(2)),
            Self::MaxPool(config) => with_axes!(op, config.kernel.len(), D =>
                ops::max_pool::<D>(a.get(0)?, &config.into())),
            Self::AvgPool(config) => with_axes!(op, config.kernel.len(), D =>
                ops::avg_pool::<D>(a.get(0)?, &config.into())),
            Self::AdaptiveMaxPool(size) => with_axes!(op, size.len(), D =>
                ops::adaptive_max_pool::<D>(a.get(0)?, array(size))),
            Self::AdaptiveAvgPool(size) => with_axes!(op, size.len(), D =>
                ops::adaptive_avg_pool::<D>(a.get(0)?, array(size))),
            Self::MaxUnpool(size) => with_axes!(op, size.len(), D =>
                ops::max_unpool::<D>(a.get(0)?, a.get(1)?, array(size))),
            Self::Concat => {
                let tensors: Result<Vec<_>> = (0..a.tensors.len()).map(|i| a.get(i)).collect();
                ops::concat(&tensors?)
            }
            Self::Resize { to, interpolation } => with_axes!(op, to.axes(), D =>
                ops::resize::<D>(a.get(0)?, to.size(), *interpolation)),
            Self::Pad { widths, mode } => with_axes!(op, widths.len(), D =>
                ops::pad::<D>(a.get(0)?, array(widths), *mode)),
            Self::GridSample(config) => with_axes!(op, a.get(0)?.rank().saturating_sub(2), D =>
                ops::grid_sample::<D>(a.get(0)?, a.get(1)?, config)),
            Self::AffineGrid {
                size,
                align_corners,
            } => with_axes!(op, size.len(), D =>
                ops::affine_grid::<D>(a.get(0)?, array(size), *align_corners)),
            Self::PixelShuffle(factor) => with_axes!(op, factor.len(), D =>
                ops::pixel_shuffle::<D>(a.get(0)?, array(factor))),
            Self::PixelUnshuffle(factor) => with_axes!(op, factor.len(), D =>
                ops::pixel_unshuffle::<D>(a.get(0)?, array(factor))),
            Self::Patchify(patch) => with_axes!(op, patch.len(), D =>
                ops::patchify::<D>(a.get(0)?, array(patch))),
            Self::Unpatchify { size, patch } => with_axes!(op, size.len(), D =>
                ops::unpatchify::<D>(a.get(0)?, array(size), array(patch))),
            Self::WindowPartition(windows) => with_axes!(op, windows.window.len(), [2 3] D =>
                ops::window_partition::<D>(a.get(0)?, &windows.config())),
            Self::WindowReverse(windows) => with_axes!(op, windows.window.len(), [2 3] D =>
                ops::window_reverse::<D>(a.get(0)?, array(&windows.size), &windows.config())),
            Self::ShiftMask(windows) => with_axes!(op, windows.window.len(), [2 3] D =>
                ops::shift_mask::<D>(array(&windows.size), &windows.config(), a.device)),
            Self::RelativePositionIndex(window) => with_axes!(op, window.len(), [2 3] D =>
                ops::relative_position_index::<D>(array(window), a.device)),
            Self::RelativePositionCoordinates { window, unit } => {
                with_axes!(op, window.len(), [2 3] D =>
                ops::relative_position_coordinates::<D>(array(window), array(unit), a.device))
            }
            Self::RelativePositionBias(window) => with_axes!(op, window.len(), [2 3] D =>
                ops::relative_position_bias::<D>(a.get(0)?, array(window))),
            Self::RoiAlign(roi) => with_axes!(op, roi.bins.len(), D =>
                ops::roi_align::<D>(a.get(0)?, a.get(1)?, &roi.items, &roi.config())),
            Self::UnitQueryKey => ops::unit_query_key(a.get(0)?, a.get(1)?),
            Self::Softmax(axis) => ops::softmax(a.get(0)?, *axis),
            Self::LogSoftmax(axis) => ops::log_softmax(a.get(0)?, *axis),
            Self::IndexSelect(axis) => ops::index_select(a.get(0)?, *axis, a.get(1)?),
            Self::SelectEach(indices) => ops::select_each(a.get(0)?, indices),
            Self::Gather(axis) => ops::gather(a.get(0)?, *axis, a.get(1)?),
            Self::ScatterAdd(axis) => ops::scatter_add(a.get(0)?, *axis, a.get(1)?, a.get(2)?),
            Self::OneHot {
                classes,
                axis,
                dtype,
            } => ops::one_hot(a.get(0)?, *classes, *axis, *dtype),
            Self::ScaleRows(factors) => ops::scale_rows(a.get(0)?, factors.clone()),
            Self::Scale(factor) => ops::scale(a.get(0)?, *factor),
            Self::Add => ops::add(a.get(0)?, a.get(1)?),
            Self::Subtract => ops::subtract(a.get(0)?, a.get(1)?),
            Self::Multiply => ops::multiply(a.get(0)?, a.get(1)?),
            Self::Sum { axes, reduced } => ops::sum(a.get(0)?, axes, *reduced),
            Self::Mean { axes, reduced } => ops::mean(a.get(0)?, axes, *reduced),
            Self::Max { axes, reduced } => ops::max(a.get(0)?, axes, *reduced),
            Self::Reshape(shape) => ops::reshape(a.get(0)?, shape),
            Self::FlattenFrom(axis) => ops::flatten_from(a.get(0)?, *axis),
            Self::Permute(axes) => ops::permute(a.get(0)?, axes),
            Self::Narrow { axis, start, len } => ops::narrow(a.get(0)?, *axis, *start, *len),
            Self::Attention(attention) => {
                let config = a.attention(attention, 4);
                ops::attention(a.get(0)?, a.get(1)?, a.get(2)?, a.optional(3), &config)
            }
            Self::SelfAttention(attention) => {
                let (heads, config) = (attention.heads, a.attention(attention, 2));
                ops::self_attention(a.get(0)?, heads, a.optional(1), &config)
            }
            Self::CrossAttention(attention) => {
                let (heads, config) = (attention.heads, a.attention(attention, 3));
                ops::cross_attention(a.get(0)?, a.get(1)?, heads, a.optional(2), &config)
            }
            _ => self.run_norm(a),
        }
    }

    /// A norm.
    fn run_norm(&self, a: &Arguments<'_>) -> Result<Tensor> {
        let x = a.get(0)?;
        match self {
            Self::InstanceNorm(norm) => {
                ops::instance_norm(x, a.affine(1), norm.epsilon, norm.activation)
            }
            Self::GroupNorm { groups, norm } => {
                ops::group_norm(x, *groups, a.affine(1), norm.epsilon, norm.activation)
            }
            Self::BatchNorm(norm) => {
                Ok(ops::batch_norm(x, a.affine(1), norm.epsilon, norm.activation)?.0)
            }
            Self::BatchNormWith(norm) => {
                let statistics = (a.get(1)?, a.get(2)?);
                ops::batch_norm_with(x, statistics, a.affine(3), norm.epsilon, norm.activation)
            }
            Self::LayerNorm {
                normalized_shape,
                epsilon,
            } => ops::layer_norm(x, normalized_shape, a.optional(1), a.optional(2), *epsilon),
            Self::LayerNormChannels { epsilon } => {
                ops::layer_norm_channels(x, a.optional(1), a.optional(2), *epsilon)
            }
            Self::RmsNorm {
                normalized_shape,
                epsilon,
            } => ops::rms_norm(x, normalized_shape, a.optional(1), *epsilon),
            _ => unsupported(a.op, 0),
        }
    }
}

impl Outputs {
    /// What a network gives, from the results of a graph.
    pub(crate) fn of_graph(results: impl Iterator<Item = (Output, Tensor)>) -> Result<Self> {
        let mut logits = None;
        let mut auxiliary = Vec::new();
        let mut features = BTreeMap::new();
        for (output, tensor) in results {
            match output {
                Output::Logits => logits = Some(tensor),
                Output::Auxiliary(_) => auxiliary.push(tensor),
                Output::Feature(name) => {
                    features.insert(name, tensor);
                }
            }
        }
        let logits = logits.ok_or_else(|| Error::MissingInput {
            name: "logits".to_owned(),
            given: vec![],
        })?;
        let outputs = Self::new(logits).with_auxiliary(auxiliary);
        Ok(outputs.with_features(features))
    }
}

impl Graph {
    /// Computes the results with the present values of the parameters; a tensor is given back to memory when nothing reads
    /// it any more.
    ///
    /// # Errors
    /// When an input or parameter is missing or has another shape than in the recorded pass, and when an operator fails.
    pub fn run(&self, params: &Params, inputs: &Inputs) -> Result<Outputs> {
        let mut tensors: Vec<Option<Tensor>> = Vec::with_capacity(self.values.len());
        for value in &self.values {
            let tensor = match &value.source {
                Source::Input(name) => inputs.get(name)?.clone(),
                Source::Parameter(name) | Source::Buffer(name) => params.tensor(name)?,
                Source::Node(_) => {
                    tensors.push(None);
                    continue;
                }
            };
            check_shape("graph", "an input or parameter", &tensor, &value.shape)?;
            tensors.push(Some(tensor));
        }
        let last_readers = self.last_readers();
        for (place, node) in self.nodes.iter().enumerate() {
            let read = node.inputs.iter();
            let read: Vec<_> = read.map(|id| tensors[id.as_ref()?.0].as_ref()).collect();
            let results = node.op.run(&read, params.device())?;
            for (id, result) in node.outputs.iter().zip(results) {
                tensors[id.0] = Some(result);
            }
            for id in node.inputs.iter().flatten().chain(&node.outputs) {
                if last_readers[id.0] == Some(place) {
                    tensors[id.0] = None;
                }
            }
        }
        let results = self.outputs.iter();
        Outputs::of_graph(results.filter_map(|(o, id)| Some((o.clone(), tensors[id.0].clone()?))))
    }

    /// The node after which a tensor is not needed; `None` for a result of the graph.
    fn last_readers(&self) -> Vec<Option<usize>> {
        let mut last = vec![None; self.values.len()];
        for (place, node) in self.nodes.iter().enumerate() {
            for id in node.inputs.iter().flatten().chain(&node.outputs) {
                last[id.0] = Some(place);
            }
        }
        for (_, id) in &self.outputs {
            last[id.0] = None;
        }
        last
    }
}
