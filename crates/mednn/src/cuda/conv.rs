//! Convolution and its gradients, as [`crate::cpu::conv`].
//!
//! `f32` is exact unless candle's switch for products of matrices allows tf32
//! (`candle_core::cuda::set_gemm_reduced_precision_f32`), which runs on tensor cores.

use candle_core::cuda::gemm_reduced_precision_f32;
use candle_core::cuda_backend::cudarc::driver::CudaSlice;

use super::launch::{Argument, Grid, NOTHING, all_small, allocate, count, launch, small};
use super::module::CONV;
use super::{Array, Element};
use crate::cpu::conv::Problem;

const OP: &str = "convolution";
/// Blocks that keep any device busy; the terms of a weight gradient are divided among so many.
const ENOUGH_BLOCKS: usize = 1024;
/// Terms below which a block of a weight gradient would not pay.
const FEWEST_TERMS: usize = 256;
/// Elements of memory that the parts of a weight gradient may take.
const MOST_PARTS: usize = 1 << 26;

type Result<T> = candle_core::Result<CudaSlice<T>>;

/// One of the kernels of `kernels/conv.cu`, and the tile that its blocks make.
struct Tile {
    name: String,
    rows: usize,
    columns: usize,
}

impl Tile {
    /// For a product with this many rows.
    fn of<T: Element>(kernel: &str, rows: usize) -> Self {
        let (flat, high) = if T::SUFFIX == "f64" {
            ((16, 128), (64, 64))
        } else {
            ((32, 128), (128, 128))
        };
        let (form, tile) = if rows <= flat.0 {
            ("flat", flat)
        } else {
            ("high", high)
        };
        let arithmetic = if T::SUFFIX == "f32" && gemm_reduced_precision_f32() {
            "tf32"
        } else {
            T::SUFFIX
        };
        Self {
            name: format!("{kernel}_{form}_{arithmetic}"),
            rows: tile.0,
            columns: tile.1,
        }
    }

    /// Blocks for a product of this many rows and columns.
    fn blocks(&self, rows: usize, columns: usize) -> [usize; 2] {
        [columns.div_ceil(self.columns), rows.div_ceil(self.rows)]
    }
}

/// Output voxels, input voxels, taps.
fn lengths(problem: &Problem) -> [usize; 3] {
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
fn sizes(problem: &Problem) -> candle_core::Result<[i32; 22]> {
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

fn pointer<'a, T: Element>(bias: Option<&'a Array<'a, T>>) -> &'a dyn Argument {
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
    let [in_channels, rows] = group_channels(problem);
    let [voxels, _, taps] = lengths(problem);
    let tile = Tile::of::<T>("conv_weight_gradient", rows);
    let [along, across] = tile.blocks(rows, in_channels * taps);
    let groups = problem.groups();
    let weights = problem.weight_len();
    let splits = (ENOUGH_BLOCKS / (along * across * groups).max(1))
        .min(problem.batch() * voxels / FEWEST_TERMS)
        .min(MOST_PARTS / weights.max(1))
        .max(1);
    let parts = input.result::<T>(OP, splits * weights)?;
    let split_count = small(OP, splits)?;
    launch(
        input.device,
        &CONV.kernel(&tile.name),
        Grid::exactly([along, across, groups * splits]),
        &[&sizes(problem)?, &split_count, input, gradient, &parts],
    )?;
    if splits == 1 {
        return Ok(parts);
    }
    let output = input.result(OP, weights)?;
    launch(
        input.device,
        &CONV.of::<T>("conv_fold"),
        Grid::elements(weights),
        &[&split_count, &count(weights), &parts, &output],
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
