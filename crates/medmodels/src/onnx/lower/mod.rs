//! Each operator of [`mednn::ops`] in ONNX.

mod activation;
mod attention;
mod conv;
mod index;
mod norm;
mod pool;
mod rearrange;
mod resample;
mod sample;
mod view;

use mednn::graph::{Graph, Node, Op, Output, Source};
use mednn::params::Params;

use super::batch::{Dim, refused};
use super::builder::{Builder, Lowered, Value, unsayable};
use super::fault::Fault;
use super::proto::{Data, Element, Initialiser, Model, Port};
use super::{IR_VERSION, OPSET};
use crate::error::Result;

/// A recorded graph, its lengths in `dims`, with the present values of the parameters.
pub(super) fn lower(graph: &Graph, dims: &[Vec<Dim>], params: &Params) -> Result<Model> {
    let mut builder = Builder::default();
    for (output, _) in graph.outputs() {
        builder.reserve(&output_name(output));
    }
    let mut inputs = Vec::new();
    let mut values: Vec<Option<Value>> = vec![None; graph.values().len()];
    for ((value, dims), slot) in graph.values().iter().zip(dims).zip(&mut values) {
        let (Source::Input(name) | Source::Parameter(name) | Source::Buffer(name)) = &value.source
        else {
            continue;
        };
        let Some(element) = Element::of(value.dtype) else {
            return Err(Fault::ElementType {
                name: name.clone(),
                got: value.dtype.as_str(),
            }
            .into());
        };
        if !builder.reserve(name) {
            return Err(Fault::Name { name: name.clone() }.into());
        }
        let found = Value {
            name: name.clone(),
            dims: dims.clone(),
            element,
        };
        if matches!(value.source, Source::Input(_)) {
            inputs.push(port(&found));
        } else {
            builder.initialisers.push(Initialiser {
                name: name.clone(),
                element,
                dims: value.shape.clone(),
                data: Data::Tensor(params.tensor(name)?),
            });
        }
        *slot = Some(found);
    }
    for (place, node) in graph.nodes().iter().enumerate() {
        let scope = match node.layer.as_deref() {
            None | Some("") => format!("{}_{place}", node.op.name()),
            Some(layer) => format!("{layer}/{}_{place}", node.op.name()),
        };
        builder.enter(scope);
        let arguments = Arguments {
            graph,
            node,
            values: &values,
            dims,
        };
        let results = builder
            .operator(&node.op, &arguments)
            .map_err(|reason| refused(graph, node, reason.0))?;
        for (id, result) in node.outputs.iter().zip(results) {
            debug_assert_eq!(result.dims, dims[id.index()], "{node:?}");
            values[id.index()] = Some(result);
        }
    }
    let mut outputs: Vec<Port> = Vec::new();
    for (output, id) in graph.outputs() {
        if let Some(value) = &mut values[id.index()] {
            let port = builder.publish(value, &outputs, &output_name(output));
            value.name.clone_from(&port.name);
            outputs.push(port);
        }
    }
    Ok(Model {
        ir_version: IR_VERSION,
        opset: OPSET,
        producer: (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")),
        name: "network".to_owned(),
        nodes: builder.nodes,
        initialisers: builder.initialisers,
        inputs,
        outputs,
        properties: Vec::new(),
    })
}

fn port(value: &Value) -> Port {
    Port {
        name: value.name.clone(),
        element: value.element,
        dims: value.dims.clone(),
    }
}

fn output_name(output: &Output) -> String {
    match output {
        Output::Auxiliary(place) => format!("auxiliary.{place}"),
        Output::Feature(name) => format!("feature.{name}"),
        _ => "logits".to_owned(),
    }
}

/// What an operator reads.
struct Arguments<'a> {
    graph: &'a Graph,
    node: &'a Node,
    values: &'a [Option<Value>],
    dims: &'a [Vec<Dim>],
}

impl<'a> Arguments<'a> {
    fn get(&self, argument: usize) -> Lowered<&'a Value> {
        match self.optional(argument) {
            Some(value) => Ok(value),
            None => unsayable(format!("argument {argument} is missing")),
        }
    }

    fn optional(&self, argument: usize) -> Option<&'a Value> {
        let id = self.node.inputs.get(argument).copied().flatten()?;
        self.values[id.index()].as_ref()
    }

    /// Scale and shift, from an argument on.
    fn affine(&self, argument: usize) -> [Option<&'a Value>; 2] {
        [self.optional(argument), self.optional(argument + 1)]
    }

    /// The lengths of the first result.
    fn result(&self) -> &'a [Dim] {
        &self.dims[self.node.outputs[0].index()]
    }

    /// The operator that makes an argument.
    fn maker(&self, argument: usize) -> Option<&'a Op> {
        let id = self.node.inputs.get(argument).copied().flatten()?;
        match self.graph.value(id).source {
            Source::Node(place) => Some(&self.graph.nodes()[place].op),
            _ => None,
        }
    }
}

impl Builder {
    fn operator(&mut self, op: &Op, a: &Arguments<'_>) -> Lowered<Vec<Value>> {
        match op {
            Op::MaxPoolWithIndices(pool) => self.max_pool_with_indices(a.get(0)?, pool, a.result()),
            Op::AdaptiveMaxPoolWithIndices(size) => {
                self.adaptive_max_pool_with_indices(a.get(0)?, size)
            }
            Op::TopK { axis, k, order } => self.top_k(a.get(0)?, *axis, *k, *order),
            _ => Ok(vec![self.operator_of_one_result(op, a)?]),
        }
    }

