//! The training loop.

mod config;
mod epoch;
mod identity;
mod rate_search;
mod record;
mod sanity;
mod start;
mod step;
mod summary;
mod together;
mod trial;

use std::sync::Arc;
use std::time::Instant;

use mednn::Model;
use mednn::loss::Loss;
use mednn::optim::Optimizer;

use crate::dist::{Collective, Solo};
use crate::error::{BoxError, Error, Result};
use crate::loader::Source;
use crate::log::SessionEnd;
use crate::objective::{Batch, Objective, Supervised};
use crate::observer::{Heard, Observer, RunReport};
use crate::stop::{Ending, StopFlag};
use crate::validator::Validator;
pub use config::{Sanity, TrainConfig};
use epoch::Trained;
pub use rate_search::{RateCurve, RatePoint, RateSearch};
use record::Record;
use start::{Running, Start};
pub use summary::TrainSummary;

/// Trains one network on one source of batches.
pub struct Trainer<'a> {
    model: &'a dyn Model,
    objective: Box<dyn Objective + 'a>,
    optimizer: &'a mut dyn Optimizer,
    config: TrainConfig,
    validator: Option<&'a mut dyn Validator>,
    observers: Vec<&'a mut dyn Observer>,
    stop: StopFlag,
    collective: &'a dyn Collective,
    started: Instant,
}

