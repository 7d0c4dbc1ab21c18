//! From a case to an augmented patch: choose a place, read it through one map, change intensities.

use medcore::IndexMap;
use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::guide::Guide;
use super::lesions::LesionLocations;
use super::locations::ClassLocations;
use super::sampler::{BatchSlot, PatchSampler, Placement};
use super::weights::WeightMap;
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
    lesions: Option<LesionLocations<D>>,
    weights: Option<WeightMap<D>>,
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
            lesions: None,
            weights: None,
        }
    }

    /// A case whose class locations were collected before.
    ///
    /// # Errors
    /// Refuses locations of another shape.
    pub fn with_locations(sample: Sample<D>, locations: ClassLocations<D>) -> Result<Self> {
        Self {
            sample: sample.into_shared(),
            locations: Some(locations),
            lesions: None,
            weights: None,
        }
        .checked()
    }

    /// The same, and where its lesions are.
    ///
    /// # Errors
    /// Refuses lesions of another shape.
    pub fn with_lesions(mut self, lesions: LesionLocations<D>) -> Result<Self> {
        self.lesions = Some(lesions);
        self.checked()
    }

    /// The same, and the weights of its voxels.
    ///
    /// # Errors
    /// Refuses weights of another shape.
    pub fn with_weights(mut self, weights: WeightMap<D>) -> Result<Self> {
        self.weights = Some(weights);
        self.checked()
    }

    fn checked(self) -> Result<Self> {
        self.guide().check(self.sample.shape())?;
        Ok(self)
    }

    /// What is known of it when a place is chosen.
    #[must_use]
    pub fn guide(&self) -> Guide<'_, D> {
        Guide {
            classes: self.locations.as_ref(),
            lesions: self.lesions.as_ref(),
            weights: self.weights.as_ref(),
        }
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
    /// Refuses a case that lacks what places are chosen by, and passes on what steps refuse.
    pub fn draw(&self, case: &Case<D>, slot: BatchSlot, key: Key) -> Result<Sample<D>> {
        let shape = case.sample().shape();
        let place = self.sampler.place(shape, case.guide(), slot, key)?;
        self.draw_at(case, place, key)
    }

    /// Draws the patch at one place, for instance of a [`PatchGrid`](crate::PatchGrid); `key` as above.
    ///
    /// # Errors
    /// Passes on what steps refuse.
    pub fn draw_at(&self, case: &Case<D>, place: Placement<D>, key: Key) -> Result<Sample<D>> {
        let sample = case.sample();
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
