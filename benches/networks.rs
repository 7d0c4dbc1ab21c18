//! How long do the reference networks take, forward and for one training step?
//!
//! `cargo bench --bench networks -- resnet18` (or `forward`, `step`, `resnet18/step`); `tools/bench/networks.py` runs them in turns with
//! PyTorch and others. Forward is one image, planned; a step is four pictures or one volume, the mean of squares of all that the
//! network gives, and SGD with momentum. With `PROFILE=1` forward passes say where they spend their time.

#[path = "../crates/medmodels/tests/parity/full_size/networks.rs"]
mod networks;

use std::cell::LazyCell;
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
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn image(shape: &[usize]) -> Tensor {
    let values = (0..shape.iter().product::<usize>())
        .map(|i| (i * 7919 % 1009) as f32 / 500.0 - 1.0)
        .collect::<Vec<f32>>();
    Tensor::from_vec(values, shape, &Device::Cpu).expect("an image")
}

fn forward(c: &mut Criterion) {
    each("forward", c, |bencher, network, shape| {
        let network = Planned::new(network);
        let inputs = Inputs::from(image(shape));
        if std::env::var_os("PROFILE").is_some() {
            let plan = network.plan(&inputs).expect("a plan");
            plan.run(&inputs).expect("outputs");
            let (_, profile) = plan.profile(&inputs).expect("outputs");
            println!("{profile}");
        }
        bencher.iter(|| {
            let outputs = network.forward(&inputs, &Context::evaluate());
            black_box(outputs.expect("outputs"));
        });
    });
}

fn step(c: &mut Criterion) {
    each("step", c, |bencher, network, shape| {
        let mut shape = shape.to_vec();
        shape[0] = if shape.len() == 4 { 4 } else { 1 };
        let inputs = Inputs::from(image(&shape));
        let config = SgdConfig {
            momentum: 0.9,
            ..SgdConfig::default()
        };
        let mut optimizer = Sgd::new(network.params(), config).expect("an optimizer");
        let context = Context::train(Key::new(1));
        bencher.iter(|| {
            let pass = Pass::run(network, &inputs, &context).expect("outputs");
            let loss = { pass.outputs().scales() }
                .map(mean_of_squares)
                .reduce(|a, b| ops::add(&a, &b).expect("a sum"));
            let gradients = pass.backward(loss.expect("an output"));
            let gradients = gradients.expect("gradients");
            optimizer.step(&gradients, 1e-4).expect("a step");
        });
    });
}

fn mean_of_squares(output: &Tensor) -> Tensor {
    let squares = ops::multiply(output, output).expect("squares");
    let all: Vec<usize> = (0..squares.rank()).collect();
    ops::mean(&squares, &all, ops::Reduced::Dropped).expect("a mean")
}

/// A benchmark `NETWORK/WHAT` for each network.
fn each(
    what: &str,
    c: &mut Criterion,
    run: impl Fn(&mut criterion::Bencher<'_>, &dyn Model, &[usize]),
) {
    for (name, config, shape) in networks::networks() {
        // Drawing weights takes seconds, which only those that are measured are worth.
        let network = LazyCell::new(|| create(&config, &Params::new(1)).expect("a network"));
        let mut group = c.benchmark_group(name);
        group
            .sample_size(10)
            .warm_up_time(Duration::from_secs(1))
            .measurement_time(Duration::from_secs(5));
        group.bench_function(BenchmarkId::from_parameter(what), |bencher| {
            run(bencher, &**network, &shape);
        });
        group.finish();
    }
}

criterion_group!(benches, forward, step);
criterion_main!(benches);
