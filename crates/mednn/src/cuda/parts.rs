//! Parts of an axis, as [`crate::cpu::narrow`], and tensors joined along one.

use std::ops::Range;

use candle_core::cuda_backend::cudarc::driver::CudaSlice;

use super::launch::{Grid, count, launch};
use super::module::PARTS;
use super::{Array, Element};
use crate::cpu::buffer::Columns;

type Result<T> = candle_core::Result<CudaSlice<T>>;

/// The elements of a range of the middle axis.
pub(crate) fn narrow<T: Element>(
    input: &Array<'_, T>,
    columns: Columns,
    range: &Range<usize>,
) -> Result<T> {
    let row_len = columns.count * columns.inner;
    let part_len = range.len() * columns.inner;
    let output = input.result("narrow", columns.outer * part_len)?;
    let first = range.start * columns.inner;
    let [rows, row, first, part] = [columns.outer, row_len, first, part_len].map(count);
    launch(
        input.device,
        &PARTS.of::<T>("narrow"),
        Grid::planes(columns.outer, part_len),
        &[&rows, &row, &first, &part, input, &output],
    )?;
    Ok(output)
}

/// The inverse of [`narrow`], zero outside the range.
pub(crate) fn widen<T: Element>(
    part: &Array<'_, T>,
    columns: Columns,
    range: &Range<usize>,
) -> Result<T> {
    let row_len = columns.count * columns.inner;
    let part_len = range.len() * columns.inner;
    let output = part.result("narrow", columns.outer * row_len)?;
    let first = range.start * columns.inner;
    let [rows, row, first, len] = [columns.outer, row_len, first, part_len].map(count);
    launch(
        part.device,
        &PARTS.of::<T>("widen"),
        Grid::planes(columns.outer, row_len),
        &[&rows, &row, &first, &len, part, &output],
    )?;
    Ok(output)
}

/// `[rows, a + b]` from `[rows, a]` and `[rows, b]`.
pub(crate) fn join<T: Element>(rows: usize, a: &Array<'_, T>, b: &Array<'_, T>) -> Result<T> {
    let output = a.result("concat", a.len() + b.len())?;
    let (a_len, b_len) = (a.len() / rows, b.len() / rows);
    launch(
        a.device,
        &PARTS.of::<T>("join"),
        Grid::planes(rows, a_len + b_len),
        &[&count(rows), &count(a_len), &count(b_len), a, b, &output],
    )?;
    Ok(output)
}
