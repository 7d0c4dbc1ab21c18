//! Parts of classes that are lost (batchgeneratorsv2 `RemoveRandomConnectedComponentFromOneHotEncodingTransform`).

use medcore::components::{Components, Connectivity};
use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::classes::chosen;
use crate::error::{Result, check, check_probability};
use crate::operation::SampleOperation;
use crate::sample::{Contents, LazySample, Sample};
use crate::step::Operation;
use crate::transform::Transform;

const NAME: &str = "RemovePart";
const RANDOM: &str = "RandomRemovePart";

/// Gives one connected part of a class another label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemovePart {
    /// The class.
    pub class: u8,
    /// Which of its parts, in the order in which memory meets them.
    pub part: usize,
    /// Which voxels are connected.
    pub connectivity: Connectivity,
    /// The label it gets.
    #[serde(default)]
    pub becomes: u8,
}

impl<const D: usize> SampleOperation<D> for RemovePart {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn needs(&self) -> Contents {
        Contents::labels()
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        sample.require_labels(NAME)?;
        if let Some(labels) = sample.labels_mut() {
            let of_class = |&label: &u8| label == self.class;
            let parts = Components::new(
                labels.as_slice(),
                labels.shape(),
                self.connectivity,
                of_class,
            )?;
            let count = parts.components().len();
            let rule = "below the number of parts of the class";
            check(NAME, "part", self.part as f64, rule, |v| v < count as f64)?;
            let voxels = labels.as_mut_slice();
            parts.for_each_run(|part, range| {
                if part == self.part {
                    voxels[range].fill(self.becomes);
                }
            });
        }
        Ok(sample)
    }
}

/// Of each class, takes away one part that is not too large: how nnU-Net spoils the segmentation of the coarse network of
/// a cascade. Do it [`On`](crate::On) the layer that holds that segmentation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomRemovePart {
    /// Probability of a sample.
    pub probability: f64,
    /// Probability of each class.
    pub class_probability: f64,
    /// A part that is taken away has less than this share of the voxels of the image.
    pub largest_share: f64,
    /// Probability that it becomes another of the classes instead of background.
    pub other_class_probability: f64,
    /// The classes; all but background if there are none.
    pub classes: Vec<u8>,
    /// Which voxels are connected.
    pub connectivity: Connectivity,
}

impl Default for RandomRemovePart {
    /// nnU-Net's parameters.
    fn default() -> Self {
        Self {
            probability: 0.2,
            class_probability: 1.0,
            largest_share: 0.15,
            other_class_probability: 0.0,
            classes: vec![],
            connectivity: Connectivity::Corner,
        }
    }
}

impl<const D: usize> Transform<D> for RandomRemovePart {
    fn name(&self) -> &'static str {
        RANDOM
    }

    fn check(&self) -> Result<()> {
        check_probability(RANDOM, self.probability)?;
        check_probability(RANDOM, self.class_probability)?;
        check_probability(RANDOM, self.other_class_probability)?;
        let rule = "above 0 and at most 1";
        check(RANDOM, "largest_share", self.largest_share, rule, |v| {
            v > 0.0 && v <= 1.0
        })
    }

    fn needs(&self) -> Contents {
        Contents::labels()
    }

    fn draw(&self, sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        if !key.stream("apply").chance(self.probability) {
            return Ok(vec![]);
        }
        // Each part is drawn from what the removals before it have left.
        let mut spoilt = sample.sample()?.require_labels(RANDOM)?.clone();
        let classes = chosen(&self.classes, &spoilt);
        let mut order = classes.clone();
        key.stream("order").shuffle(&mut order);
        let most = self.largest_share * spoilt.as_slice().len() as f64;
        let mut operations = vec![];
        for class in order {
            let mut random = key.fork("class", class.into()).stream("part");
            if !random.chance(self.class_probability) {
                continue;
            }
            let (voxels, shape) = (spoilt.as_slice(), spoilt.shape());
            let parts = Components::new(voxels, shape, self.connectivity, |&l| l == class)?;
            let sizes = parts.components().iter().enumerate();
            let small: Vec<usize> = sizes
                .filter(|(_, part)| (part.voxels as f64) < most)
                .map(|(number, _)| number)
                .collect();
            if small.is_empty() {
                continue;
            }
            let part = small[random.below(small.len())];
            let others: Vec<u8> = classes.iter().copied().filter(|&c| c != class).collect();
            let becomes = if random.chance(self.other_class_probability) && !others.is_empty() {
                others[random.below(others.len())]
            } else {
                0
            };
            let voxels = spoilt.as_mut_slice();
            parts.for_each_run(|run, range| {
                if run == part {
                    voxels[range].fill(becomes);
                }
            });
            let operation = RemovePart {
                class,
                part,
                connectivity: self.connectivity,
                becomes,
            };
            operations.push(operation.into());
        }
        Ok(operations)
    }
}
