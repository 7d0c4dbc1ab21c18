//! Batches of augmented patches for segmentation.

use std::borrow::Cow;
use std::sync::Arc;

use medaug::{BatchSlot, Case, PatchPipeline, Sample};
use medcore::random::Key;
use medcore::{Dims, Image, LabelMap, Rank};
use mednn::Inputs;
use mednn::candle_core::Device;

use crate::cache::CaseCache;
use crate::error::{Error, Result};
use crate::loader::Source;
use crate::trainer::Batch;

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
}

/// Where the cases are.
#[derive(Debug)]
enum Cases<const D: usize> {
    Given(Vec<(String, Arc<Case<D>>)>),
    Cached(Arc<CaseCache<D>>),
}

impl<const D: usize> Cases<D> {
    fn count(&self) -> usize {
        match self {
            Self::Given(cases) => cases.len(),
            Self::Cached(cache) => cache.count(),
        }
    }

    fn name(&self, number: usize) -> Cow<'_, str> {
        match self {
            Self::Given(cases) => Cow::Borrowed(&cases[number].0),
            Self::Cached(cache) => Cow::Owned(cache.name(number)),
        }
    }

    fn case(&self, number: usize) -> Result<Arc<Case<D>>> {
        match self {
            Self::Given(cases) => Ok(Arc::clone(&cases[number].1)),
            Self::Cached(cache) => cache.case(number),
        }
    }
}

impl<const D: usize> PatchBatches<D> {
    /// Batches of `batch_size` patches from named cases.
    ///
    /// # Errors
    /// Refuses no cases, an empty batch, no steps, and a case without labels, by name.
    pub fn new(
        cases: Vec<(String, Case<D>)>,
        pipeline: PatchPipeline<D>,
        batch_size: usize,
        steps_per_epoch: u32,
        seed: u64,
    ) -> Result<Self> {
        if let Some((case, _)) = cases
            .iter()
            .find(|(_, case)| case.sample().labels().is_none())
        {
            return Err(Error::MissingLabels { case: case.clone() });
        }
        let cases = cases.into_iter().map(|(name, case)| (name, Arc::new(case)));
        let cases = Cases::Given(cases.collect());
        Self::of(cases, pipeline, batch_size, steps_per_epoch, seed)
    }

    /// Batches from cases that are read when they are needed, and kept as the cache can.
    ///
    /// The cache's own pipeline makes whole cases; all that is drawn belongs into the pipeline of the patches.
    ///
    /// # Errors
    /// Refuses no cases, an empty batch, no steps, and a cache whose pipeline has steps that draw. A case without labels is
    /// refused when it is read.
    pub fn cached(
        cache: Arc<CaseCache<D>>,
        pipeline: PatchPipeline<D>,
        batch_size: usize,
        steps_per_epoch: u32,
        seed: u64,
    ) -> Result<Self> {
        if let Some(step) = cache.pipeline().first_random() {
            return Err(Error::RandomBeforePatch { step: step.name() });
        }
        let cases = Cases::Cached(cache);
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
        })
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

    fn item(&self, epoch: u32, step: u32) -> Result<Batch> {
        let mut names = Vec::with_capacity(self.batch_size);
        let mut patches: Vec<(Image<f32, D>, LabelMap<u8, D>)> =
            Vec::with_capacity(self.batch_size);
        for index in 0..self.batch_size {
            let number = step as usize * self.batch_size + index;
            let place = self.case(epoch, number);
            let name = self.cases.name(place).into_owned();
            let case = self.cases.case(place)?;
            let key = self
                .key
                .epoch(epoch)
                .sample(u32::try_from(number).unwrap_or(u32::MAX));
            let slot = BatchSlot {
                index,
                size: self.batch_size,
            };
            let patch: Sample<D> =
                self.pipeline
                    .draw(&case, slot, key)
                    .map_err(|source| Error::Transform {
                        case: name.clone(),
                        source,
                    })?;
            match patch.into_parts() {
                (image, Some(labels)) => patches.push((image, labels)),
                (_, None) => return Err(Error::MissingLabels { case: name.clone() }),
            }
            names.push(name);
        }
        let channels = patches[0].0.channels();
        if let Some(other) = patches
            .iter()
            .position(|(image, _)| image.channels() != channels)
        {
            let shape = |(image, _): &(Image<f32, D>, LabelMap<u8, D>)| {
                std::iter::once(image.channels())
                    .chain(image.shape())
                    .collect()
            };
            return Err(Error::Ragged {
                what: "images",
                first: shape(&patches[0]),
                first_case: names[0].clone(),
                other: shape(&patches[other]),
                other_case: names[other].clone(),
            });
        }
        let images: Vec<&Image<f32, D>> = patches.iter().map(|(image, _)| image).collect();
        let labels: Vec<&LabelMap<u8, D>> = patches.iter().map(|(_, labels)| labels).collect();
        Ok(Batch {
            inputs: Inputs::new(mednn::convert::stack_images(&images, &Device::Cpu)?),
            targets: mednn::convert::stack_labels(&labels, &Device::Cpu)?,
            cases: names,
        })
    }
}
