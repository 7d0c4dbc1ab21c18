//! How long do calibration errors of ten million scores take?
//!
//! `cargo bench --bench metrics_calibration`; one thread, however many there are.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use medcore::random::Key;
use medmetrics::calibration::{BinRule, Binning, CalibrationTable};

#[global_allocator]
static ALLOCATOR: medcore::Allocator = medcore::Allocator;

const SCORES: usize = 10_000_000;

/// A fifth are positive; logits are normal around -1, those of positives around 0.2.
fn scores() -> (Vec<f64>, Vec<bool>) {
    let mut random = Key::new(11).stream("scores");
    (0..SCORES)
        .map(|_| {
            let positive = random.chance(0.2);
            let logit = random.normal() - 1.0 + if positive { 1.2 } else { 0.0 };
            (1.0 / (1.0 + (-logit).exp()), positive)
        })
        .unzip()
}

fn calibration(c: &mut Criterion) {
    let (double, labels) = scores();
    let single: Vec<f32> = double.iter().map(|&p| p as f32).collect();
    let mut group = c.benchmark_group("metrics/calibration_10M");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(SCORES as u64));
    for (name, rule) in [
        ("ece_15_bins", BinRule::LeftClosed),
        ("ece_15_bins_torchmetrics", BinRule::TorchMetrics),
    ] {
        let binning = Binning::equal_width(15).with_rule(rule);
        group.bench_function(name, |b| {
            b.iter(|| {
                let table = CalibrationTable::of(binning.clone(), &double, &labels);
                black_box(table.expect("probabilities").expected_error())
            });
        });
    }
    group.bench_function("ece_15_bins_f32", |b| {
        b.iter(|| {
            let table = CalibrationTable::of(Binning::equal_width(15), &single, &labels);
            black_box(table.expect("probabilities").expected_error())
        });
    });
    group.finish();
}

criterion_group!(benches, calibration);
criterion_main!(benches);
