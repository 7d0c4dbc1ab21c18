//! A network that plans its forward passes.

use std::sync::{Arc, Mutex, PoisonError};

use super::Plan;
use super::weights::Weights;
use crate::context::Context;
use crate::error::Result;
use crate::graph::Graph;
use crate::model::{Inputs, Model, Outputs};
use crate::params::Params;

/// As many plans are kept, those used last; a sliding window needs one, an image of any size a new one each time.
const MOST_PLANS: usize = 8;

/// The shapes of inputs, by name.
type Shapes = Vec<(String, Vec<usize>)>;

/// A network for inference: each shape of its input is recorded once, planned, and run by its [`Plan`] from then on.
///
/// Results differ from the network's own by rounding: a normalisation that became part of the weights rounds elsewhere. They
/// do not depend on the number of threads. What is no inference, training or a request for features, is passed on to the
/// network. Weights are those at the time of the first pass of a shape; after training a new [`Planned`] is made.
#[derive(Debug)]
pub struct Planned<M> {
    network: M,
    plans: Mutex<Plans>,
}

#[derive(Debug, Default)]
struct Plans {
    weights: Weights,
    /// Those used last are last.
    by_shapes: Vec<(Shapes, Arc<Plan>)>,
}

impl<M: Model> Planned<M> {
    /// A network whose weights do not change any more.
    #[must_use]
    pub fn new(network: M) -> Self {
        Self {
            network,
            plans: Mutex::default(),
        }
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> &M {
        &self.network
    }

    /// The plan for inputs of these shapes, which is made if there is none.
    ///
    /// # Errors
    /// When the network cannot be recorded: it fails, or does something that is no operator of [`crate::ops`].
    pub fn plan(&self, inputs: &Inputs) -> Result<Arc<Plan>> {
        let shapes: Shapes = { inputs.iter() }
            .map(|(name, tensor)| (name.to_owned(), tensor.dims().to_vec()))
            .collect();
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        let plans = &mut *plans;
        let found = { plans.by_shapes.iter() }.position(|(known, _)| *known == shapes);
        let (shapes, plan) = match found {
            Some(place) => plans.by_shapes.remove(place),
            None => {
                let graph = Graph::record(&self.network, inputs)?;
                let params = self.network.params();
                let plan = Plan::with_weights(&graph, params, &mut plans.weights)?;
                (shapes, Arc::new(plan))
            }
        };
        plans.by_shapes.push((shapes, plan.clone()));
        if plans.by_shapes.len() > MOST_PLANS {
            plans.by_shapes.remove(0);
        }
        Ok(plan)
    }
}

impl<M: Model> Model for Planned<M> {
    fn forward(&self, inputs: &Inputs, context: &Context) -> Result<Outputs> {
        let wants_gradient = inputs.iter().any(|(_, tensor)| tensor.track_op());
        let on_cpu = self.network.params().device().is_cpu();
        if context.is_inference() && on_cpu && !wants_gradient {
            self.plan(inputs)?.run(inputs)
        } else {
            self.network.forward(inputs, context)
        }
    }

    fn params(&self) -> &Params {
        self.network.params()
    }
}
