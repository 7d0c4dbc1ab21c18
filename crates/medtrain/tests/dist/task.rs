//! A small task whose batches can be shared out: group norm, dropout by key, a loss that is a mean over samples.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use medcore::random::Key;
use mednn::candle_core::{Device, Tensor};
use mednn::layers::{
    Conv, ConvConfig, Dropout, DropoutUnit, GroupNorm, Linear, LinearConfig, NormConfig,
};
use mednn::loss::CrossEntropy;
use mednn::ops::{self, Activation};
use mednn::optim::{Sgd, SgdConfig};
use mednn::{Context, Inputs, Model, Outputs, Params};
use medtrain::dist::{Collective, share_of};
use medtrain::{Batch, Ending, Prefetch, Source, StopFlag, TrainConfig, Trainer, Validation};

pub(crate) struct Task {
    /// Samples of a batch of all ranks.
    pub(crate) batch: usize,
    /// Batches of a step.
    pub(crate) accumulate: u32,
    pub(crate) dropout: f64,
    /// A rank and a batch at which its loss is not a number.
    pub(crate) breaks_at: Option<(usize, u32)>,
    pub(crate) stop: StopFlag,
    /// A batch at whose making the stop is asked for.
    pub(crate) stop_at: Option<u32>,
}

impl Default for Task {
    fn default() -> Self {
        Self {
            batch: 8,
            accumulate: 1,
            dropout: 0.25,
            breaks_at: None,
            stop: StopFlag::new(),
            stop_at: None,
        }
    }
}

pub(crate) struct Trained {
    pub(crate) start: BTreeMap<String, Tensor>,
    pub(crate) weights: BTreeMap<String, Tensor>,
    pub(crate) ending: Ending,
}

impl Task {
    /// Trains one rank of a world; every rank starts from weights of its own, of which those of rank 0 count.
    pub(crate) fn train(
        &self,
        collective: &dyn Collective,
        folder: &Path,
    ) -> medtrain::Result<Trained> {
        let network = Network::new(3 + collective.rank() as u64, self.dropout)?;
        let start = network.params.snapshot()?;
        let mut sgd = Sgd::new(&network.params, SgdConfig::default())?;
        let mut config = TrainConfig::new(folder, 3);
        config.accumulate = self.accumulate;
        config.learning_rate = 0.05;
        config.ema_decay = Some(0.5);
        config.resume = true;
        config.prefetch = Prefetch {
            threads: 0,
            ahead: 0,
        };
        let source = Arc::new(Shared {
            batch: self.batch,
            rank: collective.rank(),
            world_size: collective.world_size(),
            breaks_at: self.breaks_at,
            stop: self.stop.clone(),
            stop_at: self.stop_at,
        });
        let loss = CrossEntropy::default();
        let mut score = |model: &dyn Model, _: u32| {
            let weight = model.params().tensor("head.weight")?;
            let sum = weight.sqr()?.sum_all()?.to_scalar::<f32>()?;
            Ok(Validation::new(f64::from(sum)))
        };
        let trainer = Trainer::new(&network, &loss, &mut sgd, config)
            .with_collective(collective)
            .with_stop(self.stop.clone())
            .with_validator(&mut score);
        let summary = trainer.run(&source)?;
        Ok(Trained {
            start,
            weights: network.params.snapshot()?,
            ending: summary.ending,
        })
    }
}

struct Network {
    params: Params,
    conv: Conv<2>,
    norm: GroupNorm,
    dropout: Dropout,
    head: Linear,
}

impl Network {
    fn new(seed: u64, dropout: f64) -> mednn::Result<Self> {
        let params = Params::new(seed);
        let root = params.root();
        Ok(Self {
            conv: Conv::new(&ConvConfig::same(1, 6, [3, 3]), &root.child("conv"))?,
            norm: GroupNorm::new(3, 6, &NormConfig::default(), &root.child("norm"))?,
            dropout: Dropout::new(dropout, DropoutUnit::Element, &root.child("dropout"))?,
            head: Linear::new(&LinearConfig::new(6, 3), &root.child("head"))?,
            params,
        })
    }
}

impl Model for Network {
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let out = self.conv.forward(inputs.image()?, context)?;
        let out = ops::activation(&self.norm.forward(&out, context)?, Activation::Relu)?;
        let out = self.dropout.forward(&out, context)?;
        let out = ops::flatten_from(&ops::adaptive_avg_pool(&out, [1, 1])?, 1)?;
        Ok(Outputs::new(self.head.forward(&out, context)?))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}

/// The share of a rank in every batch.
struct Shared {
    batch: usize,
    rank: usize,
    world_size: usize,
    breaks_at: Option<(usize, u32)>,
    stop: StopFlag,
    stop_at: Option<u32>,
}

impl Source for Shared {
    type Item = Batch;

    fn steps_per_epoch(&self) -> u32 {
        5
    }

    fn item(&self, epoch: u32, step: u32) -> medtrain::Result<Batch> {
        let number = epoch * 5 + step;
        if self.stop_at == Some(number) {
            self.stop.request();
        }
        let (mut values, mut labels, mut cases) = (Vec::new(), Vec::new(), Vec::new());
        for item in share_of(self.batch, self.rank, self.world_size) {
            let mut random = Key::new(9)
                .epoch(epoch)
                .sample(step * 100 + item as u32)
                .stream("x");
            let class = random.below(3);
            let broken = self.breaks_at == Some((self.rank, number));
            let level = if broken { f64::NAN } else { class as f64 };
            values.extend((0..35).map(|_| (random.normal() * 0.5 + level) as f32));
            labels.push(class as u8);
            cases.push(format!("case {item}"));
        }
        let image = Tensor::from_vec(values, (labels.len(), 1, 5, 7), &Device::Cpu)?;
        Ok(Batch {
            inputs: image.into(),
            targets: Tensor::new(labels, &Device::Cpu)?,
            cases,
        })
    }
}

/// The largest difference between two networks.
pub(crate) fn furthest(a: &BTreeMap<String, Tensor>, b: &BTreeMap<String, Tensor>) -> f64 {
    let distance = |(name, value): (&String, &Tensor)| {
        let difference = (value - &b[name]).and_then(|d| d.abs()?.flatten_all()?.max(0));
        f64::from(difference.and_then(|d| d.to_scalar::<f32>()).unwrap())
    };
    a.iter().map(distance).fold(0.0, f64::max)
}
