//! How fast are resizing and sampling at the places of a grid, forward and backward?
//!
//! `cargo bench --bench resize`; `tools/bench/resize.py` is PyTorch's side.

mod passes;

use criterion::{Criterion, criterion_group, criterion_main};
use mednn::candle_core::{Device, Tensor};
use mednn::ops::{GridSampleConfig, Interpolation, Size, grid_sample, resize};
use passes::{passes, uneven};

const LINEAR: Interpolation = Interpolation::Linear {
    align_corners: false,
};

fn volumes(c: &mut Criterion) {
    let double = Size::Factor([2.0; 3]);
    for (name, shape) in [
        ("3d_64_24", [1, 64, 24, 24, 24]),
        ("3d_32_48", [1, 32, 48, 48, 48]),
    ] {
        let input = [uneven(&shape)];
        passes(c, "resize", &format!("linear_{name}"), &input, |t| {
            resize(&t[0], double, LINEAR)
        });
        passes(c, "resize", &format!("nearest_{name}"), &input, |t| {
            resize(&t[0], double, Interpolation::Nearest)
        });
    }
}

fn images(c: &mut Criterion) {
    let input = [uneven(&[1, 64, 64, 64])];
    passes(c, "resize", "linear_2d_64_64_to_256", &input, |t| {
        resize(&t[0], Size::Voxels([256; 2]), LINEAR)
    });
    let input = [uneven(&[1, 3, 512, 512])];
    let cubic = Interpolation::AntialiasedCubic;
    passes(
        c,
        "resize",
        "cubic_antialiased_2d_3_512_to_224",
        &input,
        |t| resize(&t[0], Size::Voxels([224; 2]), cubic),
    );
}

/// Every voxel moved by up to two voxels along each axis.
fn moved(edge: usize) -> Tensor {
    let shift = |i: usize| (i * 7919 % 1009) as f32 / 252.0 - 2.0;
    let places: Vec<f32> = (0..edge.pow(3) * 3)
        .map(|i| {
            let (voxel, axis) = (i / 3, i % 3);
            let at = (voxel / edge.pow(axis as u32) % edge) as f32 + shift(i);
            (2.0 * at + 1.0) / edge as f32 - 1.0
        })
        .collect();
    Tensor::from_vec(places, (1, edge, edge, edge, 3), &Device::Cpu).expect("a grid")
}

fn grids(c: &mut Criterion) {
    let inputs = [uneven(&[1, 1, 96, 96, 96]), moved(96)];
    let config = GridSampleConfig::new();
    passes(c, "resize", "grid_sample_3d_1_96", &inputs, |t| {
        grid_sample::<3>(&t[0], &t[1], &config)
    });
}

criterion_group!(benches, volumes, images, grids);
criterion_main!(benches);
