//! Two samples laid over one another.

use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::alike::{blend_targets, two};
use super::beta::beta;
use super::{Mix, Mixture};
use crate::draw::happens;
use crate::error::{Error, Result, check, check_probability};
use crate::parallel::{CHUNK, for_each_chunk};
use crate::sample::{Layer, Sample};

/// `weight` of the first image and the rest of the second (Zhang et al., "mixup: Beyond empirical risk minimization",
/// ICLR 2018; torchvision `MixUp`, MONAI `MixUp`).
///
/// Targets and layers of images are blended alike; the boxes of both stay, as detectors are trained on them. Label maps
/// and points have no mean and are refused. The result lies on the first one's grid. NaN of either is NaN.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MixUp {
    /// Part of the first sample, within 0 and 1.
    pub weight: f64,
}

const NAME: &str = "MixUp";

impl MixUp {
    pub(super) fn apply<const D: usize>(&self, samples: Vec<Sample<D>>) -> Result<Sample<D>> {
        check(NAME, "weight", self.weight, "within 0 and 1", |v| {
            (0.0..=1.0).contains(&v)
        })?;
        let [mut first, second] = two(NAME, samples)?;
        let images_only = |layer: &Layer<D>| matches!(layer, Layer::Image(_));
        if first.labels().is_some() || !first.layers().values().all(images_only) {
            return Err(Error::CannotMix {
                transform: NAME,
                what: "label maps",
                instead: "classes have no mean; use CutMix, or mix samples without labels",
            });
        }
        let image = first.image_and_labels_mut().0;
        self.blend(image.as_mut_slice(), second.image().as_slice());
        for (to, from) in first
            .layers_mut()
            .values_mut()
            .zip(second.layers().values())
        {
            if let (Layer::Image(to), Layer::Image(from)) = (to, from) {
                self.blend(to.as_mut_slice(), from.as_slice());
            }
        }
        blend_targets(self.weight, &mut first, &second);
        if let (Some(to), Some(from)) = (first.boxes_mut(), second.boxes()) {
            to.extend(from.items().iter().copied());
        }
        Ok(first)
    }

    fn blend(&self, to: &mut [f32], from: &[f32]) {
        let (own, other) = (self.weight as f32, (1.0 - self.weight) as f32);
        for_each_chunk(to, |block, chunk| {
            for (to, &from) in chunk.iter_mut().zip(&from[block * CHUNK..]) {
                *to = own * *to + other * from;
            }
        });
    }
}

/// Draws how much of each of two samples is seen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomMixUp {
    /// Probability of a sample.
    pub probability: f64,
    /// Both parameters of the beta distribution of the weight.
    pub alpha: f64,
}

impl Default for RandomMixUp {
    /// torchvision's: always, any weight as likely as any other. ultralytics draws with an `alpha` of 32.
    fn default() -> Self {
        Self {
            probability: 1.0,
            alpha: 1.0,
        }
    }
}

impl<const D: usize> Mix<D> for RandomMixUp {
    fn name(&self) -> &'static str {
        "RandomMixUp"
    }

    fn check(&self) -> Result<()> {
        check_probability("RandomMixUp", self.probability)?;
        check_alpha("RandomMixUp", self.alpha)
    }

    fn others(&self, key: Key) -> usize {
        happens(key, self.probability).into()
    }

    fn mixture(&self, _samples: &[Sample<D>], key: Key) -> Result<Option<Mixture>> {
        let weight = beta(self.alpha, &mut key.stream("weight"));
        Ok(Some(MixUp { weight }.into()))
    }
}

/// Refuses what is no parameter of a beta distribution.
pub(super) fn check_alpha(transform: &'static str, alpha: f64) -> Result<()> {
    check(transform, "alpha", alpha, "above 0 and finite", |v| {
        v > 0.0 && v.is_finite()
    })
}
