//! A network made ready for inference.
//!
//! A [`Plan`] is made once of a [`Graph`] and the weights: normalisations by fixed statistics become part of the convolutions
//! before them, residuals and activations are applied before sums leave the cache, weights lie in the order of the kernels,
//! and what depends on no input is computed beforehand. [`Planned`] makes a plan for each shape of its input and is itself a
//! [`Model`](crate::model::Model).
//!
//! ```
//! use candle_core::{DType, Device, Tensor};
//! use mednn::plan::Planned;
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
//! let network = Planned::new(network);
//! let image = Tensor::ones((1, 1, 64, 64), DType::F32, &Device::Cpu)?;
//! let logits = network.forward(&image.into(), &Context::evaluate())?.logits;
//! assert_eq!(logits.dims(), [1, 2, 64, 64]);
//! # Ok::<(), mednn::Error>(())
//! ```

mod fuse;
mod planned;
mod profile;
mod weights;

use std::time::Instant;

use candle_core::{Device, Tensor};

use crate::error::{Error, Result};
use crate::graph::{Graph, Op, Source, ValueId};
use crate::model::{Inputs, Outputs};
use crate::ops::prepared_conv::Residual;
use crate::ops::support::check_shape;
use crate::params::Params;
use fuse::{Chain, chains};
pub use planned::Planned;
pub use profile::{Profile, StepTime};
use weights::{Weighted, Weights};

/// What a step computes, of tensors by their places.
#[derive(Debug, Clone)]
enum Work {
    /// An operator as it was recorded.
    Op { op: Op, inputs: Vec<Option<usize>> },
    /// A convolution or linear map with what follows it.
    Weighted {
        kernel: Weighted,
        input: usize,
        residual: Option<Residual<usize>>,
    },
}

/// A piece of work and the places of what it gives.
#[derive(Debug, Clone)]
struct Step {
    work: Work,
    outputs: Vec<usize>,
    /// Tensors that nothing reads afterwards.
    frees: Vec<usize>,
}

/// A forward pass for inputs of one shape, with the weights as they were.
#[derive(Debug, Clone)]
pub struct Plan {
    device: Device,
    tensors: usize,
    inputs: Vec<(String, Vec<usize>, usize)>,
    fixed: Vec<(usize, Tensor)>,
    steps: Vec<Step>,
    outputs: Vec<(crate::graph::Output, usize)>,
}

impl Plan {
    /// Plans a recorded pass with the present weights, of which convolutions keep copies and the rest shares the memory: a
    /// plan is made anew after training.
    ///
    /// # Errors
    /// When a parameter is missing or has another shape than in the recorded pass, and when an operator fails.
    pub fn new(graph: &Graph, params: &Params) -> Result<Self> {
        Self::with_weights(graph, params, &mut Weights::default())
    }

    /// As [`Plan::new`], with convolutions that other plans of the network have prepared.
    fn with_weights(graph: &Graph, params: &Params, weights: &mut Weights) -> Result<Self> {
        let mut fixed = vec![None; graph.values().len()];
        let mut inputs = Vec::new();
        for (place, value) in graph.values().iter().enumerate() {
            match &value.source {
                Source::Input(name) => inputs.push((name.clone(), value.shape.clone(), place)),
                Source::Parameter(name) | Source::Buffer(name) => {
                    let tensor = params.tensor(name)?;
                    check_shape("plan", "a parameter or buffer", &tensor, &value.shape)?;
                    fixed[place] = Some(tensor);
                }
                Source::Node(_) => {}
            }
        }
        let chains = chains(graph);
        let mut chain_of = vec![None; graph.nodes().len()];
        for chain in &chains {
            chain
                .nodes
                .iter()
                .for_each(|place| chain_of[*place] = Some(chain));
        }
        let mut steps = Vec::new();
        for (place, node) in graph.nodes().iter().enumerate() {
            if let Some(chain) = chain_of[place] {
                // All of it runs where its last node stood: a residual may be made after the convolution.
                if chain.nodes.last() == Some(&place) {
                    steps.push(Step::of_chain(chain, params, weights)?);
                }
                continue;
            }
            let known = |id: &Option<ValueId>| id.is_none_or(|id| fixed[id.index()].is_some());
            if node.inputs.iter().all(known) {
                let read = node.inputs.iter();
                let read: Vec<_> = read
                    .map(|id| fixed[id.as_ref()?.index()].as_ref())
                    .collect();
                let results = node.op.run(&read, params.device())?;
                for (id, result) in node.outputs.iter().zip(results) {
                    fixed[id.index()] = Some(result);
                }
                continue;
            }
            steps.push(Step {
                work: Work::Op {
                    op: node.op.clone(),
                    inputs: node
                        .inputs
                        .iter()
                        .map(|id| id.map(ValueId::index))
                        .collect(),
                },
                outputs: node.outputs.iter().map(|id| id.index()).collect(),
                frees: Vec::new(),
            });
        }
        let outputs = graph.outputs().iter();
        let mut plan = Self {
            device: params.device().clone(),
            tensors: fixed.len(),
            inputs,
            fixed: Vec::new(),
            steps,
            outputs: outputs.map(|(o, id)| (o.clone(), id.index())).collect(),
        };
        plan.keep_what_is_read(fixed);
        Ok(plan)
    }

