//! Convolution and its gradients, as [`crate::cpu::conv`].
//!
//! `f32` is exact unless candle's switch for products of matrices allows tf32
//! (`candle_core::cuda::set_gemm_reduced_precision_f32`), which runs on tensor cores.

use candle_core::cuda_backend::cudarc::driver::CudaSlice;

use super::channelwise;
use super::launch::{Argument, Grid, NOTHING, all_small, allocate, count, launch, small};
use super::module::CONV;
use super::tile::{Tile, splits};
use super::{Array, Element};
use crate::cpu::conv::Problem;

pub(super) const OP: &str = "convolution";
/// Blocks that keep any device busy; the terms of a weight gradient are divided among so many.
const ENOUGH_BLOCKS: usize = 1024;
/// Terms below which a block of a weight gradient would not pay.
const FEWEST_TERMS: usize = 256;
type Result<T> = candle_core::Result<CudaSlice<T>>;

/// Output voxels, input voxels, taps.
pub(super) fn lengths(problem: &Problem) -> [usize; 3] {
    let product = |extent: [usize; 3]| extent.iter().product();
    [
        product(problem.output()),
        product(problem.input()),
        problem.window().taps(),
    ]
}

/// Channels of one group: of the input, of the output.
fn group_channels(problem: &Problem) -> [usize; 2] {
    [problem.in_channels(), problem.out_channels()].map(|channels| channels / problem.groups())
}

/// The struct `Sizes` of the kernels.
pub(super) fn sizes(problem: &Problem) -> candle_core::Result<[i32; 22]> {
    let window = problem.window();
    let [in_channels, out_channels] = group_channels(problem);
    let [output, input, taps] = lengths(problem);
    for counted in [
        output,
        input,
        in_channels.saturating_mul(taps),
        out_channels.saturating_mul(taps),
    ] {
        small(OP, counted)?;
    }
    for axis in 0..3 {
        let (before, after) = window.padding[axis];
        small(OP, problem.input()[axis] + before + after)?;
    }
    let channels = [problem.batch(), in_channels, out_channels, problem.groups()];
    let parts = [
        problem.input(),
        problem.output(),
        window.kernel,
        window.stride,
        window.padding.map(|(before, _)| before),
        window.dilation,
    ];
    let mut sizes = [0; 22];
    sizes[..4].copy_from_slice(&all_small(OP, channels)?);
    for (sizes, part) in sizes[4..].chunks_exact_mut(3).zip(parts) {
        sizes.copy_from_slice(&all_small(OP, part)?);
    }
    Ok(sizes)
}

pub(super) fn pointer<'a, T: Element>(bias: Option<&'a Array<'a, T>>) -> &'a dyn Argument {
    match bias {
        Some(bias) => bias,
        None => &NOTHING,
    }
}

/// Convolves `input` with `weights` and adds `bias` to every channel.
pub(crate) fn forward<T: Element>(
    problem: &Problem,
    input: &Array<'_, T>,
    weights: &Array<'_, T>,
    bias: Option<&Array<'_, T>>,
) -> Result<T> {
    if channelwise::is_channelwise(problem) {
        return channelwise::forward(problem, input, weights, bias);
    }
    let output = input.result(OP, problem.output_len())?;
    let [_, rows] = group_channels(problem);
    let [voxels, _, _] = lengths(problem);
    let tile = Tile::of::<T>("conv_forward", rows);
    let [along, across] = tile.blocks(rows, problem.batch() * voxels);
    launch(
        input.device,
        &CONV.kernel(&tile.name),
        Grid::exactly([along, across, problem.groups()]),
        &[&sizes(problem)?, input, weights, pointer(bias), &output],
    )?;
    Ok(output)
}

/// The transposed convolution of `input`, which has the shape of the problem's output; without a bias the gradient of the
/// problem's input.
pub(crate) fn transposed<T: Element>(
    problem: &Problem,
    weights: &Array<'_, T>,
    input: &Array<'_, T>,
    bias: Option<&Array<'_, T>>,
) -> Result<T> {
    if channelwise::is_channelwise(problem) {
        return channelwise::transposed(problem, weights, input, bias);
    }
    let output = input.result(OP, problem.input_len())?;
    let [rows, _] = group_channels(problem);
    let [_, voxels, _] = lengths(problem);
    let tile = Tile::of::<T>("conv_input_gradient", rows);
    let [along, across] = tile.blocks(rows, problem.batch() * voxels);
    launch(
        input.device,
        &CONV.kernel(&tile.name),
        Grid::exactly([along, across, problem.groups()]),
        &[&sizes(problem)?, input, weights, pointer(bias), &output],
    )?;
    Ok(output)
}

/// The gradient of the weights.
pub(crate) fn weight_gradient<T: Element>(
    problem: &Problem,
    input: &Array<'_, T>,
    gradient: &Array<'_, T>,
) -> Result<T> {
    if channelwise::is_channelwise(problem) {
        return channelwise::weight_gradient(problem, input, gradient);
    }
    let [in_channels, rows] = group_channels(problem);
    let [voxels, _, taps] = lengths(problem);
    let tile = Tile::of::<T>("conv_weight_gradient", rows);
    let [along, across] = tile.blocks(rows, in_channels * taps);
    let groups = problem.groups();
    let weights = problem.weight_len();
    let terms = problem.batch() * voxels;
    let splits = splits(along * across * groups, groups, terms, weights);
    let parts = input.result::<T>(OP, splits * weights)?;
    let split_count = small(OP, splits)?;
    launch(
        input.device,
        &CONV.kernel(&tile.name),
        Grid::exactly([along, across, groups * splits]),
        &[&sizes(problem)?, &split_count, input, gradient, &parts],
    )?;
    fold(input, parts, splits, weights)
}

/// The sum of as many parts of a product as its terms were divided into, in order.
pub(super) fn fold<T: Element>(
    like: &Array<'_, T>,
    parts: CudaSlice<T>,
    splits: usize,
    len: usize,
) -> Result<T> {
    if splits == 1 {
        return Ok(parts);
    }
    let output = like.result(OP, len)?;
    launch(
        like.device,
        &CONV.of::<T>("conv_fold"),
        Grid::elements(len),
        &[&small(OP, splits)?, &count(len), &parts, &output],
    )?;
    Ok(output)
}

/// The gradient of the bias: the sum of `gradient`, `[batch, channels, volume]`, over batch and volume.
pub(crate) fn bias_gradient<T: Element>(
    batch: usize,
    channels: usize,
    volume: usize,
    gradient: &Array<'_, T>,
) -> Result<T> {
    let splits = (ENOUGH_BLOCKS / channels.max(1))
        .min(batch * volume / FEWEST_TERMS)
        .max(1);
    let parts = allocate::<f64>(gradient.device, OP, splits * channels)?;
    let [batch, channel_count] = all_small(OP, [batch, channels])?;
    launch(
        gradient.device,
        &CONV.of::<T>("conv_bias_gradient"),
        Grid::exactly([channels, splits, 1]),
        &[&batch, &channel_count, &count(volume), gradient, &parts],
    )?;
    let output = gradient.result(OP, channels)?;
    launch(
        gradient.device,
        &CONV.of::<T>("conv_fold_sums"),
        Grid::elements(channels),
        &[&small(OP, splits)?, &count(channels), &parts, &output],
    )?;
    Ok(output)
}
