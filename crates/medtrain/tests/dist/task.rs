//! A small task whose batches can be shared out: group norm, dropout by key, a loss that is a mean over samples.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use medaug::{Compose, Sample};
use medcore::random::Key;
use medcore::{Geometry, Image};
use mednn::candle_core::{DType, Device, Tensor};
use mednn::layers::{
    BatchNorm, BatchNormConfig, Conv, ConvConfig, Dropout, DropoutUnit, GroupNorm, Linear,
    LinearConfig, NormConfig,
};
use mednn::loss::CrossEntropy;
use mednn::ops::{self, Activation};
use mednn::optim::{Sgd, SgdConfig};
use mednn::{Context, Inputs, Model, Outputs, Params};
use medtrain::dist::{Collective, share_of};
use medtrain::split::CaseRecord;
use medtrain::{
    Batch, CachedCase, CaseCache, ClassTargets, Cohort, Ending, ImageBatches, LoadedCases,
    Prefetch, Shard, Source, StopFlag, TrainConfig, Trainer, Validation,
};

/// Where batches come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Data {
    /// A source of this test.
    Drawn,
    /// The crate's batches of whole images.
    Images,
}

#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) data: Data,
    /// Samples of a batch of all ranks.
    pub(crate) batch: usize,
    /// How far the samples of a batch are moved around in it.
    pub(crate) rotate: usize,
    pub(crate) learning_rate: f64,
    /// By the statistics of the batch instead of each sample's.
    pub(crate) batch_norm: bool,
    /// Batches of a step.
    pub(crate) accumulate: u32,
    pub(crate) dropout: f64,
    /// A rank and a batch at which its loss is not a number.
    pub(crate) breaks_at: Option<(usize, u32)>,
    /// A rank and a batch that it cannot make.
    pub(crate) lacks: Option<(usize, u32)>,
    pub(crate) stop: StopFlag,
    /// A batch at whose making the stop is asked for.
    pub(crate) stop_at: Option<u32>,
}

