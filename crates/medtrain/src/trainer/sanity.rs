//! A look before the leap: what would fail after hours fails before the first step.

use std::sync::Arc;

use medcore::random::Key;
use mednn::Context;

use super::config::Sanity;
use super::step::Place;
use super::{Trainer, application};
use crate::error::Result;
use crate::loader::{Loader, Prefetch, Source};
use crate::objective::Batch;

impl Trainer<'_> {
    /// Tries the first batch and the validation; no weight and no running statistic is changed.
    pub(super) fn check_sanity<S: Source<Item = Batch>>(&mut self, source: &Arc<S>) -> Result<()> {
        if self.config.sanity == Sanity::Skip {
            return Ok(());
        }
        let place = Place {
            epoch: 0,
            step: 0,
            batches: 0..1,
            progress: 0.0,
        };
        let key = Key::new(self.config.seed).epoch(0).sample(0);
        let prefetch = Prefetch {
            threads: 0,
            ahead: 0,
        };
        for batch in Loader::start(Arc::clone(source), 0, 0, prefetch).take(1) {
            self.learn_in(&batch?, &place, Context::train(key).with_recompute())?;
        }
        let check = self.config.sanity == Sanity::BatchAndValidation;
        let validator = self.validator.as_mut();
        match validator.filter(|_| check && self.config.validate_every > 0) {
            Some(validator) => validator
                .check(self.model)
                .map_err(application("validation")),
            None => Ok(()),
        }
    }
}
