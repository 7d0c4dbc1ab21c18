//! The training loop.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use medcore::random::Key;
use mednn::candle_core::backprop::GradStore;
use mednn::candle_core::{DType, Tensor};
use mednn::loss::Loss;
use mednn::optim::{Accumulator, Ema, EmaConfig, Optimizer, clip_gradient_norm};
use mednn::tape::Pass;
use mednn::{Context, Inputs, Model};

use crate::checkpoint::{CheckpointFolder, Position, Restored};
use crate::error::{Error, Result};
use crate::loader::{Loader, Prefetch, Source};
use crate::log::{EpochReport, RunLog, Validation};
use crate::observer::{Observer, StepReport};
use crate::schedule::Schedule;

/// What a network learns from in one step.
#[derive(Debug)]
pub struct Batch {
    /// The network's inputs.
    pub inputs: Inputs,
    /// What its outputs are compared with, for a segmentation labels `[batch, depth, height, width]`.
    pub targets: Tensor,
    /// The cases in it, for messages.
    pub cases: Vec<String>,
}

/// An error of the application.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Judges a network between epochs; the application wires it to a predictor, in a type of its own or a closure.
pub trait Validator {
    /// Scores the network as it stands after `epoch` (counted from zero).
    ///
    /// # Errors
    /// Whatever goes wrong ends the run; the checkpoint of the epoch before stays.
    fn validate(
        &mut self,
        model: &dyn Model,
        epoch: u32,
    ) -> std::result::Result<Validation, BoxError>;
}

impl<F> Validator for F
where
    F: FnMut(&dyn Model, u32) -> std::result::Result<Validation, BoxError>,
{
    fn validate(
        &mut self,
        model: &dyn Model,
        epoch: u32,
    ) -> std::result::Result<Validation, BoxError> {
        self(model, epoch)
    }
}

/// How to train.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TrainConfig {
    /// Epochs in the whole run.
    pub epochs: u32,
    /// Batches whose gradients are averaged for one optimizer step, at least 1.
    ///
    /// For a loss that is a mean over samples, and batches of one size, a step is that of the large batch they make up (but batch
    /// norm and sums over the batch see the small ones). What is left at the end of an epoch makes a step of its own, averaged
    /// over the batches that are there. Schedule, clipping and checks of gradients are those of steps.
    pub accumulate: u32,
    /// Part of a moving average of the weights that a step keeps, 0.999 say; `None` keeps no average.
    ///
    /// Starts from the weights as they are first. Validation, the best checkpoint and the network a run leaves behind then have the
    /// averages ([`Ema`]); training goes on from the weights themselves.
    pub ema_decay: Option<f64>,
    /// Base learning rate.
    pub learning_rate: f64,
    /// How it changes.
    pub schedule: Schedule,
    /// Largest allowed norm of all gradients together; `None` leaves them alone. nnU-Net takes 12.
    pub clip_norm: Option<f64>,
    /// Keeps only what stands between the blocks of the network and computes the rest again on the way back: the same
    /// result with less memory, in about a third more time.
    pub gradient_checkpointing: bool,
    /// Seed of everything random inside the network (dropout).
    pub seed: u64,
    /// Validate after every so many epochs, and always after the last; 0 never.
    pub validate_every: u32,
    /// How batches are made ahead.
    pub prefetch: Prefetch,
    /// Folder for checkpoints and logs.
    pub folder: PathBuf,
    /// Go on from the last checkpoint in `folder`, if there is one.
    pub resume: bool,
    /// Whatever else decides the result (data, network, augmentation): a resumed run must have the same.
    pub configuration: serde_json::Value,
}

