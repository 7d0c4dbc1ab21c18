//! How long does it take until a CT of 512 x 512 x 300 `i16` has been read from its files and summed, and to write it?
//!
//! The files stay in `target/bench-files`, where `tools/bench/volumes.py` reads and writes the same with nibabel, SimpleITK
//! and pydicom. Throughput in voxels. `cargo bench --bench volumes`, or with a filter: `cargo bench --bench volumes -- read`.

use std::hint::black_box;
use std::path::Path;

use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use medio::dicom::{self, Dataset, Element, Tag, Value, Vr};
use medio::medcore::random::Key;
use medio::medcore::{Geometry, Image, LabelMap};
use medio::{Compression, ReadOptions, WriteOptions};

#[global_allocator]
static ALLOCATOR: medcore::Allocator = medcore::Allocator;

const SHAPE: [usize; 3] = [300, 512, 512];
const SPACING: [f64; 3] = [1.5, 0.8, 0.8];

/// A body in air with noise of 12 HU, which compresses about as a scan does, and labels in it.
fn scan() -> (Image<i16, 3>, LabelMap<u8, 3>) {
    let grid = Geometry::axis_aligned(SHAPE, SPACING).expect("a valid grid");
    let mut random = Key::new(1).stream("noise");
    let mut voxels = Vec::with_capacity(grid.len());
    let mut labels = Vec::with_capacity(grid.len());
    for index in 0..grid.len() {
        let [h, w] = [index / SHAPE[2] % SHAPE[1], index % SHAPE[2]];
        let (y, x) = (h as f64 - 256.0, w as f64 - 256.0);
        let (value, label) = if (y / 170.0).powi(2) + (x / 220.0).powi(2) >= 1.0 {
            (-1000.0, 0)
        } else {
            (40.0, u8::from((x + 70.0).hypot(y) < 50.0))
        };
        voxels.push((value + 12.0 * random.normal()).clamp(-1024.0, 3071.0) as i16);
        labels.push(label);
    }
    (
        Image::new(grid, voxels).expect("as many voxels as the grid"),
        LabelMap::new(grid, labels).expect("as many voxels as the grid"),
    )
}

