//! What does the trainer add to a step? Its steps beside bare ones: forward, loss, backward, optimizer.
//!
//! `cargo bench --bench training_step`. ResNet-18 on four pictures of 224x224 with cross-entropy, BasicUNet on one patch of
//! 96^3 voxels with Dice and cross-entropy; SGD with momentum. Batches lie in memory. The trainer's time is that from the end
//! of its first steps, which take their memory from the system, to the end of its last: neither the start of a run nor the
//! checkpoint at its end is part of it, and of each start some steps are measured.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{
    BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};
use medcore::random::Key;
use medmodels::ModelConfig;
use medmodels::basic_unet::BasicUNetConfig;
use medmodels::registry::{self, Request};
use mednn::candle_core::{Device, Tensor};
use mednn::loss::{CrossEntropy, DiceCrossEntropy, Loss};
use mednn::optim::{Optimizer, Sgd, SgdConfig};
use mednn::tape::Pass;
use mednn::{Context, Inputs, Model, Params};
use medtrain::{
    Batch, Heard, Observer, Prefetch, Sanity, Schedule, Source, StepReport, TrainConfig, Trainer,
};

#[global_allocator]
static ALLOCATOR: medcore::Allocator = medcore::Allocator;

const RATE: f64 = 1e-4;
/// Steps of a run before those that are measured.
const FIRST: u32 = 3;
/// Steps of a run for each that criterion asks for.
const EACH: u32 = 4;

/// The same batch again and again.
struct Preloaded {
    image: Tensor,
    targets: Tensor,
    steps: u32,
}

impl Source for Preloaded {
    type Item = Batch;

    fn steps_per_epoch(&self) -> u32 {
        self.steps
    }

    fn item(&self, _: u32, _: u32) -> medtrain::Result<Batch> {
        Ok(Batch {
            inputs: Inputs::from(&self.image),
            targets: self.targets.clone(),
            cases: vec!["preloaded".to_owned()],
        })
    }
}

fn preloaded(image: &[usize], targets: &[usize], classes: usize) -> Preloaded {
    let values: Vec<f32> = (0..image.iter().product())
        .map(|i: usize| (i * 7919 % 1009) as f32 / 500.0 - 1.0)
        .collect();
    let labels: Vec<u8> = (0..targets.iter().product())
        .map(|i: usize| (i / 97 % classes) as u8)
        .collect();
    Preloaded {
        image: Tensor::from_vec(values, image, &Device::Cpu).expect("an image"),
        targets: Tensor::from_vec(labels, targets, &Device::Cpu).expect("labels"),
        steps: 0,
    }
}

/// When the first steps ended, and the last.
#[derive(Default)]
struct Clock(Option<(Instant, Instant)>);

impl Observer for Clock {
    fn step(&mut self, report: &StepReport) -> Heard {
        let now = Instant::now();
        if report.step + 1 >= FIRST {
            self.0 = Some((self.0.map_or(now, |(first, _)| first), now));
        }
        Ok(())
    }
}

fn optimizer(network: &dyn Model) -> Sgd {
    let config = SgdConfig {
        momentum: 0.9,
        ..SgdConfig::default()
    };
    Sgd::new(network.params(), config).expect("an optimizer")
}

/// The time of so many steps of a trainer that does nothing but train.
fn trained(network: &dyn Model, loss: &dyn Loss, source: Preloaded, folder: &Path) -> Duration {
    let mut optimizer = optimizer(network);
    let mut config = TrainConfig::new(folder, 1);
    (config.learning_rate, config.schedule) = (RATE, Schedule::Constant);
    (config.clip_norm, config.sanity) = (None, Sanity::Skip);
    config.prefetch = Prefetch {
        threads: 0,
        ahead: 0,
    };
    let mut clock = Clock::default();
    Trainer::new(network, loss, &mut optimizer, config)
        .with_observer(&mut clock)
        .run(&Arc::new(source))
        .expect("a run");
    clock.0.map_or(Duration::ZERO, |(first, last)| last - first)
}

fn both(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    config: &ModelConfig,
    loss: &dyn Loss,
    source: &Preloaded,
) {
    let network = medmodels::create(config, &Params::new(1)).expect("a network");
    let mut bare = optimizer(&*network);
    let inputs = Inputs::from(&source.image);
    let context = Context::train(Key::new(1));
    group.bench_function(format!("bare/{name}"), |b| {
        b.iter(|| {
            let pass = Pass::run(&*network, &inputs, &context).expect("outputs");
            let value = loss.of_outputs(pass.outputs(), &source.targets);
            let gradients = pass.backward(value.expect("a loss"));
            bare.step(&gradients.expect("gradients"), RATE)
                .expect("a step");
        });
    });
    group.bench_function(format!("trainer/{name}"), |b| {
        b.iter_custom(|steps| {
            let folder = tempfile::tempdir().expect("a folder");
            let source = Preloaded {
                image: source.image.clone(),
                targets: source.targets.clone(),
                steps: FIRST + EACH * u32::try_from(steps).expect("few steps"),
            };
            trained(&*network, loss, source, folder.path()) / EACH
        });
    });
}

fn training_step(c: &mut Criterion) {
    let mut group = c.benchmark_group("training_step");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_secs(3))
        .measurement_time(Duration::from_secs(20));
    let resnet = registry::find("resnet18").and_then(|entry| entry.config(&Request::new()));
    let resnet = resnet.expect("a network of the registry");
    let pictures = preloaded(&[4, 3, 224, 224], &[4], 1000);
    both(
        &mut group,
        "resnet18_4x3x224^2",
        &resnet,
        &CrossEntropy::new(),
        &pictures,
    );
    let unet = BasicUNetConfig::new_3d(1, 14).into();
    let patch = preloaded(&[1, 1, 96, 96, 96], &[1, 96, 96, 96], 14);
    let loss = DiceCrossEntropy::monai();
    both(&mut group, "basic_unet_1x1x96^3", &unet, &loss, &patch);
    group.finish();
}

criterion_group!(benches, training_step);
criterion_main!(benches);
