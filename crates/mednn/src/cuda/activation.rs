//! Activation functions, as [`crate::cpu::activation`].

use candle_core::cuda_backend::cudarc::driver::CudaSlice;

use super::launch::{Grid, count, launch};
use super::module::ACTIVATION;
use super::{Array, Element};
use crate::cpu::activation::Activation;

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
