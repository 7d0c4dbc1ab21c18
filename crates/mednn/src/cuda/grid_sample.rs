//! Sampling at given places, as [`crate::cpu::grid_sample`], and grids of places, as [`crate::cpu::affine_grid`].

use candle_core::cuda_backend::cudarc::driver::CudaSlice;

use super::launch::{Grid, all_small, allocate, count, launch, small};
use super::module::{GRID_SAMPLE, Kernel};
use super::{Array, Element};
use crate::cpu::affine_grid::BaseGrid;
use crate::cpu::grid_sample::{GridInterpolation, GridPadding, Problem};

const OP: &str = "grid_sample";
/// Samples of a group, and voxels of a tile; `THREADS` in `kernels/common.cuh`.
const THREADS: usize = 256;
/// Channels whose gradients a block sums at a time; `CHANNELS` in `kernels/grid_sample.cu`.
const CHANNELS: usize = 4;

type Result<T> = candle_core::Result<CudaSlice<T>>;

/// Extents of a tile of as many voxels as a block has threads.
fn tile(axes: usize) -> [usize; 3] {
    match axes {
        1 => [1, 1, THREADS],
        2 => [1, 16, 16],
        _ => [4, 8, 8],
    }
}

/// The struct `Problem` of the kernels.
fn sizes(problem: &Problem) -> candle_core::Result<[i32; 11]> {
    let [depth, height, width] = problem.input;
    small(OP, depth.saturating_mul(height).saturating_mul(width))?;
    let padding = match problem.config.padding {
        GridPadding::Zeros => 0,
        GridPadding::Border => 1,
        GridPadding::Reflection => 2,
    };
    let [of_depth, of_height, of_width] = tile(problem.axes);
    all_small(
        OP,
        [
            padding,
            usize::from(problem.config.align_corners),
            problem.batch,
            problem.channels,
            problem.axes,
            depth,
            height,
            width,
            of_depth,
            of_height,
            of_width,
        ],
    )
}

fn kernel<T: Element>(problem: &Problem, name: &str) -> Kernel {
    let interpolation = match problem.config.interpolation {
        GridInterpolation::Nearest => "nearest",
        GridInterpolation::Linear => "linear",
        GridInterpolation::Cubic => "cubic",
    };
    GRID_SAMPLE.of::<T>(&format!("{name}_{interpolation}"))
}

/// The samples `[batch, channels, samples]` of an input at the places `[batch, samples, axes]`.
pub(crate) fn forward<T: Element>(
    problem: &Problem,
    input: &Array<'_, T>,
    places: &Array<'_, T>,
) -> Result<T> {
    let samples = problem.batch * problem.samples;
    let output = input.result(OP, samples * problem.channels)?;
    launch(
        input.device,
        &kernel::<T>(problem, "grid_sample"),
        Grid::threads(samples),
        &[
            &sizes(problem)?,
            &count(problem.samples),
            input,
            places,
            &output,
        ],
    )?;
    Ok(output)
}

/// The gradient of [`forward`] by its input.
pub(crate) fn backward_input<T: Element>(
    problem: &Problem,
    places: &Array<'_, T>,
    gradient: &Array<'_, T>,
) -> Result<T> {
    let groups = problem.batch * problem.samples.div_ceil(THREADS);
    let reaches = allocate::<i32>(places.device, OP, 6 * groups)?;
    let (sizes, samples) = (sizes(problem)?, count(problem.samples));
    launch(
        places.device,
        &kernel::<T>(problem, "grid_sample_reaches"),
        Grid::blocks(groups),
        &[&sizes, &samples, places, &reaches],
    )?;
    let extents = problem.input.iter().zip(tile(problem.axes));
    let tiles: usize = extents
        .map(|(extent, tile)| extent.div_ceil(tile))
        .product();
    let planes = problem.batch * problem.channels;
    let output = places.result(OP, planes * problem.input.iter().product::<usize>())?;
    launch(
        places.device,
        &kernel::<T>(problem, "grid_sample_input"),
        Grid::blocks(problem.batch * tiles * problem.channels.div_ceil(CHANNELS)),
        &[&sizes, &samples, places, gradient, &reaches, &output],
    )?;
    Ok(output)
}

/// The gradient of [`forward`] by the places.
pub(crate) fn backward_places<T: Element>(
    problem: &Problem,
    input: &Array<'_, T>,
    places: &Array<'_, T>,
    gradient: &Array<'_, T>,
) -> Result<T> {
    let samples = problem.batch * problem.samples;
    let output = places.result(OP, samples * problem.axes)?;
    launch(
        input.device,
        &kernel::<T>(problem, "grid_sample_places"),
        Grid::threads(samples),
        &[
            &sizes(problem)?,
            &count(problem.samples),
            input,
            places,
            gradient,
            &output,
        ],
    )?;
    Ok(output)
}

/// The struct `Grid` of the kernels, and the coordinates of all axes, three of them.
fn grid<T: Element>(
    base: &BaseGrid,
    near: &Array<'_, T>,
) -> candle_core::Result<([i32; 4], CudaSlice<f64>)> {
    let axes = base.axes();
    let missing = 3 - axes.len();
    let mut sizes = [1; 4];
    sizes[0] = small(OP, axes.len())?;
    for (size, axis) in sizes[1 + missing..].iter_mut().zip(axes) {
        *size = small(OP, axis.len())?;
    }
    let mut coordinates = vec![0.0; missing];
    coordinates.extend(axes.iter().flatten());
    Ok((sizes, near.device.clone_htod(&coordinates)?))
}

/// The places `[batch, points, axes]` for the maps `[batch, axes, axes + 1]`.
pub(crate) fn affine_grid<T: Element>(
    base: &BaseGrid,
    batch: usize,
    maps: &Array<'_, T>,
) -> Result<T> {
    let (sizes, coordinates) = grid(base, maps)?;
    let points: usize = base.axes().iter().map(Vec::len).product();
    let output = maps.result(OP, batch * points * base.axes().len())?;
    launch(
        maps.device,
        &GRID_SAMPLE.of::<T>("affine_grid"),
        Grid::threads(batch * points),
        &[&sizes, &count(batch), &coordinates, maps, &output],
    )?;
    Ok(output)
}

/// The gradient of [`affine_grid`].
pub(crate) fn affine_grid_back<T: Element>(
    base: &BaseGrid,
    batch: usize,
    gradient: &Array<'_, T>,
) -> Result<T> {
    let (sizes, coordinates) = grid(base, gradient)?;
    let axes = base.axes().len();
    let output = gradient.result(OP, batch * axes * (axes + 1))?;
    launch(
        gradient.device,
        &GRID_SAMPLE.of::<T>("affine_grid_back"),
        Grid::blocks(batch * axes),
        &[&sizes, &count(batch), &coordinates, gradient, &output],
    )?;
    Ok(output)
}
