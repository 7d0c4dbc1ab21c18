//! What a network is to become better at: the loss of a batch and its gradients.
//!
//! [`Supervised`] compares outputs with targets. [`Distillation`] learns from a teacher too. [`DomainAdaptation`] makes a network
//! blind to where images come from, by a [`DomainJudge`], [`Coral`] or the maximum mean discrepancy. [`Proximal`] keeps any of
//! them near a common network, for learning at several sites. Others are written in a few lines, see [`Objective`].

mod adaptation;
mod coral;
mod distillation;
mod domain_judge;
mod hint;
mod proximal;
mod ramp;

use mednn::candle_core::backprop::GradStore;
use mednn::candle_core::{DType, Device, Tensor};
use mednn::loss::Loss;
use mednn::tape::Pass;
use mednn::{Context, Inputs, Model, Outputs};

pub use adaptation::{Discrepancy, DomainAdaptation};
pub use coral::Coral;
pub use distillation::Distillation;
pub use domain_judge::DomainJudge;
pub use hint::{Hint, Likeness};
pub use proximal::Proximal;
pub use ramp::Ramp;

use crate::error::{Error, Result};

/// What a network learns from in one step; made on the processor, the trainer brings it to the network's device.
#[derive(Debug)]
pub struct Batch {
    /// The network's inputs; whatever else an [`Objective`] needs (the domain of each sample, say) goes there by name.
    pub inputs: Inputs,
    /// What its outputs are compared with, for a segmentation labels `[batch, depth, height, width]`.
    pub targets: Tensor,
    /// The cases in it, one a sample, for messages.
    pub cases: Vec<String>,
}

impl Batch {
    /// The same on a device; what is there already is shared.
    ///
    /// # Errors
    /// When the device refuses the memory.
    pub fn to_device(&self, device: &Device) -> Result<Self> {
        Ok(Self {
            inputs: self.inputs.to_device(device)?,
            targets: self.targets.to_device(device)?,
            cases: self.cases.clone(),
        })
    }
}

/// When and how a batch is learnt from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Moment {
    /// Training, with the key of this batch and the trainer's choice of gradient checkpointing.
    pub context: Context,
    /// Part of the run's optimizer steps that are done, in [0, 1): what a strength that grows with time is a function of.
    pub progress: f64,
}

impl Moment {
    /// A pass in this context when this part of the run is done: for who asks an objective without a trainer.
    #[must_use]
    pub fn new(context: Context, progress: f64) -> Self {
        Self { context, progress }
    }
}

/// A loss and where it leads.
#[derive(Debug)]
#[non_exhaustive]
pub struct Learnt {
    /// The loss.
    pub loss: f64,
    /// Its gradients, under the variables of the network's parameters.
    pub gradients: GradStore,
}

impl Learnt {
    /// The value of a loss computed from [`Pass::outputs`], and its gradients.
    ///
    /// A loss that is infinite or not a number leads nowhere: it comes without gradients, and the trainer ends the run.
    ///
    /// # Errors
    /// When the loss is no scalar and when an operator fails.
    pub fn from_pass(pass: Pass, loss: Tensor) -> Result<Self> {
        let here = loss.to_device(&Device::Cpu)?;
        let value = here.to_dtype(DType::F64)?.to_scalar::<f64>()?;
        let gradients = match value.is_finite() {
            true => pass.backward(loss)?,
            false => GradStore::default(),
        };
        Ok(Self {
            loss: value,
            gradients,
        })
    }
}

/// How a network learns from a batch: supervised, by a teacher, against a judge of domains.
///
/// It must give the same for the same arguments: a resumed run asks again. What it trains besides the network (the judge of
/// domains) belongs into the network's [`Params`](mednn::Params), where optimizer and checkpoints find it.
///
/// One of one's own, where [`Distillation`] is not what is meant:
///
/// ```
/// use medtrain::mednn::loss::{Loss, distillation};
/// use medtrain::mednn::tape::Pass;
/// use medtrain::mednn::{Context, Model};
/// use medtrain::{Batch, Learnt, Moment, Objective};
///
/// /// Half from the labels, half from a larger network that is trained already (Hinton et al. 2015).
/// struct FromTeacher<'a> {
///     teacher: &'a dyn Model,
///     loss: &'a dyn Loss,
/// }
///
/// impl Objective for FromTeacher<'_> {
///     fn learn(&self, student: &dyn Model, batch: &Batch, at: &Moment) -> medtrain::Result<Learnt> {
///         let taught = self.teacher.forward(&batch.inputs, &Context::evaluate())?;
///         let pass = Pass::run(student, &batch.inputs, &at.context)?;
///         let alone = self.loss.of_outputs(pass.outputs(), &batch.targets)?;
///         let alike = distillation(&pass.outputs().logits, &taught.logits, 4.0)?;
///         let loss = ((alone + alike)? * 0.5)?;
///         Learnt::from_pass(pass, loss)
///     }
/// }
/// ```
pub trait Objective: Send + Sync {
    /// The loss of a batch, and its gradients.
    ///
    /// # Errors
    /// Whatever goes wrong ends the run; the last checkpoint stays.
    fn learn(&self, model: &dyn Model, batch: &Batch, at: &Moment) -> Result<Learnt>;

    /// What of it decides the result (a temperature, a strength): a resumed run must have the same.
    fn identity(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}

/// A loss of what the network gives against what it should have given.
pub struct Supervised<'a> {
    loss: &'a dyn Loss,
}

impl<'a> Supervised<'a> {
    /// Makes `loss` small.
    #[must_use]
    pub fn new(loss: &'a dyn Loss) -> Self {
        Self { loss }
    }
}

impl std::fmt::Debug for Supervised<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Supervised").finish_non_exhaustive()
    }
}

impl Objective for Supervised<'_> {
    fn learn(&self, model: &dyn Model, batch: &Batch, at: &Moment) -> Result<Learnt> {
        let pass = Pass::run(model, &batch.inputs, &at.context)?;
        let loss = self.loss.of_outputs(pass.outputs(), &batch.targets)?;
        Learnt::from_pass(pass, loss)
    }
}

/// An intermediate feature that was asked for.
fn feature<'a>(outputs: &'a Outputs, name: &str) -> Result<&'a Tensor> {
    outputs
        .features
        .get(name)
        .ok_or_else(|| Error::NoSuchFeature {
            name: name.to_owned(),
        })
}

impl<O: Objective + ?Sized> Objective for &O {
    fn learn(&self, model: &dyn Model, batch: &Batch, at: &Moment) -> Result<Learnt> {
        (**self).learn(model, batch, at)
    }

    fn identity(&self) -> serde_json::Value {
        (**self).identity()
    }
}
