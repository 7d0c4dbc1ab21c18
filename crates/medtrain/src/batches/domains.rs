//! Batches of two domains as one.

use mednn::Inputs;
use mednn::candle_core::Tensor;

use super::order::{Shard, one_part};
use crate::error::{Error, Result};
use crate::loader::Source;
use crate::objective::Batch;

/// A batch of a labelled domain followed by one of another, whose targets, if it has any, are dropped: what
/// [`DomainAdaptation`](crate::objective::DomainAdaptation) learns from.
///
/// An epoch is one of the labelled domain. The other goes round at its own pace, in its own epochs, from one epoch of the run
/// into the next, so that all of it is seen however many there are on either side. What a step gets follows from its number
/// alone: a resumed run goes on where it was.
///
/// Several processes pair their parts each for itself, so what their steps hold together is the batch of one process in another
/// order: draws of a network (dropout) then fall on other items than in one process.
///
/// ```
/// use medtrain::mednn::candle_core::{DType, Device, Tensor};
/// use medtrain::{Batch, DomainPairs, Source};
///
/// /// Images that show the number of their site.
/// struct Site(f32, u32);
///
/// impl Source for Site {
///     type Item = Batch;
///
///     fn steps_per_epoch(&self) -> u32 {
///         self.1
///     }
///
///     fn item(&self, epoch: u32, step: u32) -> medtrain::Result<Batch> {
///         Ok(Batch {
///             inputs: Tensor::full(self.0, (2, 1, 4, 4), &Device::Cpu)?.into(),
///             targets: Tensor::zeros(2, DType::U32, &Device::Cpu)?,
///             cases: vec![format!("site {} epoch {epoch} step {step}", self.0); 2],
///         })
///     }
/// }
///
/// let pairs = DomainPairs::new(Site(1.0, 10), Site(2.0, 3))?;
/// let batch = pairs.item(0, 7)?;
/// assert_eq!(pairs.steps_per_epoch(), 10);
/// assert_eq!((batch.inputs.image()?.dims()[0], batch.targets.dims()[0]), (4, 2));
/// assert_eq!(batch.cases[1..3], ["site 1 epoch 0 step 7", "site 2 epoch 2 step 1"]);
/// # Ok::<(), medtrain::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct DomainPairs<S, T> {
    source: S,
    target: T,
}

impl<S: Source<Item = Batch>, T: Source<Item = Batch>> DomainPairs<S, T> {
    /// Pairs of `source`, which has targets, and `target`.
    ///
    /// # Errors
    /// Refuses a domain without batches, and domains that make the parts of different processes.
    pub fn new(source: S, target: T) -> Result<Self> {
        for steps in [source.steps_per_epoch(), target.steps_per_epoch()] {
            if steps == 0 {
                return Err(Error::Nothing {
                    what: "batches of a domain",
                });
            }
        }
        one_part(source.shard(), target.shard())?;
        Ok(Self { source, target })
    }

    /// Epoch and step of the other domain.
    fn place(&self, epoch: u32, step: u32) -> (u32, u32) {
        let [own, other] = [self.source.steps_per_epoch(), self.target.steps_per_epoch()];
        let number = u64::from(epoch) * u64::from(own) + u64::from(step);
        let (round, place) = (number / u64::from(other), number % u64::from(other));
        let short = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        (short(round), short(place))
    }
}

impl<S: Source<Item = Batch>, T: Source<Item = Batch>> Source for DomainPairs<S, T> {
    type Item = Batch;

    fn steps_per_epoch(&self) -> u32 {
        self.source.steps_per_epoch()
    }

    fn shard(&self) -> Shard {
        self.source.shard()
    }

    fn item(&self, epoch: u32, step: u32) -> Result<Batch> {
        let source = self.source.item(epoch, step)?;
        let (epoch, step) = self.place(epoch, step);
        let target = self.target.item(epoch, step)?;
        Ok(Batch {
            inputs: joined(&source, &target)?,
            targets: source.targets,
            cases: [source.cases, target.cases].concat(),
        })
    }
}

/// Every input of both, the source's samples first.
fn joined(source: &Batch, target: &Batch) -> Result<Inputs> {
    // What one has alone is missing in the other.
    for (name, _) in target.inputs.iter() {
        source.inputs.get(name)?;
    }
    let mut inputs = Inputs::default();
    for (name, own) in source.inputs.iter() {
        let other = target.inputs.get(name)?;
        if own.dims().get(1..) != other.dims().get(1..) {
            let first = |batch: &Batch| batch.cases.first().cloned().unwrap_or_default();
            return Err(Error::Ragged {
                what: "two domains",
                first: own.dims().to_vec(),
                first_case: first(source),
                other: other.dims().to_vec(),
                other_case: first(target),
            });
        }
        inputs = inputs.with(name, Tensor::cat(&[own, other], 0)?);
    }
    Ok(inputs)
}
