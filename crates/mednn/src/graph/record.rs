//! Keeping the operators of a forward pass while it runs.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use candle_core::{Tensor, TensorId};

use super::{Graph, Node, Op, Output, Source, Value, ValueId};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::model::{Inputs, Model, Outputs};
use crate::ops::{BatchStatistics, TopK};

thread_local! {
    /// The recording that runs on this thread.
    static RECORDER: RefCell<Option<Recorder>> = const { RefCell::new(None) };
}

/// What an operator gives: the tensors in it.
pub(crate) trait Results {
    fn tensors(&self) -> Vec<&Tensor>;
}

impl Results for Tensor {
    fn tensors(&self) -> Vec<&Tensor> {
        vec![self]
    }
}

impl Results for (Tensor, BatchStatistics) {
    fn tensors(&self) -> Vec<&Tensor> {
        vec![&self.0]
    }
}

impl Results for TopK {
    fn tensors(&self) -> Vec<&Tensor> {
        vec![&self.values, &self.indices]
    }
}

impl Results for (Tensor, Tensor) {
    fn tensors(&self) -> Vec<&Tensor> {
        vec![&self.0, &self.1]
    }
}

/// An operator at work. While a graph is recorded on this thread it becomes a node of it; what it is made of does not,
/// because the recorder is put aside until the end.
pub(crate) struct Step(Option<Recorder>);

impl Step {
    pub(crate) fn begin() -> Self {
        Self(RECORDER.take())
    }

    /// Gives the result back; until here an error leaves no node.
    pub(crate) fn end<R: Results>(
        mut self,
        inputs: &[Option<&Tensor>],
        op: impl FnOnce() -> Op,
        result: R,
    ) -> Result<R> {
        if let Some(recorder) = &mut self.0 {
            recorder.push(op(), inputs, &result.tensors())?;
        }
        Ok(result)
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(recorder) = self.0.take() {
            RECORDER.set(Some(recorder));
        }
    }
}

/// Tells a recording under which name a parameter's tensor enters.
pub(crate) fn keep_parameter(name: &str, tensor: &Tensor) {
    keep(tensor, || Source::Parameter(name.to_owned()));
}

/// Tells a recording under which name a buffer's tensor enters.
pub(crate) fn keep_buffer(name: &str, tensor: &Tensor) {
    keep(tensor, || Source::Buffer(name.to_owned()));
}

fn keep(tensor: &Tensor, source: impl FnOnce() -> Source) {
    RECORDER.with_borrow_mut(|recorder| {
        if let Some(recorder) = recorder {
            recorder.name(tensor, source());
        }
    });
}

/// A graph in the making.
#[derive(Default)]
pub(crate) struct Recorder {
    values: Vec<Value>,
    nodes: Vec<Node>,
    known: HashMap<TensorId, ValueId>,
    /// Parameters give out a new tensor each time they are asked.
    named: BTreeMap<String, ValueId>,
}

impl Recorder {
    fn add(&mut self, tensor: &Tensor, source: Source) -> ValueId {
        let id = ValueId(self.values.len());
        self.values.push(Value {
            source,
            shape: tensor.dims().to_vec(),
            dtype: tensor.dtype(),
        });
        self.known.insert(tensor.id(), id);
        id
    }

    fn name(&mut self, tensor: &Tensor, source: Source) {
        let (Source::Parameter(name) | Source::Buffer(name)) = &source else {
            self.add(tensor, source);
            return;
        };
        if let Some(&id) = self.named.get(name) {
            self.known.insert(tensor.id(), id);
            return;
        }
        let name = name.clone();
        let id = self.add(tensor, source);
        self.named.insert(name, id);
    }

    fn push(&mut self, op: Op, inputs: &[Option<&Tensor>], outputs: &[&Tensor]) -> Result<()> {
        let mut read = Vec::with_capacity(inputs.len());
        for (argument, tensor) in inputs.iter().enumerate() {
            let Some(tensor) = tensor else {
                read.push(None);
                continue;
            };
            let Some(&id) = self.known.get(&tensor.id()) else {
                return Err(Error::NotRecorded {
                    op: op.name(),
                    argument,
                    shape: tensor.dims().to_vec(),
                    layer: self.last_layer(),
                });
            };
            read.push(Some(id));
        }
        let layer = read.iter().flatten().find_map(|id| self.layer_of(*id));
        let node = self.nodes.len();
        let outputs = outputs.iter().map(|t| self.add(t, Source::Node(node)));
        let outputs = outputs.collect();
        self.nodes.push(Node {
            op,
            inputs: read,
            outputs,
            layer,
        });
        Ok(())
    }

