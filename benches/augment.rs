//! How long does a training patch of 128^3 voxels take, from the case to the network's input?
//!
//! `cargo bench --bench augment`. The same work as `augmentation.py` of the rivals: one channel and labels,
//! nnU-Net's default pipeline with its own probabilities (the mean over many draws), all of its steps at once,
//! and a rotation with scaling of image and labels as TorchIO's `RandomAffine` does it. The rows `two_workers` hand the
//! same samples over through a loader with two threads: the rivals' `--workers 2`.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use medaug::{
    BatchSlot, Boxes, Case, Compose, ContrastRange, Draw, Gamma, Intensity, Laterality,
    PatchPipeline, Preprocess, RandomElasticDeformation, RandomSpatial, Sample, Sampling, Space,
    Step, Transform, contrast, gamma, gaussian_blur, gaussian_noise, low_resolution, preset,
};
use medcore::random::Key;
use medcore::resample::LabelInterpolation;
use medcore::{BoundingBox, Geometry, Image, LabelMap};
use medtrain::{Loader, Prefetch, Source};

#[global_allocator]
static ALLOCATOR: medcore::Allocator = medcore::Allocator;

const PATCH: [usize; 3] = [128; 3];

/// A ball with noise, as the rivals' script makes it.
fn ball(n: usize) -> Sample<3> {
    let grid = Geometry::axis_aligned([n; 3], [1.0; 3]).expect("a grid");
    let mut labels = Vec::with_capacity(grid.len());
    for d in 0..n {
        for h in 0..n {
            for w in 0..n {
                let square = [d, h, w]
                    .map(|v| (v as f64 - n as f64 / 2.0).powi(2))
                    .iter()
                    .sum::<f64>();
                labels.push(u8::from(square < (n as f64 / 3.0).powi(2)));
            }
        }
    }
    let mut voxels: Vec<f32> = labels.iter().map(|&l| f32::from(l) * 100.0).collect();
    gaussian_noise(&mut voxels, 20.0, Key::new(3));
    let image = Image::new(grid, voxels).expect("as many voxels as labels");
    let labels = LabelMap::new(grid, labels).expect("as many labels as voxels");
    Sample::with_labels(image, labels).expect("one grid")
}

fn everything(pipeline: &PatchPipeline<3>) -> PatchPipeline<3> {
    let steps = pipeline.steps().iter().cloned().map(|mut step| {
        match &mut step {
            Step::RandomSpatial(t) => {
                t.rotation_probability = 1.0;
                t.scale_probability = 1.0;
            }
            Step::RandomGaussianNoise(t) => t.probability = 1.0,
            Step::RandomGaussianBlur(t) => t.probability = 1.0,
            Step::RandomBrightness(t) => t.probability = 1.0,
            Step::RandomContrast(t) => t.probability = 1.0,
            Step::RandomLowResolution(t) => t.probability = 1.0,
            Step::RandomGamma(t) => t.probability = 1.0,
            _ => {}
        }
        step
    });
    PatchPipeline::new(pipeline.sampler().clone(), steps.collect()).expect("valid")
}

/// Rotation and scaling of every sample.
fn affine(labels: LabelInterpolation) -> RandomSpatial {
    RandomSpatial {
        rotation_probability: 1.0,
        scale_probability: 1.0,
        scale: vec![Draw::Uniform {
            low: 0.8,
            high: 1.2,
        }],
        sampling: Sampling {
            labels,
            ..Sampling::default()
        },
        ..RandomSpatial::default()
    }
}

