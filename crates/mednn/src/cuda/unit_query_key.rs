//! Queries and keys of one length, as [`crate::cpu::unit_query_key`].

use candle_core::cuda_backend::cudarc::driver::CudaSlice;

use super::launch::{Grid, Team, all_small, count, launch};
use super::module::UNIT_QUERY_KEY;
use super::{Array, Element, fold};
use crate::cpu::fold::Axis;
use crate::cpu::unit_query_key::PackedTokens;

const OP: &str = "unit_query_key";

type Result<T> = candle_core::Result<CudaSlice<T>>;

/// The struct `Tokens` of the kernels, whose first part has 64 bits.
fn sizes(tokens: &PackedTokens) -> candle_core::Result<[i32; 4]> {
    let rows = tokens.rows as u64;
    let [heads, dim] = all_small(OP, [tokens.heads, tokens.dim])?;
    Ok([rows as i32, (rows >> 32) as i32, heads, dim])
}

/// Queries with the length of their head's factor, keys with length 1, values as they are.
pub(crate) fn forward<T: Element>(
    tokens: &PackedTokens,
    input: &Array<'_, T>,
    logs: &Array<'_, T>,
) -> Result<T> {
    let output = input.result(OP, input.len())?;
    launch(
        input.device,
        &UNIT_QUERY_KEY.of::<T>("unit_forward"),
        Team::Warp.grid(3 * tokens.heads * tokens.rows),
        &[&sizes(tokens)?, input, logs, &output],
    )?;
    Ok(output)
}

/// The gradient of the tokens.
pub(crate) fn input_gradient<T: Element>(
    tokens: &PackedTokens,
    [input, logs]: [&Array<'_, T>; 2],
    gradient: &Array<'_, T>,
) -> Result<T> {
    let output = input.result(OP, input.len())?;
    launch(
        input.device,
        &UNIT_QUERY_KEY.of::<T>("unit_input_gradient"),
        Team::Warp.grid(3 * tokens.heads * tokens.rows),
        &[&sizes(tokens)?, input, logs, gradient, &output],
    )?;
    Ok(output)
}

/// The gradient of the logarithm of each factor.
pub(crate) fn log_gradient<T: Element>(
    tokens: &PackedTokens,
    [input, logs]: [&Array<'_, T>; 2],
    gradient: &Array<'_, T>,
) -> Result<T> {
    let (rows, heads) = (tokens.rows, tokens.heads);
    let terms = input.result::<T>(OP, rows * heads)?;
    launch(
        input.device,
        &UNIT_QUERY_KEY.of::<T>("unit_terms"),
        Team::Warp.grid(rows * heads),
        &[&sizes(tokens)?, input, gradient, &terms],
    )?;
    let terms = Array::of(input, &terms);
    let axes = [(rows, true), (heads, false)].map(|(length, folded)| Axis { length, folded });
    let sums = fold::sums(&terms, None, &axes, 1.0)?;
    let output = input.result(OP, heads)?;
    launch(
        input.device,
        &UNIT_QUERY_KEY.of::<T>("unit_log_gradient"),
        Grid::threads(heads),
        &[&count(heads), logs, &sums, &output],
    )?;
    Ok(output)
}
