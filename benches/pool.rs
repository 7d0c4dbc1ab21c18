//! How fast is pooling, forward and backward?
//!
//! `cargo bench --bench pool`; `tools/bench/pool.py` is PyTorch's side.

mod passes;

use criterion::{Criterion, criterion_group, criterion_main};
use mednn::ops::{PoolConfig, adaptive_avg_pool, avg_pool, max_pool};
use passes::{passes, uneven};

fn pool(c: &mut Criterion) {
    let halving = PoolConfig::new([2; 3]);
    let volume = [uneven(&[1, 32, 96, 96, 96])];
    passes(c, "pool", "max_2_3d_32_96", &volume, |t| {
        max_pool(&t[0], &halving)
    });
    passes(c, "pool", "avg_2_3d_32_96", &volume, |t| {
        avg_pool(&t[0], &halving)
    });
    let overlapping = PoolConfig::new([3; 2])
        .with_stride([2; 2])
        .with_padding([1; 2]);
    let images = [uneven(&[8, 64, 112, 112])];
    passes(c, "pool", "max_3_stride_2_2d_8x64_112", &images, |t| {
        max_pool(&t[0], &overlapping)
    });
    passes(c, "pool", "avg_3_stride_2_2d_8x64_112", &images, |t| {
        avg_pool(&t[0], &overlapping)
    });
    let features = [uneven(&[8, 2048, 7, 7])];
    passes(c, "pool", "global_2d_8x2048_7", &features, |t| {
        adaptive_avg_pool(&t[0], [1; 2])
    });
    let features = [uneven(&[1, 256, 12, 12, 12])];
    passes(c, "pool", "global_3d_256_12", &features, |t| {
        adaptive_avg_pool(&t[0], [1; 3])
    });
}

criterion_group!(benches, pool);
criterion_main!(benches);