/// Writes a file for each slice.
fn write_series(folder: &Path, image: &Image<i16, 3>) -> Result<(), Box<dyn std::error::Error>> {
    std::fs::create_dir_all(folder)?;
    let slices = image.as_slice().chunks_exact(SHAPE[1] * SHAPE[2]);
    for (k, voxels) in slices.enumerate() {
        let mut slice = Dataset::new();
        for (tag, text) in [
            (Tag::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.2"),
            (Tag::SOP_INSTANCE_UID, &format!("2.25.3.{k}")),
            (Tag::STUDY_INSTANCE_UID, "2.25.1"),
            (Tag::SERIES_INSTANCE_UID, "2.25.2"),
            (Tag::FRAME_OF_REFERENCE_UID, "2.25.4"),
            (Tag::MODALITY, "CT"),
            (Tag::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2"),
        ] {
            slice.set_text(tag, text)?;
        }
        for (tag, number) in [
            (Tag::INSTANCE_NUMBER, k as i64 + 1),
            (Tag::ROWS, SHAPE[1] as i64),
            (Tag::COLUMNS, SHAPE[2] as i64),
            (Tag::SAMPLES_PER_PIXEL, 1),
            (Tag::BITS_ALLOCATED, 16),
            (Tag::BITS_STORED, 16),
            (Tag::HIGH_BIT, 15),
            (Tag::PIXEL_REPRESENTATION, 1),
        ] {
            slice.set_integers(tag, &[number])?;
        }
        for (tag, numbers) in [
            (Tag::PIXEL_SPACING, &SPACING[1..]),
            (Tag::SLICE_THICKNESS, &SPACING[..1]),
            (
                Tag::IMAGE_ORIENTATION_PATIENT,
                &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            ),
            (
                Tag::IMAGE_POSITION_PATIENT,
                &[-204.4, -204.4, 1.5 * k as f64],
            ),
            (Tag::RESCALE_SLOPE, &[1.0]),
            (Tag::RESCALE_INTERCEPT, &[0.0]),
        ] {
            slice.set_floats(tag, numbers)?;
        }
        let bytes: Vec<u8> = voxels
            .iter()
            .flat_map(|voxel| voxel.to_le_bytes())
            .collect();
        slice.insert(Element::new(
            Tag::PIXEL_DATA,
            Vr::OW,
            Value::Bytes(bytes.into()),
        ));
        dicom::write(
            folder.join(format!("{k:04}.dcm")),
            &slice,
            &dicom::WriteOptions::new(),
        )?;
    }
    Ok(())
}

/// What makes sure that every voxel has been read.
fn sum(image: &Image<i16, 3>) -> i64 {
    image.as_slice().iter().map(|&voxel| i64::from(voxel)).sum()
}

fn read(group: &mut BenchmarkGroup<'_, criterion::measurement::WallTime>, folder: &Path) {
    for name in ["ct.nii", "ct.nii.gz", "ct.mha", "ct.nrrd"] {
        let path = folder.join(name);
        group.bench_function(format!("read/{name}"), |b| {
            b.iter(|| sum(&medio::read(&path).expect("a valid file")));
        });
    }
    group.bench_function("map/ct.nii", |b| {
        let (path, options) = (folder.join("ct.nii"), ReadOptions::new().map(true));
        b.iter(|| {
            sum(&medio::read_with(&path, &options)
                .expect("a valid file")
                .value)
        });
    });
    group.bench_function("read/label.nii.gz", |b| {
        let path = folder.join("label.nii.gz");
        b.iter(|| black_box(medio::read_labels::<u8, 3>(&path).expect("a valid file")));
    });
    // The compressed ones are made by `tools/bench/volumes.py --compress`.
    for name in ["ct-dicom", "ct-jpeg2000", "ct-jpeg-lossless"] {
        let path = folder.join(name);
        if !path.exists() {
            continue;
        }
        group.bench_function(format!("read/{name}"), |b| {
            b.iter(|| {
                let scan = dicom::scan(&path).expect("a folder");
                let series = scan.only().expect("one series");
                sum(&series.volume().expect("a volume").image)
            });
        });
    }
}

fn read_and_write(criterion: &mut Criterion) {
    // The thread that asks works too.
    rayon::ThreadPoolBuilder::new()
        .use_current_thread()
        .build_global()
        .expect("the first use of the pool");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench-files");
    std::fs::create_dir_all(&folder).expect("a writable folder");
    let (image, labels) = scan();
    let best = WriteOptions::new().compression(Compression::Level(6));
    medio::write(folder.join("ct.nii"), &image).expect("a writable folder");
    for name in ["ct.nii.gz", "ct.mha", "ct.nrrd"] {
        medio::write_with(folder.join(name), &image, &best).expect("a writable folder");
    }
    medio::write_labels(folder.join("label.nii.gz"), &labels).expect("a writable folder");
    write_series(&folder.join("ct-dicom"), &image).expect("a writable folder");

    let mut group = criterion.benchmark_group("volumes");
    group.sample_size(10);
    group.throughput(Throughput::Elements(image.geometry().len() as u64));
    read(&mut group, &folder);
    for name in ["out.nii", "out.nii.gz", "out.nrrd"] {
        let path = folder.join(name);
        group.bench_function(format!("write/{name}"), |b| {
            b.iter(|| medio::write(&path, &image).expect("a writable folder"));
        });
    }
    group.bench_function("write/label.nii.gz", |b| {
        let path = folder.join("out-label.nii.gz");
        b.iter(|| medio::write_labels(&path, &labels).expect("a writable folder"));
    });
    group.finish();
}

criterion_group!(benches, read_and_write);
criterion_main!(benches);