    /// Says for each step what is not read after it, and keeps the fixed tensors that are read at all.
    fn keep_what_is_read(&mut self, fixed: Vec<Option<Tensor>>) {
        let mut is_read = vec![false; self.tensors];
        for (_, place) in &self.outputs {
            is_read[*place] = true;
        }
        for step in self.steps.iter_mut().rev() {
            for place in step.work.reads().chain(step.outputs.iter().copied()) {
                if !std::mem::replace(&mut is_read[place], true) {
                    step.frees.push(place);
                }
            }
        }
        let fixed = fixed.into_iter().enumerate();
        let read = fixed.filter(|(place, _)| is_read[*place]);
        self.fixed = read
            .filter_map(|(place, tensor)| Some((place, tensor?)))
            .collect();
    }

    /// Runs the pass.
    ///
    /// # Errors
    /// When an input is missing or has another shape than in the recorded pass, and when an operator fails.
    pub fn run(&self, inputs: &Inputs) -> Result<Outputs> {
        // Operators that start on a thread that is none of rayon's would each wait until one of those woke up.
        rayon::scope(|_| self.run_steps(inputs, None))
    }

    /// Runs the pass and says how long each of its steps took.
    ///
    /// # Errors
    /// As [`Plan::run`].
    pub fn profile(&self, inputs: &Inputs) -> Result<(Outputs, Profile)> {
        let mut profile = Profile::default();
        let outputs = rayon::scope(|_| self.run_steps(inputs, Some(&mut profile)))?;
        Ok((outputs, profile))
    }

    fn run_steps(&self, inputs: &Inputs, mut profile: Option<&mut Profile>) -> Result<Outputs> {
        let mut tensors: Vec<Option<Tensor>> = vec![None; self.tensors];
        for (name, shape, place) in &self.inputs {
            let tensor = inputs.get(name)?;
            check_shape("plan", "an input", tensor, shape)?;
            tensors[*place] = Some(tensor.clone());
        }
        for (place, tensor) in &self.fixed {
            tensors[*place] = Some(tensor.clone());
        }
        for step in &self.steps {
            let start = Instant::now();
            let results = step.run(&tensors, &self.device)?;
            if let Some(profile) = &mut profile {
                profile.add(step.work.operator(), results.first(), start.elapsed());
            }
            for (place, result) in step.outputs.iter().zip(results) {
                tensors[*place] = Some(result);
            }
            for place in &step.frees {
                tensors[*place] = None;
            }
        }
        let results = self.outputs.iter();
        Outputs::of_graph(
            results.filter_map(|(o, place)| Some((o.clone(), tensors[*place].clone()?))),
        )
    }
}

impl Work {
    /// The operator's name; of a convolution or linear map what it is.
    fn operator(&self) -> String {
        match self {
            Self::Op { op, .. } => op.name().to_owned(),
            Self::Weighted {
                kernel, residual, ..
            } => match residual {
                None => kernel.to_string(),
                Some(_) => format!("{kernel}, residual"),
            },
        }
    }

    /// The places of what it reads.
    fn reads(&self) -> impl Iterator<Item = usize> {
        let (inputs, others) = match self {
            Self::Op { inputs, .. } => (inputs.as_slice(), [None; 2]),
            Self::Weighted {
                input, residual, ..
            } => {
                let residual = residual.as_ref().map(|residual| *residual.values());
                (&[][..], [Some(*input), residual])
            }
        };
        inputs.iter().copied().chain(others).flatten()
    }
}

impl Step {
    fn run(&self, tensors: &[Option<Tensor>], device: &Device) -> Result<Vec<Tensor>> {
        let at = |place: usize| {
            tensors[place].as_ref().ok_or_else(|| Error::MissingInput {
                name: format!("%{place}"),
                given: vec![],
            })
        };
        match &self.work {
            Work::Op { op, inputs } => {
                let read = inputs.iter().map(|place| place.map(at).transpose());
                op.run(&read.collect::<Result<Vec<_>>>()?, device)
            }
            Work::Weighted {
                kernel,
                input,
                residual,
            } => {
                let residual = match residual {
                    None => None,
                    Some(residual) => {
                        let added = at(*residual.values())?;
                        Some(residual.map(|_| added))
                    }
                };
                Ok(vec![kernel.forward(at(*input)?, residual)?])
            }
        }
    }
}

impl Step {
    /// The step of a convolution and what follows it.
    fn of_chain(chain: &Chain, params: &Params, weights: &mut Weights) -> Result<Self> {
        Ok(Self {
            work: Work::Weighted {
                kernel: weights.weighted(&chain.kernel, params)?,
                input: chain.input.index(),
                residual: chain.residual.map(|residual| residual.map(ValueId::index)),
            },
            outputs: vec![chain.result.index()],
            frees: Vec::new(),
        })
    }
}
