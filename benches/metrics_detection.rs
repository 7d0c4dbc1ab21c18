//! How long does COCO's average precision of 500 000 boxes in 5000 images and 80 classes take?
//!
//! `cargo bench --bench metrics_detection`; set `RAYON_NUM_THREADS` to choose the threads.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use medcore::random::{Key, Random};
use medmetrics::detection::{
    Annotation, AnnotationKind, Coco, Detection, DetectionImage, DetectionImages,
    DetectionProtocol, Froc, HitCriterion,
};

#[global_allocator]
static ALLOCATOR: medcore::Allocator = medcore::Allocator;

const IMAGES: i64 = 5000;
const CLASSES: usize = 80;
const DETECTIONS: usize = 100;
const SIZE: [f64; 2] = [480.0, 640.0];

/// Height and width of an object, 55 pixels in the median.
fn sides(random: &mut Random) -> [f64; 2] {
    [0; 2].map(|_| (4.0 + 0.9 * random.normal()).exp().clamp(4.0, 400.0))
}

fn corner(random: &mut Random, sides: [f64; 2]) -> [f64; 2] {
    std::array::from_fn(|a| random.uniform() * (SIZE[a] - sides[a]).max(1.0))
}

/// About seven objects, up to three finds near each, and finds of nothing up to a hundred.
fn image(id: i64, random: &mut Random) -> DetectionImage<2> {
    let (mut annotations, mut detections) = (Vec::new(), Vec::new());
    for _ in 0..random.below(15) {
        let class = random.below(CLASSES) as u32;
        let extent = sides(random);
        let origin = corner(random, extent);
        let truth = Annotation::from_origin(class, origin, extent).expect("a box");
        annotations.push(match random.chance(0.01) {
            true => truth.with_kind(AnnotationKind::Crowd),
            false => truth,
        });
        for _ in 0..3 {
            let found = match random.chance(0.85) {
                true => class,
                false => random.below(CLASSES) as u32,
            };
            let moved = std::array::from_fn(|a| origin[a] + 0.06 * random.normal() * extent[a]);
            let grown = extent.map(|side| side * (0.08 * random.normal()).exp());
            let score = 0.4 + 0.6 * random.uniform();
            detections.push(Detection::from_origin(found, moved, grown, score).expect("a box"));
        }
    }
    while detections.len() < DETECTIONS {
        let class = random.below(CLASSES) as u32;
        let extent = sides(random);
        let score = 0.5 * random.uniform() * random.uniform();
        let found = Detection::from_origin(class, corner(random, extent), extent, score);
        detections.push(found.expect("a box"));
    }
    DetectionImage::new(id, annotations, detections)
}

fn metrics(c: &mut Criterion) {
    let mut random = Key::new(7).stream("detections");
    let mut images = DetectionImages::new();
    for id in 1..=IMAGES {
        images
            .push(image(id, &mut random))
            .expect("images of different ids");
    }
    let mut group = c.benchmark_group("metrics_detection");
    group.sample_size(10);
    group.throughput(Throughput::Elements((IMAGES as usize * DETECTIONS) as u64));
    group.bench_function("coco", |b| {
        b.iter(|| black_box(Coco::default().evaluate(&images).expect("boxes").summary()));
    });
    let froc = Froc::nndetection().with_hit(HitCriterion::Iou(0.5));
    group.bench_function("froc", |b| {
        b.iter(|| black_box(froc.evaluate(&images).expect("boxes")));
    });
    group.finish();
}

criterion_group!(benches, metrics);
criterion_main!(benches);
