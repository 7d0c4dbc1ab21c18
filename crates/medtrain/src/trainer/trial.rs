//! Steps for a look at what would happen, taken back afterwards.

use std::collections::BTreeMap;
use std::sync::Arc;

use mednn::candle_core::Tensor;

use super::Trainer;
use super::step::Place;
use crate::error::{Error, Result};
use crate::loader::{Loader, Prefetch, Source};
use crate::objective::Batch;

/// A network and its optimizer as they were before a trial.
pub(super) struct Before {
    network: BTreeMap<String, Tensor>,
    optimizer: BTreeMap<String, Tensor>,
}

impl Trainer<'_> {
    /// The losses of so many steps on the first batch alone at the base learning rate, before each step.
    ///
    /// A network that can learn at all brings the loss of one batch close to its least; one that cannot has a bug in it, in its
    /// labels or in its loss, that no long run will cure. Network and optimizer are as before afterwards.
    ///
    /// # Errors
    /// As [`Trainer::run`], but writes nothing.
    pub fn overfit_one_batch<S: Source<Item = Batch>>(
        &mut self,
        source: &Arc<S>,
        steps: u32,
    ) -> Result<Vec<f64>> {
        self.config.check()?;
        let rate = self.config.learning_rate;
        let before = self.before_trial()?;
        let losses = { 0..steps }
            .map(|step| self.trial_step(source, (0, step), rate))
            .collect();
        self.take_back(&before)?;
        losses
    }

    pub(super) fn before_trial(&self) -> Result<Before> {
        Ok(Before {
            network: self.model.params().snapshot()?,
            optimizer: self.optimizer.state_dict()?,
        })
    }

    pub(super) fn take_back(&mut self, before: &Before) -> Result<()> {
        self.model.params().restore(&before.network)?;
        Ok(self.optimizer.load_state_dict(&before.optimizer)?)
    }

    /// The loss of a batch of the first epoch, and a step along its gradients; `step` keys what is random in the network.
    pub(super) fn trial_step<S: Source<Item = Batch>>(
        &mut self,
        source: &Arc<S>,
        (batch, step): (u32, u32),
        learning_rate: f64,
    ) -> Result<f64> {
        let at_once = Prefetch {
            threads: 0,
            ahead: 0,
        };
        let mut loader = Loader::start(Arc::clone(source), 0, batch, at_once).peekable();
        if loader.peek().is_none() {
            return Err(Error::Nothing {
                what: "steps per epoch",
            });
        }
        let place = Place {
            epoch: 0,
            step,
            batches: step..step.saturating_add(1),
            progress: 0.0,
        };
        let mut gathered = self.gather(&mut loader, &place)?;
        self.apply(&mut gathered, &place, learning_rate)?;
        Ok(gathered.loss)
    }
}
