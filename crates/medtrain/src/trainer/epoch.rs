//! One epoch, or what is left of it.

use std::sync::Arc;
use std::time::Instant;

use mednn::optim::Ema;

use super::record::Record;
use super::start::Running;
use super::step::Place;
use super::{Trainer, application};
use crate::checkpoint::{Exact, State};
use crate::error::Result;
use crate::loader::{Loader, Source};
use crate::log::{EpochReport, Validation};
use crate::objective::Batch;
use crate::observer::StepReport;
use crate::schedule::Progress;
use crate::stop::Ending;

/// Where the training of an epoch came to.
pub(super) enum Trained {
    /// To its end.
    Whole(EpochReport),
    /// To a stop before it, where a checkpoint stands.
    Part(Ending),
}

impl Trainer<'_> {
    /// Trains from the position on to the end of its epoch, or until somebody wishes to stop.
    pub(super) fn train_epoch<S: Source<Item = Batch>>(
        &mut self,
        source: &Arc<S>,
        running: &mut Running,
        record: &mut Record,
    ) -> Result<Trained> {
        let epoch = running.position.epoch;
        let first = running.position.step.saturating_mul(self.config.accumulate);
        let mut loader = Loader::start(Arc::clone(source), epoch, first, self.config.prefetch);
        let (mut learning_rate, mut waited) = (0.0, 0.0);
        for step in running.position.step..running.steps {
            let started = Instant::now();
            let (place, progress) = self.place(running, step);
            let scheduled = self.config.learning_rate * self.config.schedule.factor(&progress);
            learning_rate = scheduled * running.position.plateau.factor.value();
            let mut gathered = self.gather(&mut loader, &place)?;
            self.share(&mut gathered)?;
            let applied = self.apply(&mut gathered, &place, learning_rate);
            let gradient_norm = self.agree(applied)?;
            // Every step: a run that is stopped after one has the statistics of one that is not, and so have its averages.
            self.share_statistics()?;
            running.ema.as_mut().map_or(Ok(()), Ema::update)?;
            let position = &mut running.position;
            let sum = position.loss_sum.value() + f64::from(place.count()) * gathered.loss;
            (position.step, position.loss_sum) = (step + 1, sum.into());
            let waited_before = waited;
            waited = loader.waited().as_secs_f64();
            self.heard_step(&StepReport {
                epoch,
                step,
                steps: running.steps,
                epochs: self.config.epochs,
                loss: gathered.loss,
                gradient_norm: Some(gradient_norm),
                learning_rate,
                samples: gathered.cases.len(),
                seconds: started.elapsed().as_secs_f64(),
                data_wait_seconds: waited - waited_before,
            })?;
            if running.position.step < running.steps {
                let stop = self.wishes_to_stop()?;
                let every = self.config.checkpoint_every;
                let due = every > 0 && running.position.step.is_multiple_of(every);
                if due || stop.is_some() {
                    let saved = self.save_within(running, record);
                    self.agree(saved)?;
                }
                if let Some(ending) = stop {
                    return Ok(Trained::Part(ending));
                }
            }
        }
        let position = &mut running.position;
        let train_loss = position.loss_sum.value() / f64::from(running.batches);
        (position.epoch, position.step) = (epoch + 1, 0);
        position.loss_sum = Exact::default();
        Ok(Trained::Whole(EpochReport {
            epoch,
            learning_rate,
            train_loss,
            validation: None,
            is_best: false,
            seconds: 0.0,
            data_wait_seconds: waited,
        }))
    }

    /// Where a step of the present epoch stands.
    fn place(&self, running: &Running, step: u32) -> (Place, Progress) {
        let (epoch, accumulate) = (running.position.epoch, self.config.accumulate);
        let progress = Progress {
            step: u64::from(epoch) * u64::from(running.steps) + u64::from(step),
            steps_per_epoch: running.steps,
            epochs: self.config.epochs,
        };
        let first = step.saturating_mul(accumulate);
        let place = Place {
            epoch,
            step,
            batches: first..running.batches.min(first.saturating_add(accumulate)),
            progress: progress.share(),
        };
        (place, progress)
    }

    /// Scores the network after an epoch that is due, and what follows from the score.
    pub(super) fn judge(&mut self, running: &mut Running, report: &mut EpochReport) -> Result<()> {
        let (done, every) = (report.epoch + 1, self.config.validate_every);
        let due = every > 0 && (done.is_multiple_of(every) || done == self.config.epochs);
        if !due {
            return Ok(());
        }
        let found = self.validate(running, report.epoch);
        let Some(found) = self.share_validation(found)? else {
            return Ok(());
        };
        let position = &mut running.position;
        report.is_best = position.score(report.epoch, found.score, self.config.keep_epochs);
        if let Some(plateau) = &self.config.plateau {
            position.plateau.observe(plateau, found.score);
        }
        if let Some(early_stop) = &self.config.early_stop {
            position
                .waiting
                .observe(found.score, early_stop.minimum_change);
        }
        report.validation = Some(found);
        Ok(())
    }

    /// What the validator of the first rank finds, with the averages of the weights if there are any.
    fn validate(&mut self, running: &mut Running, epoch: u32) -> Result<Option<Validation>> {
        let is_first = self.is_first();
        let Some(validator) = self.validator.as_mut().filter(|_| is_first) else {
            return Ok(None);
        };
        let averages = running.ema.as_mut().map(Ema::swap_in).transpose()?;
        let found = validator.validate(self.model, epoch);
        drop(averages);
        found.map(Some).map_err(application("validation"))
    }

    /// Writes the end of an epoch.
    pub(super) fn save_epoch(
        &self,
        report: &EpochReport,
        running: &Running,
        record: &mut Record,
    ) -> Result<()> {
        let optimizer = self.optimizer.state_dict()?;
        record.epoch(
            report,
            &State {
                params: self.model.params(),
                optimizer: &optimizer,
                ema: running.ema.as_ref(),
                position: &running.position,
            },
        )
    }

    fn save_within(&self, running: &Running, record: &mut Record) -> Result<()> {
        let optimizer = self.optimizer.state_dict()?;
        record.within(&State {
            params: self.model.params(),
            optimizer: &optimizer,
            ema: running.ema.as_ref(),
            position: &running.position,
        })
    }

    fn heard_step(&mut self, report: &StepReport) -> Result<()> {
        self.tell(|observer| observer.step(report))
    }
}
