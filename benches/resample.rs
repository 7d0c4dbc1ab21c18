//! How long does a CT of 512x512x300 voxels take to another grid?
//!
//! `cargo bench --bench resample`; set `RAYON_NUM_THREADS` to choose the threads. Spacing 1.5 x 0.8 x 0.8 mm
//! to 1 mm, reorientation, and a rotated patch as augmentation cuts it.
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on fails")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use medcore::orientation::{Orientation, reorient};
use medcore::resample::{
    Interpolation, LabelInterpolation, Outside, resample, resample_labels, resample_slice,
};
use medcore::{Geometry, Image, IndexMap, LabelMap};

#[global_allocator]
static ALLOCATOR: medcore::Allocator = medcore::Allocator;

const METHODS: [(&str, Interpolation); 3] = [
    ("nearest", Interpolation::Nearest),
    ("linear", Interpolation::Linear),
    ("cubic_bspline", Interpolation::CubicBSpline),
];

fn grid() -> Geometry<3> {
    Geometry::axis_aligned([300, 512, 512], [1.5, 0.8, 0.8]).expect("a grid")
}

fn scan() -> Image<i16, 3> {
    let grid = grid();
    let voxels: Vec<i16> = (0..grid.len())
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 20) as i16 & 1023)
        .collect();
    Image::new(grid, voxels).expect("as many voxels as the grid")
}

/// Bars of three classes, as large as organs.
fn organs() -> LabelMap<u8, 3> {
    let grid = grid();
    let class = |i: usize| {
        let [d, h, w] = [i / (512 * 512), i / 512 % 512, i % 512];
        if (d / 40 + h / 90 + w / 70) % 3 == 0 {
            1 + (d / 40 % 3) as u8
        } else {
            0
        }
    };
    LabelMap::new(grid, (0..grid.len()).map(class).collect::<Vec<u8>>())
        .expect("as many labels as the grid")
}

fn spacing(c: &mut Criterion) {
    let (scan, organs) = (scan(), organs());
    let fine = scan
        .geometry()
        .with_spacing([1.0; 3])
        .expect("positive spacing");
    let mut group = c.benchmark_group("resample/512x512x300_to_1mm");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(fine.len() as u64));
    for (name, method) in METHODS {
        group.bench_function(name, |b| {
            b.iter(|| black_box(resample(&scan, &fine, method, Outside::Edge).expect("fits")));
        });
    }
    for (name, method) in [
        ("labels_nearest", LabelInterpolation::Nearest),
        ("labels_linear", LabelInterpolation::Linear),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| black_box(resample_labels(&organs, &fine, method, 0).expect("fits")));
        });
    }
    group.finish();
}

fn patch(c: &mut Criterion) {
    let source: Vec<f32> = (0..160usize.pow(3))
        .map(|i| (i * 7919 % 1000) as f32)
        .collect();
    let (sine, cosine) = 0.3f64.sin_cos();
    let map = IndexMap {
        matrix: [
            [cosine, 0.1, 0.0],
            [-0.1, cosine, -sine],
            [0.0, sine, cosine],
        ],
        offset: [10.0, 30.0, -5.0],
    };
    let mut out = vec![0.0f32; 128 * 128 * 128];
    let mut group = c.benchmark_group("resample/rotated_128^3");
    group
        .sample_size(20)
        .throughput(Throughput::Elements(out.len() as u64));
    for (name, method) in METHODS {
        group.bench_function(name, |b| {
            b.iter(|| {
                let outside = Outside::Value(0.0);
                resample_slice(&source, [160; 3], &map, &mut out, [128; 3], method, outside)
                    .expect("a finite map");
                black_box(&out);
            });
        });
    }
    group.finish();
}

fn orientation(c: &mut Criterion) {
    let scan = scan();
    let mut group = c.benchmark_group("reorient/512x512x300");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(scan.geometry().len() as u64));
    for code in ["RAS", "SPL", "PSL"] {
        let orientation: Orientation = code.parse().expect("a code");
        group.bench_function(code, |b| {
            b.iter(|| black_box(reorient(&scan, orientation).expect("fits")));
        });
    }
    group.finish();
}

criterion_group!(benches, spacing, patch, orientation);
criterion_main!(benches);
