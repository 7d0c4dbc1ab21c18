//! How long do a bootstrap of an AUC and DeLong's variance take?
//!
//! `cargo bench --bench metrics_statistics`; set `RAYON_NUM_THREADS` to choose the threads. The rivals on the
//! same workload: `tools/bench/metrics_statistics.py`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use medcore::random::Key;
use medmetrics::Confidence;
use medmetrics::statistics::{AucScale, Bootstrap, BootstrapMethod, CorrelatedAucs, DeLong};

#[global_allocator]
static ALLOCATOR: medcore::Allocator = medcore::Allocator;

/// One case in five is positive and scores higher by 1.2 standard deviations.
fn cases(count: usize, name: &str) -> (Vec<f64>, Vec<bool>) {
    let mut random = Key::new(14).stream(name);
    (0..count)
        .map(|_| {
            let positive = random.chance(0.2);
            let score = random.normal() + 1.2 * f64::from(u8::from(positive)) - 1.0;
            (1.0 / (1.0 + (-score).exp()), positive)
        })
        .unzip()
}

fn statistics(c: &mut Criterion) {
    let mut group = c.benchmark_group("metrics/statistics");
    group.sample_size(10);

    let (scores, labels) = cases(100_000, "delong");
    group.throughput(Throughput::Elements(100_000));
    group.bench_function("delong_100k", |b| {
        b.iter(|| {
            let curve = DeLong::new(&scores, &labels).expect("numbers");
            black_box(curve.estimate(AucScale::Logit, Confidence::default()))
        });
    });
    let (other, _) = cases(100_000, "other");
    group.bench_function("delong_paired_100k", |b| {
        b.iter(|| {
            let curves = [&scores, &other].map(|s| DeLong::new(s, &labels).expect("numbers"));
            black_box(CorrelatedAucs::new(&curves).expect("both classes"))
        });
    });

    // Cases in the order of their scores, so that a replicate is one pass over the draws.
    let (scores, labels) = cases(5000, "bootstrap");
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let sorted: Vec<u32> = order.iter().map(|&case| u32::from(labels[case])).collect();
    let bootstrap = Bootstrap {
        replicates: 10_000,
        method: BootstrapMethod::Percentile,
        ..Bootstrap::default()
    };
    group.throughput(Throughput::Elements(50_000_000));
    group.bench_function("bootstrap_draws_10k_x_5k", |b| {
        b.iter(|| {
            let first = |times: &[u32]| Some(f64::from(times[0]));
            black_box(bootstrap.replicates(sorted.len(), first).expect("units"))
        });
    });
    group.bench_function("bootstrap_auc_10k_x_5k", |b| {
        b.iter(|| {
            let auc = |times: &[u32]| {
                let (mut ordered, mut positives, mut negatives) = (0u64, 0u64, 0u64);
                for (&times, &label) in times.iter().zip(&sorted) {
                    let positive = u64::from(times * label);
                    ordered += positive * negatives;
                    positives += positive;
                    negatives += u64::from(times) - positive;
                }
                let pairs = positives * negatives;
                (pairs > 0).then(|| ordered as f64 / pairs as f64)
            };
            black_box(bootstrap.estimate(sorted.len(), "auc", auc).expect("units"))
        });
    });
    group.finish();
}

criterion_group!(benches, statistics);
criterion_main!(benches);
