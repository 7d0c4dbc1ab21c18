//! One change at any strength (Müller and Hutter, "TrivialAugment: tuning-free yet state-of-the-art data augmentation", ICCV
//! 2021; torchvision `TrivialAugmentWide`).

use medcore::random::Key;
use medcore::resample::Interpolation;
use serde::{Deserialize, Serialize};

use super::kind::{AugmentKind, Reach, Strengths};
use super::{check_bins, check_kinds, one_of, picture, sampling};
use crate::draw::happens;
use crate::error::{Result, check_dimension, check_probability};
use crate::sample::LazySample;
use crate::spatial::Sampling;
use crate::step::Operation;
use crate::transform::Transform;

/// Does one of the kinds at a drawn strength; there is nothing to tune.
///
/// For images of two axes with values from 0 to 1. What was done is recorded as the operation itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrivialAugmentWide {
    /// Probability of a sample.
    pub probability: f64,
    /// Number of strengths.
    pub bins: usize,
    /// Kinds that are chosen from, each as often.
    pub kinds: Vec<AugmentKind>,
    /// How values between pixels and outside the image are made.
    pub sampling: Sampling,
}

impl Default for TrivialAugmentWide {
    /// torchvision's: every sample, 31 strengths.
    fn default() -> Self {
        Self {
            probability: 1.0,
            bins: 31,
            kinds: AugmentKind::ALL.to_vec(),
            sampling: sampling(Interpolation::Nearest),
        }
    }
}

const NAME: &str = "TrivialAugmentWide";

impl TrivialAugmentWide {
    pub(super) fn strengths(&self) -> Strengths {
        Strengths {
            shear: 0.99,
            translation: Reach::Pixels(32.0),
            degrees: 135.0,
            tone: 0.99,
            bits: [8.0, 6.0],
            sampling: self.sampling,
        }
    }
}

impl<const D: usize> Transform<D> for TrivialAugmentWide {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self) -> Result<()> {
        check_dimension(NAME, D, &[2])?;
        check_probability(NAME, self.probability)?;
        check_kinds(NAME, &self.kinds)?;
        check_bins(NAME, self.bins)
    }

    fn draw(&self, sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        if !happens(key, self.probability) {
            return Ok(vec![]);
        }
        let mut random = key.stream("kind");
        let last = self.bins - 1;
        Ok(one_of(
            &self.kinds,
            &self.strengths(),
            |random| random.below(last + 1) as f64 / last as f64,
            picture(sample),
            &mut random,
        ))
    }
}
