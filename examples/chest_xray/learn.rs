//! Training one network.

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use medmodels::ModelConfig;
use mednn::candle_core::Device;
use mednn::loss::{CrossEntropy, Focal, Loss};
use mednn::optim::{AdamW, AdamWConfig};
use mednn::params::LoadPolicy;
use mednn::{Model, Params};
use medtrain::sampler::{ClassWeighting, class_weights};
use medtrain::split::{CaseRecord, TrainingSet, ValidationSet};
use medtrain::{
    BoxError, CachedCase, ClassTargets, DataDigest, DataManifest, FineTune, ImageBatches, Prefetch,
    ProgressDisplay, Provenance, RunRecord, Schedule, StopFlag, TrainConfig, TrainSummary, Trainer,
    Validation,
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
    pub(crate) optimizer: AdamWConfig,
    /// What is learnt from and judged on, by its hashes.
    pub(crate) data: &'a [DataDigest],
    /// The scanner whose images alone are learnt from, if not all are.
    pub(crate) scanner: Option<&'a str>,
    /// Where the network learns.
    pub(crate) device: Device,
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
    /// How it learnt, in a sentence.
    pub(crate) lesson: String,
    /// Where it learnt, by the record of the run: `cpu`, `cuda:0`.
    pub(crate) device: String,
    /// Program, commit, data and time, for the bundle.
    pub(crate) provenance: Provenance,
}

impl Lesson<'_> {
    /// Trains; the network is left as the last epoch left it.
    pub(crate) fn learn(
        &self,
        training: &TrainingSet<CachedCase<2>>,
        validation: &ValidationSet<CachedCase<2>>,
    ) -> Result<Learnt> {
        let started = Instant::now();
        let config = self.network.config(self.preparation.side);
        let model = medmodels::create(&config, &Params::on_device(self.seed, &self.device))?;
        if let Some(path) = self.weights {
            load(&config, &*model, path)?;
        }
        let plan = fine_tuning(self.freeze);
        plan.freeze(model.params())?;
        let targets = ClassTargets::of_records(2, training.members().records())?;
        let weights = class_weights(
            &targets.counts(training.members().records())?,
            ClassWeighting::Balanced,
        )?;
        let run = self.run(&config)?.with_settings("plan", &plan);
        let (run, loss) = match self.objective {
            Objective::Weighted => with_loss(run, CrossEntropy::new().with_class_weights(weights)),
            Objective::Focal => with_loss(run, Focal::softmax().with_class_weights(weights)),
        };
        let folder = run.folder.clone();
        let batch = self.batch.min(training.len());
        let source = ImageBatches::new(training.clone(), &targets, batch, self.seed)?;
        let mut optimizer = AdamW::new(model.params(), self.optimizer)?;
        let mut look = |model: &dyn Model, _: u32| -> Result<Validation, BoxError> {
            let scored = score(model, validation.members())?;
            Ok(Validation::new(scored.auc().unwrap_or(f64::NAN)))
        };
        let summary = Trainer::new(&*model, &*loss, &mut optimizer, run)
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
        let record = RunRecord::read(&folder)?;
        Ok(Learnt {
            lesson: self.in_words(),
            device: record.device().unwrap_or_default().to_owned(),
            provenance: record.provenance(),
            config,
            model,
            summary,
            seconds: started.elapsed().as_secs_f64(),
            parameters: counts,
        })
    }

    /// For the report.
    fn in_words(&self) -> String {
        let loss = match self.objective {
            Objective::Weighted => "cross-entropy",
            Objective::Focal => "focal loss (gamma 2)",
        };
        let start = match (self.weights, self.freeze) {
            (None, _) => "from scratch".to_owned(),
            (Some(path), 0) => format!("from the weights in {}", path.display()),
            (Some(path), 1) => format!("from the weights in {}, the stem kept", path.display()),
            (Some(path), stages) => format!(
                "from the weights in {}, the stem and what follows it up to layer{} kept",
                path.display(),
                stages - 1
            ),
        };
        format!(
            "The {} learnt by {loss}, both classes with the same weight together, and AdamW, {start}.",
            self.network.name()
        )
    }

    /// How the trainer is set. All that decides the result is named, so that a run is resumed with the same only.
    fn run(&self, network: &ModelConfig) -> Result<TrainConfig> {
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
        run.data = self.data.to_vec();
        run.data.extend(self.weights.map(digest).transpose()?);
        run.configuration = serde_json::json!({
            "network": network, "batch": self.batch, "scanner": self.scanner,
        });
        let preparation = self.preparation.training_steps()?;
        Ok(run
            .with_settings("optimizer", &self.optimizer)
            .with_settings("preparation", &preparation))
    }
}

/// A loss, and a run that says how it is set.
fn with_loss(run: TrainConfig, loss: impl Loss + Debug + 'static) -> (TrainConfig, Box<dyn Loss>) {
    (run.with_settings("loss", &loss), Box::new(loss))
}

