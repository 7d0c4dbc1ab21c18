//! Windows of tokens, as [`crate::cpu::windows`].

use candle_core::cuda_backend::cudarc::driver::CudaSlice;

use super::launch::{Grid, all_small, count, launch, small};
use super::module::WINDOWS;
use super::{Array, Element};
use crate::cpu::windows::Windows;

const OP: &str = "windows";

type Result<T> = candle_core::Result<CudaSlice<T>>;

/// Brings the tokens of each window together.
pub(crate) fn partition<T: Element>(windows: &Windows, input: &Array<'_, T>) -> Result<T> {
    let rows = windows.batch * windows.count() * windows.tokens();
    run("window_partition", windows, rows, input)
}

/// Puts the tokens back.
pub(crate) fn reverse<T: Element>(windows: &Windows, input: &Array<'_, T>) -> Result<T> {
    let rows = windows.batch * windows.size.iter().product::<usize>();
    run("window_reverse", windows, rows, input)
}

fn run<T: Element>(
    kernel: &str,
    windows: &Windows,
    rows: usize,
    input: &Array<'_, T>,
) -> Result<T> {
    // A place of the moved grid is counted in 32 bits, and so is a token of all windows of an item.
    small(OP, windows.count() * windows.tokens())?;
    let parts = [windows.size, windows.window, windows.shift, windows.grid()];
    let mut sizes = [0; 12];
    for (sizes, part) in sizes.chunks_exact_mut(3).zip(parts) {
        sizes.copy_from_slice(&all_small(OP, part)?);
    }
    let output = input.result(OP, rows * windows.channels)?;
    launch(
        input.device,
        &WINDOWS.of::<T>(kernel),
        Grid::planes(rows, windows.channels),
        &[
            &sizes,
            &count(windows.batch),
            &small(OP, windows.channels)?,
            input,
            &output,
        ],
    )?;
    Ok(output)
}
