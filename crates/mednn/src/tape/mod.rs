//! The operators of one forward pass, and the way back through them.
//!
//! candle's own `backward` starts every gradient as a tensor of zeros and adds to it on one thread, one pass over memory to
//! write and one to read for each operator. A [`Tape`] remembers the operators of this crate in the order in which they ran;
//! going back, the first gradient that reaches a tensor is kept as it is, and only further ones are added to it, on all
//! threads. The results are the same.
//!
//! [`Pass`] does it for a network and a loss.
//!
//! ```
//! use candle_core::{DType, Device, Tensor, Var};
//! use mednn::ops::{Activation, activation};
//! use mednn::tape::Tape;
//!
//! let x = Var::new(&[-1.0_f32, 2.0], &Device::Cpu)?;
//! let (y, tape) = Tape::record(|| activation(&x, Activation::Relu));
//! let y = y?;
//! let gradients = tape.backward(vec![(y, Tensor::new(&[10.0_f32, 20.0], &Device::Cpu)?)])?;
//! assert_eq!(gradients.get(&x).unwrap().to_vec1::<f32>()?, [0.0, 20.0]);
//! # Ok::<(), mednn::Error>(())
//! ```

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use candle_core::backprop::GradStore;
use candle_core::{CustomOp1, CustomOp2, CustomOp3, Tensor, TensorId};

use crate::error::Result;
use crate::ops::support::{add, check_shape};

mod checkpoint;
mod pass;

use checkpoint::Checkpoint;
pub use checkpoint::checkpoint;
pub use pass::Pass;

thread_local! {
    /// The recordings that are running on this thread, the innermost last.
    static RUNNING: RefCell<Vec<Vec<Record>>> = const { RefCell::new(Vec::new()) };
}

type Operator<C> = Arc<Box<C>>;

/// An operator with its arguments.
enum Call {
    /// The same elements under another shape.
    Reshape(Tensor),
    One(Operator<dyn CustomOp1 + Send + Sync>, Tensor),
    Two(Operator<dyn CustomOp2 + Send + Sync>, [Tensor; 2]),
    Three(Operator<dyn CustomOp3 + Send + Sync>, [Tensor; 3]),
    Block(Checkpoint),
}

impl Call {
    fn arguments(&self) -> &[Tensor] {
        match self {
            Self::Reshape(argument) | Self::One(_, argument) => std::slice::from_ref(argument),
            Self::Two(_, arguments) => arguments,
            Self::Three(_, arguments) => arguments,
            Self::Block(block) => block.arguments(),
        }
    }

    /// Adds the gradients of the arguments.
    fn backward(self, output: Tensor, gradient: Tensor, to: &mut Gradients) -> Result<()> {
        let of_arguments: [Option<Tensor>; 3] = match &self {
            Self::Reshape(argument) => [Some(gradient.reshape(argument.dims())?), None, None],
            Self::One(op, a) => [op.bwd(a, &output, &gradient)?, None, None],
            Self::Two(op, [a, b]) => {
                let (a, b) = op.bwd(a, b, &output, &gradient)?;
                [a, b, None]
            }
            Self::Three(op, [a, b, c]) => op.bwd(a, b, c, &output, &gradient)?.into(),
            Self::Block(_) => [None, None, None],
        };
        if let Self::Block(block) = self {
            drop(output);
            return block.backward(gradient, to);
        }
        drop((output, gradient));
        for (argument, gradient) in self.arguments().iter().zip(of_arguments) {
            if let Some(gradient) = gradient {
                to.add(argument.id(), gradient)?;
            }
        }
        Ok(())
    }
}

struct Record {
    call: Call,
    output: Tensor,
}

/// Runs operators so that they are on candle's tape, and on ours while one is recorded.
pub(crate) trait Apply: Sized {
    /// The same elements under another shape, without a copy when they lie in storage order.
    fn apply_reshape(&self, shape: &[usize]) -> candle_core::Result<Self>;

    fn apply1<C: CustomOp1 + Send + Sync + 'static>(&self, op: C) -> candle_core::Result<Self>;

    fn apply2<C: CustomOp2 + Send + Sync + 'static>(
        &self,
        b: &Self,
        op: C,
    ) -> candle_core::Result<Self>;

    fn apply3<C: CustomOp3 + Send + Sync + 'static>(
        &self,
        b: &Self,
        c: &Self,
        op: C,
    ) -> candle_core::Result<Self>;
}

impl Apply for Tensor {
    fn apply_reshape(&self, shape: &[usize]) -> candle_core::Result<Self> {
        let output = self.reshape(shape)?;
        keep(&output, || Call::Reshape(self.clone()));
        Ok(output)
    }

