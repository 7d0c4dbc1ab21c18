//! Which operators of a graph run in the pass of a convolution or linear map before them.

use crate::graph::{ConvAttributes, Graph, Node, Op, Source, ValueId};
use crate::ops::Activation;
use crate::ops::prepared_conv::Residual;

/// A convolution or linear map, and what follows it in the same pass.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chain {
    /// The places of its nodes: the convolution or linear map first, the one whose result the pass gives last.
    pub(super) nodes: Vec<usize>,
    pub(super) input: ValueId,
    pub(super) result: ValueId,
    pub(super) kernel: Kernel,
    pub(super) residual: Option<Residual<ValueId>>,
}

/// All that decides how weights are prepared; parameters and buffers by name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kernel {
    pub(super) weight: String,
    pub(super) bias: Option<String>,
    /// Of a convolution; none of a linear map.
    pub(super) config: Option<ConvAttributes>,
    pub(super) norm: Option<FixedNorm>,
    pub(super) activation: Activation,
}

/// A normalisation by fixed statistics.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FixedNorm {
    pub(super) mean: String,
    pub(super) variance: String,
    pub(super) scale: Option<String>,
    pub(super) shift: Option<String>,
    pub(super) epsilon: f64,
}

/// All convolutions and linear maps of fixed weights, each with as many of its followers as one pass can do; no node is in two chains.
pub(super) fn chains(graph: &Graph) -> Vec<Chain> {
    let readers = readers(graph);
    let mut taken = vec![false; graph.nodes().len()];
    let mut chains = Vec::new();
    for (place, node) in graph.nodes().iter().enumerate() {
        let Some(mut chain) = Chain::begin(graph, place, node) else {
            continue;
        };
        // What several nodes read, or a result of the network, must be there by itself.
        while let [place] = readers[chain.result.index()][..] {
            let Some(follower) = graph.nodes().get(place).filter(|_| !taken[place]) else {
                break;
            };
            if !chain.takes(graph, follower) {
                break;
            }
            chain.nodes.push(place);
            chain.result = follower.outputs[0];
        }
        chain.nodes.iter().for_each(|place| taken[*place] = true);
        chains.push(chain);
    }
    chains
}

/// For each value the places of the nodes that read it, and one behind all nodes for each result it is.
fn readers(graph: &Graph) -> Vec<Vec<usize>> {
    let mut readers = vec![Vec::new(); graph.values().len()];
    for (place, node) in graph.nodes().iter().enumerate() {
        for id in node.inputs.iter().flatten() {
            readers[id.index()].push(place);
        }
    }
    for (_, id) in graph.outputs() {
        readers[id.index()].push(graph.nodes().len());
    }
    readers
}

/// The name of the parameter or buffer that is an argument of a node.
fn name(graph: &Graph, node: &Node, argument: usize) -> Option<String> {
    let id = node.inputs.get(argument).copied().flatten()?;
    match &graph.value(id).source {
        Source::Parameter(name) | Source::Buffer(name) => Some(name.clone()),
        _ => None,
    }
}

impl Chain {
    /// A convolution or linear map whose weights are there before the pass.
    fn begin(graph: &Graph, place: usize, node: &Node) -> Option<Self> {
        let config = match &node.op {
            Op::Conv(config) => Some(config.clone()),
            Op::Linear => None,
            _ => return None,
        };
        let bias = name(graph, node, 2);
        let computed_bias = bias.is_none() && node.inputs.get(2).is_some_and(Option::is_some);
        (!computed_bias).then_some(())?;
        Some(Self {
            nodes: vec![place],
            input: node.inputs[0]?,
            result: node.outputs[0],
            kernel: Kernel {
                weight: name(graph, node, 1)?,
                bias,
                config,
                norm: None,
                activation: Activation::None,
            },
            residual: None,
        })
    }

    /// Adds a node that reads the chain's result, if one pass does it in this order: normalisation, residual and activation,
    /// or normalisation, activation and residual.
    fn takes(&mut self, graph: &Graph, node: &Node) -> bool {
        match &node.op {
            Op::BatchNormWith(norm) => {
                let is_first = self.nodes.len() == 1 && self.kernel.config.is_some();
                let names = (name(graph, node, 1), name(graph, node, 2));
                let (true, (Some(mean), Some(variance))) = (is_first, names) else {
                    return false;
                };
                self.kernel.activation = norm.activation;
                self.kernel.norm = Some(FixedNorm {
                    mean,
                    variance,
                    scale: name(graph, node, 3),
                    shift: name(graph, node, 4),
                    epsilon: norm.epsilon,
                });
                true
            }
            Op::Activation(activation) => {
                let is_first = self.kernel.activation == Activation::None;
                if is_first {
                    self.kernel.activation = *activation;
                }
                is_first
            }
            Op::Add => {
                let other = { node.inputs.iter().flatten() }.find(|id| **id != self.result);
                let shape = |id: ValueId| &graph.value(id).shape;
                let Some(&other) = other.filter(|id| shape(**id) == shape(self.result)) else {
                    return false;
                };
                let is_first = self.residual.is_none();
                if is_first {
                    self.residual = Some(match self.kernel.activation {
                        Activation::None => Residual::BeforeActivation(other),
                        _ => Residual::AfterActivation(other),
                    });
                }
                is_first
            }
            _ => false,
        }
    }
}
