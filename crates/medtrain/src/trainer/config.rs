//! How to train.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::PathBuf;
use std::time::Duration;

use mednn::Params;
use mednn::optim::EmaWarmup;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::loader::Prefetch;
use crate::objective::Objective;
use crate::provenance::{DataDigest, Environment, data_identity};
use crate::schedule::{Plateau, Schedule};
use crate::stop::EarlyStop;

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
    /// averages ([`Ema`](mednn::optim::Ema)); training goes on from the weights themselves.
    pub ema_decay: Option<f64>,
    /// Smaller parts at first, so that averages of a short run are not those of its first weights.
    pub ema_warmup: EmaWarmup,
    /// Base learning rate.
    pub learning_rate: f64,
    /// How it changes.
    pub schedule: Schedule,
    /// Cuts it, whatever the schedule says, when the validation score no longer improves.
    pub plateau: Option<Plateau>,
    /// Ends the run when the validation score no longer improves.
    pub early_stop: Option<EarlyStop>,
    /// Largest allowed norm of all gradients together; `None` leaves them alone. nnU-Net takes 12.
    pub clip_norm: Option<f64>,
    /// Keeps only what stands between the blocks of the network and computes the rest again on the way back: the same
    /// result with less memory, in about a third more time.
    pub gradient_checkpointing: bool,
    /// Seed of everything random inside the network (dropout).
    pub seed: u64,
    /// How what a trainer is given besides is set, by name: a resumed run must have the same. See
    /// [`TrainConfig::with_settings`].
    pub settings: BTreeMap<String, String>,
    /// Validate after every so many epochs, and always after the last; 0 never.
    pub validate_every: u32,
    /// What is tried before the first step of a new run.
    pub sanity: Sanity,
    /// How batches are made ahead.
    pub prefetch: Prefetch,
    /// Folder for checkpoints and logs.
    pub folder: PathBuf,
    /// Write a checkpoint after every so many optimizer steps within an epoch; 0 at the ends of epochs only.
    pub checkpoint_every: u32,
    /// Networks kept for their validation scores, besides the best, each in a file of its epoch.
    pub keep_epochs: usize,
    /// Go on from the furthest checkpoint in `folder`, if there is one.
    pub resume: bool,
    /// The run returns, with a checkpoint to go on from, at the first step that ends after this time.
    pub time_limit: Option<Duration>,
    /// The data by their hashes: written into the record of the run and every checkpoint, and a resumed run must have the same.
    pub data: Vec<DataDigest>,
    /// Where the run takes place, for its record; `None` [captures](Environment::capture) it at the start.
    pub environment: Option<Environment>,
    /// Whatever else decides the result (network, augmentation): a resumed run must have the same.
    pub configuration: serde_json::Value,
}

/// What is tried before the first step of a new run, changing nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sanity {
    /// Nothing.
    Skip,
    /// The first batch through network, objective and back.
    Batch,
    /// That, and [`Validator::check`](crate::Validator::check).
    #[default]
    BatchAndValidation,
}

impl TrainConfig {
    /// nnU-Net's way with fewer epochs: SGD rate 0.01 falling by a polynomial of power 0.9, clipping at 12.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, epochs: u32) -> Self {
        Self {
            epochs,
            accumulate: 1,
            ema_decay: None,
            ema_warmup: EmaWarmup::None,
            learning_rate: 0.01,
            schedule: Schedule::Poly { power: 0.9 },
            plateau: None,
            early_stop: None,
            clip_norm: Some(12.0),
            gradient_checkpointing: false,
            seed: 0,
            settings: BTreeMap::new(),
            validate_every: 1,
            sanity: Sanity::default(),
            prefetch: Prefetch::default(),
            folder: folder.into(),
            checkpoint_every: 0,
            keep_epochs: 0,
            resume: false,
            time_limit: None,
            data: Vec::new(),
            environment: None,
            configuration: serde_json::Value::Null,
        }
    }

    /// Says how an optimizer, a loss, a plan of fine-tuning or whatever else has settings of its own is set, for a trainer
    /// cannot ask: a run is then resumed with the same settings only, and refused by the name of those that differ.
    ///
    /// ```
    /// use medtrain::TrainConfig;
    /// use medtrain::mednn::loss::CrossEntropy;
    /// use medtrain::mednn::optim::AdamWConfig;
    ///
    /// let (adam, loss) = (AdamWConfig::default(), CrossEntropy::new());
    /// let config = TrainConfig::new("run", 30)
    ///     .with_settings("optimizer", &adam)
    ///     .with_settings("loss", &loss);
    /// assert!(config.settings["optimizer"].contains("weight_decay: 0.01"));
    /// ```
    #[must_use]
    pub fn with_settings(mut self, of: impl Into<String>, settings: &impl Debug) -> Self {
        self.settings.insert(of.into(), format!("{settings:?}"));
        self
    }

    /// Refuses settings out of range.
    pub(super) fn check(&self) -> Result<()> {
        let needed = [
            (self.epochs, "epochs"),
            (self.accumulate, "batches in a step"),
        ];
        if let Some(&(_, what)) = needed.iter().find(|(count, _)| *count == 0) {
            return Err(Error::Nothing { what });
        }
        self.schedule.check()?;
        self.plateau.iter().try_for_each(Plateau::check)?;
        self.early_stop.iter().try_for_each(EarlyStop::check)
    }

    /// All that must not change between a run and its resumption.
    pub(super) fn identity(&self, objective: &dyn Objective, params: &Params) -> serde_json::Value {
        serde_json::json!({
            "epochs": self.epochs,
            // Null where it is what runs did before they could do otherwise: their checkpoints do not name it.
            "accumulate": (self.accumulate != 1).then_some(self.accumulate),
            "ema_decay": self.ema_decay,
            "ema_warmup": (self.ema_warmup != EmaWarmup::None).then(|| format!("{:?}", self.ema_warmup)),
            "learning_rate": self.learning_rate,
            "schedule": self.schedule,
            "plateau": self.plateau,
            "early_stop": self.early_stop,
            "clip_norm": self.clip_norm,
            "seed": self.seed,
            "settings": (!self.settings.is_empty()).then_some(&self.settings),
            "validate_every": self.validate_every,
            "keep_epochs": (self.keep_epochs != 0).then_some(self.keep_epochs),
            "data": data_identity(&self.data),
            "objective": objective.identity(),
            "frozen": frozen(params),
            "fixed": fixed(params),
            "configuration": self.configuration,
        })
    }
}

/// Which parameters are frozen, in few words; null when none is.
fn frozen(params: &Params) -> Option<String> {
    let parameters = params.parameters();
    let frozen = { parameters.iter() }.filter(|param| !param.is_trainable());
    in_few_words(&frozen.map(|param| param.name()).collect::<Vec<_>>())
}

/// Which buffers are fixed, in few words; null when none is.
fn fixed(params: &Params) -> Option<String> {
    let buffers = params.buffers();
    let fixed = { buffers.iter() }.filter(|buffer| buffer.is_fixed());
    in_few_words(&fixed.map(|buffer| buffer.name()).collect::<Vec<_>>())
}

fn in_few_words(names: &[&str]) -> Option<String> {
    let first = names.first()?;
    let hash = Sha256::digest(names.join("\n"));
    let hash: String = { hash.iter().take(8) }
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Some(format!("{} from {first} on, sha256 {hash}", names.len()))
}
