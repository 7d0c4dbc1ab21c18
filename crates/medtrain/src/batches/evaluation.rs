//! Images in order and without augmentation, to judge by.

use medaug::Compose;
use medcore::random::Key;
use mednn::Inputs;
use mednn::candle_core::Tensor;

use super::stack;
use super::targets::{CaseTargets, ClassTargets};
use crate::cache::CachedCase;
use crate::error::{Error, Result};
use crate::loader::Source;
use crate::split::Members;

/// Images to judge by, which no trainer takes: it is no [`Batch`](crate::Batch).
#[derive(Debug)]
pub struct EvaluationBatch {
    /// The network's inputs, `[batch, channels, height, width]` (with depth for volumes).
    pub inputs: Inputs,
    /// What they are to be recognised as: `[batch]` where each is of one class, else `[batch, classes]`.
    pub targets: Tensor,
    /// The names of the cases.
    pub cases: Vec<String>,
}

/// The cases of a part, each once and in their order, through the steps of their cache's pipeline that do not draw.
///
/// Every epoch is the same. It is a [`Source`] for a [`Loader`](crate::Loader), but not for a trainer, which takes
///
/// ```no_run
/// use std::sync::Arc;
///
/// use medtrain::{ImageBatches, Trainer};
///
/// fn learn(trainer: Trainer<'_>, training: Arc<ImageBatches<2>>) {
///     let _ = trainer.run(&training);
/// }
/// ```
///
/// and refuses
///
/// ```compile_fail,E0271
/// use std::sync::Arc;
///
/// use medtrain::{EvaluationBatches, Trainer};
///
/// fn learn(trainer: Trainer<'_>, test: Arc<EvaluationBatches<2>>) {
///     let _ = trainer.run(&test); // expected `Batch`, found `EvaluationBatch`
/// }
/// ```
#[derive(Debug)]
pub struct EvaluationBatches<const D: usize> {
    cases: Vec<(String, CachedCase<D>)>,
    targets: CaseTargets,
    /// What is done after the steps that the cache has done.
    rest: Compose<D>,
    batch_size: usize,
}

impl<const D: usize> EvaluationBatches<D> {
    /// Batches of `batch_size` images, the last one smaller if they do not come out even.
    ///
    /// Steps that draw are left out, and those that follow them are done. Where that is not what is meant, because a random
    /// crop decides the shape, say, [`EvaluationBatches::with_steps`] says what is done instead.
    ///
    /// # Errors
    /// Refuses no cases, an empty batch, and a case without target.
    pub fn new(
        cases: &Members<CachedCase<D>>,
        targets: &ClassTargets,
        batch_size: usize,
    ) -> Result<Self> {
        if batch_size == 0 {
            return Err(Error::Nothing { what: "batch size" });
        }
        let Some(first) = cases.cases().next() else {
            return Err(Error::Nothing {
                what: "cases to judge by",
            });
        };
        let whole = first.pipeline();
        let steps = whole.steps().iter().skip(whole.prefix().steps().len());
        let steps = steps.filter(|step| !step.is_random::<D>()).cloned();
        let rest = Compose::new(steps.collect()).map_err(|source| Error::Transform {
            case: "of the evaluation".to_owned(),
            source: Box::new(source),
        })?;
        let named = cases.iter().map(|m| (m.record.id.clone(), m.case.clone()));
        Ok(Self {
            cases: named.collect(),
            targets: targets.of_cases(cases.records())?,
            rest,
            batch_size,
        })
    }

    /// Sets what is done after the steps before the first random one.
    ///
    /// # Errors
    /// Refuses steps that draw: what is judged would be another image from run to run, or the same draw for all.
    pub fn with_steps(self, rest: Compose<D>) -> Result<Self> {
        if let Some(step) = rest.steps().iter().find(|step| step.is_random::<D>()) {
            return Err(Error::InvalidSetting {
                setting: "the steps of an evaluation",
                rule: "without one that draws",
                value: step.name().to_owned(),
            });
        }
        Ok(Self { rest, ..self })
    }
}

impl<const D: usize> Source for EvaluationBatches<D> {
    type Item = EvaluationBatch;

    fn steps_per_epoch(&self) -> u32 {
        u32::try_from(self.cases.len().div_ceil(self.batch_size)).unwrap_or(u32::MAX)
    }

    fn item(&self, _: u32, step: u32) -> Result<EvaluationBatch> {
        let first = self.cases.len().min(step as usize * self.batch_size);
        let last = self.cases.len().min(first + self.batch_size);
        let (mut images, mut names) = (vec![], vec![]);
        for (name, case) in &self.cases[first..last] {
            let sample = case.case()?.sample().clone();
            let sample = self.rest.apply(sample, Key::new(0));
            let sample = sample.map_err(|source| Error::Transform {
                case: name.clone(),
                source: Box::new(source),
            })?;
            images.push(sample.into_parts().0);
            names.push(name.clone());
        }
        Ok(EvaluationBatch {
            inputs: Inputs::new(stack::images(&images, &names)?),
            targets: self.targets.stack(first..last)?,
            cases: names,
        })
    }
}
