//! How long do Dice, Hausdorff distance and surface Dice of fifteen organs on 300 x 512 x 512 voxels take?
//!
//! `cargo bench --bench surface_metrics`; set `RAYON_NUM_THREADS` to choose the threads.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use medcore::random::Key;
use medcore::{Geometry, LabelMap};
use medmetrics::{Convention, Evaluation, JointHistogram};

#[global_allocator]
static ALLOCATOR: medcore::Allocator = medcore::Allocator;

const SHAPE: [usize; 3] = [300, 512, 512];

/// Fifteen ellipsoids of 30 000 to 500 000 voxels and the same a little displaced.
fn organs() -> [LabelMap<u8, 3>; 2] {
    let grid = Geometry::axis_aligned(SHAPE, [1.5, 0.8, 0.8]).expect("a grid");
    let mut maps = [vec![0u8; grid.len()], vec![0u8; grid.len()]];
    let mut random = Key::new(20_240_501).stream("organs");
    for organ in 1..=15 {
        let radii = [(8.0, 45.0), (12.0, 70.0), (12.0, 70.0)]
            .map(|(low, high)| random.uniform_in(low, high));
        let centre: [f64; 3] = std::array::from_fn(|a| {
            random.uniform_in(radii[a] + 8.0, SHAPE[a] as f64 - radii[a] - 8.0)
        });
        let moved = centre.map(|v| v + 1.5 * random.normal());
        for (map, centre) in maps.iter_mut().zip([centre, moved]) {
            let reach =
                |a: usize| ((centre[a] - radii[a]) as usize)..=((centre[a] + radii[a]) as usize);
            for d in reach(0) {
                for h in reach(1) {
                    for w in reach(2) {
                        let at = [d as f64, h as f64, w as f64];
                        let inside = (0..3)
                            .map(|a| ((at[a] - centre[a]) / radii[a]).powi(2))
                            .sum::<f64>();
                        let voxel = &mut map[(d * SHAPE[1] + h) * SHAPE[2] + w];
                        if inside <= 1.0 && *voxel == 0 {
                            *voxel = organ;
                        }
                    }
                }
            }
        }
    }
    maps.map(|labels| LabelMap::new(grid, labels).expect("as many labels as the grid"))
}

fn metrics(c: &mut Criterion) {
    let [reference, prediction] = organs();
    let mut group = c.benchmark_group("metrics/15_organs_300x512x512");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(reference.geometry().len() as u64));
    group.bench_function("dice", |b| {
        b.iter(|| {
            black_box(JointHistogram::between(&reference, &prediction, 16).expect("one grid"))
        });
    });
    let evaluation = Evaluation::of_organs((1..=15).map(|i| format!("organ {i}")));
    for (name, convention) in [
        ("all_monai", Convention::Monai),
        ("all_deepmind", Convention::DeepMind),
    ] {
        let evaluation = evaluation.clone().with_convention(convention);
        group.bench_function(name, |b| {
            b.iter(|| {
                black_box(
                    evaluation
                        .case("case", &reference, &prediction)
                        .expect("one grid"),
                )
            });
        });
    }
    group.finish();
}

criterion_group!(benches, metrics);
criterion_main!(benches);
