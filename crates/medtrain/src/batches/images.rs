//! Batches of whole images with their classes.

use medaug::{MixPipeline, Sample};
use medcore::random::Key;
use mednn::Inputs;

use super::order::{Order, Remainder, Shard, Slot};
use super::stack;
use super::targets::{CaseTargets, ClassTargets};
use crate::cache::CachedCase;
use crate::error::{Error, Result};
use crate::loader::Source;
use crate::objective::Batch;
use crate::sampler::{Sampler, Sampling};
use crate::split::{Member, TrainingSet};

/// Whole images, augmented, with what they are to be recognised as.
///
/// A case comes from its cache as the steps before the first random one leave it; the random ones are drawn by seed, epoch
/// and case, so that a sample is the same in whatever batch, process or thread it is made. Inputs are `[batch, channels,
/// height, width]` (with depth for volumes), targets those of [`ClassTargets`].
///
/// ```
/// use std::sync::Arc;
///
/// use medaug::{Compose, Intensity, Normalise, RandomGamma, Sample};
/// use medcore::{Geometry, Image, random::Key};
/// use medtrain::split::{CaseRecord, Shares};
/// use medtrain::{CaseCache, ClassTargets, Cohort, ImageBatches, LoadedCases, Sampling, Source};
///
/// let grid = Geometry::axis_aligned([4, 5], [1.0; 2])?;
/// let voxels = |n: u32| (0..20).map(|i| (i * n) as f32).collect::<Vec<_>>();
/// let image = |n| Image::new(grid, voxels(n)).map(Sample::new);
/// let cases = (0..10).map(|n| Ok((format!("p{n}"), image(n)?))).collect::<Result<Vec<_>, medcore::Error>>()?;
/// let pipeline = Compose::new(vec![Normalise::from(Intensity::MinMax).into(), RandomGamma::default().into()])?;
/// let cache = Arc::new(CaseCache::new(Box::new(LoadedCases::new(cases)), pipeline, 1).with_memory(1 << 20));
///
/// let records = (0..10).map(|n| CaseRecord::new(format!("p{n}"), format!("p{n}")).with_class(n % 2));
/// let cohort = Cohort::of_records(records)?;
/// let targets = ClassTargets::of_records(2, cohort.records())?;
/// let split = cohort.hold_out(&Shares::new(0.0, 0.2), Key::new(1))?.in_cache(&cache)?;
///
/// let batches = ImageBatches::new(split.training, &targets, 4, 7)?.with_sampling(&Sampling::Classes)?;
/// let batch = batches.item(0, 1)?;
/// assert_eq!(batch.inputs.image()?.dims(), [4, 1, 4, 5]);
/// assert_eq!(batch.targets.dims(), [4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Cases that were kept to judge by are no cases to learn from:
///
/// ```compile_fail,E0308
/// use medtrain::{CachedCase, ClassTargets, ImageBatches, Split};
///
/// fn learn(split: Split<CachedCase<2>>, targets: &ClassTargets) {
///     let _ = ImageBatches::new(split.test, targets, 4, 7); // expected `TrainingSet`, found `TestSet`
/// }
/// ```
#[derive(Debug)]
pub struct ImageBatches<const D: usize> {
    cases: TrainingSet<CachedCase<D>>,
    targets: CaseTargets,
    order: Order,
    mixing: Option<MixPipeline<D>>,
}

impl<const D: usize> ImageBatches<D> {
    /// Batches of `batch_size` images, each case once an epoch.
    ///
    /// # Errors
    /// Refuses no cases, a case without target, an empty batch and one of more than all cases.
    pub fn new(
        cases: TrainingSet<CachedCase<D>>,
        targets: &ClassTargets,
        batch_size: usize,
        seed: u64,
    ) -> Result<Self> {
        let targets = targets.of_cases(cases.members().records())?;
        Self::of(cases, targets, batch_size, seed)
    }

    /// Batches of `batch_size` images without targets (`[batch, 0]`), each case once an epoch: the domain to adapt to, for
    /// [`DomainPairs`](super::DomainPairs).
    ///
    /// # Errors
    /// Refuses no cases, an empty batch and one of more than all cases.
    pub fn unlabelled(
        cases: TrainingSet<CachedCase<D>>,
        batch_size: usize,
        seed: u64,
    ) -> Result<Self> {
        let targets = CaseTargets::none(cases.len());
        Self::of(cases, targets, batch_size, seed)
    }

