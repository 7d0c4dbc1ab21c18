//! Classes that grow and shrink by chance (batchgeneratorsv2 `ApplyRandomBinaryOperatorTransform`).

use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::classes::chosen;
use super::morphology::{Change, GrowInto, Morphology, Radius};
use crate::draw::Draw;
use crate::error::{Result, check, check_probability};
use crate::sample::{Contents, LazySample};
use crate::step::Operation;
use crate::transform::Transform;

/// Grows or shrinks classes, in a drawn order, each by a drawn change and radius: how nnU-Net spoils the segmentation of
/// the coarse network of a cascade, so that the fine one learns not to trust it.
///
/// Do it [`On`](crate::On) the layer that holds that segmentation, after all moves.
///
/// batchgeneratorsv2 draws radii that are not whole and shifts its ball by half a voxel for them; here a ball is
/// around the middle of its voxel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomMorphology {
    /// Probability of a sample.
    pub probability: f64,
    /// Probability of each class.
    pub class_probability: f64,
    /// What may be done, each as often.
    pub changes: Vec<Change>,
    /// Radius of the ball in voxels.
    pub radius: Draw,
    /// The classes; all but background if there are none.
    pub classes: Vec<u8>,
    /// What they may grow into.
    pub into: GrowInto,
}

impl Default for RandomMorphology {
    /// nnU-Net's parameters.
    fn default() -> Self {
        Self {
            probability: 0.4,
            class_probability: 1.0,
            changes: vec![Change::Dilate, Change::Erode, Change::Close, Change::Open],
            radius: Draw::Uniform {
                low: 1.0,
                high: 8.0,
            },
            classes: vec![],
            into: GrowInto::Anything,
        }
    }
}

const NAME: &str = "RandomMorphology";

impl<const D: usize> Transform<D> for RandomMorphology {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self) -> Result<()> {
        check_probability(NAME, self.probability)?;
        check_probability(NAME, self.class_probability)?;
        let count = self.changes.len() as f64;
        check(NAME, "changes", count, "at least one", |v| v >= 1.0)?;
        self.radius
            .check(NAME, "radius", "within 0 and 1000 voxels", |v| {
                (0.0..=1000.0).contains(&v)
            })
    }

    fn needs(&self) -> Contents {
        Contents::labels()
    }

    fn draw(&self, sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        if !key.stream("apply").chance(self.probability) {
            return Ok(vec![]);
        }
        let mut classes = chosen(&self.classes, sample.sample()?.require_labels(NAME)?);
        key.stream("order").shuffle(&mut classes);
        let drawn = classes.into_iter().filter_map(|class| {
            let mut random = key.fork("class", class.into()).stream("change");
            random.chance(self.class_probability).then(|| {
                let change = self.changes[random.below(self.changes.len())];
                let morphology = Morphology {
                    change,
                    radius: Radius::Ball(self.radius.draw(&mut random)),
                    classes: vec![class],
                    into: self.into,
                };
                Operation::from(morphology)
            })
        });
        Ok(drawn.collect())
    }
}