fn pipelines(c: &mut Criterion) {
    let mut group = c.benchmark_group("augment");
    group
        .throughput(Throughput::Elements(1 << 21))
        .sample_size(10)
        .measurement_time(Duration::from_secs(6));
    let case = Case::new(ball(205), None, Key::new(1));
    let default = preset::nnunet_default(PATCH, Space::Voxels, Laterality::Ignore).expect("valid");
    let all = everything(&default);
    for (name, pipeline) in [("nnunet_default", &default), ("nnunet_everything", &all)] {
        let mut number = 0;
        group.bench_function(format!("{name}/128x128x128"), |b| {
            b.iter(|| {
                number += 1;
                let slot = BatchSlot {
                    index: number as usize % 2,
                    size: 2,
                };
                pipeline.draw(black_box(&case), slot, Key::new(9).sample(number))
            });
        });
    }
    for labels in [LabelInterpolation::Nearest, LabelInterpolation::Linear] {
        let affine = affine(labels);
        let sample = ball(128).into_shared();
        let mut number = 0;
        group.bench_function(format!("affine_labels_{labels:?}/128x128x128"), |b| {
            b.iter(|| {
                number += 1;
                affine.apply(black_box(sample.clone()), Key::new(4).sample(number))
            });
        });
    }
    let turn = RandomSpatial {
        rotation_probability: 1.0,
        rotation_degrees: vec![Draw::symmetric(30.0)],
        scale_probability: 1.0,
        scale: vec![Draw::Uniform {
            low: 0.8,
            high: 1.2,
        }],
        sampling: Sampling {
            labels: LabelInterpolation::Nearest,
            ..Sampling::default()
        },
        ..RandomSpatial::default()
    };
    let bend = RandomElasticDeformation {
        probability: 1.0,
        sampling: turn.sampling,
        ..RandomElasticDeformation::default()
    };
    let chain = Compose::<3>::new(vec![turn.into(), bend.into()]).expect("valid");
    let sample = ball(128).into_shared();
    let mut number = 0;
    group.bench_function("affine_elastic/128x128x128", |b| {
        b.iter(|| {
            number += 1;
            chain.apply(black_box(sample.clone()), Key::new(4).sample(number))
        });
    });
    let pictures: Vec<Sample<2>> = (0..4).map(picture).collect();
    let yolo = preset::yolo([640; 2], 1.0, preset::Pixels::Colour, Laterality::Ignore);
    let yolo = yolo.expect("valid");
    let mut number = 0;
    group.bench_function("yolo/640x640", |b| {
        b.iter(|| {
            number += 1;
            yolo.apply(black_box(pictures.clone()), Key::new(4).sample(number))
        });
    });
    group.finish();
}

/// A picture of coloured blocks with three boxes.
fn picture(number: usize) -> Sample<2> {
    let grid = Geometry::axis_aligned([640; 2], [1.0; 2]).expect("a grid");
    let value = |channel: usize, row: usize, column: usize| {
        let block = (row / 16 * 40 + column / 16) * 3 + channel + 7 * number;
        (block.wrapping_mul(2_654_435_761) >> 7) % 256
    };
    let voxels: Vec<f32> = (0..3 * 640 * 640)
        .map(|i| value(i / 409_600, i / 640 % 640, i % 640) as f32 / 255.0)
        .collect();
    let bounds = [
        ([20.0, 10.0], [220.0, 200.0]),
        ([300.0; 2], [480.0, 500.0]),
        ([400.0, 50.0], [600.0, 180.0]),
    ];
    let boxes = bounds.map(|(min, max)| (BoundingBox::new(min, max).expect("a box"), 0));
    let image = Image::with_channels(3, grid, voxels).expect("three channels");
    Sample::new(image)
        .with_boxes(Boxes::new(boxes))
        .into_shared()
}

/// Samples without end, each made by its number.
struct Samples<F>(F);

impl<T, F> Source for Samples<F>
where
    T: Send + 'static,
    F: Fn(u32) -> medaug::Result<T> + Send + Sync + 'static,
{
    type Item = T;

    fn steps_per_epoch(&self) -> u32 {
        u32::MAX
    }

    fn item(&self, _epoch: u32, step: u32) -> medtrain::Result<T> {
        (self.0)(step).map_err(|source| medtrain::Error::Transform {
            case: step.to_string(),
            source: Box::new(source),
        })
    }
}