    fn of(
        cases: TrainingSet<CachedCase<D>>,
        targets: CaseTargets,
        batch_size: usize,
        seed: u64,
    ) -> Result<Self> {
        let sampler = Sampler::new(&Sampling::Permutation, cases.members().records())?;
        let order = Order::new(sampler, batch_size, Key::new(seed))?;
        Ok(Self {
            cases,
            targets,
            order: order.checked()?,
            mixing: None,
        })
    }

    /// Sets how often each case is seen.
    ///
    /// # Errors
    /// As [`Sampler::new`], and refuses a batch of more than all draws of an epoch.
    pub fn with_sampling(mut self, sampling: &Sampling) -> Result<Self> {
        self.order.sampler = Sampler::new(sampling, self.cases.members().records())?;
        self.order = self.order.checked()?;
        Ok(self)
    }

    /// Sets which part of each batch is made here; `batch_size` is the size of the part.
    ///
    /// # Errors
    /// Refuses batches that together are more than all cases, and several processes with a remainder that is kept.
    pub fn with_shard(mut self, shard: Shard) -> Result<Self> {
        self.order.shard = shard;
        self.order = self.order.checked()?;
        Ok(self)
    }

    /// Sets what is done with cases that make no whole batch.
    ///
    /// # Errors
    /// As [`ImageBatches::with_shard`].
    pub fn with_remainder(mut self, remainder: Remainder) -> Result<Self> {
        self.order.remainder = remainder;
        self.order = self.order.checked()?;
        Ok(self)
    }

    /// Mixes samples with others of the training set, drawn and augmented for it; targets are then `[batch, classes]`.
    #[must_use]
    pub fn with_mixing(mut self, mixing: MixPipeline<D>) -> Self {
        self.mixing = Some(mixing);
        self
    }

    fn member(&self, place: usize) -> &Member<CachedCase<D>> {
        &self.cases.members().as_slice()[place]
    }

    /// The key of a sample: seed, epoch and case, and which time of the epoch it is.
    fn key(&self, epoch: u32, slot: Slot) -> Key {
        let number = self.member(slot.place).case.number();
        let key = self.order.key.epoch(epoch);
        let key = key.sample(u32::try_from(number).unwrap_or(u32::MAX));
        match slot.before {
            0 => key,
            times => key.fork("again", times),
        }
    }

    /// A sample mixed with others, with the names of all.
    fn mixed(
        &self,
        mixing: &MixPipeline<D>,
        place: usize,
        key: Key,
    ) -> Result<(Sample<D>, String)> {
        let one = |place: usize, key| -> Result<Sample<D>> {
            let sample = self.member(place).case.sample(key)?;
            Ok(sample.with_target(self.targets.shares(place)))
        };
        let mut name = self.member(place).record.id.clone();
        let mut samples = vec![one(place, key)?];
        let mut random = key.stream("partners");
        let mix = key.fork("mixing", 0);
        for number in 0..mixing.others(mix) {
            let other = random.below(self.cases.len());
            samples.push(one(other, key.fork("partner", number as u64))?);
            name = format!("{name} + {}", self.member(other).record.id);
        }
        let mixed = mixing.apply(samples, mix);
        let mixed = mixed.map_err(|source| Error::Transform {
            case: name.clone(),
            source: Box::new(source),
        })?;
        Ok((mixed, name))
    }
}

impl<const D: usize> Source for ImageBatches<D> {
    type Item = Batch;

    fn steps_per_epoch(&self) -> u32 {
        self.order.steps()
    }

    fn shard(&self) -> Shard {
        self.order.shard
    }

    fn item(&self, epoch: u32, step: u32) -> Result<Batch> {
        let slots = self.order.batch(epoch, step);
        let (mut images, mut names) = (vec![], vec![]);
        let mut shares = vec![];
        for &slot in &slots {
            let key = self.key(epoch, slot);
            let (sample, name) = match &self.mixing {
                Some(mixing) => self.mixed(mixing, slot.place, key)?,
                None => {
                    let member = self.member(slot.place);
                    (member.case.sample(key)?, member.record.id.clone())
                }
            };
            shares.extend(sample.target().map(<[f32]>::to_vec));
            images.push(sample.into_parts().0);
            names.push(name);
        }
        let targets = match &self.mixing {
            Some(_) => self.targets.stack_shares(shares)?,
            None => self.targets.stack(slots.iter().map(|slot| slot.place))?,
        };
        Ok(Batch {
            inputs: Inputs::new(stack::images(&images, &names)?),
            targets,
            cases: names,
        })
    }
}
