//! Copies with the axes in another order, as [`crate::cpu::rearrange`].

use candle_core::cuda_backend::cudarc::driver::CudaSlice;

use super::launch::{Argument, Grid, count, launch};
use super::module::REARRANGE;
use super::{Array, Element};
use crate::cpu::rearrange::{Axis, joined};

const OP: &str = "rearrange";
/// Axes that the kernels take; `MOST_AXES` in `kernels/rearrange.cu`.
const MOST_AXES: usize = 8;
/// The side of the squares that are turned; `SIDE` there.
const SIDE: usize = 32;
/// Length from which an axis is worth squares.
const WORTH: usize = 8;

/// The struct `Axes` of the kernels.
type Axes = [i64; 1 + 2 * MOST_AXES];

fn sizes(axes: &[Axis]) -> candle_core::Result<Axes> {
    if axes.len() > MOST_AXES {
        return Err(candle_core::Error::Msg(format!(
            "{OP}: more than {MOST_AXES} axes that cannot be joined"
        )));
    }
    let mut sizes = [0; 1 + 2 * MOST_AXES];
    sizes[0] = count(axes.len());
    for (i, axis) in axes.iter().enumerate() {
        sizes[1 + i] = count(axis.length);
        sizes[1 + MOST_AXES + i] = count(axis.stride);
    }
    Ok(sizes)
}

/// The output with these axes, contiguous.
pub(crate) fn copy<T: Element>(
    input: &Array<'_, T>,
    axes: &[Axis],
) -> candle_core::Result<CudaSlice<T>> {
    let axes = joined(axes);
    let len = axes.iter().map(|axis| axis.length).product();
    let output = input.result(OP, len)?;
    let near = axes.iter().position(|axis| axis.stride == 1);
    if let (Some(near), Some((last, _))) = (near, axes.split_last())
        && near + 1 < axes.len()
        && axes[near].length.min(last.length) >= WORTH
    {
        let (sizes, squares) = turned(&axes, near)?;
        return run(
            input,
            "rearrange_squares",
            Grid::blocks(squares),
            &sizes,
            output,
        );
    }
    run(
        input,
        "rearrange",
        Grid::elements(len),
        &sizes(&axes)?,
        output,
    )
}

fn run<T: Element>(
    input: &Array<'_, T>,
    kernel: &str,
    grid: Grid,
    sizes: &dyn Argument,
    output: CudaSlice<T>,
) -> candle_core::Result<CudaSlice<T>> {
    launch(
        input.device,
        &REARRANGE.of::<T>(kernel),
        grid,
        &[sizes, input, &output],
    )?;
    Ok(output)
}

/// The struct `Turned` for the last axis and one before it, `near`; and the number of squares.
fn turned(
    axes: &[Axis],
    near: usize,
) -> candle_core::Result<([i64; 1 + 3 * MOST_AXES + 4], usize)> {
    let last = axes.len() - 1;
    let outer: Vec<usize> = (0..last).filter(|&axis| axis != near).collect();
    // How far apart neighbours lie in the output.
    let step = |axis: usize| -> usize { axes[axis + 1..].iter().map(|a| a.length).product() };
    let chosen: Vec<Axis> = outer.iter().map(|&axis| axes[axis]).collect();
    let mut all = [0; 1 + 3 * MOST_AXES + 4];
    let (of_outer, rest) = all.split_at_mut(1 + 2 * MOST_AXES);
    of_outer.copy_from_slice(&sizes(&chosen)?);
    let (steps, of_squares) = rest.split_at_mut(MOST_AXES);
    for (to, &axis) in steps.iter_mut().zip(&outer) {
        *to = count(step(axis));
    }
    let of_two = [
        axes[near].length,
        step(near),
        axes[last].length,
        axes[last].stride,
    ];
    of_squares.copy_from_slice(&of_two.map(count));
    let squares: usize = [near, last]
        .iter()
        .map(|&axis| axes[axis].length.div_ceil(SIDE))
        .product();
    let outside: usize = chosen.iter().map(|axis| axis.length).product();
    Ok((all, squares * outside))
}