impl std::fmt::Debug for Trainer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trainer")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl<'a> Trainer<'a> {
    /// A trainer of `model` that makes `loss` small.
    pub fn new(
        model: &'a dyn Model,
        loss: &'a dyn Loss,
        optimizer: &'a mut dyn Optimizer,
        config: TrainConfig,
    ) -> Self {
        Self::of_objective(model, Supervised::new(loss), optimizer, config)
    }

    /// A trainer of `model` that learns in another way than from a loss of outputs and targets.
    pub fn of_objective(
        model: &'a dyn Model,
        objective: impl Objective + 'a,
        optimizer: &'a mut dyn Optimizer,
        config: TrainConfig,
    ) -> Self {
        Self {
            model,
            objective: Box::new(objective),
            optimizer,
            config,
            validator: None,
            observers: Vec::new(),
            stop: StopFlag::new(),
            collective: &Solo,
            started: Instant::now(),
        }
    }

    /// Scores the network between epochs.
    #[must_use]
    pub fn with_validator(mut self, validator: &'a mut dyn Validator) -> Self {
        self.validator = Some(validator);
        self
    }

    /// Tells `observer` what happens.
    #[must_use]
    pub fn with_observer(mut self, observer: &'a mut dyn Observer) -> Self {
        self.observers.push(observer);
        self
    }

    /// Ends the run, with a checkpoint to go on from, after the step in which `flag` is raised.
    #[must_use]
    pub fn with_stop(mut self, flag: StopFlag) -> Self {
        self.stop = flag;
        self
    }

    /// Learns together with other ranks: each has a trainer of its own with the same settings and its share of every batch.
    ///
    /// All start from the weights of rank 0 and make the same steps, those of one trainer with whole batches (batch norm sees the
    /// items of its rank; dropout and other draws do not depend on how a batch is shared). Rank 0 writes, validates and tells
    /// observers; a folder to resume from must be seen by all. What goes wrong at one rank ends the run of all.
    #[must_use]
    pub fn with_collective(mut self, collective: &'a dyn Collective) -> Self {
        self.collective = collective;
        self
    }

    /// Trains to the last epoch, or to a wish to [stop](StopFlag); the network holds the last weights afterwards, or their
    /// averages if it keeps these. At least one step is made, or none is left.
    ///
    /// # Errors
    /// When a setting is out of range, the loss stops being a number, a batch cannot be made, validation fails or a file cannot be
    /// written. The checkpoints stay whole.
    pub fn run<S: Source<Item = Batch>>(mut self, source: &Arc<S>) -> Result<TrainSummary> {
        self.started = Instant::now();
        let record = Record::open(&self.config.folder, self.is_first());
        let mut record = self.agree(record)?;
        let ended = self.run_recorded(source, &mut record);
        if let Err(error) = &ended
            && record.run().is_some()
        {
            let end = SessionEnd::of_error(error);
            // The error that came first is the one to tell.
            let _ = record.end(end);
            if self.is_first() {
                self.observers
                    .iter_mut()
                    .for_each(|observer| observer.failed(error));
            }
        }
        ended
    }

    fn run_recorded<S: Source<Item = Batch>>(
        &mut self,
        source: &Arc<S>,
        record: &mut Record,
    ) -> Result<TrainSummary> {
        let batches = source.steps_per_epoch();
        self.meet(&**source)?;
        let start = self.start(&record.checkpoints, batches);
        let Start {
            mut running,
            found,
            passed_over,
        } = self.agree(start)?;
        self.start_together(&running.position)?;
        let (first_epoch, first_step) = running.position.place();
        if (first_epoch, first_step) == (0, 0) {
            let sane = self.check_sanity(source);
            self.agree(sane)?;
        }
        let device = self.model.params().device();
        let begun = record.begin(&self.config, &running, found, device);
        self.agree(begun)?;
        self.tell_started(&running, record)?;
        let ending = self.train(source, &mut running, record)?;
        if let Some(ema) = &running.ema {
            self.model.params().restore(ema.values())?;
        }
        let position = &running.position;
        let summary = TrainSummary {
            history: record.history().to_vec(),
            best: position.best_epoch.zip(position.best_score()),
            first_epoch,
            first_step,
            ending,
            passed_over,
            missing_epochs: record.missing_epochs(first_epoch),
            checkpoints: record.checkpoints.clone(),
        };
        let recorded = record.end(SessionEnd::of_summary(&summary));
        self.agree(recorded)?;
        self.tell(|observer| observer.finished(&summary))?;
        Ok(summary)
    }

    fn train<S: Source<Item = Batch>>(
        &mut self,
        source: &Arc<S>,
        running: &mut Running,
        record: &mut Record,
    ) -> Result<Ending> {
        while running.position.epoch < self.config.epochs {
            if self.has_waited_enough(running) {
                return Ok(Ending::EarlyStopped);
            }
            let started = Instant::now();
            let mut report = match self.train_epoch(source, running, record)? {
                Trained::Whole(report) => report,
                Trained::Part(ending) => return Ok(ending),
            };
            self.judge(running, &mut report)?;
            report.seconds = started.elapsed().as_secs_f64();
            let saved = self.save_epoch(&report, running, record);
            self.agree(saved)?;
            self.tell(|observer| observer.epoch(&report))?;
            let is_last = running.position.epoch == self.config.epochs;
            if !is_last
                && !self.has_waited_enough(running)
                && let Some(ending) = self.wishes_to_stop()?
            {
                return Ok(ending);
            }
        }
        Ok(Ending::Completed)
    }

    fn has_waited_enough(&self, running: &Running) -> bool {
        let early_stop = self.config.early_stop;
        early_stop.is_some_and(|stop| running.position.waiting.count >= stop.patience)
    }

    /// Why the run should end here, if somebody wishes so.
    fn wishes_to_stop(&self) -> Result<Option<Ending>> {
        let out_of_time = |limit| self.started.elapsed() >= limit;
        let own = if self.stop.is_requested() {
            Some(Ending::Requested)
        } else if self.config.time_limit.is_some_and(out_of_time) {
            Some(Ending::OutOfTime)
        } else {
            None
        };
        self.agree_to_stop(own)
    }

    fn tell_started(&mut self, running: &Running, record: &Record) -> Result<()> {
        let folder = self.config.folder.clone();
        let Some(run) = record.run() else {
            return Ok(());
        };
        let report = RunReport {
            first_epoch: running.position.epoch,
            first_step: running.position.step,
            epochs: self.config.epochs,
            steps: running.steps,
            folder: &folder,
            configuration: &running.position.configuration,
            history: record.history(),
            run,
        };
        self.tell(|observer| observer.started(&report))
    }

    fn tell(&mut self, mut event: impl FnMut(&mut dyn Observer) -> Heard) -> Result<()> {
        let mut heard = Ok(());
        if self.is_first() {
            let mut observers = self.observers.iter_mut();
            heard = observers
                .try_for_each(|observer| event(*observer))
                .map_err(application("observer"));
        }
        self.agree(heard)
    }
}

/// An error of the application's validation or observer.
fn application(what: &'static str) -> impl FnOnce(BoxError) -> Error {
    move |source| Error::Application { what, source }
}
