//! How long do areas under curves of ten million scores, their intervals and confusion matrices take?
//!
//! `cargo bench --bench metrics_classification`; set `RAYON_NUM_THREADS` to choose the threads. The rivals'
//! side is `tools/bench/metrics_classification.py`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use medcore::random::Key;
use medmetrics::Confidence;
use medmetrics::classification::{
    AveragePrecisionRule, AveragingRule, BinaryMeasure, ConfusionMatrix, Ranking, Resampling,
};
use medmetrics::statistics::{AucScale, Bootstrap, BootstrapMethod};

#[global_allocator]
static ALLOCATOR: medcore::Allocator = medcore::Allocator;

/// Logistic scores of cases of which one in five is positive; AUC 0.80.
fn cases(count: usize, seed: u64) -> (Vec<bool>, Vec<f64>) {
    let mut random = Key::new(seed).stream("cases");
    (0..count)
        .map(|_| {
            let positive = random.chance(0.2);
            let shift = if positive { 1.2 } else { 0.0 };
            let logit = random.normal() + shift - 1.0;
            (positive, 1.0 / (1.0 + (-logit).exp()))
        })
        .unzip()
}

fn areas(c: &mut Criterion) {
    const COUNT: usize = 10_000_000;
    let (truth, double) = cases(COUNT, 11);
    let single: Vec<f32> = double.iter().map(|&score| score as f32).collect();
    let mut group = c.benchmark_group("metrics/10M_scores");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(COUNT as u64));
    group.bench_function("auc_f64", |b| {
        b.iter(|| black_box(Ranking::of(&truth, &double).expect("numbers").auc()));
    });
    group.bench_function("auc_f32", |b| {
        b.iter(|| black_box(Ranking::of(&truth, &single).expect("numbers").auc()));
    });
    group.bench_function("average_precision_f64", |b| {
        b.iter(|| {
            let ranking = Ranking::of(&truth, &double).expect("numbers");
            black_box(ranking.average_precision(AveragePrecisionRule::Step))
        });
    });
    group.finish();
}

fn intervals(c: &mut Criterion) {
    let mut group = c.benchmark_group("metrics/auc_interval");
    group.sample_size(10);
    let (truth, scores) = cases(5000, 12);
    let ranking = Ranking::of(&truth, &scores).expect("numbers");
    let bootstrap = Bootstrap {
        replicates: 10_000,
        method: BootstrapMethod::Percentile,
        ..Bootstrap::default()
    };
    group.bench_function("bootstrap_5k_x_10k", |b| {
        b.iter(|| {
            black_box(
                ranking
                    .auc_bootstrap(&bootstrap, Resampling::Cases)
                    .expect("enough cases"),
            )
        });
    });
    let (truth, scores) = cases(100_000, 14);
    group.bench_function("delong_100k", |b| {
        b.iter(|| {
            let ranking = Ranking::of(&truth, &scores).expect("numbers");
            black_box(ranking.auc_delong(AucScale::Logit, Confidence::default()))
        });
    });
    group.finish();
}

fn decisions(c: &mut Criterion) {
    const COUNT: usize = 10_000_000;
    let mut random = Key::new(13).stream("labels");
    let truth: Vec<u32> = (0..COUNT).map(|_| random.below(5) as u32).collect();
    let decided: Vec<u32> = truth
        .iter()
        .map(|&label| {
            let other = random.below(5) as u32;
            if random.chance(0.6) { label } else { other }
        })
        .collect();
    let mut group = c.benchmark_group("metrics/10M_labels");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(COUNT as u64));
    group.bench_function("macro_f1_of_5_classes", |b| {
        b.iter(|| {
            let matrix = ConfusionMatrix::of(&truth, &decided, 5).expect("labels below 5");
            black_box(matrix.average(BinaryMeasure::FBeta(1.0), &AveragingRule::default()))
        });
    });
    group.finish();
}

criterion_group!(benches, areas, intervals, decisions);
criterion_main!(benches);
