//! Softmax and its logarithm, as [`crate::cpu::softmax`].

use candle_core::cuda_backend::cudarc::driver::CudaSlice;

use super::launch::{Grid, Team, count, launch, small};
use super::module::SOFTMAX;
use super::{Array, Element};
use crate::cpu::buffer::Columns;
use crate::cpu::softmax::Softmax;

const OP: &str = "softmax";

/// Softmax over the middle axis, largest value subtracted first.
pub(crate) fn forward<T: Element>(
    kind: Softmax,
    columns: Columns,
    input: &Array<'_, T>,
) -> candle_core::Result<CudaSlice<T>> {
    let output = input.result(OP, input.len())?;
    let log = i32::from(kind == Softmax::Log);
    let (outer, len, inner) = sizes(columns)?;
    if columns.inner == 1 {
        let team = Team::of(columns.count);
        launch(
            input.device,
            &SOFTMAX.of::<T>(&team.named("softmax_rows")),
            team.grid(columns.outer),
            &[&outer, &len, &log, input, &output],
        )?;
    } else {
        let all = columns.outer * columns.inner;
        launch(
            input.device,
            &SOFTMAX.of::<T>("softmax_columns"),
            Grid::threads(all),
            &[&count(all), &len, &inner, &log, input, &output],
        )?;
    }
    Ok(output)
}

/// The gradient of [`forward`], from its output.
pub(crate) fn backward<T: Element>(
    kind: Softmax,
    columns: Columns,
    output: &Array<'_, T>,
    gradient: &Array<'_, T>,
) -> candle_core::Result<CudaSlice<T>> {
    let input_gradient = output.result(OP, output.len())?;
    let log = i32::from(kind == Softmax::Log);
    let (outer, len, inner) = sizes(columns)?;
    if columns.inner == 1 {
        let team = Team::of(columns.count);
        launch(
            output.device,
            &SOFTMAX.of::<T>(&team.named("softmax_rows_backward")),
            team.grid(columns.outer),
            &[&outer, &len, &log, output, gradient, &input_gradient],
        )?;
    } else {
        let all = columns.outer * columns.inner;
        launch(
            output.device,
            &SOFTMAX.of::<T>("softmax_columns_backward"),
            Grid::threads(all),
            &[
                &count(all),
                &len,
                &inner,
                &log,
                output,
                gradient,
                &input_gradient,
            ],
        )?;
    }
    Ok(input_gradient)
}

fn sizes(columns: Columns) -> candle_core::Result<(i64, i32, i64)> {
    Ok((
        count(columns.outer),
        small(OP, columns.count)?,
        count(columns.inner),
    ))
}
