//! How fast are convolutions, forward and backward, on the layers that decide the speed of U-Nets and residual networks?
//!
//! Besides, `prepared`: weights packed beforehand, bias, residual and ReLU in the same pass.
//!
//! `tools/bench/conv.py` is PyTorch's side. A transposed convolution of kernel and stride 2 is `input_gradient/3d_halving`.
//!
//! `cargo bench --bench conv`, or with a filter: `cargo bench --bench conv -- 3d_32-32`. All threads of the rayon pool
//! (`RAYON_NUM_THREADS`); the throughput is in floating point operations, a multiplication and an addition counted as two.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mednn::cpu::activation::Activation;
use mednn::cpu::conv::{
    Finish, Prepared, Problem, Residual, Window, forward, input_gradient, weight_gradient,
};

#[global_allocator]
static ALLOCATOR: medcore::Allocator = medcore::Allocator;

fn uneven(length: usize) -> Vec<f32> {
    (0..length)
        .map(|i| ((i * 7919 + 13) % 2003) as f32 / 1001.5 - 1.0)
        .collect()
}

fn window(kernel: [usize; 3], stride: usize) -> Window {
    Window {
        stride: kernel.map(|k| if k > 1 { stride } else { 1 }),
        padding: kernel.map(|k| ((k - 1) / 2, (k - 1) / 2)),
        ..Window::new(kernel)
    }
}

fn convolution(c: &mut Criterion) {
    // The thread that asks works too, as in PyTorch; to wake a sleeping one costs more than the smallest cases.
    rayon::ThreadPoolBuilder::new()
        .use_current_thread()
        .build_global()
        .expect("the first use of the pool");
    let cases = [
        ("3d_16-16_64", [16, 16], 1, [64; 3], window([3; 3], 1)),
        ("3d_32-16_64", [32, 16], 1, [64; 3], window([3; 3], 1)),
        ("3d_16-16_128", [16, 16], 1, [128; 3], window([3; 3], 1)),
        ("3d_1-32_96", [1, 32], 1, [96; 3], window([3; 3], 1)),
        ("3d_32-32_96", [32, 32], 1, [96; 3], window([3; 3], 1)),
        ("3d_64-64_48", [64, 64], 1, [48; 3], window([3; 3], 1)),
        ("3d_128-128_24", [128, 128], 1, [24; 3], window([3; 3], 1)),
        ("3d_256-256_12", [256, 256], 1, [12; 3], window([3; 3], 1)),
        ("3d_256-256_6", [256, 256], 1, [6; 3], window([3; 3], 1)),
        (
            "3d_pointwise_32-14_96",
            [32, 14],
            1,
            [96; 3],
            window([1; 3], 1),
        ),
        (
            "3d_strided_32-64_96",
            [32, 64],
            1,
            [96; 3],
            window([3; 3], 2),
        ),
        (
            "3d_halving_32-64_96",
            [32, 64],
            1,
            [96; 3],
            window([2; 3], 2),
        ),
        (
            "2d_64-64_56",
            [64, 64],
            1,
            [1, 56, 56],
            window([1, 3, 3], 1),
        ),
        (
            "2d_128-128_28",
            [128, 128],
            1,
            [1, 28, 28],
            window([1, 3, 3], 1),
        ),
        (
            "2d_256-256_14",
            [256, 256],
            1,
            [1, 14, 14],
            window([1, 3, 3], 1),
        ),
        (
            "2d_512-512_7",
            [512, 512],
            1,
            [1, 7, 7],
            window([1, 3, 3], 1),
        ),
        (
            "2d_32-32_256",
            [32, 32],
            1,
            [1, 256, 256],
            window([1, 3, 3], 1),
        ),
        (
            "2d_stem_3-64_224",
            [3, 64],
            1,
            [1, 224, 224],
            window([1, 7, 7], 2),
        ),
        (
            "2d_stem_3-48_640",
            [3, 48],
            1,
            [1, 640, 640],
            window([1, 6, 6], 2),
        ),
        (
            "2d_depthwise_96_56",
            [96, 96],
            96,
            [1, 56, 56],
            window([1, 3, 3], 1),
        ),
        (
            "3d_depthwise_64_48",
            [64, 64],
            64,
            [48; 3],
            window([3; 3], 1),
        ),
    ];
    for (name, channels, groups, size, window) in cases {
        let problem = Problem::new(1, channels, groups, size, window).expect("a valid problem");
        let (input, weights) = (uneven(problem.input_len()), uneven(problem.weight_len()));
        let gradient = uneven(problem.output_len());
        let mut group = c.benchmark_group("conv");
        group.throughput(Throughput::Elements(problem.flops() as u64));
        group
            .sample_size(10)
            .warm_up_time(Duration::from_millis(300))
            .measurement_time(Duration::from_secs(2));
        group.bench_function(BenchmarkId::new("forward", name), |b| {
            b.iter(|| forward(&problem, black_box(&input), &weights, None).expect("lengths fit"));
        });
        group.bench_function(BenchmarkId::new("input_gradient", name), |b| {
            b.iter(|| {
                input_gradient(&problem, &weights, black_box(&gradient)).expect("lengths fit")
            });
        });
        group.bench_function(BenchmarkId::new("weight_gradient", name), |b| {
            b.iter(|| {
                weight_gradient(&problem, black_box(&input), &gradient).expect("lengths fit")
            });
        });
        let bias = uneven(channels[1]);
        let ready = Prepared::new(channels, groups, window, weights.clone(), Some(bias))
            .expect("lengths fit");
        let finish = Finish {
            activation: Activation::Relu,
            residual: Some(Residual::BeforeActivation(&gradient[..])),
        };
        group.bench_function(BenchmarkId::new("prepared", name), |b| {
            b.iter(|| {
                ready
                    .forward(&problem, black_box(&input), &finish)
                    .expect("lengths fit")
            });
        });
        group.finish();
    }
}

criterion_group!(benches, convolution);
criterion_main!(benches);
