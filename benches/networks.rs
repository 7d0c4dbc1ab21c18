//! How long do the reference networks take, forward and for one training step?
//!
//! `cargo bench --bench networks -- resnet18` (or `forward`, `step`, `resnet18/step`); `tools/bench/networks.py` runs them in
//! turns with PyTorch and others. Forward is one image, planned; a step is four pictures or one volume, the mean of squares
//! of all that the network gives, and SGD with momentum. With `PROFILE=1` forward passes say where they spend their time.

#[path = "../crates/medmodels/tests/parity/full_size/networks.rs"]
mod networks;

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use medcore::random::Key;
use medmodels::create;
use mednn::candle_core::{Device, Tensor};
use mednn::context::Context;
use mednn::model::{Inputs, Model};
use mednn::ops;
use mednn::optim::{Optimizer, Sgd, SgdConfig};
use mednn::params::Params;
use mednn::plan::Planned;
use mednn::tape::Pass;

#[global_allocator]
static ALLOCATOR: medcore::Allocator = medcore::Allocator;

fn image(shape: &[usize]) -> Tensor {
    let values = (0..shape.iter().product::<usize>())
        .map(|i| (i * 7919 % 1009) as f32 / 500.0 - 1.0)
        .collect::<Vec<f32>>();
    Tensor::from_vec(values, shape, &Device::Cpu).expect("an image")
}

fn forward(c: &mut Criterion) {
    each("forward", c, |network, shape| {
        let network = Planned::new(network);
        let inputs = Inputs::from(image(shape));
        let plan = network.plan(&inputs).expect("a plan");
        plan.run(&inputs).expect("outputs");
        if std::env::var_os("PROFILE").is_some() {
            let (_, profile) = plan.profile(&inputs).expect("outputs");
            #[expect(clippy::print_stdout, reason = "asked for by whoever runs the bench")]
            {
                println!("{profile}");
            }
        }
        Box::new(move || {
            let outputs = network.forward(&inputs, &Context::evaluate());
            black_box(outputs.expect("outputs"));
        })
    });
}

fn step(c: &mut Criterion) {
    each("step", c, |network, shape| {
        let mut shape = shape.to_vec();
        shape[0] = if shape.len() == 4 { 4 } else { 1 };
        let inputs = Inputs::from(image(&shape));
        let config = SgdConfig {
            momentum: 0.9,
            ..SgdConfig::default()
        };
        let mut optimizer = Sgd::new(network.params(), config).expect("an optimizer");
        let context = Context::train(Key::new(1));
        Box::new(move || {
            let pass = Pass::run(&*network, &inputs, &context).expect("outputs");
            let loss = { pass.outputs().scales() }
                .map(mean_of_squares)
                .reduce(|a, b| ops::add(&a, &b).expect("a sum"));
            let gradients = pass.backward(loss.expect("an output"));
            let gradients = gradients.expect("gradients");
            optimizer.step(&gradients, 1e-4).expect("a step");
        })
    });
}

fn mean_of_squares(output: &Tensor) -> Tensor {
    let squares = ops::multiply(output, output).expect("squares");
    let all: Vec<usize> = (0..squares.rank()).collect();
    ops::mean(&squares, &all, ops::Reduced::Dropped).expect("a mean")
}

/// A benchmark `NETWORK/WHAT` for each network, of what `prepare` makes of it and the shape of its image.
fn each(
    what: &str,
    c: &mut Criterion,
    prepare: impl Fn(Box<dyn Model>, &[usize]) -> Box<dyn FnMut()>,
) {
    for (name, config, shape) in networks::networks() {
        let mut group = c.benchmark_group(name);
        group
            .sample_size(10)
            .warm_up_time(Duration::from_secs(1))
            .measurement_time(Duration::from_secs(5));
        // Criterion asks for a bencher's work anew for each sample; networks that are not measured are not made.
        let mut work = None;
        group.bench_function(BenchmarkId::from_parameter(what), |bencher| {
            let work = work.get_or_insert_with(|| {
                let network = create(&config, &Params::new(1)).expect("a network");
                prepare(network, &shape)
            });
            bencher.iter(work);
        });
        group.finish();
    }
}

criterion_group!(benches, forward, step);
criterion_main!(benches);
