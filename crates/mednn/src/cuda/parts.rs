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
    copy("narrow", input, columns, range, range.len())
}

/// The inverse of [`narrow`], zero outside the range.
pub(crate) fn widen<T: Element>(
    part: &Array<'_, T>,
    columns: Columns,
    range: &Range<usize>,
) -> Result<T> {
    copy("widen", part, columns, range, columns.count)
}

/// Runs a kernel that copies between a range of the middle axis and the whole; its result has `width` columns.
fn copy<T: Element>(
    kernel: &str,
    from: &Array<'_, T>,
    columns: Columns,
    range: &Range<usize>,
    width: usize,
) -> Result<T> {
    let len = width * columns.inner;
    let output = from.result("narrow", columns.outer * len)?;
    let in_columns = [columns.count, range.start, range.len()];
    let [row, first, part] = in_columns.map(|columns_of| count(columns_of * columns.inner));
    launch(
        from.device,
        &PARTS.of::<T>(kernel),
        Grid::planes(columns.outer, len),
        &[&count(columns.outer), &row, &first, &part, from, &output],
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
