//! A network's forward pass that can be run again, looked into and sent back through.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use mednn::candle_core::{DType, Tensor, TensorId, Var};
use mednn::context::Context;
use mednn::graph::{Graph, Node, Op, Output, Source, ValueId};
use mednn::model::{Inputs, Model};
use mednn::ops::Activation;
use mednn::params::Params;
use mednn::tape::Tape;

use super::scores::Scores;
use super::target::Target;
use crate::error::{Error, Result};

/// The operators of a network for inputs of one shape.
///
/// Every inner tensor is at hand by its place, so that no network has to know what is asked of it: the pass stops at any
/// of them, and the way back may be changed at any operator.
pub(super) struct Circuit {
    graph: Graph,
    params: Params,
    logits: ValueId,
}

/// What gradients do behind a rectifier on the way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rectifiers {
    /// What the derivative says.
    Derivative,
    /// Negative gradients end there too (Springenberg et al. 2015).
    Guided,
}

/// The score of a class and its gradient, for every item of a batch.
pub(super) struct Gradient {
    /// `[batch, classes]`.
    pub(super) scores: Scores,
    /// What the gradient is taken for.
    pub(super) value: Tensor,
    /// Of the same shape.
    pub(super) gradient: Tensor,
}

/// Some operators, with the tensors that outlive them.
struct Block {
    tape: Tape,
    /// What they made, the variable that stands for it behind them, and its place.
    ends: Vec<(Tensor, Var, ValueId)>,
}

impl Circuit {
    /// Runs the network once; `features` are those among its intermediate results that must be found by name.
    pub(super) fn record(network: &dyn Model, inputs: &Inputs, features: &[&str]) -> Result<Self> {
        // A context that asks for something beside the result keeps fused operators away, which have no way back.
        let context = Context::evaluate().with_features(["explained"]);
        let context = context.with_features(features.iter().copied());
        let single = inputs.iter().map(|(name, tensor)| {
            let tensor = match tensor.dtype() {
                DType::F64 => tensor.to_dtype(DType::F32).map_err(mednn::Error::from)?,
                _ => tensor.clone(),
            };
            Ok((name, tensor.detach()))
        });
        let single = single.collect::<Result<Vec<_>>>()?;
        let single = { single.into_iter() }.fold(Inputs::default(), |inputs, (name, tensor)| {
            inputs.with(name, tensor)
        });
        let single = single.to_device(network.params().device())?;
        let graph = Graph::record_with(network, &single, &context)?;
        let logits = { graph.outputs().iter() }
            .find_map(|(output, id)| (*output == Output::Logits).then_some(*id));
        let logits = logits.ok_or_else(|| Error::Explanation {
            rule: "the network gives a primary result",
            got: "none".to_owned(),
        })?;
        Ok(Self {
            params: network.params().clone(),
            graph,
            logits,
        })
    }

    pub(super) fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The place of the scores.
    pub(super) fn logits(&self) -> ValueId {
        self.logits
    }

    /// The operator that makes a value.
    pub(super) fn maker(&self, id: ValueId) -> Option<&Node> {
        match self.graph.value(id).source {
            Source::Node(place) => self.graph.nodes().get(place),
            _ => None,
        }
    }

    /// The place of an input.
    pub(super) fn input(&self, name: &str) -> Result<ValueId> {
        let is_it = |source: &Source| matches!(source, Source::Input(given) if given == name);
        self.find(|id| is_it(&self.graph.value(id).source))
            .ok_or_else(|| Error::Explanation {
                rule: "the network reads the input that is explained",
                got: format!("no input {name}"),
            })
    }

    /// The first value that fits, over all operators and what they read.
    fn find(&self, fits: impl Fn(ValueId) -> bool) -> Option<ValueId> {
        { self.graph.nodes().iter() }
            .flat_map(|node| node.inputs.iter().flatten().chain(&node.outputs))
            .copied()
            .find(|&id| fits(id))
    }

