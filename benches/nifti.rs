//! Reading and writing a CT of 512 x 512 x 300 `i16` and its label map; throughput in voxels.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use medio::medcore::{Geometry, Image, LabelMap};
use medio::nifti::{self, ReadOptions, WriteOptions};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A body with organs and four bits of noise, which compresses about as a scan does.
fn scan() -> (Image<i16, 3>, LabelMap<u8, 3>) {
    let shape = [300, 512, 512];
    let grid = Geometry::axis_aligned(shape, [1.5, 0.8, 0.8]).expect("a valid grid");
    let mut state = 1_u32;
    let mut voxels = Vec::with_capacity(grid.len());
    let mut labels = Vec::with_capacity(grid.len());
    for index in 0..grid.len() {
        let (d, h, w) = (index / (512 * 512), index / 512 % 512, index % 512);
        let (y, x) = (h as f32 - 256.0, w as f32 - 256.0);
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (state >> 28) as i16 + (state >> 24 & 15) as i16 - 15;
        let (value, label) = if (x * x / 1.4 + y * y).sqrt() > 190.0 {
            (-1000, 0)
        } else if (x - 60.0).hypot(y + 20.0) < 60.0 + 10.0 * (d as f32 / 20.0).sin() {
            (60, 1)
        } else if (x + 70.0).hypot(y) < 50.0 {
            (-800, 2)
        } else {
            (30, 0)
        };
        voxels.push(value + if value == -1000 { noise / 8 } else { noise });
        labels.push(label);
    }
    (
        Image::new(grid, voxels).expect("as many voxels as the grid"),
        LabelMap::new(grid, labels).expect("as many voxels as the grid"),
    )
}

fn read_and_write(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (image, labels) = scan();
    let (plain, zipped) = (
        folder.path().join("ct.nii"),
        folder.path().join("ct.nii.gz"),
    );
    let label = folder.path().join("label.nii.gz");
    let options = WriteOptions::new();
    nifti::write_image(&plain, &image, &options).expect("a writable folder");
    nifti::write_image(&zipped, &image, &options.clone().level(6)).expect("a writable folder");
    nifti::write_labels(&label, &labels, &options).expect("a writable folder");

    let mut group = criterion.benchmark_group("nifti");
    group.sample_size(10);
    group.throughput(Throughput::Elements(image.geometry().len() as u64));
    group.bench_function("read/nii/i16", |b| {
        b.iter(|| black_box(nifti::read_image::<i16, 3>(&plain).expect("a valid file")));
    });
    group.bench_function("read/nii/i16_to_f32", |b| {
        b.iter(|| black_box(nifti::read_image::<f32, 3>(&plain).expect("a valid file")));
    });
    group.bench_function("map/nii/i16", |b| {
        let options = ReadOptions::new().map(true);
        b.iter(|| nifti::read_image_with::<i16, 3>(&plain, &options).expect("a valid file"));
    });
    group.bench_function("read/nii.gz/i16", |b| {
        b.iter(|| black_box(nifti::read_image::<i16, 3>(&zipped).expect("a valid file")));
    });
    group.bench_function("read/nii.gz/i16_to_f32", |b| {
        b.iter(|| black_box(nifti::read_image::<f32, 3>(&zipped).expect("a valid file")));
    });
    group.bench_function("read/nii.gz/labels", |b| {
        b.iter(|| black_box(nifti::read_labels::<u8, 3>(&label).expect("a valid file")));
    });
    let out = folder.path().join("out.nii.gz");
    group.bench_function("write/nii.gz/i16", |b| {
        b.iter(|| nifti::write_image(&out, &image, &options).expect("a writable folder"));
    });
    group.bench_function("write/nii.gz/labels", |b| {
        b.iter(|| nifti::write_labels(&out, &labels, &options).expect("a writable folder"));
    });
    group.finish();
}

criterion_group!(benches, read_and_write);
criterion_main!(benches);
