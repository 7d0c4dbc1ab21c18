//! Activation functions, as [`crate::cpu::activation`].

use candle_core::cuda_backend::cudarc::driver::CudaSlice;

use super::launch::{Grid, all_small, count, launch};
use super::module::ACTIVATION;
use super::{Array, Element, fold};
use crate::cpu::activation::Activation;
use crate::cpu::fold::Axis;

const OP: &str = "activation";

/// The function by the number in `kernels/pointwise.cuh`, and its settings.
fn named<T: Element>(activation: Activation) -> (i32, [T; 2]) {
    let (kind, a, b) = match activation {
        Activation::None => (0, 0.0, 0.0),
        Activation::Relu => (1, 0.0, 0.0),
        Activation::LeakyRelu { slope } => (2, slope, 0.0),
        Activation::Elu { alpha } => (3, alpha, 0.0),
        Activation::Relu6 => (4, 0.0, 0.0),
        Activation::Selu => (5, 0.0, 0.0),
        Activation::Celu { alpha } => (6, alpha, 0.0),
        Activation::Gelu => (7, 0.0, 0.0),
        Activation::GeluTanh => (8, 0.0, 0.0),
        Activation::Silu => (9, 0.0, 0.0),
        Activation::Sigmoid => (10, 0.0, 0.0),
        Activation::Tanh => (11, 0.0, 0.0),
        Activation::Mish => (12, 0.0, 0.0),
        Activation::HardSigmoid => (13, 0.0, 0.0),
        Activation::HardSwish => (14, 0.0, 0.0),
        Activation::Softplus { beta, threshold } => (15, beta, threshold),
    };
    let narrow = <T as crate::cpu::real::Real>::from_f64;
    (kind, [narrow(a), narrow(b)])
}

/// `f(x)`, element by element.
pub(crate) fn forward<T: Element>(
    activation: Activation,
    input: &Array<'_, T>,
) -> candle_core::Result<CudaSlice<T>> {
    let output = input.result(OP, input.len())?;
    let (kind, [a, b]) = named::<T>(activation);
    launch(
        input.device,
        &ACTIVATION.of::<T>("activation_forward"),
        Grid::elements(input.len()),
        &[&kind, &a, &b, &count(input.len()), input, &output],
    )?;
    Ok(output)
}

/// `gradient * f'(x)`, element by element.
pub(crate) fn backward<T: Element>(
    activation: Activation,
    input: &Array<'_, T>,
    gradient: &Array<'_, T>,
) -> candle_core::Result<CudaSlice<T>> {
    let input_gradient = input.result(OP, input.len())?;
    let (kind, [a, b]) = named::<T>(activation);
    launch(
        input.device,
        &ACTIVATION.of::<T>("activation_backward"),
        Grid::elements(input.len()),
        &[
            &kind,
            &a,
            &b,
            &count(input.len()),
            input,
            gradient,
            &input_gradient,
        ],
    )?;
    Ok(input_gradient)
}

/// The struct `Rows` of the kernels: 64 bits each for their number and length, then channels and slopes.
fn rows<T: Element>(
    input: &Array<'_, T>,
    slopes: &Array<'_, T>,
    (batch, channels): (usize, usize),
) -> candle_core::Result<[i32; 6]> {
    let len = input.len() / (batch * channels);
    let halves = |number: usize| [number as i32, (number as u64 >> 32) as i32];
    let ([rows, above], [low, high]) = (halves(batch * channels), halves(len));
    let [channels, slopes] = all_small(OP, [channels, slopes.len()])?;
    Ok([rows, above, low, high, channels, slopes])
}

/// `x` above zero, else `x` times the slope of its channel, or that of all.
pub(crate) fn prelu_forward<T: Element>(
    input: &Array<'_, T>,
    slopes: &Array<'_, T>,
    dims: (usize, usize),
) -> candle_core::Result<CudaSlice<T>> {
    let output = input.result(OP, input.len())?;
    launch(
        input.device,
        &ACTIVATION.of::<T>("prelu_forward"),
        Grid::elements(input.len()),
        &[&rows(input, slopes, dims)?, input, slopes, &output],
    )?;
    Ok(output)
}

/// The gradients of [`prelu_forward`] for the input and the slopes.
pub(crate) fn prelu_backward<T: Element>(
    input: &Array<'_, T>,
    slopes: &Array<'_, T>,
    gradient: &Array<'_, T>,
    dims: (usize, usize),
) -> candle_core::Result<[CudaSlice<T>; 2]> {
    let output = input.result(OP, input.len())?;
    let terms = input.result::<T>(OP, input.len())?;
    launch(
        input.device,
        &ACTIVATION.of::<T>("prelu_backward"),
        Grid::elements(input.len()),
        &[
            &rows(input, slopes, dims)?,
            input,
            slopes,
            gradient,
            &output,
            &terms,
        ],
    )?;
    let (batch, channels) = dims;
    let axes = [
        (batch, true),
        (channels, slopes.len() == 1),
        (input.len() / (batch * channels), true),
    ];
    let axes = axes.map(|(length, folded)| Axis { length, folded });
    let sums = fold::sums(&Array::of(input, &terms), None, &axes, 1.0)?;
    Ok([output, sums])
}
