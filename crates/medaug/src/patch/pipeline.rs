//! From a case to an augmented patch: choose a place, read it through one map, change intensities.

use medcore::IndexMap;
use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::locations::ClassLocations;
use super::sampler::{BatchSlot, PatchSampler};
use crate::compose::Compose;
use crate::error::{Error, Result};
use crate::sample::Sample;
use crate::step::Step;
use crate::warp::{Reading, Warp};

/// A preprocessed case that patches are drawn from, shared by all threads of a loader.
#[derive(Debug, Clone, PartialEq)]
pub struct Case<const D: usize> {
    sample: Sample<D>,
    locations: Option<ClassLocations<D>>,
}

impl<const D: usize> Case<D> {
    /// A case; its class locations are collected under `key` if it has labels.
    #[must_use]
    pub fn new(sample: Sample<D>, ignored: Option<u8>, key: Key) -> Self {
        let locations = sample.labels().map(|labels| {
            ClassLocations::collect(labels, ignored, ClassLocations::<D>::DEFAULT_LIMIT, key)
        });
        Self {
            sample: sample.into_shared(),
            locations,
        }
    }

    /// A case whose class locations were collected before.
    ///
    /// # Errors
    /// Refuses locations of another shape.
    pub fn with_locations(sample: Sample<D>, locations: ClassLocations<D>) -> Result<Self> {
        if locations.shape() != sample.shape() {
            return Err(Error::ForeignLocations {
                expected: locations.shape().to_vec(),
                got: sample.shape().to_vec(),
            });
        }
        Ok(Self {
            sample: sample.into_shared(),
            locations: Some(locations),
        })
    }

    /// The whole case.
    #[must_use]
    pub fn sample(&self) -> &Sample<D> {
        &self.sample
    }

    /// Where its classes are.
    #[must_use]
    pub fn locations(&self) -> Option<&ClassLocations<D>> {
        self.locations.as_ref()
    }
}

/// Everything that happens between a case and the network's input; serialisable.
///
/// ```
/// use medaug::{BatchSlot, Case, PatchChoice, PatchPipeline, PatchSampler, RandomSpatial, Sample};
/// use medcore::{Geometry, Image, LabelMap, random::Key};
///
/// let grid = Geometry::<3>::axis_aligned([20, 40, 40], [3.0, 1.0, 1.0])?;
/// let sample = Sample::with_labels(Image::zeros(1, grid)?, LabelMap::background(grid)?)?;
/// let case = Case::new(sample, None, Key::new(1));
///
/// let sampler = PatchSampler { patch: [16, 24, 24], choice: PatchChoice::ForcedForeground { fraction: 0.33 } };
/// let spatial = RandomSpatial { rotation_probability: 0.2, ..Default::default() };
/// let pipeline = PatchPipeline::new(sampler, vec![spatial.into()])?;
/// let patch = pipeline.draw(&case, BatchSlot { index: 1, size: 2 }, Key::new(1).epoch(3).sample(8))?;
/// assert_eq!(patch.shape(), [16, 24, 24]);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts<D>", into = "Parts<D>")]
pub struct PatchPipeline<const D: usize> {
    sampler: PatchSampler<D>,
    steps: Compose<D>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts<const D: usize> {
    sampler: PatchSampler<D>,
    #[serde(default)]
    steps: Vec<Step>,
}

impl<const D: usize> PatchPipeline<D> {
    /// A pipeline whose parameters have all been checked for `D` axes.
    ///
    /// # Errors
    /// Names the first parameter that breaks its rule.
    pub fn new(sampler: PatchSampler<D>, steps: Vec<Step>) -> Result<Self> {
        sampler.check()?;
        Ok(Self {
            sampler,
            steps: Compose::new(steps)?,
        })
    }

    /// How places are chosen.
    #[must_use]
    pub fn sampler(&self) -> &PatchSampler<D> {
        &self.sampler
    }

    /// What happens to patches then. Moves at the beginning of the list look through the border of the patch.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        self.steps.steps()
    }

    /// Draws one patch; `key` should name the run, the epoch and the sample.
    ///
    /// # Errors
    /// Refuses a case without labels where places are chosen by class.
    pub fn draw(&self, case: &Case<D>, slot: BatchSlot, key: Key) -> Result<Sample<D>> {
        let sample = case.sample();
        let place = self
            .sampler
            .place(sample.shape(), case.locations(), slot, key)?;
        let start = IndexMap::translation(place.start.map(|v| v as f64));
        let mut patch = sample.clone().into_lazy();
        patch.push(Warp::new(self.sampler.patch, start, Reading::EXACT))?;
        self.steps.apply_lazily(patch, key, &mut vec![])?.finish()
    }
}

impl<const D: usize> From<PatchPipeline<D>> for Parts<D> {
    fn from(pipeline: PatchPipeline<D>) -> Self {
        Self {
            sampler: pipeline.sampler,
            steps: pipeline.steps.into(),
        }
    }
}

impl<const D: usize> TryFrom<Parts<D>> for PatchPipeline<D> {
    type Error = Error;

    fn try_from(parts: Parts<D>) -> Result<Self> {
        Self::new(parts.sampler, parts.steps)
    }
}
