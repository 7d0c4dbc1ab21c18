//! The node of attention.

use std::sync::OnceLock;

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, Layout as Memory, Shape, Tensor};

#[cfg(feature = "cuda")]
use super::attention_cuda::Saved;
use super::node::{Gradients, Node};
use super::support::{self, Element, for_element};
use crate::cpu::attention::{Added, Attention, Backward, Layout, Mask};

pub(super) struct AttentionNode {
    pub(super) name: &'static str,
    pub(super) kernel: Attention,
    pub(super) has_bias: bool,
    pub(super) mask: Option<Tensor>,
    /// Of the forward pass, for the backward pass.
    log_sums: OnceLock<Vec<f64>>,
    /// The same where the tensors lie on a GPU.
    #[cfg(feature = "cuda")]
    pub(super) on_device: OnceLock<Saved>,
}

impl AttentionNode {
    /// The node whose last input is a bias, if it has one; `mask` is `[masks, rows, keys]`, numbers to add.
    pub(super) fn new(
        name: &'static str,
        kernel: Attention,
        has_bias: bool,
        mask: Option<Tensor>,
    ) -> Self {
        Self {
            name,
            kernel,
            has_bias,
            mask,
            log_sums: OnceLock::new(),
            #[cfg(feature = "cuda")]
            on_device: OnceLock::new(),
        }
    }

    /// The shape of the output.
    pub(super) fn shape(&self) -> Vec<usize> {
        let Attention {
            batch,
            heads,
            queries,
            value_dim,
            ..
        } = self.kernel;
        match self.kernel.layout {
            Layout::Heads => vec![batch, heads, queries, value_dim],
            Layout::Tokens => vec![batch, queries, heads * value_dim],
        }
    }

    /// Calls `f` with the slices of queries, keys and values and with what is added to the scores.
    fn with_parts<T: Element, R>(
        &self,
        inputs: &[&[T]],
        f: impl FnOnce(&[&[T]], &Added<'_, T>) -> candle_core::Result<R>,
    ) -> candle_core::Result<R> {
        let (slices, bias) = inputs.split_at(inputs.len() - usize::from(self.has_bias));
        let bias = bias.first().copied();
        match &self.mask {
            None => f(slices, &Added { bias, mask: None }),
            Some(mask) => support::with_elements::<T, _>(mask, |values| {
                let mask = Mask {
                    values,
                    rows: mask.dims()[1],
                };
                f(
                    slices,
                    &Added {
                        bias,
                        mask: Some(mask),
                    },
                )
            }),
        }
    }

    fn gradients<T: Element>(&self, inputs: &[&Tensor], output: &[T], gradient: &[T]) -> Gradients {
        support::with_all_elements::<T, _>(inputs, |slices| {
            self.with_parts(slices, |slices, added| {
                let found = self.kernel.backward(&Backward {
                    slices,
                    added,
                    output,
                    log_sums: self.log_sums.get().map(Vec::as_slice).unwrap_or_default(),
                    gradient,
                });
                let found = found.slices.into_iter().chain(found.bias);
                let mut gradients = [None, None, None];
                for ((gradient, values), input) in gradients.iter_mut().zip(found).zip(inputs) {
                    if input.track_op() {
                        *gradient = Some(support::tensor(values, input.dims(), input)?);
                    }
                }
                Ok(gradients)
            })
        })
    }
}

impl Node for AttentionNode {
    fn name(&self) -> &'static str {
        self.name
    }

    fn forward(
        &self,
        inputs: &[(&CpuStorage, &Memory)],
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        for_element!(inputs[0].0, self.name, T => {
            let inputs: Vec<&[T]> = support::all_elements(inputs)?;
            let output = self.with_parts(&inputs, |slices, added| {
                Ok(self.kernel.forward(slices, added))
            })?;
            self.log_sums.get_or_init(|| output.log_sums);
            Ok(support::output(output.values, &self.shape()))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_forward(
        &self,
        inputs: &[(&CudaStorage, &Memory)],
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        self.forward_on_device(inputs)
    }

    fn backward(&self, inputs: &[&Tensor], output: &Tensor, gradient: &Tensor) -> Gradients {
        #[cfg(feature = "cuda")]
        if gradient.device().is_cuda() {
            return self.backward_on_device(inputs, output, gradient);
        }
        for_element!(inputs[0], self.name, T => {
            support::with_elements::<T, _>(output, |y| {
                support::with_elements::<T, _>(gradient, |g| self.gradients(inputs, y, g))
            })
        })
    }
}
