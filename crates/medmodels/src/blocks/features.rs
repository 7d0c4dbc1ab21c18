//! What runs around blocks: checkpoints, means of channels, and the features that were asked for.

use std::collections::BTreeMap;

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::ops;
use mednn::tape::checkpoint;

/// The settings of each axis as an array, after their number was checked.
pub(crate) fn per_axis<const D: usize>(values: &[usize]) -> [usize; D] {
    std::array::from_fn(|axis| values[axis])
}

/// Runs a block on tensors it takes over, with a checkpoint around it where the context asks for one.
///
/// Outside of training the memory of the inputs is free as soon as the block drops them.
pub(crate) fn checkpointed<B, const N: usize>(
    block: &B,
    inputs: [Tensor; N],
    context: &Context,
    run: fn(&B, [Tensor; N], &Context) -> mednn::Result<Tensor>,
) -> mednn::Result<Tensor>
where
    B: Clone + Send + Sync + 'static,
{
    if !context.is_gradient_checkpointing() {
        if !context.is_tracked() {
            return run(block, inputs, context);
        }
        // As behind a checkpoint each input is one edge on the tape, so that gradients are added in the same order.
        let mut edges = inputs;
        for edge in &mut edges {
            *edge = ops::reshape(edge, edge.dims())?;
        }
        return run(block, edges, context);
    }
    let block = block.clone();
    checkpoint(context, &inputs.each_ref(), move |inputs, context| {
        let inputs = std::array::from_fn(|i| inputs[i].clone());
        run(&block, inputs, context)
    })
}

/// The mean of each channel, `[batch, channels]`.
pub(crate) fn global_average<const D: usize>(features: &Tensor) -> mednn::Result<Tensor> {
    ops::flatten_from(&ops::adaptive_avg_pool(features, [1; D])?, 1)
}

/// The intermediate features that were asked for.
pub(crate) struct Features<'a> {
    context: &'a Context,
    kept: BTreeMap<String, Tensor>,
}

impl<'a> Features<'a> {
    pub(crate) fn of(context: &'a Context) -> Self {
        Self {
            context,
            kept: BTreeMap::new(),
        }
    }

    pub(crate) fn keep(&mut self, name: &str, value: &Tensor) {
        if self.context.wants_feature(name) {
            self.kept.insert(name.to_owned(), value.clone());
        }
    }

    pub(crate) fn into_map(self) -> BTreeMap<String, Tensor> {
        self.kept
    }
}
