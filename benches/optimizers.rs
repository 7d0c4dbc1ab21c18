//! What does a step of an optimizer cost, on 20 million parameters?
//!
//! `cargo bench --bench optimizers`; `tools/bench/optimizers.py` is PyTorch's, MONAI's and timm's side. The throughput is in
//! parameters.

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mednn::Params;
use mednn::candle_core::backprop::GradStore;
use mednn::candle_core::{Device, Tensor};
use mednn::optim::{
    AdamW, AdamWConfig, Ema, EmaConfig, Lamb, LambConfig, Novograd, NovogradConfig, Optimizer,
    RmsProp, RmsPropConfig, Sgd, SgdConfig,
};
use mednn::params::Init;

#[global_allocator]
static ALLOCATOR: medcore::Allocator = medcore::Allocator;

const TENSORS: usize = 20;
const EDGE: usize = 1000;

fn network() -> mednn::Result<(Params, GradStore)> {
    let (params, mut gradients) = (Params::new(0), GradStore::default());
    let gradient: Vec<f32> = (0..EDGE * EDGE)
        .map(|i| (i * 7919 % 1009) as f32 / 500.0 - 1.0)
        .collect();
    let gradient = Tensor::from_vec(gradient, (EDGE, EDGE), &Device::Cpu)?;
    for i in 0..TENSORS {
        let root = params.root().child(i);
        let param = root.parameter("weight", &[EDGE, EDGE], Init::Constant(0.5))?;
        gradients.insert(param.var().as_tensor(), gradient.copy()?);
    }
    Ok((params, gradients))
}

fn optimizers(c: &mut Criterion) {
    let (params, gradients) = network().expect("a network");
    let nesterov = SgdConfig {
        momentum: 0.99,
        nesterov: true,
        weight_decay: 3e-5,
        ..SgdConfig::default()
    };
    let amsgrad = AdamWConfig {
        amsgrad: true,
        ..AdamWConfig::default()
    };
    let make = || -> mednn::Result<[(&'static str, Box<dyn Optimizer>); 7]> {
        let adam = AdamWConfig::default();
        Ok([
            ("sgd", Box::new(Sgd::new(&params, SgdConfig::default())?)),
            ("sgd_nesterov", Box::new(Sgd::new(&params, nesterov)?)),
            ("adamw", Box::new(AdamW::new(&params, adam)?)),
            ("adamw_amsgrad", Box::new(AdamW::new(&params, amsgrad)?)),
            (
                "rmsprop",
                Box::new(RmsProp::new(&params, RmsPropConfig::default())?),
            ),
            (
                "novograd",
                Box::new(Novograd::new(&params, NovogradConfig::default())?),
            ),
            ("lamb", Box::new(Lamb::new(&params, LambConfig::default())?)),
        ])
    };
    let mut group = c.benchmark_group("optimizers/20M");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .throughput(Throughput::Elements((TENSORS * EDGE * EDGE) as u64));
    for (name, mut optimizer) in make().expect("optimizers") {
        group.bench_function(name, |b| {
            b.iter(|| optimizer.step(&gradients, 1e-3).expect("a step"));
        });
    }
    let mut ema = Ema::new(&params, EmaConfig::new(0.999)).expect("averages");
    group.bench_function("ema", |b| b.iter(|| ema.update().expect("an update")));
    group.finish();
}

criterion_group!(benches, optimizers);
criterion_main!(benches);
