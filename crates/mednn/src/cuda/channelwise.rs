//! Convolutions of every input channel for itself: groups of one input channel.

use candle_core::cuda_backend::cudarc::driver::CudaSlice;

use super::conv::{OP, lengths, pointer, sizes};
use super::launch::{Grid, allocate, count, launch, small};
use super::module::{CHANNELWISE, CONV};
use super::tile::splits;
use super::{Array, Element};
use crate::cpu::conv::Problem;

type Result<T> = candle_core::Result<CudaSlice<T>>;

/// Whether a convolution is one of these.
pub(super) fn is_channelwise(problem: &Problem) -> bool {
    problem.groups() > 1 && problem.in_channels() == problem.groups()
}

pub(super) fn forward<T: Element>(
    problem: &Problem,
    input: &Array<'_, T>,
    weights: &Array<'_, T>,
    bias: Option<&Array<'_, T>>,
) -> Result<T> {
    let output = input.result(OP, problem.output_len())?;
    let [voxels, ..] = lengths(problem);
    launch(
        input.device,
        &CHANNELWISE.of::<T>("channelwise_forward"),
        Grid::planes(problem.batch() * problem.out_channels(), voxels),
        &[&sizes(problem)?, input, weights, pointer(bias), &output],
    )?;
    Ok(output)
}

pub(super) fn transposed<T: Element>(
    problem: &Problem,
    weights: &Array<'_, T>,
    input: &Array<'_, T>,
    bias: Option<&Array<'_, T>>,
) -> Result<T> {
    let output = input.result(OP, problem.input_len())?;
    let [_, voxels, _] = lengths(problem);
    launch(
        input.device,
        &CHANNELWISE.of::<T>("channelwise_input_gradient"),
        Grid::planes(problem.batch() * problem.in_channels(), voxels),
        &[&sizes(problem)?, input, weights, pointer(bias), &output],
    )?;
    Ok(output)
}

pub(super) fn weight_gradient<T: Element>(
    problem: &Problem,
    input: &Array<'_, T>,
    gradient: &Array<'_, T>,
) -> Result<T> {
    let [voxels, _, taps] = lengths(problem);
    let weights = problem.weight_len();
    let parts = splits(weights, 1, problem.batch() * voxels, weights);
    let partial = allocate::<f64>(input.device, OP, parts * weights)?;
    launch(
        input.device,
        &CHANNELWISE.of::<T>("channelwise_weight_gradient"),
        Grid::exactly([taps, problem.out_channels(), parts]),
        &[&sizes(problem)?, input, gradient, &partial],
    )?;
    let output = input.result(OP, weights)?;
    launch(
        input.device,
        &CONV.of::<T>("conv_fold_sums"),
        Grid::elements(weights),
        &[&small(OP, parts)?, &count(weights), &partial, &output],
    )?;
    Ok(output)
}