    fn operator_of_one_result(&mut self, op: &Op, a: &Arguments<'_>) -> Lowered<Value> {
        let result = a.result();
        match op {
            Op::Activation(activation) => self.activation(a.get(0)?, *activation),
            Op::Prelu => self.prelu(a.get(0)?, a.get(1)?),
            Op::Conv(conv) => {
                self.conv("Conv", [a.get(0)?, a.get(1)?], a.optional(2), conv, result)
            }
            Op::ConvTranspose(conv) => {
                let read = [a.get(0)?, a.get(1)?];
                self.conv("ConvTranspose", read, a.optional(2), conv, result)
            }
            Op::Linear => self.linear(a.get(0)?, a.get(1)?, a.optional(2)),
            Op::MaxPool(pool) => self.max_pool(a.get(0)?, pool, result),
            Op::AvgPool(pool) => self.avg_pool(a.get(0)?, pool, result),
            Op::AdaptiveMaxPool(size) => self.adaptive_max_pool(a.get(0)?, size),
            Op::AdaptiveAvgPool(size) => self.adaptive_avg_pool(a.get(0)?, size),
            Op::MaxUnpool(size) => self.max_unpool(a.get(0)?, a.get(1)?, size),
            Op::InstanceNorm(norm) => self.instance_norm(a.get(0)?, a.affine(1), norm),
            Op::GroupNorm { groups, norm } => {
                self.group_norm(a.get(0)?, *groups, a.affine(1), norm)
            }
            Op::BatchNorm(norm) => self.batch_norm(a.get(0)?, a.affine(1), norm),
            Op::BatchNormWith(norm) => {
                let statistics = [a.get(1)?, a.get(2)?];
                self.batch_norm_with(a.get(0)?, statistics, a.affine(3), norm)
            }
            Op::LayerNorm {
                normalized_shape,
                epsilon,
            } => self.layer_norm(a.get(0)?, normalized_shape, a.affine(1), *epsilon),
            Op::LayerNormChannels { epsilon } => {
                self.layer_norm_channels(a.get(0)?, a.affine(1), *epsilon)
            }
            Op::RmsNorm {
                normalized_shape,
                epsilon,
            } => self.rms_norm(a.get(0)?, normalized_shape.len(), a.optional(1), *epsilon),
            Op::Attention(_) | Op::SelfAttention(_) | Op::CrossAttention(_) => {
                self.attention(op, a)
            }
            Op::UnitQueryKey => self.unit_query_key(a.get(0)?, a.get(1)?),
            Op::Softmax(axis) => self.softmax("Softmax", a.get(0)?, *axis),
            Op::LogSoftmax(axis) => self.softmax("LogSoftmax", a.get(0)?, *axis),
            Op::Concat => self.concat(a, result),
            Op::Resize { to, interpolation } => self.resize(a.get(0)?, to, *interpolation, result),
            Op::Pad { widths, mode } => self.pad(a.get(0)?, widths, *mode, result),
            Op::GridSample(config) => self.grid_sample(a.get(0)?, a.get(1)?, config, result),
            Op::AffineGrid {
                size,
                align_corners,
            } => self.affine_grid(a.get(0)?, size, *align_corners),
            Op::PixelShuffle(factor) => self.pixel_shuffle(a.get(0)?, factor, result),
            Op::PixelUnshuffle(factor) => self.pixel_unshuffle(a.get(0)?, factor, result),
            Op::Patchify(patch) => self.patchify(a.get(0)?, patch, result),
            Op::Unpatchify { size, patch } => self.unpatchify(a.get(0)?, size, patch, result),
            Op::WindowPartition(windows) => self.window_partition(a.get(0)?, windows, result),
            Op::WindowReverse(windows) => self.window_reverse(a.get(0)?, windows, result),
            Op::ShiftMask(_)
            | Op::RelativePositionIndex(_)
            | Op::RelativePositionCoordinates { .. } => self.computed(op),
            Op::RelativePositionBias(window) => self.relative_position_bias(a.get(0)?, window),
            Op::IndexSelect(axis) => self.index_select(a.get(0)?, *axis, a.get(1)?, result),
            Op::Gather(axis) => self.gather(a.get(0)?, *axis, a.get(1)?),
            Op::ScatterAdd(axis) => self.scatter_add(a.get(0)?, *axis, a.get(1)?, a.get(2)?),
            Op::OneHot {
                classes,
                axis,
                dtype,
            } => self.one_hot(a.get(0)?, *classes, *axis, *dtype, result),
            Op::RoiAlign(roi) => self.roi_align(a.get(0)?, a.get(1)?, roi, result),
            Op::ScaleRows(factors) => self.scale_rows(a.get(0)?, factors),
            Op::Scale(factor) => {
                let factor = self.float("factor", *factor);
                Ok(self.combine("Mul", a.get(0)?, &factor))
            }
            Op::Add => self.arithmetic("Add", a, result),
            Op::Subtract => self.arithmetic("Sub", a, result),
            Op::Multiply => self.arithmetic("Mul", a, result),
            Op::Sum { axes, reduced } => self.reduction("ReduceSum", a, axes, *reduced),
            Op::Mean { axes, reduced } => self.reduction("ReduceMean", a, axes, *reduced),
            Op::Max { axes, reduced } => self.reduction("ReduceMax", a, axes, *reduced),
            Op::Reshape(_) | Op::FlattenFrom(_) => self.reshape(a.get(0)?, result),
            Op::Permute(axes) => Ok(self.transpose(a.get(0)?, axes)),
            Op::Narrow { axis, start, len } => {
                self.slice(a.get(0)?, *axis, *start, start.saturating_add(*len))
            }
            _ => unsayable("it has no form in ONNX yet"),
        }
    }
}