    /// Some values of a forward pass.
    pub(super) fn values(&self, inputs: &Inputs, wanted: &[ValueId]) -> Result<Vec<Tensor>> {
        let mut state = self.start(inputs)?;
        let mut found = BTreeMap::new();
        for place in 0..self.graph.nodes().len() {
            self.step(place, &mut state)?;
            for id in &self.graph.nodes()[place].outputs {
                if let (true, Some(tensor)) = (wanted.contains(id), &state.tensors[id.index()]) {
                    found.insert(*id, tensor.clone());
                }
            }
            state.release(place, &self.graph.nodes()[place]);
        }
        let tensor = |id: &ValueId| {
            let kept = || state.tensors[id.index()].clone();
            found
                .get(id)
                .cloned()
                .or_else(kept)
                .ok_or_else(|| Error::Explanation {
                    rule: "the value is part of the forward pass",
                    got: id.to_string(),
                })
        };
        wanted.iter().map(tensor).collect()
    }

    /// The gradient of the score of a class with respect to one value, in the element type of the inputs.
    pub(super) fn gradient(
        &self,
        inputs: &Inputs,
        of: ValueId,
        target: &Target,
        rectifiers: Rectifiers,
    ) -> Result<Gradient> {
        let mut state = self.start(inputs)?;
        let mut variable = None;
        if let Some(tensor) = state.tensors[of.index()].take() {
            variable = Some(state.watch(of, &tensor)?);
        }
        let mut blocks = Vec::new();
        for range in self.blocks(rectifiers) {
            let (done, tape) = rayon::scope(|_| {
                Tape::record(|| {
                    for place in range.clone() {
                        self.step(place, &mut state)?;
                        if self.graph.nodes()[place].outputs.contains(&of) {
                            let tensor = state.tensors[of.index()].take();
                            variable = tensor.map(|t| state.watch(of, &t)).transpose()?;
                        }
                        state.release(place, &self.graph.nodes()[place]);
                    }
                    Ok::<_, Error>(())
                })
            });
            done?;
            let ends = match range.end == self.graph.nodes().len() {
                true => Vec::new(),
                false => state.cut()?,
            };
            blocks.push(Block { tape, ends });
        }
        let logits = state.tensors[self.logits.index()].take();
        let (Some(logits), Some(variable)) = (logits, variable) else {
            return Err(independent(of));
        };
        let scores = Scores::of(&logits, target)?;
        let seed = scores.seed(&logits)?;
        let rectified = match rectifiers {
            Rectifiers::Derivative => BTreeSet::new(),
            Rectifiers::Guided => self.rectified(),
        };
        let gradient = backward(blocks, (logits, seed), &rectified)?
            .remove(&variable.id())
            .ok_or_else(|| independent(of))?;
        Ok(Gradient {
            scores,
            value: variable.as_detached_tensor(),
            gradient,
        })
    }

    /// The values that a rectifier made, alone or as the end of another operator.
    pub(super) fn rectified(&self) -> BTreeSet<ValueId> {
        let rectifies = |op: &Op| match op {
            Op::Activation(activation) => *activation == Activation::Relu,
            Op::InstanceNorm(norm)
            | Op::GroupNorm { norm, .. }
            | Op::BatchNorm(norm)
            | Op::BatchNormWith(norm) => norm.activation == Activation::Relu,
            _ => false,
        };
        { self.graph.nodes().iter() }
            .filter(|node| rectifies(&node.op))
            .flat_map(|node| node.outputs.iter().copied())
            .collect()
    }

    /// The operators in runs, each up to one whose gradient is changed.
    fn blocks(&self, rectifiers: Rectifiers) -> Vec<Range<usize>> {
        let nodes = self.graph.nodes();
        let mut ends = match rectifiers {
            Rectifiers::Derivative => Vec::new(),
            Rectifiers::Guided => {
                let rectified = self.rectified();
                let ends = nodes.iter().enumerate();
                let ends = ends.filter(|(_, n)| n.outputs.iter().any(|id| rectified.contains(id)));
                ends.map(|(place, _)| place + 1).collect()
            }
        };
        ends.push(nodes.len());
        ends.dedup();
        let mut start = 0;
        let mut ranges = Vec::with_capacity(ends.len());
        for end in ends {
            ranges.push(start..end);
            start = end;
        }
        ranges
    }

