//! Layer and root mean square normalisation, as [`crate::cpu::layer_norm`].

use candle_core::cuda_backend::cudarc::driver::CudaSlice;

use super::launch::{Argument, Grid, NOTHING, Team, allocate, count, launch, small};
use super::module::LAYER_NORM;
use super::{Array, Element};
use crate::cpu::layer_norm::{Centre, LayerNorm};

const OP: &str = "layer norm";
/// Rows whose gradients one thread sums for scale and shift.
const PIECE: usize = 64;

/// How rows are worked on: the end of the kernels' names, and the grid.
fn way(norm: &LayerNorm) -> (&'static str, Grid) {
    let rows = norm.columns.outer * norm.columns.inner;
    if norm.columns.inner > 1 {
        return ("columns", Grid::threads(rows));
    }
    match Team::of(norm.columns.count) {
        Team::Warp => ("warp", Team::Warp.grid(rows)),
        Team::Block => ("block", Team::Block.grid(rows)),
    }
}

fn pointer<'a, T: Element>(array: Option<&'a Array<'a, T>>) -> &'a dyn Argument {
    match array {
        Some(array) => array,
        None => &NOTHING,
    }
}

/// Rows, elements of one, distance of these, and whether deviations are taken from the mean.
fn sizes(norm: &LayerNorm) -> candle_core::Result<(i64, i32, i64, i32)> {
    let columns = norm.columns;
    Ok((
        count(columns.outer * columns.inner),
        small(OP, columns.count)?,
        count(columns.inner),
        i32::from(norm.centre == Centre::Mean),
    ))
}

/// `(x - centre) / sqrt(mean squared deviation + epsilon) * scale + shift`.
pub(crate) fn forward<T: Element>(
    norm: &LayerNorm,
    input: &Array<'_, T>,
    scale: Option<&Array<'_, T>>,
    shift: Option<&Array<'_, T>>,
) -> candle_core::Result<CudaSlice<T>> {
    let output = input.result(OP, input.len())?;
    let (rows, len, inner, about_mean) = sizes(norm)?;
    let (name, grid) = way(norm);
    launch(
        input.device,
        &LAYER_NORM.of::<T>(&format!("layer_norm_{name}")),
        grid,
        &[
            &rows,
            &len,
            &inner,
            &about_mean,
            &norm.epsilon,
            input,
            pointer(scale),
            pointer(shift),
            &output,
        ],
    )?;
    Ok(output)
}

/// The gradients of the input, the scale and the shift.
#[derive(Debug)]
pub(crate) struct Gradients<T> {
    pub(crate) input: CudaSlice<T>,
    pub(crate) scale: CudaSlice<T>,
    pub(crate) shift: CudaSlice<T>,
}

/// The gradients of [`forward`].
pub(crate) fn backward<T: Element>(
    norm: &LayerNorm,
    input: &Array<'_, T>,
    scale: Option<&Array<'_, T>>,
    gradient: &Array<'_, T>,
) -> candle_core::Result<Gradients<T>> {
    let device = input.device;
    let (rows, len, inner, about_mean) = sizes(norm)?;
    let all = norm.columns.outer * norm.columns.inner;
    let of_input = input.result(OP, input.len())?;
    let lines = input.result::<T>(OP, 3 * all)?;
    let (name, grid) = way(norm);
    launch(
        device,
        &LAYER_NORM.of::<T>(&format!("layer_norm_back_{name}")),
        grid,
        &[
            &rows,
            &len,
            &inner,
            &about_mean,
            &norm.epsilon,
            input,
            pointer(scale),
            gradient,
            &of_input,
            &lines,
        ],
    )?;
    let elements = norm.columns.count;
    let pieces = all.div_ceil(PIECE).max(1);
    let sums = allocate::<f64>(device, OP, 2 * pieces * elements)?;
    launch(
        device,
        &LAYER_NORM.of::<T>("layer_norm_sums"),
        Grid::threads(pieces * elements),
        &[
            &rows,
            &len,
            &inner,
            &count(PIECE),
            &lines,
            input,
            gradient,
            &sums,
        ],
    )?;
    let (of_scale, of_shift) = (input.result(OP, elements)?, input.result(OP, elements)?);
    launch(
        device,
        &LAYER_NORM.of::<T>("layer_norm_fold"),
        Grid::threads(2 * elements),
        &[&count(pieces), &len, &sums, &of_scale, &of_shift],
    )?;
    Ok(Gradients {
        input: of_input,
        scale: of_scale,
        shift: of_shift,
    })
}