impl TrainConfig {
    /// nnU-Net's way with fewer epochs: SGD rate 0.01 falling by a polynomial of power 0.9, clipping at 12.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, epochs: u32) -> Self {
        Self {
            epochs,
            accumulate: 1,
            ema_decay: None,
            learning_rate: 0.01,
            schedule: Schedule::Poly { power: 0.9 },
            clip_norm: Some(12.0),
            gradient_checkpointing: false,
            seed: 0,
            validate_every: 1,
            prefetch: Prefetch::default(),
            folder: folder.into(),
            resume: false,
            configuration: serde_json::Value::Null,
        }
    }

    /// All that must not change between a run and its resumption.
    fn identity(&self) -> serde_json::Value {
        serde_json::json!({
            "epochs": self.epochs,
            // Null where it is what runs did before they could do otherwise: their checkpoints do not name it.
            "accumulate": (self.accumulate != 1).then_some(self.accumulate),
            "ema_decay": self.ema_decay,
            "learning_rate": self.learning_rate,
            "schedule": self.schedule,
            "clip_norm": self.clip_norm,
            "seed": self.seed,
            "validate_every": self.validate_every,
            "configuration": self.configuration,
        })
    }
}

/// What a run left behind.
#[derive(Debug)]
#[non_exhaustive]
pub struct TrainSummary {
    /// Every epoch, those before a resumption included.
    pub history: Vec<EpochReport>,
    /// Best validation score and its epoch.
    pub best: Option<(u32, f64)>,
    /// The epoch the run started from, 0 unless resumed.
    pub first_epoch: u32,
    /// Why a newer, damaged checkpoint was passed over on resuming, if one was.
    pub passed_over: Option<String>,
    /// The run's checkpoints.
    pub checkpoints: CheckpointFolder,
}

impl TrainSummary {
    /// The training loss as a curve of (epoch, counted from one, loss).
    pub fn losses(&self) -> impl Iterator<Item = (f64, f64)> {
        let point = |e: &EpochReport| (f64::from(e.epoch + 1), e.train_loss);
        self.history.iter().map(point)
    }

    /// The validation score as a curve of (epoch, counted from one, score), in epochs that have one.
    pub fn scores(&self) -> impl Iterator<Item = (f64, f64)> {
        let point = |e: &EpochReport| Some((f64::from(e.epoch + 1), e.validation.as_ref()?.score));
        self.history.iter().filter_map(point)
    }
}