    /// Inputs and parameters in their places, all on the device of the parameters.
    fn start(&self, inputs: &Inputs) -> Result<State> {
        let inputs = inputs.to_device(self.params.device())?;
        let values = self.graph.values();
        let dtype = inputs
            .iter()
            .find_map(|(_, t)| t.dtype().is_float().then_some(t.dtype()));
        let mut tensors = Vec::with_capacity(values.len());
        for value in values {
            let tensor = match &value.source {
                Source::Input(name) => inputs.get(name)?.detach(),
                Source::Parameter(name) | Source::Buffer(name) => {
                    let tensor = self.params.tensor(name)?.detach();
                    match dtype {
                        Some(dtype) if tensor.dtype().is_float() => {
                            tensor.to_dtype(dtype).map_err(mednn::Error::from)?
                        }
                        _ => tensor,
                    }
                }
                _ => {
                    tensors.push(None);
                    continue;
                }
            };
            tensors.push(Some(tensor));
        }
        let mut last_readers = vec![None; values.len()];
        for (place, node) in self.graph.nodes().iter().enumerate() {
            for id in node.inputs.iter().flatten().chain(&node.outputs) {
                last_readers[id.index()] = Some(place);
            }
        }
        last_readers[self.logits.index()] = None;
        Ok(State {
            tensors,
            last_readers,
            made: Vec::new(),
        })
    }

    fn step(&self, place: usize, state: &mut State) -> Result<()> {
        let node = &self.graph.nodes()[place];
        let read = node.inputs.iter();
        let read: Vec<_> = read
            .map(|id| state.tensors[id.as_ref()?.index()].as_ref())
            .collect();
        let results = node.op.run(&read, self.params.device())?;
        for (id, result) in node.outputs.iter().zip(results) {
            state.tensors[id.index()] = Some(result);
            state.made.push(*id);
        }
        Ok(())
    }
}

/// The tensors of a pass that is running.
struct State {
    tensors: Vec<Option<Tensor>>,
    last_readers: Vec<Option<usize>>,
    /// What operators made so far and is not known to be forgotten.
    made: Vec<ValueId>,
}

impl State {
    /// Puts a variable in the place of a value.
    fn watch(&mut self, id: ValueId, tensor: &Tensor) -> Result<Var> {
        let variable = Var::from_tensor(&tensor.detach()).map_err(mednn::Error::from)?;
        self.tensors[id.index()] = Some(variable.as_tensor().clone());
        Ok(variable)
    }

    /// Forgets what nothing reads behind this operator.
    fn release(&mut self, place: usize, node: &Node) {
        for id in node.inputs.iter().flatten().chain(&node.outputs) {
            if self.last_readers[id.index()] == Some(place) {
                self.tensors[id.index()] = None;
            }
        }
    }

    /// Ends the way back of everything that is alive, to be taken up again from variables.
    fn cut(&mut self) -> Result<Vec<(Tensor, Var, ValueId)>> {
        let mut ends = Vec::new();
        let tensors = &self.tensors;
        self.made.retain(|id| tensors[id.index()].is_some());
        for id in self.made.clone() {
            let tensor = match &self.tensors[id.index()] {
                Some(tensor) if tensor.track_op() && !tensor.is_variable() => tensor.clone(),
                _ => continue,
            };
            let variable = self.watch(id, &tensor)?;
            ends.push((tensor, variable, id));
        }
        Ok(ends)
    }
}

/// Goes back through all blocks; what is left are gradients of variables that no block made.
fn backward(
    blocks: Vec<Block>,
    last: (Tensor, Tensor),
    rectified: &BTreeSet<ValueId>,
) -> Result<HashMap<TensorId, Tensor>> {
    let mut gradients: HashMap<TensorId, Tensor> = HashMap::new();
    let mut last = Some(last);
    for Block { tape, ends } in blocks.into_iter().rev() {
        let mut reached: Vec<_> = last.take().into_iter().collect();
        for (tensor, variable, id) in ends {
            let Some(mut gradient) = gradients.remove(&variable.id()) else {
                continue;
            };
            if rectified.contains(&id) {
                gradient = mednn::ops::activation(&gradient, Activation::Relu)?;
            }
            reached.push((tensor, gradient));
        }
        let found = rayon::scope(|_| tape.backward(reached))?;
        for &id in found.get_ids() {
            let Some(gradient) = found.get_id(id) else {
                continue;
            };
            let sum = match gradients.remove(&id) {
                None => gradient.clone(),
                Some(sum) => mednn::ops::add(&sum, gradient)?,
            };
            gradients.insert(id, sum);
        }
    }
    Ok(gradients)
}

fn independent(of: ValueId) -> Error {
    Error::Explanation {
        rule: "the score of the class depends on the layer",
        got: format!("a layer it does not depend on, {of}"),
    }
}