    /// The path of the layer that a parameter belongs to.
    fn layer_of(&self, id: ValueId) -> Option<String> {
        match &self.values[id.0].source {
            Source::Parameter(name) | Source::Buffer(name) => Some(
                name.rsplit_once('.')
                    .map_or("", |(layer, _)| layer)
                    .to_owned(),
            ),
            Source::Input(_) | Source::Node(_) => None,
        }
    }

    /// The last layer with parameters that ran.
    fn last_layer(&self) -> Option<String> {
        self.nodes.iter().rev().find_map(|node| node.layer.clone())
    }

    /// The operators that the outputs depend on.
    fn finish(self, outputs: &Outputs) -> Result<Graph> {
        let mut found = Vec::new();
        let features = outputs.features.iter();
        let named = std::iter::once((Output::Logits, &outputs.logits))
            .chain((0..).map(Output::Auxiliary).zip(&outputs.auxiliary))
            .chain(features.map(|(name, tensor)| (Output::Feature(name.clone()), tensor)));
        for (output, tensor) in named {
            let Some(&id) = self.known.get(&tensor.id()) else {
                return Err(Error::NotRecorded {
                    op: "output",
                    argument: found.len(),
                    shape: tensor.dims().to_vec(),
                    layer: self.last_layer(),
                });
            };
            found.push((output, id));
        }
        Ok(Graph {
            values: self.values,
            nodes: self.nodes,
            outputs: found,
        }
        .pruned())
    }
}

impl Graph {
    /// Runs a network in evaluation and keeps its operators.
    ///
    /// # Errors
    /// Those of the network; and [`Error::NotRecorded`] when an operator reads a tensor that is neither an input nor a
    /// parameter nor the result of an operator of this crate, naming the layer that came before it.
    pub fn record(model: &dyn Model, inputs: &Inputs) -> Result<Self> {
        Self::record_with(model, inputs, &Context::evaluate())
    }

    /// As [`Graph::record`], in any context: with features, or as in training.
    ///
    /// # Errors
    /// As [`Graph::record`].
    pub fn record_with(model: &dyn Model, inputs: &Inputs, context: &Context) -> Result<Self> {
        /// Ends the recording, also when the network panics, and gives an outer one back.
        struct Outer(Option<Recorder>);
        impl Drop for Outer {
            fn drop(&mut self) {
                RECORDER.set(self.0.take());
            }
        }
        let mut recorder = Recorder::default();
        for (name, tensor) in inputs.iter() {
            recorder.name(tensor, Source::Input(name.to_owned()));
        }
        let outer = Outer(RECORDER.replace(Some(recorder)));
        let outputs = model.forward(inputs, context);
        let recorder = RECORDER.take().unwrap_or_default();
        drop(outer);
        recorder.finish(&outputs?)
    }

    /// The same without operators and tensors that no output depends on.
    fn pruned(self) -> Self {
        let mut used = vec![false; self.values.len()];
        for (_, id) in &self.outputs {
            used[id.0] = true;
        }
        let mut nodes: Vec<Node> = Vec::with_capacity(self.nodes.len());
        for node in self.nodes.into_iter().rev() {
            if node.outputs.iter().any(|id| used[id.0]) {
                for id in node.inputs.iter().flatten().chain(&node.outputs) {
                    used[id.0] = true;
                }
                nodes.push(node);
            }
        }
        nodes.reverse();
        let mut renamed = vec![ValueId(0); used.len()];
        let mut values = Vec::new();
        for (i, value) in self.values.into_iter().enumerate() {
            // An input that the network does not read stays an input of the graph.
            if used[i] || matches!(value.source, Source::Input(_)) {
                renamed[i] = ValueId(values.len());
                values.push(value);
            }
        }
        let rename = |id: &mut ValueId| *id = renamed[id.0];
        for (place, node) in nodes.iter_mut().enumerate() {
            node.inputs.iter_mut().flatten().for_each(rename);
            node.outputs.iter_mut().for_each(rename);
            for id in &node.outputs {
                values[id.0].source = Source::Node(place);
            }
        }
        let mut outputs = self.outputs;
        outputs.iter_mut().for_each(|(_, id)| rename(id));
        Self {
            values,
            nodes,
            outputs,
        }
    }
}