impl Default for Task {
    fn default() -> Self {
        Self {
            data: Data::Drawn,
            batch: 8,
            rotate: 0,
            learning_rate: 0.05,
            batch_norm: false,
            accumulate: 1,
            dropout: 0.25,
            breaks_at: None,
            lacks: None,
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
        let (rank, world_size) = (collective.rank(), collective.world_size());
        let shard = Shard::new(rank as u32, world_size as u32)?;
        match self.data {
            Data::Images => {
                let source = images(self.batch / world_size, shard)?;
                self.train_on(&Arc::new(source), collective, folder)
            }
            Data::Drawn => {
                let source = Drawn {
                    task: self.clone(),
                    shard,
                };
                self.train_on(&Arc::new(source), collective, folder)
            }
        }
    }

    pub(crate) fn train_on<S: Source<Item = Batch>>(
        &self,
        source: &Arc<S>,
        collective: &dyn Collective,
        folder: &Path,
    ) -> medtrain::Result<Trained> {
        let network = Network::new(3 + collective.rank() as u64, self)?;
        let start = network.params.snapshot()?;
        let mut sgd = Sgd::new(&network.params, SgdConfig::default())?;
        let mut config = TrainConfig::new(folder, 3);
        config.accumulate = self.accumulate;
        config.learning_rate = self.learning_rate;
        config.ema_decay = Some(0.5);
        config.resume = true;
        config.prefetch = Prefetch {
            threads: 0,
            ahead: 0,
        };
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
        let summary = trainer.run(source)?;
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
    norm: Norm,
    dropout: Dropout,
    head: Linear,
}

enum Norm {
    Group(GroupNorm),
    Batch(BatchNorm),
}

impl Network {
    fn new(seed: u64, task: &Task) -> mednn::Result<Self> {
        let params = Params::new(seed);
        let root = params.root();
        let path = root.child("norm");
        let norm = match task.batch_norm {
            true => Norm::Batch(BatchNorm::new(6, &BatchNormConfig::default(), &path)?),
            false => Norm::Group(GroupNorm::new(3, 6, &NormConfig::default(), &path)?),
        };
        Ok(Self {
            conv: Conv::new(&ConvConfig::same(1, 6, [3, 3]), &root.child("conv"))?,
            norm,
            dropout: Dropout::new(task.dropout, DropoutUnit::Element, &root.child("dropout"))?,
            head: Linear::new(&LinearConfig::new(6, 3), &root.child("head"))?,
            params,
        })
    }
}

impl Model for Network {
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let out = self.conv.forward(inputs.image()?, context)?;
        let out = match &self.norm {
            Norm::Group(norm) => norm.forward(&out, context)?,
            Norm::Batch(norm) => norm.forward(&out, context)?,
        };
        let out = ops::activation(&out, Activation::Relu)?;
        let out = self.dropout.forward(&out, context)?;
        let out = ops::flatten_from(&ops::adaptive_avg_pool(&out, [1, 1])?, 1)?;
        Ok(Outputs::new(self.head.forward(&out, context)?))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}

/// Images of three classes, each brighter than the one before.
pub(crate) fn images(batch: usize, shard: Shard) -> medtrain::Result<ImageBatches<2>> {
    let image = |number: u32| -> medtrain::Result<(String, Sample<2>)> {
        let grid = Geometry::axis_aligned([5, 7], [1.0; 2])?;
        let mut random = Key::new(5).sample(number).stream("image");
        let level = f64::from(number % 3);
        let voxels = (0..grid.len()).map(|_| (random.normal() * 0.5 + level) as f32);
        let image = Image::new(grid, voxels.collect::<Vec<_>>())?;
        Ok((format!("{number}"), Sample::new(image)))
    };
    let cases = (0..24).map(image).collect::<medtrain::Result<Vec<_>>>()?;
    let cache = CaseCache::new(Box::new(LoadedCases::new(cases)), Compose::default(), 1);
    let cache = Arc::new(cache.with_memory(1 << 20));
    let record = |n: u32| CaseRecord::new(format!("{n}"), format!("{n}")).with_class(n % 3);
    let cohort = Cohort::of_records((0..24).map(record))?;
    let targets = ClassTargets::of_records(3, cohort.records())?;
    let numbers = cohort.train_on_all();
    let cases = numbers.try_map(|record, n| CachedCase::new(&cache, n, &record.id))?;
    ImageBatches::new(cases, &targets, batch, 11)?.with_shard(shard)
}

/// The share of a rank in every batch.
struct Drawn {
    task: Task,
    shard: Shard,
}

impl Source for Drawn {
    type Item = Batch;

    fn steps_per_epoch(&self) -> u32 {
        5
    }

    fn shard(&self) -> Shard {
        self.shard
    }

    fn item(&self, epoch: u32, step: u32) -> medtrain::Result<Batch> {
        let number = epoch * 5 + step;
        let task = &self.task;
        let (rank, world) = (self.shard.rank() as usize, self.shard.world() as usize);
        if task.stop_at == Some(number) {
            task.stop.request();
        }
        if task.lacks == Some((rank, number)) {
            return Err(medtrain::Error::Nothing { what: "cases" });
        }
        let (mut values, mut labels, mut cases) = (Vec::new(), Vec::new(), Vec::new());
        for place in share_of(task.batch, rank, world) {
            let item = (place + task.rotate) % task.batch;
            let mut random = Key::new(9)
                .epoch(epoch)
                .sample(step * 100 + item as u32)
                .stream("x");
            let class = random.below(3);
            let broken = task.breaks_at == Some((rank, number));
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
        let [own, other] = [value, &b[name]].map(|v| v.to_dtype(DType::F64).unwrap());
        let difference = (own - other).and_then(|d| d.abs()?.flatten_all()?.max(0));
        difference.and_then(|d| d.to_scalar::<f64>()).unwrap()
    };
    a.iter().map(distance).fold(0.0, f64::max)
}
