//! How long do the structural similarity of two volumes and the diameters of fifteen organs take?
//!
//! `cargo bench --bench metrics_quality`; set `RAYON_NUM_THREADS` to choose the threads. Its twin with
//! scikit-image, MONAI, torchmetrics and SciPy on the same voxels is `tools/bench/metrics_quality.py`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use medcore::{Geometry, Image, LabelMap};
use medmetrics::measurement::{SizeConfig, StructureSize};
use medmetrics::quality::{ImagePair, SsimConvention};

#[global_allocator]
static ALLOCATOR: medcore::Allocator = medcore::Allocator;

/// Noise, and the same with a little more.
fn volumes() -> [Image<f32, 3>; 2] {
    let grid = Geometry::axis_aligned([128; 3], [1.0; 3]).expect("a grid");
    let noise = |i: usize| ((i as u64 * 2_654_435_761) >> 7 & 255) as f32;
    let more = |i: usize| noise(i) + ((i as u64 * 7919) % 13) as f32;
    [
        Image::new(grid, (0..grid.len()).map(noise).collect::<Vec<_>>()).expect("a volume"),
        Image::new(grid, (0..grid.len()).map(more).collect::<Vec<_>>()).expect("a volume"),
    ]
}

/// Fifteen ellipsoids of 63 000 to 380 000 voxels.
fn organs() -> LabelMap<u8, 3> {
    let shape = [300usize, 512, 512];
    let grid = Geometry::axis_aligned(shape, [1.5, 0.8, 0.8]).expect("a grid");
    let mut labels = vec![0u8; grid.len()];
    for organ in 0..15usize {
        let centre = [
            50 + 100 * (organ % 3),
            50 + 100 * (organ / 3),
            100 + 20 * organ,
        ];
        let radii = [20 + 10 * (organ % 3), 25 + organ, 30 + 2 * organ];
        let reach =
            |a: usize| centre[a].saturating_sub(radii[a])..(centre[a] + radii[a] + 1).min(shape[a]);
        for d in reach(0) {
            for h in reach(1) {
                for w in reach(2) {
                    let inside: f64 = [d, h, w]
                        .iter()
                        .zip(centre.iter().zip(&radii))
                        .map(|(&at, (&c, &r))| ((at as f64 - c as f64) / r as f64).powi(2))
                        .sum();
                    if inside <= 1.0 {
                        labels[(d * shape[1] + h) * shape[2] + w] = organ as u8 + 1;
                    }
                }
            }
        }
    }
    LabelMap::new(grid, labels).expect("as many labels as the grid")
}

fn quality(c: &mut Criterion) {
    let [reference, image] = volumes();
    let pair = ImagePair::new(&reference, &image).expect("one grid");
    let mut group = c.benchmark_group("metrics/ssim_128x128x128");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(reference.geometry().len() as u64));
    for (name, convention) in [
        ("gaussian_valid_monai", SsimConvention::Monai),
        ("uniform_scikit_image", SsimConvention::ScikitImage),
        ("gaussian_mirror_torchmetrics", SsimConvention::Torchmetrics),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| black_box(pair.ssim(255.0, &convention.into()).expect("large enough")));
        });
    }
    group.finish();
}

fn sizes(c: &mut Criterion) {
    let organs = organs();
    let mut group = c.benchmark_group("metrics/sizes_of_15_organs_300x512x512");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(organs.geometry().len() as u64));
    group.bench_function("feret_and_recist", |b| {
        b.iter(|| {
            black_box(StructureSize::of_map(&organs, &SizeConfig::default()).expect("a map"))
        });
    });
    group.finish();
}

criterion_group!(benches, quality, sizes);
criterion_main!(benches);
