//! An image mixed with changed versions of itself (Hendrycks et al., "AugMix: a simple data processing method to improve
//! robustness and uncertainty", ICLR 2020; torchvision `AugMix`).

use medcore::random::{Key, Random};
use medcore::resample::Interpolation;
use serde::{Deserialize, Serialize};

use super::kind::{AugmentKind, Reach, Strengths};
use super::{check_kinds, one_of, picture, sampling};
use crate::draw::{check_count, draw_count};
use crate::error::{Error, Result, check, check_dimension, check_probability};
use crate::mixing::shares;
use crate::operation::SampleOperation;
use crate::parallel::for_each_chunk_with;
use crate::sample::{Contents, LazySample, Sample};
use crate::spatial::Sampling;
use crate::step::Operation;
use crate::transform::{Transform, perhaps};

/// A changed version of an image, and how much of it is mixed in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MixedChain {
    /// Its weight.
    pub weight: f32,
    /// What is done, one after the other.
    pub operations: Vec<Operation>,
}

/// The weighed sum of an image and changed versions of it.
///
/// Only the image changes: labels, boxes and points stay, so that moves among the changes are for the classification of whole
/// images. NaN spreads to where a chain takes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AugMix {
    /// Weight of the image as it is.
    pub original: f32,
    /// Its changed versions.
    pub chains: Vec<MixedChain>,
}

const NAME: &str = "AugMix";
const RANDOM: &str = "RandomAugMix";

impl<const D: usize> SampleOperation<D> for AugMix {
    fn check(&self) -> Result<()> {
        let weights = self.chains.iter().map(|chain| chain.weight);
        for weight in weights.chain([self.original]) {
            check(
                NAME,
                "weight",
                weight.into(),
                "finite and at least 0",
                |v| v.is_finite() && v >= 0.0,
            )?;
        }
        let mut operations = self.chains.iter().flat_map(|chain| &chain.operations);
        operations.try_for_each(Operation::check::<D>)
    }

    fn needs(&self) -> Contents {
        let operations = self.chains.iter().flat_map(|chain| &chain.operations);
        let mut channels = operations.filter_map(|operation| operation.needs::<D>().channels);
        Contents {
            channels: channels.next(),
            ..Contents::default()
        }
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        let source = sample.image().clone().into_shared();
        let (image, _) = sample.image_and_labels_mut();
        let voxels = image.as_mut_slice();
        let original = self.original;
        for_each_chunk_with(voxels, source.as_slice(), |_, v| original * v);
        for chain in &self.chains {
            let start = Sample::new(source.clone()).into_lazy();
            let mut operations = chain.operations.iter();
            let changed = operations
                .try_fold(start, |image, operation| operation.apply(image))?
                .finish()?;
            let (first, other) = (source.as_slice(), changed.image().as_slice());
            if changed.shape() != source.shape() || first.len() != other.len() {
                return Err(Error::Unlike {
                    transform: NAME,
                    what: "shapes and channels",
                    first: format!("{:?}", source.shape()),
                    other: format!("{:?}", changed.shape()),
                });
            }
            for_each_chunk_with(voxels, other, |sum, v| sum + chain.weight * v);
        }
        Ok(sample)
    }
}

/// Mixes an image with drawn changes of it, by drawn weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomAugMix {
    /// Probability of a sample.
    pub probability: f64,
    /// How strong changes may be: below this many tenths.
    pub severity: usize,
    /// Number of chains.
    pub chains: usize,
    /// Smallest and largest number of changes in a chain.
    pub count: [usize; 2],
    /// Parameter of the Dirichlet and beta distributions of the weights.
    pub alpha: f64,
    /// Kinds that are chosen from, each as often.
    pub kinds: Vec<AugmentKind>,
    /// How values between pixels and outside the image are made.
    pub sampling: Sampling,
}

impl Default for RandomAugMix {
    /// torchvision's.
    fn default() -> Self {
        let kinds = AugmentKind::ALL.into_iter();
        Self {
            probability: 1.0,
            severity: 3,
            chains: 3,
            count: [1, 3],
            alpha: 1.0,
            kinds: kinds
                .filter(|kind| *kind != AugmentKind::Identity)
                .collect(),
            sampling: sampling(Interpolation::Linear),
        }
    }
}

/// Strengths there are.
const BINS: usize = 10;

impl RandomAugMix {
    pub(super) fn strengths(&self) -> Strengths {
        Strengths {
            shear: 0.3,
            translation: Reach::Share(1.0 / 3.0),
            degrees: 30.0,
            tone: 0.9,
            bits: [4.0, 4.0],
            sampling: self.sampling,
        }
    }
}

impl<const D: usize> Transform<D> for RandomAugMix {
    fn name(&self) -> &'static str {
        RANDOM
    }

    fn check(&self) -> Result<()> {
        check_dimension(RANDOM, D, &[2])?;
        check_probability(RANDOM, self.probability)?;
        check_kinds(RANDOM, &self.kinds)?;
        check_count(RANDOM, self.count, 100)?;
        let between = |parameter, value: usize, most: usize| {
            check(
                RANDOM,
                parameter,
                value as f64,
                "at least 1, severities at most 10 and chains 100",
                |_| (1..=most).contains(&value),
            )
        };
        between("severity", self.severity, BINS)?;
        between("chains", self.chains, 100)?;
        check(RANDOM, "alpha", self.alpha, "above 0", |v| {
            v > 0.0 && v.is_finite()
        })
    }

    fn draw(&self, sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        let (strengths, picture) = (self.strengths(), picture(sample));
        perhaps(key, self.probability, || {
            let mut random = key.stream("weights");
            let kept = shares(2, self.alpha, &mut random);
            let weights = shares(self.chains, self.alpha, &mut random);
            let chains = weights.into_iter().enumerate().map(|(number, weight)| {
                let mut random = key.fork("chain", number as u64).stream("kinds");
                let count = draw_count(self.count, &mut random);
                let operations = (0..count).flat_map(|_| {
                    let level = |random: &mut Random| {
                        random.below(self.severity) as f64 / (BINS - 1) as f64
                    };
                    one_of(&self.kinds, &strengths, level, picture, &mut random)
                });
                MixedChain {
                    operations: operations.collect(),
                    weight: (weight * kept[1]) as f32,
                }
            });
            Ok(AugMix {
                chains: chains.collect(),
                original: kept[0] as f32,
            })
        })
    }
}
