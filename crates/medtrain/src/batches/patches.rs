//! Batches of augmented patches for segmentation.

use std::sync::Arc;

use medaug::{BatchSlot, Case, PatchPipeline};
use medcore::random::Key;
use medcore::{Dims, Rank};
use mednn::Inputs;

use super::order::Shard;
use super::stack;
use crate::cache::CachedCase;
use crate::dist::share_of;
use crate::error::{Error, Result};
use crate::loader::Source;
use crate::objective::Batch;
use crate::split::{Members, TrainingSet};

/// Draws patches from preprocessed cases and stacks them into batches.
///
/// The cases come in a new random order every round, so that in any number of batches each is seen as
/// often as every other, up to one. What a batch holds depends on seed, epoch and step alone.
#[derive(Debug)]
pub struct PatchBatches<const D: usize> {
    cases: Cases<D>,
    pipeline: PatchPipeline<D>,
    batch_size: usize,
    steps_per_epoch: u32,
    key: Key,
    shard: Shard,
}

/// Where the cases are.
#[derive(Debug)]
enum Cases<const D: usize> {
    Given(TrainingSet<Arc<Case<D>>>),
    Cached(TrainingSet<CachedCase<D>>),
}

impl<const D: usize> Cases<D> {
    fn count(&self) -> usize {
        match self {
            Self::Given(cases) => cases.len(),
            Self::Cached(cases) => cases.len(),
        }
    }

    fn get(&self, place: usize) -> Result<(&str, Arc<Case<D>>)> {
        fn name<C>(cases: &Members<C>, place: usize) -> (&str, &C) {
            let member = &cases.as_slice()[place];
            (&member.record.id, &member.case)
        }
        match self {
            Self::Given(cases) => {
                let (name, case) = name(cases.members(), place);
                Ok((name, Arc::clone(case)))
            }
            Self::Cached(cases) => {
                let (name, case) = name(cases.members(), place);
                Ok((name, case.case()?))
            }
        }
    }
}

impl<const D: usize> PatchBatches<D> {
    /// Batches of `batch_size` patches from cases in memory.
    ///
    /// # Errors
    /// Refuses no cases, an empty batch, no steps, and a case without labels, by name.
    pub fn new(
        cases: TrainingSet<Case<D>>,
        pipeline: PatchPipeline<D>,
        batch_size: usize,
        steps_per_epoch: u32,
        seed: u64,
    ) -> Result<Self> {
        let cases = cases.try_map(|record, case| match case.sample().labels() {
            Some(_) => Ok(Arc::new(case)),
            None => Err(Error::MissingLabels {
                case: record.id.clone(),
            }),
        })?;
        let cases = Cases::Given(cases);
        Self::of(cases, pipeline, batch_size, steps_per_epoch, seed)
    }

    /// Batches from cases that are read when they are needed, and kept as their cache can.
    ///
    /// The cache's own pipeline makes whole cases; all that is drawn belongs into the pipeline of the patches.
    ///
    /// # Errors
    /// Refuses no cases, an empty batch, no steps, and a cache whose pipeline has steps that draw. A case without labels is
    /// refused when it is read.
    pub fn cached(
        cases: TrainingSet<CachedCase<D>>,
        pipeline: PatchPipeline<D>,
        batch_size: usize,
        steps_per_epoch: u32,
        seed: u64,
    ) -> Result<Self> {
        for case in cases.members().cases() {
            if let Some(step) = case.pipeline().first_random() {
                return Err(Error::RandomBeforePatch { step: step.name() });
            }
        }
        let cases = Cases::Cached(cases);
        Self::of(cases, pipeline, batch_size, steps_per_epoch, seed)
    }

    fn of(
        cases: Cases<D>,
        pipeline: PatchPipeline<D>,
        batch_size: usize,
        steps_per_epoch: u32,
        seed: u64,
    ) -> Result<Self> {
        let empty = [
            (cases.count() == 0, "training cases"),
            (batch_size == 0, "batch size"),
            (steps_per_epoch == 0, "steps per epoch"),
        ];
        if let Some((_, what)) = empty.iter().find(|(empty, _)| *empty) {
            return Err(Error::Nothing { what });
        }
        Ok(Self {
            cases,
            pipeline,
            batch_size,
            steps_per_epoch,
            key: Key::new(seed),
            shard: Shard::SOLO,
        })
    }

    /// Sets which part of each batch is made here; the size given before is that of the part.
    #[must_use]
    pub fn with_shard(self, shard: Shard) -> Self {
        Self { shard, ..self }
    }

    /// The number of the case that the `number`-th patch of an epoch is taken from.
    fn case(&self, epoch: u32, number: usize) -> usize {
        let count = self.cases.count();
        let (round, place) = (number / count, number % count);
        let mut order: Vec<usize> = (0..count).collect();
        let round = u32::try_from(round).unwrap_or(u32::MAX);
        self.key
            .epoch(epoch)
            .sample(round)
            .stream("case order")
            .shuffle(&mut order);
        order[place]
    }
}

impl<const D: usize> Source for PatchBatches<D>
where
    Dims<D>: Rank,
{
    type Item = Batch;

    fn steps_per_epoch(&self) -> u32 {
        self.steps_per_epoch
    }

    fn shard(&self) -> Shard {
        self.shard
    }

    fn item(&self, epoch: u32, step: u32) -> Result<Batch> {
        // A patch is drawn for its place in the batch of all processes.
        let size = self.batch_size.saturating_mul(self.shard.world() as usize);
        let part = share_of(
            size,
            self.shard.rank() as usize,
            self.shard.world() as usize,
        );
        let mut names = Vec::with_capacity(part.len());
        let (mut images, mut labels) = (
            Vec::with_capacity(part.len()),
            Vec::with_capacity(part.len()),
        );
        for index in part {
            let number = step as usize * size + index;
            let (name, case) = self.cases.get(self.case(epoch, number))?;
            let key = self
                .key
                .epoch(epoch)
                .sample(u32::try_from(number).unwrap_or(u32::MAX));
            let slot = BatchSlot { index, size };
            let patch = self.pipeline.draw(&case, slot, key);
            let patch = patch.map_err(|source| Error::Transform {
                case: name.to_owned(),
                source: Box::new(source),
            })?;
            let (image, map) = patch.into_parts();
            images.push(image);
            labels.push(map.ok_or_else(|| Error::MissingLabels {
                case: name.to_owned(),
            })?);
            names.push(name.to_owned());
        }
        Ok(Batch {
            inputs: Inputs::new(stack::images(&images, &names)?),
            targets: stack::labels(&labels, &names)?,
            cases: names,
        })
    }
}