/// Trains one network on one source of batches.
pub struct Trainer<'a> {
    model: &'a dyn Model,
    loss: &'a dyn Loss,
    optimizer: &'a mut dyn Optimizer,
    ema: Option<Ema>,
    config: TrainConfig,
    validator: Option<&'a mut dyn Validator>,
    observers: Vec<&'a mut dyn Observer>,
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
        Self {
            model,
            loss,
            optimizer,
            ema: None,
            config,
            validator: None,
            observers: Vec::new(),
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

    /// Trains to the last epoch; the network holds the last weights afterwards, or their averages if it keeps these.
    ///
    /// # Errors
    /// When a setting is out of range, the loss stops being a number, a batch cannot be made, validation fails or a file cannot be
    /// written. The checkpoints of completed epochs stay whole.
    pub fn run<S: Source<Item = Batch>>(mut self, source: &Arc<S>) -> Result<TrainSummary> {
        let batches = source.steps_per_epoch();
        let needed = [
            (batches, "steps per epoch"),
            (self.config.epochs, "epochs"),
            (self.config.accumulate, "batches in a step"),
        ];
        if let Some(&(_, what)) = needed.iter().find(|(count, _)| *count == 0) {
            return Err(Error::Nothing { what });
        }
        let steps = batches.div_ceil(self.config.accumulate);
        let checkpoints = CheckpointFolder::new(self.config.folder.join("checkpoints"))?;
        let _lock = lock(&self.config.folder.join("run.lock"))?;
        let (mut position, passed_over) = self.start(&checkpoints)?;
        let first_epoch = position.epoch;
        let mut log = RunLog::open(&self.config.folder, first_epoch)?;
        let epochs = self.config.epochs;
        self.tell(|o| o.started(first_epoch, epochs, steps));
        for epoch in first_epoch..epochs {
            let started = Instant::now();
            let mut report = self.train_epoch(source, epoch)?;
            let (done, every) = (epoch + 1, self.config.validate_every);
            let due = every > 0 && (done.is_multiple_of(every) || done == self.config.epochs);
            if let Some(validator) = self.validator.as_mut().filter(|_| due) {
                let averages = self.ema.as_mut().map(Ema::swap_in).transpose()?;
                let found = validator.validate(self.model, epoch);
                drop(averages);
                let found = found.map_err(|source| Error::Application {
                    what: "validation",
                    source,
                })?;
                let better = position.best_score().is_none_or(|best| found.score > best);
                report.is_best = better && !found.score.is_nan();
                if report.is_best {
                    position.best_score_bits = Some(found.score.to_bits());
                    position.best_epoch = Some(epoch);
                }
                report.validation = Some(found);
            }
            report.seconds = started.elapsed().as_secs_f64();
            position.epoch = epoch + 1;
            // The log goes first: on resuming, lines that no checkpoint stands behind are dropped again.
            log.push(report.clone())?;
            checkpoints.save(
                self.model.params(),
                &self.optimizer.state_dict()?,
                self.ema.as_ref(),
                &position,
                report.is_best,
            )?;
            self.tell(|o| o.epoch(&report));
        }
        if let Some(ema) = &self.ema {
            self.model.params().restore(ema.values())?;
        }
        self.tell(|o| o.finished());
        Ok(TrainSummary {
            history: log.history().to_vec(),
            best: position.best_epoch.zip(position.best_score()),
            first_epoch,
            passed_over,
            checkpoints,
        })
    }

    /// The start of the run, or the place where its last checkpoint stands.
    fn start(&mut self, checkpoints: &CheckpointFolder) -> Result<(Position, Option<String>)> {
        let identity = self.config.identity();
        let average = |decay| Ema::new(self.model.params(), EmaConfig::new(decay));
        self.ema = self.config.ema_decay.map(average).transpose()?;
        let restored = if self.config.resume {
            checkpoints.restore(self.model.params())?
        } else {
            None
        };
        let Some(Restored {
            position,
            optimizer,
            ema,
            path,
            passed_over,
        }) = restored
        else {
            return Ok((Position::start(identity), None));
        };
        if let Some((field, before, now)) = difference("", &position.configuration, &identity) {
            return Err(Error::OtherRun {
                path,
                field,
                checkpoint: before,
                current: now,
            });
        }
        self.optimizer.load_state_dict(&optimizer)?;
        if let Some(own) = &mut self.ema {
            own.load_state_dict(&ema)?;
        }
        Ok((position, passed_over))
    }

    fn train_epoch<S: Source<Item = Batch>>(
        &mut self,
        source: &Arc<S>,
        epoch: u32,
    ) -> Result<EpochReport> {
        let (batches, accumulate) = (source.steps_per_epoch(), self.config.accumulate);
        let steps = batches.div_ceil(accumulate);
        let total = u64::from(steps) * u64::from(self.config.epochs);
        let mut loader = Loader::start(Arc::clone(source), epoch, 0, self.config.prefetch);
        let (mut losses, mut learning_rate) = (0.0, 0.0);
        for step in 0..steps {
            let first = step * accumulate;
            let place = Place {
                epoch,
                step,
                batches: first..batches.min(first.saturating_add(accumulate)),
            };
            let count = f64::from(place.count());
            let done = u64::from(epoch) * u64::from(steps) + u64::from(step);
            learning_rate = self.config.learning_rate * self.config.schedule.factor(done, total);
            let (loss, gradient_norm) = self.train_step(&mut loader, &place, learning_rate)?;
            losses += count * loss;
            let epochs = self.config.epochs;
            self.tell(|o| {
                o.step(&StepReport {
                    epoch,
                    step,
                    steps,
                    epochs,
                    loss,
                    gradient_norm,
                });
            });
        }
        Ok(EpochReport {
            epoch,
            learning_rate,
            train_loss: losses / f64::from(batches),
            validation: None,
            is_best: false,
            seconds: 0.0,
            data_wait_seconds: loader.waited().as_secs_f64(),
        })
    }

    /// One step of the optimizer: the mean loss of its batches, and the norm of its gradients if clipping asked for it.
    fn train_step(
        &mut self,
        batches: &mut impl Iterator<Item = Result<Batch>>,
        place: &Place,
        learning_rate: f64,
    ) -> Result<(f64, Option<f64>)> {
        let share = 1.0 / f64::from(place.count());
        let mut accumulator = Accumulator::new(self.model.params());
        let (mut mean, mut only, mut cases) = (0.0, None, Vec::new());
        for (number, batch) in place.batches.clone().zip(batches) {
            let batch = batch?;
            let (loss, gradients) = self.backward(&batch, place, number)?;
            mean += share * loss;
            if place.count() == 1 {
                only = Some(gradients); // nothing to add up
            } else {
                accumulator.add(&gradients, share)?;
            }
            cases.extend(batch.cases);
        }
        let mut gradients = only.unwrap_or_else(|| accumulator.take());
        let params = self.model.params();
        let clip = |limit| clip_gradient_norm(&mut gradients, params, limit);
        let norm = self.config.clip_norm.map(clip).transpose()?;
        if let Some(norm) = norm.filter(|norm| !norm.is_finite()) {
            return Err(Error::NonFiniteGradient {
                norm,
                epoch: place.epoch,
                step: place.step,
                cases,
            });
        }
        self.optimizer.step(&gradients, learning_rate)?;
        if let Some(ema) = &mut self.ema {
            ema.update()?;
        }
        Ok((mean, norm))
    }

    /// The loss and the gradients of one batch, `number` within its epoch.
    fn backward(&self, batch: &Batch, place: &Place, number: u32) -> Result<(f64, GradStore)> {
        let key = Key::new(self.config.seed).epoch(place.epoch);
        let mut context = Context::train(key.sample(number));
        if self.config.gradient_checkpointing {
            context = context.with_gradient_checkpointing();
        }
        let pass = Pass::run(self.model, &batch.inputs, &context)?;
        let loss = self.loss.of_outputs(pass.outputs(), &batch.targets)?;
        let value = loss.to_dtype(DType::F64)?.to_scalar::<f64>()?;
        if !value.is_finite() {
            return Err(Error::NonFiniteLoss {
                loss: value,
                epoch: place.epoch,
                step: place.step,
                cases: batch.cases.clone(),
            });
        }
        Ok((value, pass.backward(loss)?))
    }

    fn tell(&mut self, mut event: impl FnMut(&mut dyn Observer)) {
        for observer in &mut self.observers {
            event(*observer);
        }
    }
}