fn loaded<T: Send + 'static>(
    c: &mut Criterion,
    name: &str,
    make: impl Fn(u32) -> medaug::Result<T> + Send + Sync + 'static,
) {
    let prefetch = Prefetch {
        threads: 2,
        ahead: 4,
    };
    let mut loader = Loader::start(Arc::new(Samples(make)), 0, 0, prefetch);
    let mut group = c.benchmark_group("augment");
    group
        .throughput(Throughput::Elements(1))
        .sample_size(10)
        .measurement_time(Duration::from_secs(6));
    group.bench_function(format!("two_workers/{name}"), |b| {
        b.iter(|| loader.next().expect("no end").expect("a valid sample"));
    });
    group.finish();
}

fn loaders(c: &mut Criterion) {
    let case = Case::new(ball(205), None, Key::new(1));
    let nnunet = preset::nnunet_default(PATCH, Space::Voxels, Laterality::Ignore).expect("valid");
    loaded(c, "nnunet_default", move |number| {
        let slot = BatchSlot {
            index: number as usize % 2,
            size: 2,
        };
        nnunet.draw(&case, slot, Key::new(9).sample(number))
    });
    let pictures: Vec<Sample<2>> = (0..4).map(picture).collect();
    let yolo = preset::yolo([640; 2], 1.0, preset::Pixels::Colour, Laterality::Ignore);
    let yolo = yolo.expect("valid");
    loaded(c, "yolo", move |number| {
        yolo.apply(pictures.clone(), Key::new(4).sample(number))
    });
    let turn = affine(LabelInterpolation::Nearest);
    let sample = ball(128).into_shared();
    loaded(c, "affine", move |number| {
        turn.apply(sample.clone(), Key::new(4).sample(number))
    });
}

type Change = fn(&mut [f32]);

fn steps(c: &mut Criterion) {
    let mut group = c.benchmark_group("augment_step");
    group
        .throughput(Throughput::Elements(1 << 21))
        .sample_size(10)
        .measurement_time(Duration::from_secs(2));
    let (image, _) = ball(128).into_parts();
    let mut voxels = image.into_vec();
    let steps: [(&str, Change); 5] = [
        ("noise", |v| gaussian_noise(v, 0.05, Key::new(1))),
        ("blur", |v| gaussian_blur(v, PATCH, [0.9, 1.0, 0.8])),
        ("contrast", |v| contrast(v, 1.1, ContrastRange::Preserved)),
        ("low_resolution", |v| low_resolution(v, PATCH, [0.7; 3])),
        ("gamma", |v| {
            let parameters = Gamma {
                exponent: 1.2,
                inverted: false,
                retain_statistics: true,
            };
            gamma(v, parameters);
        }),
    ];
    for (name, change) in steps {
        group.bench_function(format!("{name}/128x128x128"), |b| {
            b.iter(|| change(black_box(&mut voxels)));
        });
    }
    group.finish();
}

fn preprocessing(c: &mut Criterion) {
    let mut group = c.benchmark_group("preprocess");
    let grid = Geometry::axis_aligned([150, 512, 512], [3.0, 0.8, 0.8]).expect("a grid");
    let voxels: Vec<i16> = (0..grid.len())
        .map(|i| (i % 2_003) as i16 - 1_000)
        .collect();
    let scan = Image::new(grid, voxels).expect("as many voxels as the grid");
    let preprocess = Preprocess {
        spacing: Some([1.5; 3]),
        intensity: vec![Intensity::Window {
            low: -160.0,
            high: 240.0,
        }],
        ..Preprocess::monai()
    };
    group
        .throughput(Throughput::Elements(grid.len() as u64))
        .sample_size(10)
        .measurement_time(Duration::from_secs(4));
    group.bench_function("monai/i16_150x512x512", |b| {
        b.iter_custom(|rounds| {
            (0..rounds).fold(Duration::ZERO, |sum, _| {
                let start = Instant::now();
                black_box(preprocess.apply(black_box(&scan), None)).expect("a valid scan");
                sum + start.elapsed()
            })
        });
    });
    group.finish();
}

criterion_group!(benches, pipelines, loaders, steps, preprocessing);
criterion_main!(benches);
