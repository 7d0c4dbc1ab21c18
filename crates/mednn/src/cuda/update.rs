//! Steps of optimizers and averages of weights, in place: what the rules of [`crate::optim`] compute on the CPU.
//!
//! The tensors that are changed are f32, contiguous, of one shape and in memory of their own; `optim::update` sees to it. Kernels
//! write into them in the order of the stream, like every other kernel.

use candle_core::Tensor;

use super::Array;
use super::array::on_device;
use super::launch::{Argument, Grid, NOTHING, count, launch};
use super::module::UPDATE;

/// The struct `Sgd` of the kernel; of a direction, `along` is the part of the buffer and `ahead` that of the gradient.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sgd {
    pub(crate) rate: f32,
    pub(crate) decay: f32,
    pub(crate) momentum: f32,
    pub(crate) entering: f32,
    pub(crate) along: f32,
    pub(crate) ahead: f32,
}

/// A step of gradient descent, with momentum if there is a buffer.
pub(crate) fn sgd(
    settings: &Sgd,
    value: &Tensor,
    gradient: &Tensor,
    buffer: Option<&Tensor>,
) -> candle_core::Result<()> {
    let &Sgd {
        rate,
        decay,
        momentum,
        entering,
        along,
        ahead,
    } = settings;
    let settings = [rate, decay, momentum, entering, along, ahead];
    run(
        "update_sgd",
        &settings,
        &[Some(gradient), Some(value), buffer],
    )
}

/// The struct `Adam` of the kernel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Adam {
    pub(crate) betas: [f32; 2],
    /// Parts of a gradient and of its square that enter their means.
    pub(crate) entering: [f32; 2],
    pub(crate) in_gradient: f32,
    pub(crate) keep: f32,
    pub(crate) size: f32,
    pub(crate) root: f32,
    pub(crate) eps: f32,
}

/// A step of Adam; the state is the mean, the mean square and, for AMSGrad, the largest of these.
pub(crate) fn adam(
    settings: &Adam,
    value: &Tensor,
    gradient: &Tensor,
    state: &[Tensor],
) -> candle_core::Result<()> {
    let Adam {
        betas,
        entering,
        in_gradient,
        keep,
        size,
        root,
        eps,
    } = *settings;
    let settings = [
        betas[0],
        entering[0],
        betas[1],
        entering[1],
        in_gradient,
        keep,
        size,
        root,
        eps,
    ];
    let tensors = [
        Some(gradient),
        Some(value),
        state.first(),
        state.get(1),
        state.get(2),
    ];
    run("update_adam", &settings, &tensors)
}

/// Moves an average a part of the way towards a value.
pub(crate) fn average(toward: f32, value: &Tensor, average: &Tensor) -> candle_core::Result<()> {
    run("update_average", &[toward], &[Some(value), Some(average)])
}

/// Exchanges the elements of two tensors.
pub(crate) fn exchange(a: &Tensor, b: &Tensor) -> candle_core::Result<()> {
    run("update_exchange", &[], &[Some(a), Some(b)])
}

/// Queues a kernel of the number of elements, its settings, if there are any, and these tensors, of which the first is there.
fn run<const N: usize>(
    kernel: &str,
    settings: &[f32; N],
    tensors: &[Option<&Tensor>],
) -> candle_core::Result<()> {
    let guards: Vec<_> = tensors
        .iter()
        .map(|tensor| tensor.map(Tensor::storage_and_layout))
        .collect();
    let arrays: Vec<Option<Array<'_, f32>>> = guards
        .iter()
        .map(|guard| {
            guard
                .as_ref()
                .map(|(storage, layout)| on_device(storage, layout))
                .transpose()
        })
        .collect::<candle_core::Result<_>>()?;
    let Some(first) = arrays.first().and_then(Option::as_ref) else {
        return Ok(());
    };
    let len = count(first.len());
    let mut arguments: Vec<&dyn Argument> = vec![&len];
    if N > 0 {
        arguments.push(settings);
    }
    for array in &arrays {
        arguments.push(match array {
            Some(array) => array,
            None => &NOTHING,
        });
    }
    launch(
        first.device,
        &UPDATE.of::<f32>(kernel),
        Grid::elements(first.len()),
        &arguments,
    )
}