    fn apply1<C: CustomOp1 + Send + Sync + 'static>(&self, op: C) -> candle_core::Result<Self> {
        let op: Operator<dyn CustomOp1 + Send + Sync> = Arc::new(Box::new(op));
        let output = self.apply_op1_arc(op.clone())?;
        keep(&output, || Call::One(op, self.clone()));
        Ok(output)
    }

    fn apply2<C: CustomOp2 + Send + Sync + 'static>(
        &self,
        b: &Self,
        op: C,
    ) -> candle_core::Result<Self> {
        let op: Operator<dyn CustomOp2 + Send + Sync> = Arc::new(Box::new(op));
        let output = self.apply_op2_arc(b, op.clone())?;
        keep(&output, || Call::Two(op, [self.clone(), b.clone()]));
        Ok(output)
    }

    fn apply3<C: CustomOp3 + Send + Sync + 'static>(
        &self,
        b: &Self,
        c: &Self,
        op: C,
    ) -> candle_core::Result<Self> {
        let op: Operator<dyn CustomOp3 + Send + Sync> = Arc::new(Box::new(op));
        let output = self.apply_op3_arc(b, c, op.clone())?;
        keep(&output, || {
            Call::Three(op, [self.clone(), b.clone(), c.clone()])
        });
        Ok(output)
    }
}

/// True while a tape is recorded on this thread.
fn is_recording() -> bool {
    RUNNING.with_borrow(|running| !running.is_empty())
}

fn keep(output: &Tensor, call: impl FnOnce() -> Call) {
    if !output.track_op() {
        return;
    }
    RUNNING.with_borrow_mut(|running| {
        if let Some(records) = running.last_mut() {
            records.push(Record {
                call: call(),
                output: output.clone(),
            });
        }
    });
}

/// The operators that ran while it was recorded, in order.
///
/// Recordings belong to the thread; one within another keeps its operators for itself.
pub struct Tape {
    records: Vec<Record>,
}

impl std::fmt::Debug for Tape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tape")
            .field("operators", &self.records.len())
            .finish()
    }
}

impl Tape {
    /// Runs `forward` and remembers the operators that have something to give back to a variable.
    pub fn record<R>(forward: impl FnOnce() -> R) -> (R, Self) {
        /// Ends the recording, also when `forward` panics.
        struct End;
        impl Drop for End {
            fn drop(&mut self) {
                RUNNING.with_borrow_mut(Vec::pop);
            }
        }
        RUNNING.with_borrow_mut(|running| running.push(Vec::new()));
        let end = End;
        let result = forward();
        let records = RUNNING.with_borrow_mut(|running| running.last_mut().map(std::mem::take));
        drop(end);
        let records = records.unwrap_or_default();
        (result, Self { records })
    }

    /// The number of operators.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// True when nothing was recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The gradients of all variables, given those of `outputs`, `(output, gradient)`.
    ///
    /// What the operators kept is given back to memory on the way, as far as nobody else holds it.
    /// When a candle operator stands between those of the tape, candle's own `backward` does the work.
    ///
    /// # Errors
    /// When a gradient does not have its output's shape, and when an operator fails.
    pub fn backward(self, outputs: Vec<(Tensor, Tensor)>) -> Result<GradStore> {
        for (output, gradient) in &outputs {
            check_shape(
                "backward",
                "the gradient of an output",
                gradient,
                output.dims(),
            )?;
        }
        if !self.is_complete(&outputs, &[]) {
            return by_candle(&outputs);
        }
        let gradients = self.walk(outputs)?;
        let mut store = GradStore::default();
        for (id, gradient) in gradients.0 {
            store.insert_id(id, gradient);
        }
        Ok(store)
    }

    /// Goes back through all operators; what is left are the gradients of tensors that none of them made.
    fn walk(self, outputs: Vec<(Tensor, Tensor)>) -> Result<Gradients> {
        let mut gradients = Gradients::default();
        for (output, gradient) in outputs {
            if output.track_op() {
                gradients.add(output.id(), gradient)?;
            }
        }
        for Record { call, output } in self.records.into_iter().rev() {
            if let Some(gradient) = gradients.0.remove(&output.id()) {
                call.backward(output, gradient, &mut gradients)?;
            }
        }
        Ok(gradients)
    }

    /// Whether every tracked tensor is a variable, one of `known`, or comes from an operator of the tape.
    fn is_complete(&self, outputs: &[(Tensor, Tensor)], known: &[Tensor]) -> bool {
        let made = self.records.iter().map(|r| &r.output).chain(known);
        let made: HashSet<TensorId> = made.map(Tensor::id).collect();
        let arguments = self.records.iter().flat_map(|r| r.call.arguments());
        arguments
            .chain(outputs.iter().map(|(output, _)| output))
            .all(|t| !t.track_op() || t.is_variable() || made.contains(&t.id()))
    }
}

/// Gradients on the way.
#[derive(Default)]
struct Gradients(HashMap<TensorId, Tensor>);

impl Gradients {
    fn add(&mut self, of: TensorId, gradient: Tensor) -> Result<()> {
        let sum = match self.0.remove(&of) {
            None => gradient.detach(),
            Some(sum) => add(&sum, &gradient)?,
        };
        self.0.insert(of, sum);
        Ok(())
    }
}

fn by_candle(outputs: &[(Tensor, Tensor)]) -> Result<GradStore> {
    let mut total: Option<Tensor> = None;
    for (output, gradient) in outputs {
        let weighted = (output * gradient)?.sum_all()?;
        total = Some(match total {
            None => weighted,
            Some(total) => (total + weighted)?,
        });
    }
    match total {
        None => Ok(GradStore::default()),
        Some(total) => Ok(total.backward()?),
    }
}
