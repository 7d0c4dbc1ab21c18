//! How long do the exact distance transform and connected components of an organ take?
//!
//! `cargo bench --bench distance_transform`. The crop of a liver, 130 x 260 x 300 voxels, anisotropic.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use medcore::components::{Components, Connectivity};
use medcore::distance;

#[global_allocator]
static ALLOCATOR: medcore::Allocator = medcore::Allocator;

const SHAPE: [usize; 3] = [130, 260, 300];
const SPACING: [f64; 3] = [1.5, 0.8, 0.8];

/// The shell of an ellipsoid, `scale` of the box.
fn shell(scale: f64) -> Vec<bool> {
    let radius = |i: usize| {
        let at = [
            i / (SHAPE[1] * SHAPE[2]),
            i / SHAPE[2] % SHAPE[1],
            i % SHAPE[2],
        ];
        (0..3)
            .map(|a| ((at[a] as f64 + 0.5) / SHAPE[a] as f64 * 2.0 - 1.0).powi(2))
            .sum::<f64>()
            .sqrt()
    };
    (0..SHAPE.iter().product())
        .map(|i| (radius(i) - scale).abs() < 0.01)
        .collect()
}

fn transform(c: &mut Criterion) {
    let (near, other) = (shell(0.8), shell(0.82));
    let mut group = c.benchmark_group("distance_transform/130x260x300");
    group
        .sample_size(20)
        .throughput(Throughput::Elements(near.len() as u64));
    group.bench_function("whole", |b| {
        b.iter(|| black_box(distance::to_feature(&near, SHAPE, SPACING, |&v| v).expect("a shape")));
    });
    let queries: Vec<usize> = (0..other.len()).filter(|&i| other[i]).collect();
    group.bench_function("at_a_near_surface", |b| {
        b.iter(|| {
            black_box(
                distance::squared_at(&near, SHAPE, SPACING, |&v| v, &queries).expect("a shape"),
            )
        });
    });
    group.bench_function("components", |b| {
        b.iter(|| {
            black_box(Components::new(&near, SHAPE, Connectivity::Face, |&v| v).expect("a shape"))
        });
    });
    group.finish();
}

criterion_group!(benches, transform);
criterion_main!(benches);
