//! Training one network.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use medmodels::ModelConfig;
use mednn::loss::{CrossEntropy, Focal, Loss};
use mednn::params::LoadPolicy;
use mednn::{Model, Params, optim};
use medtrain::sampler::{ClassWeighting, class_weights};
use medtrain::split::{TrainingSet, ValidationSet};
use medtrain::{
    BoxError, CachedCase, ClassTargets, FineTune, ImageBatches, Prefetch, ProgressDisplay,
    Schedule, StopFlag, TrainConfig, TrainSummary, Trainer, Validation,
};
use serde::Serialize;

use super::network::{Network, Preparation};
use super::score::score;

/// What is made small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
pub(crate) enum Objective {
    /// Cross-entropy, each class with the same weight together.
    Weighted,
    /// Focal loss (Lin et al. 2017, gamma 2) with the same weights.
    Focal,
}

/// How a network learns.
#[derive(Debug, Clone)]
pub(crate) struct Lesson<'a> {
    pub(crate) network: Network,
    pub(crate) preparation: Preparation,
    pub(crate) epochs: u32,
    pub(crate) batch: usize,
    pub(crate) seed: u64,
    pub(crate) objective: Objective,
    /// Weights to begin with.
    pub(crate) weights: Option<&'a Path>,
    /// Stages from the stem on that keep their weights.
    pub(crate) freeze: usize,
    pub(crate) folder: &'a Path,
    pub(crate) resume: bool,
    /// A wish that the run ends.
    pub(crate) stop: StopFlag,
}

/// A network that has learnt.
pub(crate) struct Learnt {
    pub(crate) config: ModelConfig,
    pub(crate) model: Box<dyn Model>,
    pub(crate) summary: TrainSummary,
    pub(crate) seconds: f64,
    /// Weights that were learnt, and all.
    pub(crate) parameters: [usize; 2],
}

impl Lesson<'_> {
    /// Trains; the network is left as validation found it best.
    pub(crate) fn learn(
        &self,
        training: &TrainingSet<CachedCase<2>>,
        validation: &ValidationSet<CachedCase<2>>,
    ) -> Result<Learnt> {
        let started = Instant::now();
        let config = self.network.config(self.preparation.side);
        let model = medmodels::create(&config, &Params::new(self.seed))?;
        if let Some(path) = self.weights {
            load(&config, &*model, path)?;
        }
        freeze(&*model, self.freeze)?;
        let targets = ClassTargets::of_records(2, training.members().records())?;
        let weights = class_weights(
            &targets.counts(training.members().records())?,
            ClassWeighting::Balanced,
        )?;
        let loss: Box<dyn Loss> = match self.objective {
            Objective::Weighted => Box::new(CrossEntropy::new().with_class_weights(weights)),
            Objective::Focal => Box::new(Focal::softmax().with_class_weights(weights)),
        };
        let batch = self.batch.min(training.len());
        let source = ImageBatches::new(training.clone(), &targets, batch, self.seed)?;
        let mut optimizer = optim::AdamW::new(model.params(), optim::AdamWConfig::default())?;
        let mut look = |model: &dyn Model, _: u32| -> Result<Validation, BoxError> {
            let scored = score(model, validation.members())?;
            Ok(Validation::new(scored.auc().unwrap_or(f64::NAN)))
        };
        let summary = Trainer::new(&*model, &*loss, &mut optimizer, self.run())
            .with_validator(&mut look)
            .with_observer(&mut ProgressDisplay::new())
            .with_stop(self.stop.clone())
            .run(&Arc::new(source))?;
        anyhow::ensure!(
            !summary.ending.is_resumable(),
            "stopped in epoch {}: --resume goes on from there",
            summary.history.len() + 1
        );
        let parameters = model.params().parameters();
        let size = |of: &mut dyn Iterator<Item = usize>| of.sum();
        let counts = [
            size(
                &mut parameters
                    .iter()
                    .filter(|p| p.is_trainable())
                    .map(|p| p.value().elem_count()),
            ),
            size(&mut parameters.iter().map(|p| p.value().elem_count())),
        ];
        Ok(Learnt {
            config,
            model,
            summary,
            seconds: started.elapsed().as_secs_f64(),
            parameters: counts,
        })
    }

    fn run(&self) -> TrainConfig {
        let mut run = TrainConfig::new(
            self.folder.join("training").join(self.network.key()),
            self.epochs,
        );
        run.learning_rate =
            self.network.learning_rate() * if self.weights.is_some() { 0.3 } else { 1.0 };
        run.schedule = Schedule::COSINE;
        run.clip_norm = Some(5.0);
        run.seed = self.seed;
        run.resume = self.resume;
        // A pass over the validation images costs a quarter of an epoch: every other one is enough to follow.
        run.validate_every = if self.epochs > 6 { 2 } else { 1 };
        run.prefetch = Prefetch {
            threads: 1,
            ahead: 4,
        };
        run.configuration = serde_json::json!({
            "network": self.network, "side": self.preparation.side, "batch": self.batch, "objective": self.objective,
            "weights": self.weights, "freeze": self.freeze,
        });
        run
    }
}

/// Weights of other channels and classes: the stem is adapted, the head stays new.
fn load(config: &ModelConfig, model: &dyn Model, path: &Path) -> Result<()> {
    let policy: LoadPolicy = config.transfer_policy();
    let loaded = medmodels::weights::read(path)
        .and_then(|weights| weights.load_into(model.params(), &policy));
    loaded.with_context(|| format!("weights {}", path.display()))?;
    Ok(())
}

/// Keeps the stem and the first stages as they are.
fn freeze(model: &dyn Model, stages: usize) -> Result<()> {
    if stages == 0 {
        return Ok(());
    }
    let stem = FineTune::new()
        .with_frozen("conv1.**")
        .with_frozen("bn1.**");
    let plan = (1..stages).fold(stem, |plan, stage| {
        plan.with_frozen(format!("layer{stage}.**"))
    });
    plan.freeze(model.params())?;
    Ok(())
}
