//! Pairs of boxes of an image change places (TorchIO `Swap`; Chen et al., "Self-supervised learning for
//! medical image analysis using image context restoration", 2019).

use medcore::random::{Key, Random};
use serde::{Deserialize, Serialize};

use super::{check_lengths, read, rows, write};
use crate::array::per_axis;
use crate::error::{Result, check, check_entries, check_probability};
use crate::operation::SampleOperation;
use crate::sample::{LazySample, Sample};
use crate::step::Operation;
use crate::transform::{Transform, perhaps};

const NAME: &str = "Swap";

/// Exchanges pairs of boxes in all channels, one pair after the other; labels stay. Voxels move unchanged.
///
/// Where the boxes of a pair overlap, the second box at the place of the first is seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Swap {
    /// Voxels of a box along each axis: one number for all axes, or one an axis.
    pub size: Vec<usize>,
    /// The first voxels of both boxes of each pair.
    pub pairs: Vec<[Vec<usize>; 2]>,
}

impl<const D: usize> SampleOperation<D> for Swap {
    fn check(&self) -> Result<()> {
        check_size(NAME, &self.size, D)?;
        check_lengths(NAME, "pairs", self.pairs.iter().flatten(), D)
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        let shape = sample.shape();
        let size: [usize; D] = per_axis(NAME, "size", &self.size)?;
        for [first, second] in &self.pairs {
            let first = rows(NAME, first, &size, shape)?;
            let second = rows(NAME, second, &size, shape)?;
            for channel in 0..sample.image().channels() {
                let voxels = sample.channel_mut(channel);
                let (a, b) = (read(voxels, &first), read(voxels, &second));
                write(voxels, &second, &a);
                write(voxels, &first, &b);
            }
        }
        Ok(sample)
    }
}

fn check_size(transform: &'static str, size: &[usize], dimension: usize) -> Result<()> {
    check_entries(transform, "size", size.len(), dimension)?;
    size.iter().try_for_each(|&size| {
        check(transform, "size", size as f64, "at least 1 voxel", |v| {
            v >= 1.0
        })
    })
}

/// Exchanges drawn pairs of boxes.
///
/// The boxes of a pair do not overlap (TorchIO's may); where the image is too small for two, nothing is
/// exchanged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomSwap {
    /// Probability of a sample.
    pub probability: f64,
    /// Voxels of a box along each axis: one number for all axes, or one an axis.
    pub size: Vec<usize>,
    /// Pairs that are exchanged.
    pub pairs: usize,
}

impl Default for RandomSwap {
    /// TorchIO's parameters; it is always done.
    fn default() -> Self {
        Self {
            probability: 1.0,
            size: vec![15],
            pairs: 100,
        }
    }
}

/// Two boxes that do not overlap; `None` if a hundred draws found none.
fn disjoint<const D: usize>(
    shape: [usize; D],
    size: [usize; D],
    random: &mut Random,
) -> Option<[Vec<usize>; 2]> {
    let mut draw = || -> Vec<usize> {
        (0..D)
            .map(|a| random.below(shape[a] - size[a] + 1))
            .collect()
    };
    (0..100).find_map(|_| {
        let (first, second) = (draw(), draw());
        let apart = (0..D).any(|a| first[a].abs_diff(second[a]) >= size[a]);
        apart.then_some([first, second])
    })
}

impl<const D: usize> Transform<D> for RandomSwap {
    fn name(&self) -> &'static str {
        "RandomSwap"
    }

    fn check(&self) -> Result<()> {
        check_probability("RandomSwap", self.probability)?;
        check_size("RandomSwap", &self.size, D)?;
        check(
            "RandomSwap",
            "pairs",
            self.pairs as f64,
            "at most 100000",
            |n| n <= 1e5,
        )
    }

    fn draw(&self, sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        perhaps(key, self.probability, || {
            let shape = sample.shape();
            let size: [usize; D] = per_axis("RandomSwap", "size", &self.size)?;
            for a in 0..D {
                let rule = "no larger than the image along any axis";
                check("RandomSwap", "size", size[a] as f64, rule, |v| {
                    v <= shape[a] as f64
                })?;
            }
            let mut random = key.stream("pairs");
            let pairs = (0..self.pairs).map_while(|_| disjoint(shape, size, &mut random));
            Ok(Swap {
                pairs: pairs.collect(),
                size: size.to_vec(),
            })
        })
    }
}
