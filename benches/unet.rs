//! How long does a U-Net take on a patch of 96^3 voxels, forward and for one training step?
//!
//! `cargo bench --bench unet`. MONAI's BasicUNet with its default features and 14 classes, as the rivals' scripts run
//! it: one channel, batch of one; a step is forward, Dice + cross-entropy, backward and SGD with Nesterov momentum.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use medcore::random::Key;
use medmodels::ModelConfig;
use medmodels::basic_unet::BasicUNetConfig;
use mednn::candle_core::{Device, Tensor};
use mednn::context::Context;
use mednn::loss::{DiceCrossEntropy, Loss};
use mednn::model::{Inputs, Model};
use mednn::optim::{Optimizer, Sgd, SgdConfig};
use mednn::params::Params;
use mednn::tape::Pass;

#[global_allocator]
static ALLOCATOR: medcore::Allocator = medcore::Allocator;

const PATCH: [usize; 5] = [1, 1, 96, 96, 96];
const CLASSES: usize = 14;

fn network() -> Box<dyn Model> {
    let config = ModelConfig::from(BasicUNetConfig::new_3d(1, CLASSES));
    medmodels::create(&config, &Params::new(1)).expect("a network")
}

fn patch() -> (Tensor, Tensor) {
    let voxels: usize = PATCH.iter().product();
    let values: Vec<f32> = (0..voxels)
        .map(|i| (i * 7919 % 1009) as f32 / 500.0 - 1.0)
        .collect();
    let labels: Vec<u8> = (0..voxels).map(|i| (i / 97 % CLASSES) as u8).collect();
    let image = Tensor::from_vec(values, &PATCH, &Device::Cpu).expect("an image");
    let labels = Tensor::from_vec(labels, &[1, 96, 96, 96], &Device::Cpu).expect("labels");
    (image, labels)
}

fn unet(c: &mut Criterion) {
    let network = network();
    let (image, labels) = patch();
    let inputs = Inputs::from(&image);
    let mut group = c.benchmark_group("basic_unet_3d");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_secs(3))
        .measurement_time(Duration::from_secs(30))
        .throughput(Throughput::Elements(PATCH.iter().product::<usize>() as u64));
    group.bench_function("forward/1x1x96^3", |b| {
        b.iter(|| {
            let outputs = network.forward(&inputs, &Context::evaluate());
            black_box(outputs.expect("logits"));
        });
    });
    let loss = DiceCrossEntropy::monai();
    let context = Context::train(Key::new(1));
    let contexts = [
        ("training_step", context.clone()),
        ("checkpointed_step", context.with_gradient_checkpointing()),
    ];
    let config = SgdConfig {
        momentum: 0.99,
        nesterov: true,
        ..SgdConfig::default()
    };
    let mut optimizer = Sgd::new(network.params(), config).expect("an optimizer");
    for (name, context) in contexts {
        group.bench_function(format!("{name}/1x1x96^3"), |b| {
            b.iter(|| {
                let pass = Pass::run(&*network, &inputs, &context).expect("logits");
                let value = loss.forward(&pass.outputs().logits, &labels);
                let gradients = pass.backward(value.expect("a loss"));
                let gradients = gradients.expect("gradients");
                optimizer.step(&gradients, 0.01).expect("a step");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, unet);
criterion_main!(benches);
