//! Which inner values of a network are looked at, and where their elements lie in the image.

use mednn::graph::{Node, Op, Source, ValueId};
use mednn::model::{Inputs, Model};
use serde::{Deserialize, Serialize};

use super::circuit::Circuit;
use crate::error::{Error, Result};

/// A layer of a network.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Layer {
    /// What the head pools: the last map with more than one place. Of a vision transformer, the tokens that its last
    /// attention reads, behind their normalisation; what comes later reaches the class through the class token alone.
    #[default]
    Last,
    /// By name: a feature of the network ([`Outputs::features`](mednn::Outputs), as `layer4`), or the path of a layer with
    /// parameters (as `layer4.1.bn2`), with the activation that the network fuses into it.
    Named(String),
}

/// Inner values that lie on a grid over the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Map {
    pub(super) value: ValueId,
    pub(super) layout: Layout,
    /// Places along each axis.
    pub(super) shape: Vec<usize>,
}

/// How a tensor holds the features of places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// `[batch, channels, ...places]`.
    ChannelsFirst,
    /// `[batch, ...places, channels]`.
    ChannelsLast,
    /// `[batch, tokens, channels]`, so many tokens in front of those of the places.
    Tokens {
        /// How many.
        prefix: usize,
    },
}

impl Layer {
    /// The features that a recording must find by name.
    pub(super) fn features(&self) -> Vec<&str> {
        match self {
            Self::Last => Vec::new(),
            Self::Named(name) => vec![name],
        }
    }

    /// The layer in a network that was recorded.
    pub(super) fn find(&self, circuit: &Circuit, image: ValueId) -> Result<Map> {
        let axes = circuit.graph().value(image).shape.len().saturating_sub(2);
        let value = match self {
            Self::Last => last(circuit, image, axes),
            Self::Named(name) => named(circuit, name),
        };
        let value = value.ok_or_else(|| Error::Explanation {
            rule: "the network has the layer",
            got: format!("none for {self:?}; its layers are {}", names(circuit)),
        })?;
        let layout = layout(circuit, value, axes).ok_or_else(|| Error::Explanation {
            rule: "the layer has a feature for each of many places",
            got: format!("{:?} for {self:?}", circuit.graph().value(value).shape),
        })?;
        Ok(Map {
            value,
            layout: layout.0,
            shape: layout.1,
        })
    }
}

fn named(circuit: &Circuit, name: &str) -> Option<ValueId> {
    use mednn::graph::Output::Feature;
    let outputs = circuit.graph().outputs().iter();
    let of_feature = |(output, id): &(_, ValueId)| match output {
        Feature(feature) if feature == name => Some(*id),
        _ => None,
    };
    let of_node = |node: &Node| match node.layer.as_deref() {
        Some(layer) if layer == name => node.outputs.first().copied(),
        _ => None,
    };
    { outputs }
        .find_map(of_feature)
        .or_else(|| circuit.graph().nodes().iter().rev().find_map(of_node))
}

/// The paths of layers, for a message.
fn names(circuit: &Circuit) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in circuit
        .graph()
        .nodes()
        .iter()
        .filter_map(|node| node.layer.as_deref())
    {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}

/// The layer of [`Layer::Last`].
fn last(circuit: &Circuit, image: ValueId, axes: usize) -> Option<ValueId> {
    let nodes = circuit.graph().nodes();
    let seen = reached(circuit, |input| input == image.index());
    let convolutions = { nodes.iter() }
        .filter(|node| matches!(node.op, Op::Conv(_)) && seen[node.outputs[0].index()])
        .count();
    let windows = nodes
        .iter()
        .any(|node| matches!(node.op, Op::WindowReverse(_)));
    if convolutions < 2
        && !windows
        && let Some(tokens) = last_tokens(circuit, image, axes)
    {
        return Some(tokens);
    }
    let is_map = |node: &&Node| {
        let id = node.outputs[0];
        let pooled = matches!(node.op, Op::AdaptiveAvgPool(_) | Op::Mean { .. });
        let is_grid = circuit.graph().value(id).shape.len() == axes + 2
            && places(circuit, id).is_some_and(|places| places.iter().product::<usize>() > 1);
        seen[id.index()] && !pooled && is_grid
    };
    nodes.iter().rev().find(is_map).map(|node| node.outputs[0])
}

/// What the last attention reads whose tokens are those of the image and of nothing else, behind a normalisation.
fn last_tokens(circuit: &Circuit, image: ValueId, axes: usize) -> Option<ValueId> {
    let seen = reached(circuit, |input| input == image.index());
    let shared = reached(circuit, |input| input != image.index());
    circuit.graph().nodes().iter().rev().find_map(|node| {
        if !matches!(node.op, Op::SelfAttention(_) | Op::Attention(_)) {
            return None;
        }
        let read = node.inputs.first().copied().flatten()?;
        let tokens = above(circuit, read, |node| {
            matches!(node.op, Op::LayerNorm { .. })
        })?;
        let of_image = seen[tokens.index()] && !shared[tokens.index()];
        (of_image && layout(circuit, tokens, axes).is_some()).then_some(tokens)
    })
}

