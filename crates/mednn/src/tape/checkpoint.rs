//! Blocks of a network whose inside is computed again on the way back instead of being kept.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp2, DType, Layout, Shape, Tensor, Var};

use super::{Call, Gradients, RUNNING, Record, Tape, is_recording};
use crate::context::Context;
use crate::cpu::buffer;
use crate::error::{Error, Result};
use crate::ops::support::{self, for_element};

type Block = dyn Fn(&[Tensor], &Context) -> Result<Tensor> + Send + Sync;

/// Runs a block of a network; when `context` asks for it and a [`Tape`] is recorded, only the inputs and the output are kept,
/// and the block runs a second time on the way back (Chen et al. 2016, "Training deep nets with sublinear memory cost").
///
/// `block` must give the same result both times: everything random in it comes from the context's key. It takes layers by
/// value, which are cheap to clone.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use medcore::random::Key;
/// use mednn::layers::{Conv, ConvConfig};
/// use mednn::tape::checkpoint;
/// use mednn::{Context, Params};
///
/// let conv = Conv::<2>::new(&ConvConfig::same(1, 2, [3, 3]), &Params::new(7).root())?;
/// let image = Tensor::zeros((1, 1, 4, 4), DType::F32, &Device::Cpu)?;
/// let context = Context::train(Key::new(7)).with_gradient_checkpointing();
/// let layer = conv.clone();
/// let out = checkpoint(&context, &[&image], move |inputs, context| layer.forward(&inputs[0], context))?;
/// assert_eq!(out.dims(), [1, 2, 4, 4]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Errors
/// Those of the block.
pub fn checkpoint(
    context: &Context,
    inputs: &[&Tensor],
    block: impl Fn(&[Tensor], &Context) -> Result<Tensor> + Send + Sync + 'static,
) -> Result<Tensor> {
    let inputs: Vec<Tensor> = inputs.iter().map(|&t| t.clone()).collect();
    if !(context.is_gradient_checkpointing() && context.is_tracked() && is_recording()) {
        return block(&inputs, context);
    }
    let detached: Vec<Tensor> = inputs.iter().map(Tensor::detach).collect();
    let output = block(&detached, &context.clone().untracked())?;
    drop(detached);
    // The parameters make the output depend on variables; candle has to see one.
    let variable = Var::zeros(1, DType::F32, output.device())?;
    let output = output.contiguous()?.apply_op2(&variable, Opaque)?;
    let call = Call::Block(Checkpoint {
        inputs,
        block: Arc::new(block),
        context: context.clone().with_recompute(),
    });
    RUNNING.with_borrow_mut(|running| {
        if let Some(records) = running.last_mut() {
            let output = output.clone();
            records.push(Record { call, output });
        }
    });
    Ok(output)
}

/// A block on the tape.
pub(super) struct Checkpoint {
    inputs: Vec<Tensor>,
    block: Arc<Block>,
    context: Context,
}

impl Checkpoint {
    pub(super) fn arguments(&self) -> &[Tensor] {
        &self.inputs
    }

    /// Runs the block again, then back; adds the gradients of its inputs and of all variables in it.
    pub(super) fn backward(self, gradient: Tensor, to: &mut Gradients) -> Result<()> {
        let (output, tape) = Tape::record(|| (self.block)(&self.inputs, &self.context));
        let ends = vec![(output?, gradient)];
        if !tape.is_complete(&ends, &self.inputs) {
            return Err(Error::Setting {
                op: "checkpoint",
                setting: "the block",
                rule: "made of operators of mednn alone",
                value: format!("{tape:?}"),
            });
        }
        for (id, gradient) in tape.walk(ends)?.0 {
            to.add(id, gradient)?;
        }
        Ok(())
    }
}

/// Copies its first argument; candle's `backward` cannot go on behind it.
struct Opaque;

impl CustomOp2 for Opaque {
    fn name(&self) -> &'static str {
        "checkpoint"
    }

    fn cpu_fwd(
        &self,
        storage: &CpuStorage,
        layout: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        for_element!(storage, "checkpoint", T => {
            let values = support::elements::<T>(storage, layout)?;
            Ok(support::output(buffer::copy(values), layout.dims()))
        })
    }

    fn bwd(
        &self,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        Err(candle_core::Error::Msg(
            "checkpoint: only the tape that was recorded leads back through a checkpointed block"
                .to_owned(),
        ))
    }
}
