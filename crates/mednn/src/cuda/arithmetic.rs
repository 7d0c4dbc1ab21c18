//! Sums, differences and products of two tensors, as [`crate::cpu::arithmetic`].

use candle_core::cuda_backend::cudarc::driver::CudaSlice;

use super::launch::{Grid, count, launch};
use super::module::ARITHMETIC;
use super::{Array, Element};
use crate::cpu::arithmetic::Axis;

const OP: &str = "arithmetic";
/// Axes around the runs that the kernel takes; `MOST_AXES` in `kernels/arithmetic.cu`.
const MOST_AXES: usize = 6;

/// What is made of two elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    Add,
    Subtract,
    Multiply,
    Divide,
    /// 1 where both are equal, else 0.
    Equal,
}

/// The combination of both for each element of the output, whose axes [`crate::cpu::arithmetic::axes`] made.
pub(crate) fn combine<T: Element>(
    rule: Rule,
    axes: &[Axis],
    a: &Array<'_, T>,
    b: &Array<'_, T>,
) -> candle_core::Result<CudaSlice<T>> {
    const POINT: Axis = Axis {
        length: 1,
        strides: [0; 2],
    };
    let (inner, outer) = axes.split_last().unwrap_or((&POINT, &[]));
    if outer.len() > MOST_AXES {
        return Err(candle_core::Error::Msg(format!(
            "{OP}: tensors repeated along more than {MOST_AXES} axes that cannot be joined"
        )));
    }
    let runs: usize = outer.iter().map(|axis| axis.length).product();
    let mut sizes = [0; 5 + 3 * MOST_AXES];
    sizes[0] = count(outer.len());
    for (i, axis) in outer.iter().enumerate() {
        sizes[1 + i] = count(axis.length);
        sizes[1 + MOST_AXES + i] = count(axis.strides[0]);
        sizes[1 + 2 * MOST_AXES + i] = count(axis.strides[1]);
    }
    let of_runs = [runs, inner.length, inner.strides[0], inner.strides[1]];
    sizes[1 + 3 * MOST_AXES..].copy_from_slice(&of_runs.map(count));
    let output = a.result(OP, runs * inner.length)?;
    let rule = match rule {
        Rule::Add => 0,
        Rule::Subtract => 1,
        Rule::Multiply => 2,
        Rule::Divide => 3,
        Rule::Equal => 4,
    };
    launch(
        a.device,
        &ARITHMETIC.of::<T>("combine"),
        Grid::planes(runs, inner.length),
        &[&rule, &sizes, a, b, &output],
    )?;
    Ok(output)
}

/// The sum of two arrays of one length.
pub(crate) fn add<T: Element>(
    a: &Array<'_, T>,
    b: &Array<'_, T>,
) -> candle_core::Result<CudaSlice<T>> {
    let all = Axis {
        length: a.len(),
        strides: [1; 2],
    };
    combine(Rule::Add, &[all], a, b)
}

/// Every element, repeated as the axes say, times a constant.
pub(crate) fn combine_with<T: Element>(
    factor: f64,
    axes: &[Axis],
    a: &Array<'_, T>,
) -> candle_core::Result<CudaSlice<T>> {
    let factor = a
        .device
        .clone_htod(&[<T as crate::cpu::real::Real>::from_f64(factor)])?;
    let factor = Array {
        device: a.device,
        elements: factor.as_view(),
    };
    combine(Rule::Multiply, axes, a, &factor)
}

/// Every element times a constant.
pub(crate) fn scale<T: Element>(
    factor: f64,
    input: &Array<'_, T>,
) -> candle_core::Result<CudaSlice<T>> {
    let output = input.result(OP, input.len())?;
    let factor = <T as crate::cpu::real::Real>::from_f64(factor);
    launch(
        input.device,
        &ARITHMETIC.of::<T>("scale"),
        Grid::elements(input.len()),
        &[&count(input.len()), &factor, input, &output],
    )?;
    Ok(output)
}

/// Rows of equal length, each times a constant of its own.
pub(crate) fn scale_rows<T: Element>(
    factors: &[f32],
    input: &Array<'_, T>,
) -> candle_core::Result<CudaSlice<T>> {
    let output = input.result(OP, input.len())?;
    let row_len = count(input.len() / factors.len().max(1));
    let factors = input.device.clone_htod(factors)?;
    launch(
        input.device,
        &ARITHMETIC.of::<T>("scale_rows"),
        Grid::elements(input.len()),
        &[&count(input.len()), &row_len, &factors, input, &output],
    )?;
    Ok(output)
}
