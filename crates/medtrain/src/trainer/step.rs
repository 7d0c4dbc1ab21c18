//! One step of the optimizer.

use std::ops::Range;

use medcore::random::Key;
use mednn::candle_core::backprop::GradStore;
use mednn::optim::{Accumulator, clip_gradient_norm};
use mednn::{BatchItems, Context};

use super::Trainer;
use crate::error::{Error, Result};
use crate::objective::{Batch, Learnt, Moment};

/// Where an optimizer step stands in a run.
pub(super) struct Place {
    pub(super) epoch: u32,
    pub(super) step: u32,
    /// Its batches, numbered within the epoch.
    pub(super) batches: Range<u32>,
    /// Part of the run before it.
    pub(super) progress: f64,
}

impl Place {
    pub(super) fn count(&self) -> u32 {
        self.batches.end - self.batches.start
    }
}

/// What the batches of a step say, before anything is changed.
pub(super) struct Gathered {
    /// Their mean loss.
    pub(super) loss: f64,
    /// The mean of their gradients.
    pub(super) gradients: GradStore,
    /// How many samples they hold.
    pub(super) samples: f64,
    /// Their cases.
    pub(super) cases: Vec<String>,
}

impl Trainer<'_> {
    /// Loss and gradients of the batches of a step; every rank has them, or none has.
    pub(super) fn gather(
        &self,
        batches: &mut impl Iterator<Item = Result<Batch>>,
        place: &Place,
    ) -> Result<Gathered> {
        let share = 1.0 / f64::from(place.count());
        let mut accumulator = Accumulator::new(self.model.params());
        let (mut loss, mut only, mut cases) = (0.0, None, Vec::new());
        let mut samples = 0.0;
        for (number, batch) in place.batches.clone().zip(batches) {
            let (batch, items) = self.agree_batch(batch)?;
            samples += items.map_or(0.0, |items| f64::from(items.count));
            let learnt = self.learn(&batch, place, (number, items));
            let added = learnt.and_then(|learnt| {
                loss += share * learnt.loss;
                if place.count() == 1 {
                    only = Some(learnt.gradients); // nothing to add up
                } else {
                    accumulator.add(&learnt.gradients, share)?;
                }
                Ok(())
            });
            // After every batch: a rank that goes on to the next one would wait there for one that cannot.
            self.agree(added)?;
            cases.extend(batch.cases);
        }
        Ok(Gathered {
            loss,
            gradients: only.unwrap_or_else(|| accumulator.take()),
            samples,
            cases,
        })
    }

    /// Changes the parameters by what was gathered; the norm that the gradients had.
    pub(super) fn apply(
        &mut self,
        gathered: &mut Gathered,
        place: &Place,
        learning_rate: f64,
    ) -> Result<f64> {
        let params = self.model.params();
        // Without clipping, too: one gradient that is infinite makes every weight worthless, and the next checkpoint.
        let limit = self.config.clip_norm.unwrap_or(f64::MAX);
        let norm = clip_gradient_norm(&mut gathered.gradients, params, limit)?;
        if !norm.is_finite() {
            return Err(Error::NonFiniteGradient {
                norm,
                epoch: place.epoch,
                step: place.step,
                cases: std::mem::take(&mut gathered.cases),
            });
        }
        self.optimizer.step(&gathered.gradients, learning_rate)?;
        Ok(norm)
    }

    /// The loss and the gradients of one batch, by its number within the epoch and its place among those of other ranks.
    fn learn(
        &self,
        batch: &Batch,
        place: &Place,
        (number, items): (u32, Option<BatchItems>),
    ) -> Result<Learnt> {
        let key = Key::new(self.config.seed).epoch(place.epoch);
        let mut context = Context::train(key.sample(number));
        if let Some(items) = items {
            context = context.with_items(items);
        }
        if self.config.gradient_checkpointing {
            context = context.with_gradient_checkpointing();
        }
        self.learn_in(batch, place, context)
    }

    /// The loss and the gradients of one batch; a loss that is not finite is an error that names the cases.
    pub(super) fn learn_in(
        &self,
        batch: &Batch,
        place: &Place,
        context: Context,
    ) -> Result<Learnt> {
        let moment = Moment::new(context, place.progress);
        let batch = batch.to_device(self.model.params().device())?;
        let learnt = self.objective.learn(self.model, &batch, &moment)?;
        if learnt.loss.is_finite() {
            return Ok(learnt);
        }
        Err(Error::NonFiniteLoss {
            loss: learnt.loss,
            epoch: place.epoch,
            step: place.step,
            cases: batch.cases,
        })
    }
}