/// Which values some inputs reach, these by their place.
fn reached(circuit: &Circuit, from: impl Fn(usize) -> bool) -> Vec<bool> {
    let values = circuit.graph().values().iter().enumerate();
    let is_input = |source: &Source| matches!(source, Source::Input(_));
    let mut seen: Vec<bool> = values
        .map(|(place, value)| is_input(&value.source) && from(place))
        .collect();
    for node in circuit.graph().nodes() {
        if node.inputs.iter().flatten().any(|id| seen[id.index()]) {
            node.outputs.iter().for_each(|id| seen[id.index()] = true);
        }
    }
    seen
}

/// The nearest value above whose operator fits, going up through first arguments.
fn above(circuit: &Circuit, from: ValueId, fits: impl Fn(&Node) -> bool) -> Option<ValueId> {
    let mut id = from;
    loop {
        let node = circuit.maker(id)?;
        if fits(node) {
            return Some(id);
        }
        id = *node.inputs.first()?.as_ref()?;
    }
}

/// The places of a value with as many axes as the image.
fn places(circuit: &Circuit, id: ValueId) -> Option<Vec<usize>> {
    let shape = &circuit.graph().value(id).shape;
    match channels_last(circuit, id) {
        false => shape.get(2..).map(<[usize]>::to_vec),
        true => shape.get(1..shape.len() - 1).map(<[usize]>::to_vec),
    }
}

/// Whether the channels of a value with as many axes as the image come last: the nearest operator above that knows.
fn channels_last(circuit: &Circuit, id: ValueId) -> bool {
    let knows = |node: &Node| known(&node.op).is_some();
    { above(circuit, id, knows) }
        .and_then(|id| known(&circuit.maker(id)?.op))
        .unwrap_or(false)
}

fn known(op: &Op) -> Option<bool> {
    match op {
        Op::WindowReverse(_) | Op::LayerNorm { .. } | Op::Linear => Some(true),
        Op::Permute(axes) if axes.len() > 3 => Some(axes[1] != axes.len() - 1),
        Op::Conv(_)
        | Op::ConvTranspose(_)
        | Op::MaxPool(_)
        | Op::AvgPool(_)
        | Op::AdaptiveAvgPool(_)
        | Op::InstanceNorm(_)
        | Op::GroupNorm { .. }
        | Op::BatchNorm(_)
        | Op::BatchNormWith(_)
        | Op::LayerNormChannels { .. }
        | Op::Concat
        | Op::Resize { .. } => Some(false),
        _ => None,
    }
}

/// How a network holds its feature of this name.
///
/// # Errors
/// Refuses a feature that the operators of the network do not tell the places of.
pub(crate) fn layout_of_feature(
    network: &dyn Model,
    inputs: &Inputs,
    name: &str,
) -> Result<Layout> {
    let circuit = Circuit::record(network, inputs, &[name])?;
    let axes = inputs.image()?.rank().saturating_sub(2);
    let found = named(&circuit, name).and_then(|value| arrangement(&circuit, value, axes));
    found
        .map(|(layout, _)| layout)
        .ok_or_else(|| Error::Setting {
            setting: "feature",
            rule: "of places over the image, or of one value for each image and channel",
            value: format!("{name:?}"),
        })
}

/// The layout of many places, and their number along each axis.
fn layout(circuit: &Circuit, id: ValueId, axes: usize) -> Option<(Layout, Vec<usize>)> {
    let many = |(_, places): &(Layout, Vec<usize>)| places.iter().product::<usize>() > 1;
    arrangement(circuit, id, axes).filter(many)
}

/// The same of however many places.
fn arrangement(circuit: &Circuit, id: ValueId, axes: usize) -> Option<(Layout, Vec<usize>)> {
    let shape = &circuit.graph().value(id).shape;
    if shape.len() == axes + 2 {
        let layout = match channels_last(circuit, id) {
            true => Layout::ChannelsLast,
            false => Layout::ChannelsFirst,
        };
        return Some((layout, places(circuit, id)?));
    }
    let grid = patches(circuit, id, axes)?;
    let prefix = shape.get(1)?.checked_sub(grid.iter().product())?;
    (shape.len() == 3).then_some((Layout::Tokens { prefix }, grid))
}

/// The grid that tokens were made of: the nearest image above, or the patches that an image was cut into.
pub(super) fn patches(circuit: &Circuit, tokens: ValueId, axes: usize) -> Option<Vec<usize>> {
    let Source::Node(place) = circuit.graph().value(tokens).source else {
        return None;
    };
    let shape = |id: ValueId| &circuit.graph().value(id).shape;
    circuit.graph().nodes()[..=place]
        .iter()
        .rev()
        .find_map(|node| match &node.op {
            Op::Patchify(patch) => {
                let image = shape((*node.inputs.first()?)?).get(2..)?;
                Some(
                    image
                        .iter()
                        .zip(patch)
                        .map(|(voxels, patch)| voxels / patch)
                        .collect(),
                )
            }
            Op::Conv(_) if axes > 1 && shape(node.outputs[0]).len() == axes + 2 => {
                shape(node.outputs[0]).get(2..).map(<[usize]>::to_vec)
            }
            _ => None,
        })
}
