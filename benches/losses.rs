//! What does a loss of a segmentation cost, value and gradient, on logits of real size?
//!
//! `cargo bench --bench losses`; `tools/bench/losses.py` is PyTorch's and MONAI's side. Two patches of 96^3 voxels and 14
//! classes, of which each label makes a few blobs; the throughput is in voxels of all patches.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mednn::candle_core::{Device, Tensor, Var};
use mednn::loss::{
    BinaryCrossEntropy, Boundary, ClDice, CrossEntropy, Dice, DiceCrossEntropy, DiceFocal, Focal,
    GeneralizedDice, Hausdorff, Loss, Tversky,
};

#[global_allocator]
static ALLOCATOR: medcore::Allocator = medcore::Allocator;

const EDGE: usize = 96;

/// Blocks of labels, and logits that are mostly right.
fn patches(batch: usize, classes: usize) -> (Var, Tensor) {
    let voxels = EDGE * EDGE * EDGE;
    let label = |voxel: usize| {
        let block = |axis: usize| voxel / EDGE.pow(axis as u32) % EDGE / 12;
        (block(0) + 3 * block(1) + 5 * block(2)) % classes
    };
    let labels: Vec<u8> = (0..batch * voxels)
        .map(|i| label(i % voxels) as u8)
        .collect();
    let logits: Vec<f32> = (0..batch * classes * voxels)
        .map(|i| {
            let noise = (i * 7919 % 1009) as f32 / 250.0 - 2.0;
            let right = label(i % voxels) == i / voxels % classes;
            if right { noise + 2.0 } else { noise }
        })
        .collect();
    let logits = Tensor::from_vec(logits, (batch, classes, EDGE, EDGE, EDGE), &Device::Cpu);
    let labels = Tensor::from_vec(labels, (batch, EDGE, EDGE, EDGE), &Device::Cpu);
    let logits = Var::from_tensor(&logits.expect("logits")).expect("a variable");
    (logits, labels.expect("labels"))
}

fn losses(c: &mut Criterion) {
    let of_classes: [(&str, Box<dyn Loss>); 11] = [
        ("cross_entropy", Box::new(CrossEntropy::new())),
        ("binary_cross_entropy", Box::new(BinaryCrossEntropy::new())),
        ("focal_sigmoid", Box::new(Focal::sigmoid())),
        ("focal_softmax", Box::new(Focal::softmax())),
        ("dice", Box::new(Dice::monai())),
        ("generalized_dice", Box::new(GeneralizedDice::monai())),
        ("tversky", Box::new(Tversky::monai(0.3, 0.7))),
        ("dice_cross_entropy", Box::new(DiceCrossEntropy::monai())),
        ("dice_focal", Box::new(DiceFocal::monai())),
        ("boundary", Box::new(Boundary::monai())),
        ("hausdorff", Box::new(Hausdorff::monai())),
    ];
    group(c, (2, 14), &of_classes);
    group(c, (1, 2), &[("cl_dice", Box::new(ClDice::monai()))]);
}

fn group(c: &mut Criterion, (batch, classes): (usize, usize), losses: &[(&str, Box<dyn Loss>)]) {
    let (logits, labels) = patches(batch, classes);
    let mut group = c.benchmark_group(format!("losses/{batch}x{classes}x{EDGE}^3"));
    group
        .sample_size(10)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(5))
        .throughput(Throughput::Elements((batch * EDGE.pow(3)) as u64));
    for (name, loss) in losses {
        group.bench_function(*name, |b| {
            b.iter(|| {
                let value = loss.forward(&logits, &labels).expect("a loss");
                black_box(value.backward().expect("gradients"));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, losses);
criterion_main!(benches);
