//! How long does quadratic kappa of ten million pairs of ratings take, and how long alpha, ICC and exact
//! limits?
//!
//! `RAYON_NUM_THREADS=1 cargo bench --bench metrics_agreement`; the rivals:
//! `tools/bench/metrics_agreement.py`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use medcore::random::Key;
use medmetrics::Accumulator;
use medmetrics::agreement::{
    BlandAltman, Kappa, KappaWeights, Krippendorff, Level, PairedMeasurements, RatedUnits,
    RatingMatrix, RatingTable,
};

#[global_allocator]
static ALLOCATOR: medcore::Allocator = medcore::Allocator;

const PAIRS: usize = 10_000_000;

/// Five classes, of which the second rater repeats three fifths and misses the others by at most two.
fn ratings() -> [Vec<i64>; 2] {
    let mut random = Key::new(13).stream("ratings");
    let first: Vec<i64> = (0..PAIRS).map(|_| random.below(5) as i64).collect();
    let second = first.iter().map(|&rating| {
        if random.uniform() < 0.6 {
            rating
        } else {
            (rating + random.below(5) as i64 - 2).clamp(0, 4)
        }
    });
    let second = second.collect();
    [first, second]
}

fn kappa(c: &mut Criterion) {
    let [first, second] = ratings();
    let bytes = |ratings: &[i64]| {
        ratings
            .iter()
            .map(|&rating| rating as u8)
            .collect::<Vec<u8>>()
    };
    let (first_bytes, second_bytes) = (bytes(&first), bytes(&second));
    let quadratic = Kappa::cohen(KappaWeights::Quadratic);
    let mut group = c.benchmark_group("metrics/kappa_quadratic_10M_x5");
    group
        .sample_size(20)
        .throughput(Throughput::Elements(PAIRS as u64));
    group.bench_function("i64", |b| {
        b.iter(|| {
            let table = RatingTable::of(5, &first, &second).expect("five classes");
            black_box(quadratic.of(&table).expect("weights fit"))
        });
    });
    group.bench_function("u8", |b| {
        b.iter(|| {
            let table = RatingTable::of(5, &first_bytes, &second_bytes).expect("five classes");
            black_box(quadratic.of(&table).expect("weights fit"))
        });
    });
    group.finish();
}

fn measurements(c: &mut Criterion) {
    let mut random = Key::new(14).stream("measurements");
    let rows: Vec<[f64; 3]> = (0..800)
        .map(|_| {
            let truth = 5.0 * random.normal();
            std::array::from_fn(|_| truth + random.normal())
        })
        .collect();
    let mut units = RatedUnits::default();
    let mut matrix = RatingMatrix::new(3).expect("three raters");
    let mut pairs = PairedMeasurements::default();
    for row in &rows {
        units.push(row).expect("finite ratings");
        matrix.push(row).expect("finite ratings");
        pairs.push([row[0], row[1]]).expect("finite ratings");
    }
    let mut group = c.benchmark_group("metrics/agreement_800");
    group.bench_function("alpha_interval", |b| {
        b.iter(|| {
            black_box(
                Krippendorff::new(Level::Interval)
                    .of(&units)
                    .expect("alpha"),
            )
        });
    });
    group.bench_function("anova_for_icc", |b| {
        b.iter(|| black_box(matrix.finish().expect("an analysis of variance")));
    });
    group.bench_function("limits_exact", |b| {
        b.iter(|| black_box(BlandAltman::default().of(&pairs).expect("limits")));
    });
    group.finish();
}

criterion_group!(benches, kappa, measurements);
criterion_main!(benches);
