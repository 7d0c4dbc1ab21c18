//! Maximum and average pooling, as [`crate::cpu::pool`].

use candle_core::cuda_backend::cudarc::driver::CudaSlice;

use super::launch::{Grid, all_small, count, launch, small};
use super::module::POOL;
use super::{Array, Element};
use crate::cpu::pool::Windows;
use crate::cpu::select::Bins;

const OP: &str = "pooling";

type Result<T> = candle_core::Result<CudaSlice<T>>;

/// The windows as kernels take them, whose planes have at most 2^31 - 1 elements.
fn sizes(windows: &Windows) -> candle_core::Result<[i32; 15]> {
    let plane = |extent: [usize; 3]| extent.iter().product::<usize>();
    small(OP, plane(windows.input))?;
    small(OP, plane(windows.output))?;
    let parts = [
        windows.input,
        windows.output,
        windows.kernel,
        windows.stride,
        windows.padding,
    ];
    let mut sizes = [0; 15];
    for (sizes, part) in sizes.chunks_exact_mut(3).zip(parts) {
        sizes.copy_from_slice(&all_small(OP, part)?);
    }
    Ok(sizes)
}

/// The largest value of each window; NaN if there is one.
pub(crate) fn max_forward<T: Element>(
    windows: &Windows,
    rows: usize,
    input: &Array<'_, T>,
) -> Result<T> {
    let plane = windows.output.iter().product();
    let output = input.result(OP, rows * plane)?;
    launch(
        input.device,
        &POOL.of::<T>("max_pool_forward"),
        Grid::planes(rows, plane),
        &[&sizes(windows)?, &count(rows), input, &output],
    )?;
    Ok(output)
}

/// The gradient of [`max_forward`]: the first largest element of a window gets all of it.
pub(crate) fn max_backward<T: Element>(
    windows: &Windows,
    rows: usize,
    input: &Array<'_, T>,
    output: &Array<'_, T>,
    gradient: &Array<'_, T>,
) -> Result<T> {
    let plane = windows.input.iter().product();
    let input_gradient = input.result(OP, rows * plane)?;
    launch(
        input.device,
        &POOL.of::<T>("max_pool_backward"),
        Grid::planes(rows, plane),
        &[
            &sizes(windows)?,
            &count(rows),
            input,
            output,
            gradient,
            &input_gradient,
        ],
    )?;
    Ok(input_gradient)
}

/// The mean of each window, as [`crate::cpu::pool::average_forward`] counts.
pub(crate) fn average_forward<T: Element>(
    windows: &Windows,
    rows: usize,
    input: &Array<'_, T>,
    count_padding: bool,
) -> Result<T> {
    let plane = windows.output.iter().product();
    let output = input.result(OP, rows * plane)?;
    launch(
        input.device,
        &POOL.of::<T>("avg_pool_forward"),
        Grid::planes(rows, plane),
        &[
            &sizes(windows)?,
            &count(rows),
            &i32::from(count_padding),
            input,
            &output,
        ],
    )?;
    Ok(output)
}

/// The gradient of [`average_forward`].
pub(crate) fn average_backward<T: Element>(
    windows: &Windows,
    rows: usize,
    gradient: &Array<'_, T>,
    count_padding: bool,
) -> Result<T> {
    let plane = windows.input.iter().product();
    let input_gradient = gradient.result(OP, rows * plane)?;
    launch(
        gradient.device,
        &POOL.of::<T>("avg_pool_backward"),
        Grid::planes(rows, plane),
        &[
            &sizes(windows)?,
            &count(rows),
            &i32::from(count_padding),
            gradient,
            &input_gradient,
        ],
    )?;
    Ok(input_gradient)
}

/// Where in its plane the largest value of each bin lies.
pub(crate) fn arg_max<T: Element>(bins: &Bins, rows: usize, input: &Array<'_, T>) -> Result<u32> {
    small(OP, bins.input_len())?;
    small(OP, bins.output_len())?;
    let [d, h, w] = bins.input;
    let [od, oh, ow] = [0, 1, 2].map(|axis| bins.spans[axis].len());
    let extents = all_small(OP, [d, h, w, od, oh, ow])?;
    let ends = bins.spans.iter().flatten();
    let spans: Vec<i32> = ends
        .flat_map(|span| [span.start as i32, span.end as i32])
        .collect();
    let spans = input.device.clone_htod(&spans)?;
    let output = input.result(OP, rows * bins.output_len())?;
    launch(
        input.device,
        &POOL.of::<T>("arg_max"),
        Grid::planes(rows, bins.output_len()),
        &[&extents, &count(rows), &spans, input, &output],
    )?;
    Ok(output)
}
