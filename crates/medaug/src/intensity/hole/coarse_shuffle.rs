//! The voxels of boxes change places within them (MONAI `RandCoarseShuffle`).

use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::{Hole, HoleDraw, check_holes, read, write};
use crate::error::{Result, check_probability};
use crate::operation::SampleOperation;
use crate::sample::{LazySample, Sample};
use crate::step::Operation;
use crate::transform::{Transform, perhaps};

const NAME: &str = "CoarseShuffle";

/// Shuffles the voxels of boxes, each channel in its own order; labels stay. Voxels move unchanged, NaN among
/// them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoarseShuffle {
    /// The boxes, one after the other.
    pub holes: Vec<Hole>,
    /// Names the orders.
    pub seed: u64,
}

impl<const D: usize> SampleOperation<D> for CoarseShuffle {
    fn check(&self) -> Result<()> {
        check_holes(NAME, &self.holes, D)
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        let shape = sample.shape();
        for (number, hole) in self.holes.iter().enumerate() {
            let rows = hole.rows(NAME, shape)?;
            let key = Key::new(self.seed).fork("hole", number as u64);
            for channel in 0..sample.image().channels() {
                let voxels = sample.channel_mut(channel);
                let mut inside = read(voxels, &rows);
                let key = key.fork("channel", channel as u64);
                key.stream("order").shuffle(&mut inside);
                write(voxels, &rows, &inside);
            }
        }
        Ok(sample)
    }
}

/// Shuffles the voxels of drawn boxes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomCoarseShuffle {
    /// Probability of a sample.
    pub probability: f64,
    /// The boxes.
    pub holes: HoleDraw,
}

impl Default for RandomCoarseShuffle {
    /// MONAI's probability; boxes as [`HoleDraw`] draws them.
    fn default() -> Self {
        Self {
            probability: 0.1,
            holes: HoleDraw::default(),
        }
    }
}

impl<const D: usize> Transform<D> for RandomCoarseShuffle {
    fn name(&self) -> &'static str {
        "RandomCoarseShuffle"
    }

    fn check(&self) -> Result<()> {
        check_probability("RandomCoarseShuffle", self.probability)?;
        self.holes.check("RandomCoarseShuffle", D)
    }

    fn draw(&self, sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        perhaps(key, self.probability, || {
            let mut random = key.stream("holes");
            Ok(CoarseShuffle {
                holes: self
                    .holes
                    .draw("RandomCoarseShuffle", sample.shape(), &mut random)?,
                seed: random.next_u64(),
            })
        })
    }
}
