//! Patients as a few numbers each, of sites that differ, and a network for them.

use std::path::Path;
use std::sync::Arc;

use medcore::random::{Key, Random};
use mednn::candle_core::{Device, Tensor};
use mednn::layers::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
use mednn::optim::{Sgd, SgdConfig};
use mednn::{Context, Inputs, Model, Outputs, Params, ops};
use medtrain::{Batch, Objective, Prefetch, Source, TrainConfig, TrainSummary, Trainer};

/// Where patients are from, and what is measured of them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Site {
    /// The first number tells the class almost always, the second less well.
    Marked,
    /// The first number says nothing, the second is as at [`Site::Marked`].
    Unmarked,
    /// The class shows in two numbers, behind the scanner's gain and offset.
    Scanner { gain: f64, offset: f64 },
    /// Nine of ten patients are of one class of three, which lie around zero and overlap.
    Mostly(usize),
    /// Six numbers, of which two tell the class; this share of the labels is wrong.
    Mislabelled(f64),
}

impl Site {
    pub(crate) fn numbers(self) -> usize {
        match self {
            Self::Mislabelled(_) => 6,
            _ => 2,
        }
    }

    pub(crate) fn classes(self) -> usize {
        match self {
            Self::Mostly(_) => 3,
            _ => 2,
        }
    }

    fn patient(self, random: &mut Random) -> (Vec<f64>, usize) {
        let class = random.below(self.classes());
        let sign = 2.0 * class as f64 - 1.0;
        match self {
            Self::Marked => {
                let mark = sign + 0.3 * random.normal();
                (vec![mark, sign + 0.8 * random.normal()], class)
            }
            Self::Unmarked => {
                let mark = 1.0 + 0.3 * random.normal();
                (vec![mark, sign + 0.8 * random.normal()], class)
            }
            Self::Scanner { gain, offset } => {
                let mut number = || gain * (sign + 0.7 * random.normal()) + offset;
                (vec![number(), number()], class)
            }
            Self::Mostly(favourite) => {
                let class = match random.uniform() < 0.9 {
                    true => favourite,
                    false => class,
                };
                let angle = class as f64 * std::f64::consts::TAU / 3.0;
                let centre = [angle.cos(), angle.sin()];
                let number = |c: f64| 1.5 * c + 0.8 * random.normal();
                (centre.map(number).to_vec(), class)
            }
            Self::Mislabelled(share) => {
                let numbers: Vec<f64> = (0..6).map(|_| random.normal()).collect();
                let class = usize::from(numbers[0] + numbers[1] > 0.0);
                let wrong = usize::from(random.uniform() < share);
                (numbers, (class + wrong) % 2)
            }
        }
    }
}

/// Batches of patients of a site.
#[derive(Debug, Clone)]
pub(crate) struct Patients {
    pub(crate) site: Site,
    pub(crate) batch: usize,
    pub(crate) steps: u32,
    /// Batches that differ; the rest are the same patients again.
    pub(crate) different: u32,
    pub(crate) seed: u64,
}

impl Patients {
    /// Others in every step.
    pub(crate) fn of(site: Site, steps: u32, seed: u64) -> Self {
        Self {
            site,
            batch: 32,
            steps,
            different: u32::MAX,
            seed,
        }
    }

    /// Many that are in no batch of training.
    pub(crate) fn others(site: Site) -> Batch {
        let others = Self {
            batch: 2000,
            ..Self::of(site, 1, 999)
        };
        others.item(0, 0).unwrap()
    }
}

impl Source for Patients {
    type Item = Batch;

    fn steps_per_epoch(&self) -> u32 {
        self.steps
    }

