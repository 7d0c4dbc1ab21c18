//! A few changes at one strength (Cubuk et al., "RandAugment: practical automated data augmentation with a reduced search
//! space", 2019; torchvision `RandAugment`).

use medcore::random::Key;
use medcore::resample::Interpolation;
use serde::{Deserialize, Serialize};

use super::kind::{AugmentKind, Reach, Strengths};
use super::{check_bins, check_kinds, one_of, picture, sampling};
use crate::draw::happens;
use crate::error::{Result, check, check_dimension, check_probability};
use crate::sample::LazySample;
use crate::spatial::Sampling;
use crate::step::Operation;
use crate::transform::Transform;

/// Does some of the kinds one after the other, all at the same strength; a kind may come twice.
///
/// For images of two axes with values from 0 to 1. What was done is recorded as the operations themselves.
///
/// ```
/// use medaug::{Compose, RandAugment, Sample};
/// use medcore::{Geometry, Image, random::Key};
///
/// let policy = RandAugment { count: 3, magnitude: 15, ..RandAugment::default() };
/// let pipeline = Compose::new(vec![policy.into()])?;
/// let sample = Sample::new(Image::zeros(3, Geometry::axis_aligned([32, 32], [1.0; 2])?)?);
/// let (_, record) = pipeline.record(sample, Key::new(2))?;
/// assert!(record.operations().len() <= 6);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandAugment {
    /// Probability of a sample.
    pub probability: f64,
    /// Number of changes.
    pub count: usize,
    /// How strong they are, below `bins`.
    pub magnitude: usize,
    /// Number of strengths.
    pub bins: usize,
    /// Kinds that are chosen from, each as often.
    pub kinds: Vec<AugmentKind>,
    /// How values between pixels and outside the image are made.
    pub sampling: Sampling,
}

impl Default for RandAugment {
    /// torchvision's: two changes of every sample at strength 9 of 31.
    fn default() -> Self {
        Self {
            probability: 1.0,
            count: 2,
            magnitude: 9,
            bins: 31,
            kinds: AugmentKind::ALL.to_vec(),
            sampling: sampling(Interpolation::Nearest),
        }
    }
}

const NAME: &str = "RandAugment";

impl RandAugment {
    pub(super) fn strengths(&self) -> Strengths {
        Strengths {
            shear: 0.3,
            translation: Reach::Share(150.0 / 331.0),
            degrees: 30.0,
            tone: 0.9,
            bits: [8.0, 4.0],
            sampling: self.sampling,
        }
    }
}

impl<const D: usize> Transform<D> for RandAugment {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self) -> Result<()> {
        check_dimension(NAME, D, &[2])?;
        check_probability(NAME, self.probability)?;
        check_kinds(NAME, &self.kinds)?;
        check_bins(NAME, self.bins)?;
        let magnitude = self.magnitude as f64;
        check(NAME, "magnitude", magnitude, "below `bins`", |_| {
            self.magnitude < self.bins
        })?;
        check(NAME, "count", self.count as f64, "at most 100", |v| {
            v <= 100.0
        })
    }

    fn draw(&self, sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        if !happens(key, self.probability) {
            return Ok(vec![]);
        }
        let (strengths, picture) = (self.strengths(), picture(sample));
        let level = self.magnitude as f64 / (self.bins - 1) as f64;
        let changes = (0..self.count).flat_map(|number| {
            let mut random = key.fork("change", number as u64).stream("kind");
            one_of(&self.kinds, &strengths, |_| level, picture, &mut random)
        });
        Ok(changes.collect())
    }
}
