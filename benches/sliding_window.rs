//! What does a sliding window cost besides the network?
//!
//! `cargo bench --bench sliding_window`. A network that does nothing, 15 classes, windows of 96^3: reading windows,
//! weighting and summing them, and turning finished blocks into labels on the image's own grid or on a finer one.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use medcore::{Geometry, Image};
use medinfer::{Accumulation, LabelRule, Predictor, Silent, SlidingWindow};
use mednn::candle_core::{DType, Device, Tensor};
use mednn::context::Context;
use mednn::model::{Inputs, Model, Outputs};
use mednn::params::Params;

#[global_allocator]
static ALLOCATOR: medcore::Allocator = medcore::Allocator;

const CLASSES: usize = 15;
const SHAPE: [usize; 3] = [150, 256, 256];

/// Returns the same logits for every window.
struct Nothing {
    logits: Tensor,
    params: Params,
}

impl Model for Nothing {
    fn forward(&self, _: &Inputs, _: &Context) -> mednn::Result<Outputs> {
        Ok(Outputs::new(self.logits.clone()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}

fn sliding_window(c: &mut Criterion) {
    let shape = (1, CLASSES, 96, 96, 96);
    let logits = Tensor::ones(shape, DType::F32, &Device::Cpu).expect("logits");
    let params = Params::new(0);
    let network = Nothing { logits, params };
    let grid = Geometry::axis_aligned(SHAPE, [1.5; 3]).expect("a grid");
    let finer = grid.with_spacing([1.5, 0.9, 0.9]).expect("a grid");
    let image = Image::<f32, 3>::zeros(1, grid).expect("an image");
    let mut group = c.benchmark_group("sliding_window");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_secs(2))
        .measurement_time(Duration::from_secs(15));
    for (name, target, window, accumulation) in [
        (
            "monai",
            grid,
            SlidingWindow::monai([96; 3]),
            Accumulation::F32,
        ),
        (
            "nnunet",
            grid,
            SlidingWindow::nnunet([96; 3]),
            Accumulation::F32,
        ),
        (
            "nnunet_f16",
            grid,
            SlidingWindow::nnunet([96; 3]),
            Accumulation::F16,
        ),
        (
            "nnunet_to_finer_grid",
            finer,
            SlidingWindow::nnunet([96; 3]),
            Accumulation::F32,
        ),
    ] {
        let predictor = Predictor::new(&network, window)
            .expect("a predictor")
            .with_accumulation(accumulation);
        group.throughput(Throughput::Elements(target.len() as u64));
        group.bench_function(format!("{name}/15x150x256x256"), |b| {
            b.iter(|| {
                let labels = predictor.labels_on(&image, target, &LabelRule::Argmax, &Silent);
                black_box(labels.expect("labels"));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, sliding_window);
criterion_main!(benches);
