//! Every instruction set against sums written down as the definition says.

use super::*;
use crate::cpu::real::Real;
use crate::cpu::simd::Level;

/// Whole numbers in -4..=4, so that f32 sums are exact and any order gives the same bits.
fn whole<T: Real>(length: usize, seed: u64) -> Vec<T> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut draw = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        T::from_f64(((state >> 33) % 9) as f64 - 4.0)
    };
    (0..length).map(|_| draw()).collect()
}

/// Calls `visit(input, weight, output)` with the elements of every product of the definition.
fn products(problem: &Problem, mut visit: impl FnMut(usize, usize, usize)) {
    let window = problem.window();
    let [depth, height, width] = problem.input();
    let [out_depth, out_height, out_width] = problem.output();
    let [kernel_depth, kernel_height, kernel_width] = window.kernel;
    let in_group = problem.in_channels() / problem.groups();
    let out_group = problem.out_channels() / problem.groups();
    let read = |axis: usize, out: usize, tap: usize| {
        let at = out * window.stride[axis] + tap * window.dilation[axis];
        at.checked_sub(window.padding[axis].0)
            .filter(|&at| at < problem.input()[axis])
    };
    for image in 0..problem.batch() {
        for co in 0..problem.out_channels() {
            for ci in 0..in_group {
                let from = image * problem.in_channels() + co / out_group * in_group + ci;
                for od in 0..out_depth {
                    for oh in 0..out_height {
                        for ow in 0..out_width {
                            let to = image * problem.out_channels() + co;
                            let out = ((to * out_depth + od) * out_height + oh) * out_width + ow;
                            for kd in 0..kernel_depth {
                                for kh in 0..kernel_height {
                                    for kw in 0..kernel_width {
                                        let at =
                                            (read(0, od, kd), read(1, oh, kh), read(2, ow, kw));
                                        if let (Some(d), Some(h), Some(w)) = at {
                                            let input =
                                                ((from * depth + d) * height + h) * width + w;
                                            let tap = (kd * kernel_height + kh) * kernel_width + kw;
                                            let weight = (co * in_group + ci) * window.taps() + tap;
                                            visit(input, weight, out);
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Forward, input gradient and weight gradient as the definition says, in f64.
fn reference(
    problem: &Problem,
    input: &[f64],
    weights: &[f64],
    bias: &[f64],
    gradient: &[f64],
) -> [Vec<f64>; 3] {
    let volume: usize = problem.output().iter().product();
    let mut forward: Vec<f64> = (0..problem.output_len())
        .map(|i| bias[i / volume % problem.out_channels()])
        .collect();
    let mut by_input = vec![0.0; problem.input_len()];
    let mut by_weight = vec![0.0; problem.weight_len()];
    products(problem, |i, w, o| {
        forward[o] += input[i] * weights[w];
        by_input[i] += gradient[o] * weights[w];
        by_weight[w] += gradient[o] * input[i];
    });
    [forward, by_input, by_weight]
}

fn widen<T: Real>(values: &[T]) -> Vec<f64> {
    values.iter().map(|value| value.to_f64()).collect()
}

fn agrees<T: Element>(problem: &Problem, what: &str) {
    let input = whole::<T>(problem.input_len(), 1);
    let weights = whole::<T>(problem.weight_len(), 2);
    let bias = whole::<T>(problem.out_channels(), 3);
    let gradient = whole::<T>(problem.output_len(), 4);
    let [out, by_input, by_weight] = reference(
        problem,
        &widen(&input),
        &widen(&weights),
        &widen(&bias),
        &widen(&gradient),
    );
    let got = forward(problem, &input, &weights, Some(&bias)).unwrap();
    assert!(widen(&got) == out, "{what}: forward");
    let got = input_gradient(problem, &weights, &gradient).unwrap();
    assert!(widen(&got) == by_input, "{what}: input gradient");
    let got = weight_gradient(problem, &input, &gradient).unwrap();
    assert!(widen(&got) == by_weight, "{what}: weight gradient");
}

fn agrees_at_every_level(problem: Problem) {
    for level in [Level::Baseline, Level::Avx2, Level::Avx512] {
        let problem = problem.with_level(level);
        agrees::<f32>(&problem, &format!("{problem:?}"));
    }
    agrees::<f64>(&problem, &format!("f64 {problem:?}"));
}

fn cubic(kernel: usize, stride: usize, padding: usize, dilation: usize) -> Window {
    Window {
        kernel: [kernel; 3],
        stride: [stride; 3],
        padding: [(padding, padding); 3],
        dilation: [dilation; 3],
    }
}

/// Sizes for which tiles of few products are chosen: odd ones, paddings that differ, taps far apart along depth, batches.
fn tiled() -> [Problem; 4] {
    let plane = Window {
        padding: [(0, 0), (2, 0), (1, 2)],
        ..Window::new([1, 3, 3])
    };
    let deep = Window {
        kernel: [2, 3, 3],
        padding: [(2, 1), (0, 0), (1, 1)],
        dilation: [3, 1, 1],
        ..Window::new([1; 3])
    };
    [
        Problem::new(1, [64, 65], 1, [4, 14, 15], cubic(3, 1, 1, 1)).unwrap(),
        Problem::new(3, [67, 80], 1, [1, 17, 18], plane).unwrap(),
        Problem::new(1, [64, 64], 1, [6, 13, 12], deep).unwrap(),
        Problem::new(1, [70, 64], 1, [1, 11, 70], plane).unwrap(),
    ]
}

/// Numbers between -1 and 1 whose sums are rounded.
fn real(length: usize, seed: usize) -> Vec<f64> {
    let value = |i: usize| ((i * 7919 + seed * 104_729) % 20_011) as f64 / 10_005.5 - 1.0;
    (0..length).map(value).collect()
}

fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&v| v as f32).collect()
}

#[test]
fn tiles_of_few_products_give_the_sums_of_the_definition() {
    for problem in tiled() {
        for plan in [Plan::forward(&problem), Plan::input_gradient(&problem)] {
            assert!(winograd::Taps::of(&plan).is_some(), "{problem:?}");
        }
        agrees_at_every_level(problem);
    }
}

#[test]
fn tiles_of_few_products_are_as_exact_as_single_precision_allows() {
    let problem = tiled()[0];
    let (input, weights) = (real(problem.input_len(), 1), real(problem.weight_len(), 2));
    let exact = forward(&problem, &input, &weights, None).unwrap();
    let single = forward(&problem, &narrow(&input), &narrow(&weights), None).unwrap();
    let largest = exact.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    let errors = exact
        .iter()
        .zip(&single)
        .map(|(a, &b)| (a - f64::from(b)).abs());
    let error = errors.fold(0.0, f64::max) / largest;
    assert!(error < 2e-6, "{error}");
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let [deep, plane, ..] = tiled();
    let channelwise = Problem::new(2, [6, 6], 6, [5, 19, 33], cubic(3, 1, 1, 1)).unwrap();
    let plain = Problem::new(1, [20, 34], 1, [5, 19, 33], cubic(3, 1, 1, 1)).unwrap();
    let real = |length, seed| narrow(&real(length, seed));
    for problem in [deep, plane, channelwise, plain] {
        let (input, weights) = (real(problem.input_len(), 1), real(problem.weight_len(), 2));
        let gradient = real(problem.output_len(), 3);
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build().unwrap().install(|| {
                [
                    forward(&problem, &input, &weights, None).unwrap(),
                    input_gradient(&problem, &weights, &gradient).unwrap(),
                    weight_gradient(&problem, &input, &gradient).unwrap(),
                ]
                .map(|values| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>())
            })
        };
        let one = on(1);
        assert!(one == on(2) && one == on(4) && one == on(7), "{problem:?}");
    }
}

#[test]
fn every_instruction_set_gives_the_sums_of_the_definition() {
    let rectangular = Window {
        kernel: [1, 3, 5],
        stride: [1, 2, 3],
        padding: [(0, 0), (2, 0), (1, 3)],
        dilation: [1, 2, 1],
    };
    let patch = Window {
        stride: [1, 4, 4],
        ..Window::new([1, 4, 4])
    };
    let cases = [
        Problem::new(2, [3, 5], 1, [5, 7, 9], cubic(3, 1, 1, 1)),
        Problem::new(1, [17, 33], 1, [3, 5, 16], cubic(3, 1, 1, 1)),
        Problem::new(2, [2, 40], 1, [4, 5, 17], cubic(3, 2, 1, 1)),
        Problem::new(1, [5, 3], 1, [9, 8, 7], cubic(3, 1, 2, 2)),
        Problem::new(1, [4, 6], 2, [5, 6, 7], cubic(3, 2, 0, 1)),
        Problem::new(2, [6, 6], 6, [3, 9, 20], cubic(3, 1, 1, 1)),
        Problem::new(1, [4, 8], 4, [1, 9, 20], cubic(1, 1, 0, 1)),
        Problem::new(2, [20, 14], 1, [3, 4, 37], cubic(1, 1, 0, 1)),
        Problem::new(2, [20, 34], 1, [3, 4, 7], cubic(1, 2, 0, 1)),
        Problem::new(1, [3, 9], 1, [6, 4, 8], cubic(2, 2, 0, 1)),
        Problem::new(1, [3, 9], 1, [7, 5, 9], cubic(2, 2, 0, 1)),
        Problem::new(2, [4, 5], 1, [3, 11, 13], rectangular),
        Problem::new(1, [3, 18], 1, [1, 9, 13], patch),
        Problem::new(1, [2, 3], 1, [4, 4, 4], cubic(1, 1, 1, 1)),
        Problem::new(1, [2, 3], 1, [4, 4, 4], cubic(2, 3, 3, 1)),
        // Small images with many channels.
        Problem::new(2, [20, 34], 1, [3, 4, 5], cubic(3, 1, 1, 1)),
        Problem::new(2, [20, 40], 1, [4, 7, 8], rectangular),
        Problem::new(1, [12, 33], 1, [4, 5, 6], cubic(3, 2, 2, 2)),
        Problem::new(1, [1, 1], 1, [1, 1, 1], cubic(3, 1, 1, 1)),
        Problem::new(3, [1, 2], 1, [2, 1, 300], cubic(3, 1, 1, 1)),
    ];
    for case in cases {
        agrees_at_every_level(case.unwrap());
    }
}

#[test]
fn rows_of_every_length_and_blocks_of_every_width_are_complete() {
    for width in 1..=32 {
        let window = Window {
            padding: [(0, 0), (0, 0), (1, 1)],
            ..Window::new([1, 1, 3])
        };
        agrees_at_every_level(Problem::new(1, [2, 2], 1, [1, 2, width], window).unwrap());
    }
    for channels in 1..=35 {
        agrees_at_every_level(
            Problem::new(1, [2, channels], 1, [1, 2, 5], Window::new([1, 2, 2])).unwrap(),
        );
        agrees_at_every_level(
            Problem::new(1, [channels, 3], 1, [1, 2, 5], Window::new([1, 2, 2])).unwrap(),
        );
    }
}

#[test]
fn large_sizes_are_cut_into_tiles_that_fit_together() {
    agrees::<f32>(
        &Problem::new(1, [24, 40], 1, [11, 40, 45], cubic(3, 1, 1, 1)).unwrap(),
        "tiles in every axis",
    );
    agrees::<f32>(
        &Problem::new(1, [130, 150], 1, [3, 12, 13], cubic(3, 1, 1, 1)).unwrap(),
        "many channels",
    );
    agrees::<f32>(
        &Problem::new(2, [40, 24], 1, [9, 41, 46], cubic(3, 2, 1, 1)).unwrap(),
        "strided",
    );
    agrees::<f32>(
        &Problem::new(1, [48, 20], 1, [20, 30, 31], cubic(1, 1, 0, 1)).unwrap(),
        "pointwise",
    );
}

/// As behind the last stage of a dilated network.
#[test]
fn taps_further_apart_than_the_input_is_long_give_the_sums_of_the_definition() {
    for (input, dilation) in [([1, 2, 1], 24), ([2, 1, 3], 36)] {
        let window = cubic(3, 1, dilation, dilation);
        agrees_at_every_level(Problem::new(1, [6, 4], 1, input, window).unwrap());
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    // Images cut into tiles, and images small enough for all threads to read one packed copy.
    let strided = cubic(3, 2, 1, 1);
    for problem in [
        Problem::new(2, [12, 34], 1, [9, 17, 23], cubic(3, 1, 1, 1)),
        Problem::new(1, [70, 150], 1, [3, 5, 4], cubic(3, 1, 1, 1)),
        Problem::new(2, [150, 140], 2, [4, 3, 7], strided),
    ] {
        any_number_of_threads_gives_the_bits_of_one(&problem.unwrap());
    }
}

fn any_number_of_threads_gives_the_bits_of_one(problem: &Problem) {
    let uneven =
        |length: usize| -> Vec<f32> { (0..length).map(|i| (i as f32 * 0.37).sin()).collect() };
    let (input, weights) = (uneven(problem.input_len()), uneven(problem.weight_len()));
    let gradient = uneven(problem.output_len());
    let volume: usize = problem.output().iter().product();
    let run = |threads: usize| -> Vec<Vec<u32>> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let all = [
                forward(problem, &input, &weights, None).unwrap(),
                input_gradient(problem, &weights, &gradient).unwrap(),
                weight_gradient(problem, &input, &gradient).unwrap(),
                bias_gradient(problem.batch(), problem.out_channels(), volume, &gradient).unwrap(),
            ];
            all.iter()
                .map(|values| values.iter().map(|v| v.to_bits()).collect())
                .collect()
        })
    };
    let one = run(1);
    for threads in 2..=5 {
        assert!(run(threads) == one, "{threads} threads");
    }
}

#[test]
fn nan_and_infinity_reach_what_depends_on_them_and_nothing_else() {
    let problem = Problem::new(1, [20, 40], 1, [5, 6, 20], cubic(3, 1, 1, 1)).unwrap();
    let weights = vec![1.0_f32; problem.weight_len()];
    let mut input = vec![1.0_f32; problem.input_len()];
    let at = (2 * 6 + 3) * 20 + 7;
    for (poison, check) in [
        (f32::NAN, f32::is_nan as fn(f32) -> bool),
        (f32::INFINITY, f32::is_infinite),
    ] {
        input[at] = poison;
        let out = forward(&problem, &input, &weights, None).unwrap();
        for (i, value) in out.iter().enumerate() {
            let voxel = i % 600;
            let (d, h, w) = (voxel / 120, voxel / 20 % 6, voxel % 20);
            let near = d.abs_diff(2) <= 1 && h.abs_diff(3) <= 1 && w.abs_diff(7) <= 1;
            assert_eq!(check(*value), near, "{poison} at {d} {h} {w}: {value}");
        }
    }
}

#[test]
fn the_bias_gradient_sums_batch_and_space() {
    for volume in [1, 63, 64, 65, 40_000, 70_001] {
        let values = whole::<f32>(2 * 3 * volume, 9);
        let sums = bias_gradient(2, 3, volume, &values).unwrap();
        for channel in 0..3 {
            let rows = [channel, 3 + channel].map(|row| &values[row * volume..(row + 1) * volume]);
            let expected: f32 = rows.concat().iter().sum();
            assert_eq!(sums[channel], expected, "{volume}");
        }
    }
}

#[test]
fn prepared_weights_serve_problems_of_their_own_shape_alone() {
    let pointwise =
        |channels| Problem::new(2, channels, 1, [2, 2, 2], Window::new([1; 3])).unwrap();
    let problem = pointwise([32, 64]);
    let weights = vec![1.0_f32; problem.weight_len()];
    let ready = Prepared::new([32, 64], 1, *problem.window(), weights, None).unwrap();
    let input = vec![1.0; problem.input_len()];
    let sums = ready.forward(&problem, &input, &Finish::default()).unwrap();
    assert!(sums == vec![32.0; problem.output_len()]);
    // As many weights, in another shape.
    let other = pointwise([64, 32]);
    let input = vec![1.0; other.input_len()];
    assert!(ready.forward(&other, &input, &Finish::default()).is_err());
}

#[test]
fn slices_of_another_length_are_errors() {
    let problem = Problem::new(1, [2, 3], 1, [4, 4, 4], cubic(3, 1, 1, 1)).unwrap();
    let (input, weights, gradient) = ([0.0_f32; 128], [0.0_f32; 162], [0.0_f32; 192]);
    assert!(forward(&problem, &input, &weights, Some(&[0.0; 3])).is_ok());
    assert!(forward(&problem, &input[1..], &weights, None).is_err());
    assert!(forward(&problem, &input, &weights[1..], None).is_err());
    assert!(forward(&problem, &input, &weights, Some(&[0.0; 2])).is_err());
    assert!(input_gradient(&problem, &weights, &gradient[1..]).is_err());
    assert!(weight_gradient(&problem, &input[1..], &gradient).is_err());
    assert!(bias_gradient(1, 3, 63, &gradient).is_err());
}
