//! Attention of tensors on a GPU.

use candle_core::{CudaStorage, Layout as Memory, Shape, Tensor};

use super::attention_node::AttentionNode;
use super::node::Gradients;
use super::support::for_element;
use crate::cuda::attention::{Back, Given, Output, kept};
use crate::cuda::{self, Array};

/// What the forward pass leaves to the backward pass.
pub(super) struct Saved {
    log_sums: Tensor,
    /// The factors of the weights, where some are dropped.
    kept: Option<Tensor>,
}

impl AttentionNode {
    /// Calls `f` with what both passes are given.
    fn with_given<T: cuda::Element, R>(
        &self,
        inputs: &[Array<'_, T>],
        dropped: Option<&Tensor>,
        f: impl FnOnce(&Given<'_, T>) -> candle_core::Result<R>,
    ) -> candle_core::Result<R> {
        let (slices, bias) = inputs.split_at(inputs.len() - usize::from(self.has_bias));
        let optional: Vec<&Tensor> = self.mask.iter().chain(dropped).collect();
        cuda::with_arrays::<T, R>(&optional, |optional| {
            let (mask, dropped) = optional.split_at(usize::from(self.mask.is_some()));
            let rows = self.mask.as_ref().map_or(1, |mask| mask.dims()[1]);
            f(&Given {
                attention: &self.kernel,
                slices,
                bias: bias.first(),
                mask: mask.first().map(|values| (values, rows)),
                kept: dropped.first(),
            })
        })
    }

    pub(super) fn forward_on_device(
        &self,
        inputs: &[(&CudaStorage, &Memory)],
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        let (storage, _) = inputs[0];
        let device = &storage.device;
        for_element!(storage, self.name, T => {
            let a = &self.kernel;
            let dropped = match a.dropped {
                Some(_) => {
                    let shape = [a.batch, a.heads, a.queries, a.keys];
                    Some(cuda::tensor_on(device, device.clone_htod(&kept::<T>(a))?, &shape))
                }
                None => None,
            };
            let arrays = cuda::all_elements::<T>(inputs)?;
            let given = |given: &Given<'_, T>| given.forward();
            let Output { values, log_sums } = self.with_given(&arrays, dropped.as_ref(), given)?;
            let shape = [a.batch, a.heads, a.queries];
            self.on_device.get_or_init(|| Saved {
                log_sums: cuda::tensor_on(device, log_sums, &shape),
                kept: dropped,
            });
            Ok(cuda::output(values, &self.shape(), device))
        })
    }

    pub(super) fn backward_on_device(
        &self,
        inputs: &[&Tensor],
        output: &Tensor,
        gradient: &Tensor,
    ) -> Gradients {
        let Some(Saved { log_sums, kept }) = self.on_device.get() else {
            return Err(candle_core::Error::BackwardNotSupported { op: self.name });
        };
        for_element!(gradient, self.name, T => {
            let found = cuda::with_arrays::<T, _>(inputs, |arrays| {
                cuda::with_arrays::<T, _>(&[output, log_sums, gradient], |of_output| {
                    let back = Back {
                        output: &of_output[0],
                        log_sums: &of_output[1],
                        gradient: &of_output[2],
                    };
                    self.with_given(arrays, kept.as_ref(), |given| given.backward(&back))
                })
            })?;
            let found = found.slices.into_iter().chain(found.bias);
            let mut gradients = [None, None, None];
            for ((gradient, values), input) in gradients.iter_mut().zip(found).zip(inputs) {
                if input.track_op() {
                    *gradient = Some(cuda::tensor(values, input.dims(), input)?);
                }
            }
            Ok(gradients)
        })
    }
}
