//! From several samples to one augmented one: mix, bring to a shape, change.

use medcore::IndexMap;
use medcore::random::Key;
use medcore::resample::{Interpolation, LabelInterpolation, Outside};
use serde::{Deserialize, Serialize};

use super::{Mix, MixStep, Mixture};
use crate::array::per_axis;
use crate::compose::Compose;
use crate::crop::{EXTENT, is_extent};
use crate::error::{Error, Result, check};
use crate::sample::{LazySample, Sample};
use crate::spatial::Sampling;
use crate::step::Step;
use crate::warp::{Reading, Warp};

/// Mixes samples, then does the steps of a [`Compose`]; serialisable.
///
/// Where a `shape` is given, the sample is brought to it in between: the middle of a mosaic is cut out, any other sample is
/// scaled, without changing its proportions, until it fits. Neither is done by itself: both are composed with the moves that
/// follow and read once, so that a rotation behind a mosaic looks through the border of what was cut out, as YOLO's does.
///
/// ```
/// use medaug::{MixPipeline, RandomMosaic, Sample};
/// use medcore::{Geometry, Image, random::Key};
///
/// let pipeline = MixPipeline::<2>::new(vec![RandomMosaic::new(vec![8, 8]).into()], Some([8, 8]), 0.0, vec![])?;
/// let grid = Geometry::axis_aligned([6, 8], [1.0; 2])?;
/// let samples = vec![Sample::new(Image::zeros(1, grid)?); 1 + pipeline.others(Key::new(3))];
/// assert_eq!(pipeline.apply(samples, Key::new(3))?.shape(), [8, 8]);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct MixPipeline<const D: usize> {
    mixes: Vec<MixStep>,
    shape: Option<[usize; D]>,
    fill: f32,
    steps: Compose<D>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    #[serde(default)]
    mixes: Vec<MixStep>,
    #[serde(default)]
    shape: Option<Vec<usize>>,
    #[serde(default)]
    fill: f32,
    #[serde(default)]
    steps: Vec<Step>,
}

const NAME: &str = "MixPipeline";

impl<const D: usize> MixPipeline<D> {
    /// A pipeline whose parameters have all been checked for `D` axes; `fill` is what is around a sample that was scaled.
    ///
    /// # Errors
    /// Names the first parameter that breaks its rule.
    pub fn new(
        mixes: Vec<MixStep>,
        shape: Option<[usize; D]>,
        fill: f32,
        steps: Vec<Step>,
    ) -> Result<Self> {
        mixes.iter().try_for_each(Mix::<D>::check)?;
        for &extent in shape.iter().flatten() {
            check(NAME, "shape", extent as f64, EXTENT, is_extent)?;
        }
        check(NAME, "fill", f64::from(fill), "finite", f64::is_finite)?;
        Ok(Self {
            mixes,
            shape,
            fill,
            steps: Compose::new(steps)?,
        })
    }

    /// The ways of mixing, one after the other.
    #[must_use]
    pub fn mixes(&self) -> &[MixStep] {
        &self.mixes
    }

    /// What is done then.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        self.steps.steps()
    }

    /// How many samples it takes beside the first under `key`.
    #[must_use]
    pub fn others(&self, key: Key) -> usize {
        self.keyed(key)
            .map(|(mix, key)| Mix::<D>::others(mix, key))
            .sum()
    }

    /// Makes one sample of the first and as many others as [`MixPipeline::others`] says.
    ///
    /// # Errors
    /// Refuses another number of samples, samples that do not go together or lack what a step needs.
    pub fn apply(&self, samples: Vec<Sample<D>>, key: Key) -> Result<Sample<D>> {
        let expected = 1 + self.others(key);
        let refused = Error::SampleCount {
            transform: NAME,
            expected,
            got: samples.len(),
        };
        if samples.len() != expected {
            return Err(refused);
        }
        let mut rest = samples.into_iter();
        let Some(mut lazy) = rest.next().map(Sample::into_lazy) else {
            return Err(refused);
        };
        let mut mosaic = false;
        for (mix, key) in self.keyed(key) {
            let others = Mix::<D>::others(mix, key);
            let samples: Vec<_> = std::iter::once(lazy.finish()?)
                .chain(rest.by_ref().take(others))
                .collect();
            let mixture = mix.draw(&samples, key)?;
            mosaic |= matches!(mixture, Some(Mixture::Mosaic(_) | Mixture::GridMosaic(_)));
            lazy =
                match mixture {
                    Some(Mixture::Mosaic(mosaic)) => {
                        LazySample::of_montage(mosaic.montage(samples)?)
                    }
                    Some(Mixture::GridMosaic(mosaic)) => {
                        LazySample::of_montage(mosaic.montage(samples)?)
                    }
                    Some(mixture) => mixture.apply(samples)?.into_lazy(),
                    None => samples.into_iter().next().map(Sample::into_lazy).ok_or(
                        Error::SampleCount {
                            transform: NAME,
                            expected: 1,
                            got: 0,
                        },
                    )?,
                };
        }
        if let Some(shape) = self.shape {
            self.bring_to(shape, mosaic, &mut lazy)?;
        }
        self.steps.apply_lazily(lazy, key, &mut vec![])?.finish()
    }

    /// Each way of mixing with its key.
    fn keyed(&self, key: Key) -> impl Iterator<Item = (&MixStep, Key)> {
        self.mixes.iter().enumerate().map(move |(place, mix)| {
            (
                mix,
                key.fork(Mix::<D>::name(mix), place as u64).fork("mix", 0),
            )
        })
    }

    fn bring_to(&self, shape: [usize; D], mosaic: bool, lazy: &mut LazySample<D>) -> Result<()> {
        let source = lazy.shape();
        if source == shape {
            return Ok(());
        }
        let warp = if mosaic {
            let before: [f64; D] =
                std::array::from_fn(|a| ((source[a] as f64 - shape[a] as f64) / 2.0).floor());
            Warp::new(shape, IndexMap::translation(before), Reading::EXACT)
        } else {
            let factors = (0..D).map(|a| shape[a] as f64 / source[a] as f64);
            let factor = factors.fold(f64::INFINITY, f64::min);
            let mut map = IndexMap::identity();
            for a in 0..D {
                let scaled = ((source[a] as f64 * factor).round_ties_even() as usize).max(1);
                let before = ((shape[a] - scaled.min(shape[a])) / 2) as f64;
                let step = source[a] as f64 / scaled as f64;
                map.matrix[a][a] = step;
                map.offset[a] = (0.5 - before) * step - 0.5;
            }
            let reading = Reading::from(Sampling {
                interpolation: Interpolation::Linear,
                labels: LabelInterpolation::Nearest,
                outside: Outside::Value(self.fill),
                outside_label: 0,
            });
            Warp::new(shape, map, reading)
        };
        lazy.push(warp)
    }
}

impl<const D: usize> From<MixPipeline<D>> for Parts {
    fn from(pipeline: MixPipeline<D>) -> Self {
        Self {
            mixes: pipeline.mixes,
            shape: pipeline.shape.map(|shape| shape.to_vec()),
            fill: pipeline.fill,
            steps: pipeline.steps.into(),
        }
    }
}

impl<const D: usize> TryFrom<Parts> for MixPipeline<D> {
    type Error = Error;

    fn try_from(parts: Parts) -> Result<Self> {
        let shape = match &parts.shape {
            None => None,
            Some(shape) => Some(per_axis(NAME, "shape", shape)?),
        };
        Self::new(parts.mixes, shape, parts.fill, parts.steps)
    }
}
