//! A network's forward pass as a list of operators with their tensors.
//!
//! A network is written once, as code on tensors. [`Graph::record`] runs it and keeps every operator of [`crate::ops`] with
//! its settings and the names of what it read, so that the same computation can be written to another format, planned ahead
//! or looked at. [`Graph::run`] computes it again through the same kernels: the results are the same bits, which is the
//! proof that the graph says everything.
//!
//! ```
//! use candle_core::{DType, Device, Tensor};
//! use mednn::graph::Graph;
//! # use mednn::layers::{Conv, ConvConfig};
//! # use mednn::{Context, Inputs, Model, Outputs, Params};
//! # struct Net(Conv<2>, Params);
//! # impl Model for Net {
//! #     fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
//! #         Ok(Outputs::new(self.0.forward(inputs.image()?, context)?))
//! #     }
//! #     fn params(&self) -> &Params {
//! #         &self.1
//! #     }
//! # }
//! # let params = Params::new(7);
//! # let network = Net(Conv::new(&ConvConfig::same(1, 2, [3, 3]), &params.root().child("stem"))?, params);
//! let image = Tensor::ones((1, 1, 4, 4), DType::F32, &Device::Cpu)?;
//! let inputs = image.into();
//! let graph = Graph::record(&network, &inputs)?;
//! assert_eq!(graph.nodes()[0].op.name(), "conv");
//! assert_eq!(graph.nodes()[0].layer.as_deref(), Some("stem"));
//!
//! let eager = network.forward(&inputs, &Context::evaluate())?.logits;
//! let replayed = graph.run(network.params(), &inputs)?.logits;
//! assert_eq!(eager.flatten_all()?.to_vec1::<f32>()?, replayed.flatten_all()?.to_vec1::<f32>()?);
//! # Ok::<(), mednn::Error>(())
//! ```

use std::fmt;

use candle_core::DType;

mod attributes;
mod op;
mod record;
mod replay;

pub use attributes::{
    AttentionAttributes, ConvAttributes, NormAttributes, PoolAttributes, ResizeTo, RoiAttributes,
    WindowAttributes,
};
pub use op::Op;
pub(crate) use record::{Step, keep_buffer, keep_parameter};

/// A tensor of a graph, by its place in [`Graph::values`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(usize);

impl ValueId {
    /// The place in [`Graph::values`].
    #[must_use]
    pub fn index(self) -> usize {
        self.0
    }
}

impl fmt::Display for ValueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

/// Where a tensor of a graph comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// An input of the network, by its name in [`Inputs`](crate::Inputs).
    Input(String),
    /// A parameter, by its full name.
    Parameter(String),
    /// A buffer, by its full name.
    Buffer(String),
    /// An operator, by its place in [`Graph::nodes`].
    Node(usize),
}

/// A tensor of a graph: what it is, without its elements.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Value {
    /// Where it comes from.
    pub source: Source,
    /// Its shape in the recorded pass.
    pub shape: Vec<usize>,
    /// Its element type.
    pub dtype: DType,
}

/// An operator of a graph.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Node {
    /// What it computes.
    pub op: Op,
    /// What it reads, in the order [`Op`] documents; `None` for an optional tensor that is not there.
    pub inputs: Vec<Option<ValueId>>,
    /// What it gives.
    pub outputs: Vec<ValueId>,
    /// The path of the layer whose parameters it reads; of an operator without parameters, `None`.
    pub layer: Option<String>,
}

/// A forward pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    values: Vec<Value>,
    nodes: Vec<Node>,
    outputs: Vec<(Output, ValueId)>,
}

/// Which of a network's results a tensor is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Output {
    /// The primary result.
    Logits,
    /// The result at a lower resolution, by its place in [`Outputs::auxiliary`](crate::Outputs).
    Auxiliary(usize),
    /// An intermediate feature, by its name.
    Feature(String),
}

impl Graph {
    /// All tensors; a [`ValueId`] is a place in this list.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The tensor with this id.
    ///
    /// # Panics
    /// For an id of another, larger graph.
    #[must_use]
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0]
    }

    /// All operators that the results depend on, in the order in which they ran.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The results.
    #[must_use]
    pub fn outputs(&self) -> &[(Output, ValueId)] {
        &self.outputs
    }
}

impl fmt::Display for Graph {
    /// One line for each operator: results, operator, arguments, layer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |id: &ValueId| match &self.value(*id).source {
            Source::Input(name) | Source::Parameter(name) | Source::Buffer(name) => name.clone(),
            Source::Node(_) => id.to_string(),
        };
        for node in &self.nodes {
            for (i, id) in node.outputs.iter().enumerate() {
                let value = self.value(*id);
                let comma = if i > 0 { ", " } else { "" };
                write!(f, "{comma}{id}: {:?} {:?}", value.dtype, value.shape)?;
            }
            let arguments: Vec<_> = (node.inputs.iter())
                .map(|id| id.as_ref().map_or_else(|| "none".to_owned(), named))
                .collect();
            writeln!(f, " = {}({})", node.op.name(), arguments.join(", "))?;
        }
        for (output, id) in &self.outputs {
            writeln!(f, "{output:?} = {}", named(id))?;
        }
        Ok(())
    }
}