/// The weights to begin with by their hash: another file may come to lie under the same path.
fn digest(weights: &Path) -> Result<DataDigest> {
    let folder = weights.parent().context("weights are no folder")?;
    let record = CaseRecord::new("weights", "weights").with_file(weights);
    let manifest = DataManifest::of_records(folder, [(None, &record)])?;
    let file = manifest.cases().iter().flat_map(|case| &case.files).next();
    let file = file.context("weights are one file")?;
    Ok(DataDigest::new("weights", &file.sha256))
}

/// Weights of other channels and classes: the stem is adapted, the head stays new.
fn load(config: &ModelConfig, model: &dyn Model, path: &Path) -> Result<()> {
    let policy: LoadPolicy = config.transfer_policy();
    let loaded = medmodels::weights::read(path)
        .and_then(|weights| weights.load_into(model.params(), &policy));
    loaded.with_context(|| format!("weights {}", path.display()))?;
    Ok(())
}

/// Keeps the stem and the first stages as they are, with the statistics of their batch norms: these are of the images that
/// the given weights were learnt from, and belong to them.
fn fine_tuning(stages: usize) -> FineTune {
    if stages == 0 {
        return FineTune::new();
    }
    let stem = FineTune::new()
        .with_frozen("conv1.**")
        .with_frozen("bn1.**")
        .with_fixed_statistics("bn1.**");
    (1..stages).fold(stem, |plan, stage| {
        let names = format!("layer{stage}.**");
        plan.with_frozen(&names).with_fixed_statistics(names)
    })
}

#[cfg(test)]
mod tests {
    use indicatif::ProgressBar;
    use medcore::random::Key;
    use medtrain::CaseCache;

    use super::*;
    use crate::app::data::{Generated, Reader};
    use crate::app::network::Scaling;

    #[test]
    fn a_run_goes_on_with_the_same_loss_optimizer_data_and_images_only() {
        let place = tempfile::tempdir().unwrap();
        let generated = Generated {
            seed: 3,
            patients: 20,
            side: 32,
        };
        let collection = generated.open(&ProgressBar::hidden()).unwrap();
        let split = collection.split(Key::new(1)).unwrap();
        let preparation = Preparation {
            side: 32,
            scaling: Scaling::Each,
        };
        let reader = Reader(Arc::new(collection.radiographs));
        let steps = preparation.training_steps().unwrap();
        let cached = split.in_cache(&Arc::new(CaseCache::new(Box::new(reader), steps, 1)));
        let cached = cached.unwrap();

        let data = |hash: &str| vec![DataDigest::new("training", hash)];
        let (these, others) = (data("1234"), data("5678"));
        let stop = StopFlag::new();
        let lesson = Lesson {
            network: Network::Small,
            preparation,
            epochs: 1,
            batch: 4,
            seed: 1,
            objective: Objective::Focal,
            optimizer: AdamWConfig::default(),
            data: &these,
            scanner: None,
            device: Device::Cpu,
            weights: None,
            freeze: 0,
            folder: place.path(),
            resume: false,
            stop: stop.clone(),
        };
        let learn = |lesson: Lesson<'_>| lesson.learn(&cached.training, &cached.validation);
        stop.request();
        let stopped = learn(lesson.clone()).err().unwrap().to_string();
        assert!(stopped.contains("--resume"), "{stopped}");

        let resumed = || Lesson {
            resume: true,
            stop: StopFlag::new(),
            ..lesson.clone()
        };
        let decay = AdamWConfig {
            weight_decay: 0.5,
            ..AdamWConfig::default()
        };
        let wider = Preparation {
            side: 36,
            ..preparation
        };
        for (name, other) in [
            (
                "settings.loss",
                Lesson {
                    objective: Objective::Weighted,
                    ..resumed()
                },
            ),
            (
                "settings.optimizer",
                Lesson {
                    optimizer: decay,
                    ..resumed()
                },
            ),
            (
                "settings.preparation",
                Lesson {
                    preparation: wider,
                    ..resumed()
                },
            ),
            (
                "data.training",
                Lesson {
                    data: &others,
                    ..resumed()
                },
            ),
            (
                "configuration.scanner",
                Lesson {
                    scanner: Some("plate"),
                    ..resumed()
                },
            ),
        ] {
            let refused = format!("{:#}", learn(other).err().unwrap());
            assert!(refused.contains(name), "{name}: {refused}");
        }
        let learnt = learn(resumed()).unwrap();
        assert_eq!(learnt.summary.first_step, 1);
        let hashes: Vec<_> = learnt.provenance.data.iter().map(|d| &*d.sha256).collect();
        assert_eq!(hashes, ["1234"]);
    }

    #[test]
    fn other_weights_under_the_same_path_are_other_data() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("resnet18.safetensors");
        let hash = |bytes: &str| {
            std::fs::write(&path, bytes).unwrap();
            digest(&path).unwrap().sha256
        };
        assert_ne!(hash("a"), hash("b"));
        assert_eq!(hash("a"), hash("a"));
    }
}