    fn item(&self, epoch: u32, step: u32) -> medtrain::Result<Batch> {
        let number = (epoch * self.steps + step) % self.different;
        let mut random = Key::new(self.seed).sample(number).stream("patients");
        let (mut numbers, mut classes) = (Vec::new(), Vec::new());
        for _ in 0..self.batch {
            let (own, class) = self.site.patient(&mut random);
            numbers.extend(own.into_iter().map(|v| v as f32));
            classes.push(class as u32);
        }
        let shape = (self.batch, self.site.numbers());
        Ok(Batch {
            inputs: Tensor::from_vec(numbers, shape, &Device::Cpu)?.into(),
            targets: Tensor::from_vec(classes, self.batch, &Device::Cpu)?,
            cases: vec![format!("patients {number} of {:?}", self.site); self.batch],
        })
    }
}

/// One hidden layer, behind a batch norm if wanted.
pub(crate) struct Mlp {
    pub(crate) params: Params,
    norm: Option<BatchNorm>,
    hidden: Linear,
    head: Linear,
}

impl Mlp {
    pub(crate) const HIDDEN: usize = 16;

    pub(crate) fn new(site: Site, has_norm: bool, seed: u64) -> Self {
        let params = Params::new(seed);
        let root = params.root();
        let linear = |name: &str, from, to| {
            Linear::new(&LinearConfig::new(from, to), &root.child(name)).unwrap()
        };
        let norm = BatchNormConfig::default();
        let norm = has_norm.then(|| BatchNorm::new(site.numbers(), &norm, &root.child("norm")));
        Self {
            norm: norm.transpose().unwrap(),
            hidden: linear("hidden", site.numbers(), Self::HIDDEN),
            head: linear("head", Self::HIDDEN, site.classes()),
            params,
        }
    }

    /// The share of patients it classifies rightly.
    pub(crate) fn accuracy(&self, batch: &Batch) -> f64 {
        let logits = self
            .forward(&batch.inputs, &Context::evaluate())
            .unwrap()
            .logits;
        let found = logits.argmax(1).unwrap().to_vec1::<u32>().unwrap();
        let truth = batch.targets.to_vec1::<u32>().unwrap();
        let right = found.iter().zip(&truth).filter(|(a, b)| a == b).count();
        right as f64 / truth.len() as f64
    }
}

impl Model for Mlp {
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let mut out = inputs.image()?.clone();
        if let Some(norm) = &self.norm {
            let (batch, numbers) = out.dims2()?;
            out = norm.forward(&out.reshape((batch, numbers, 1))?, context)?;
            out = ops::reshape(&out, &[batch, numbers])?;
        }
        let hidden = self.hidden.forward(&out, context)?;
        let hidden = ops::activation(&hidden, ops::Activation::Relu)?;
        let outputs = Outputs::new(self.head.forward(&hidden, context)?);
        Ok(match context.wants_feature("hidden") {
            true => outputs.with_features([("hidden".to_owned(), hidden)].into()),
            false => outputs,
        })
    }

    fn params(&self) -> &Params {
        &self.params
    }
}

pub(crate) fn config(folder: &Path, epochs: u32) -> TrainConfig {
    let mut config = TrainConfig::new(folder, epochs);
    config.learning_rate = 0.05;
    config.schedule = medtrain::Schedule::Constant;
    config
}

/// Trains for an epoch.
pub(crate) fn train<S: Source<Item = Batch>>(
    network: &Mlp,
    objective: impl Objective,
    source: S,
) -> TrainSummary {
    let folder = tempfile::tempdir().unwrap();
    train_with(config(folder.path(), 1), network, objective, source).unwrap()
}

pub(crate) fn train_with<S: Source<Item = Batch>>(
    mut config: TrainConfig,
    network: &Mlp,
    objective: impl Objective,
    source: S,
) -> medtrain::Result<TrainSummary> {
    config.prefetch = Prefetch {
        threads: 2,
        ahead: 4,
    };
    let mut sgd = sgd(network);
    Trainer::of_objective(network, objective, &mut sgd, config).run(&Arc::new(source))
}

pub(crate) fn sgd(network: &Mlp) -> Sgd {
    let momentum = SgdConfig {
        momentum: 0.9,
        ..SgdConfig::default()
    };
    Sgd::new(&network.params, momentum).unwrap()
}