/// Where an optimizer step stands in a run.
struct Place {
    epoch: u32,
    step: u32,
    /// Its batches, numbered within the epoch.
    batches: Range<u32>,
}

impl Place {
    fn count(&self) -> u32 {
        self.batches.end - self.batches.start
    }
}

/// Keeps a second process out of the folder until it is dropped.
fn lock(path: &Path) -> Result<File> {
    let io = |source| Error::Io {
        operation: "lock",
        path: path.to_owned(),
        source,
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(Error::Locked {
            path: path.to_owned(),
        }),
        Err(std::fs::TryLockError::Error(source)) => Err(io(source)),
    }
}

/// The first place where two configurations differ: its path, and both values.
fn difference(
    path: &str,
    before: &serde_json::Value,
    now: &serde_json::Value,
) -> Option<(String, String, String)> {
    if let (Some(a), Some(b)) = (before.as_object(), now.as_object()) {
        let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
        keys.sort();
        keys.dedup();
        let null = serde_json::Value::Null;
        return keys.into_iter().find_map(|key| {
            let name = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            difference(
                &name,
                a.get(key).unwrap_or(&null),
                b.get(key).unwrap_or(&null),
            )
        });
    }
    (before != now).then(|| (path.to_owned(), before.to_string(), now.to_string()))
}
