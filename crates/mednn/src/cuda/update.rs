//! Steps of optimizers, averages of weights and changes of gradients: what the rules of [`crate::optim`] compute on the CPU.
//!
//! The tensors that are changed are f32, contiguous, of one shape and in memory of their own; `optim::update` sees to it. Kernels
//! write into them in the order of the stream, like every other kernel.

use candle_core::cuda_backend::cudarc::driver::CudaSlice;
use candle_core::{CudaDevice, Tensor};

use super::array::on_device;
use super::fold::one_axis;
use super::launch::{Argument, Grid, NOTHING, allocate, count, launch};
use super::module::UPDATE;
use super::{Array, tensor, with_array};
use crate::cpu::buffer::Columns;

const OP: &str = "optimizer";

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

/// The struct `RmsProp` of the kernel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RmsProp {
    pub(crate) alpha: f32,
    pub(crate) entering: f32,
    pub(crate) eps: f32,
    pub(crate) rate: f32,
    pub(crate) decay: f32,
    pub(crate) momentum: f32,
}

/// A step of RMSprop; the state is the mean square, the mean if gradients are centred, and a buffer if there is momentum.
pub(crate) fn rmsprop(
    settings: &RmsProp,
    value: &Tensor,
    gradient: &Tensor,
    [square, mean, buffer]: [Option<&Tensor>; 3],
) -> candle_core::Result<()> {
    let RmsProp {
        alpha,
        entering,
        eps,
        rate,
        decay,
        momentum,
    } = *settings;
    let settings = [alpha, entering, eps, rate, decay, momentum];
    let tensors = [Some(gradient), Some(value), square, mean, buffer];
    run("update_rmsprop", &settings, &tensors)
}

/// The struct `Lamb` of the kernel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lamb {
    pub(crate) betas: [f32; 2],
    /// Parts of a gradient and of its square that enter their means.
    pub(crate) entering: [f32; 2],
    pub(crate) size: f32,
    pub(crate) root: f32,
    pub(crate) eps: f32,
    pub(crate) decay: f32,
    pub(crate) keep: f32,
}

/// A step of LAMB up to the length of its direction, which is returned; the state is the mean and the mean square.
pub(crate) fn lamb(
    settings: &Lamb,
    value: &Tensor,
    gradient: &Tensor,
    [mean, square]: [&Tensor; 2],
) -> candle_core::Result<Tensor> {
    let Lamb {
        betas,
        entering,
        size,
        root,
        eps,
        decay,
        keep,
    } = *settings;
    let settings = [
        betas[0],
        entering[0],
        betas[1],
        entering[1],
        size,
        root,
        eps,
        decay,
        keep,
    ];
    let made = allocate::<f32>(value.device().as_cuda_device()?, OP, value.elem_count())?;
    let direction = tensor(made, value.dims(), value)?;
    let tensors = [gradient, value, mean, square, &direction].map(Some);
    run("update_lamb", &settings, &tensors)?;
    Ok(direction)
}

/// The struct `Novograd` of the kernel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Novograd {
    pub(crate) beta1: f32,
    pub(crate) entering: f32,
    pub(crate) scale: f32,
    pub(crate) decay: f32,
    pub(crate) rate: f32,
}

/// A step of NovoGrad.
pub(crate) fn novograd(
    settings: &Novograd,
    value: &Tensor,
    gradient: &Tensor,
    mean: &Tensor,
) -> candle_core::Result<()> {
    let Novograd {
        beta1,
        entering,
        scale,
        decay,
        rate,
    } = *settings;
    let settings = [beta1, entering, scale, decay, rate];
    let tensors = [gradient, value, mean].map(Some);
    run("update_novograd", &settings, &tensors)
}

/// Adds a multiple of a tensor to a sum.
pub(crate) fn add_scaled(scale: f32, term: &Tensor, sum: &Tensor) -> candle_core::Result<()> {
    run("update_add", &[scale], &[Some(term), Some(sum)])
}

/// A copy whose elements are at most `limit` from zero.
pub(crate) fn limited(limit: f32, input: &Tensor) -> candle_core::Result<Tensor> {
    let made = allocate::<f32>(input.device().as_cuda_device()?, OP, input.elem_count())?;
    let output = tensor(made, input.dims(), input)?;
    run("update_limit", &[limit], &[Some(input), Some(&output)])?;
    Ok(output)
}

/// Sums of squares in f64 that are on their way, so that the device is waited for once and not for each tensor.
pub(crate) struct Squares {
    device: CudaDevice,
    sum: CudaSlice<f64>,
}

impl Squares {
    /// Queues the sum of the squares of a tensor.
    pub(crate) fn of(tensor: &Tensor) -> candle_core::Result<Self> {
        with_array::<f32, _>(tensor, |values| {
            let columns = Columns {
                outer: 1,
                count: values.len(),
                inner: 1,
            };
            Ok(Self {
                device: values.device.clone(),
                sum: one_axis::<f32>(values, [values, values], columns)?,
            })
        })
    }

    /// The sum; waits for the device.
    pub(crate) fn read(&self) -> candle_core::Result<f64> {
        Ok(self.device.clone_dtoh(&self.sum)?.iter().sum())
    }
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
