//! Where something may be pasted.

use medcore::random::Random;
use medcore::{LabelMap, Region};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::sample::{Layer, Sample};

/// Which voxels of the receiving sample something may be pasted on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    /// All of them.
    #[default]
    Anywhere,
    /// Those of these classes, for instance the liver.
    Labels(Vec<u8>),
    /// Those that are not background in this layer of labels.
    Layer(String),
}

/// How much of what is pasted must lie on the ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Every voxel.
    #[default]
    Whole,
    /// The voxel in the middle of its box.
    Middle,
}

/// Whether the border of the image may cut it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Border {
    /// It lies whole within the image.
    #[default]
    Within,
    /// Its middle lies within the image.
    Cut,
}

/// The voxels of a ground.
#[derive(Debug)]
pub(super) struct Allowed<'a, const D: usize> {
    labels: Option<&'a LabelMap<u8, D>>,
    classes: [bool; 256],
    shape: [usize; D],
}

impl<'a, const D: usize> Allowed<'a, D> {
    pub(super) fn new(
        transform: &'static str,
        ground: &Ground,
        sample: &'a Sample<D>,
    ) -> Result<Self> {
        let mut classes = [true; 256];
        let labels = match ground {
            Ground::Anywhere => None,
            Ground::Labels(asked) => {
                classes = [false; 256];
                for &class in asked {
                    classes[usize::from(class)] = true;
                }
                Some(sample.require_labels(transform)?)
            }
            Ground::Layer(name) => {
                classes[0] = false;
                match sample.require_layer(transform, name)? {
                    Layer::Labels(labels) => Some(labels),
                    _ => {
                        return Err(Error::TargetLayer {
                            layer: name.clone(),
                            rule: "labels",
                        });
                    }
                }
            }
        };
        Ok(Self {
            labels,
            classes,
            shape: sample.shape(),
        })
    }

    /// Whether the voxel at a position in memory belongs to it.
    pub(super) fn has(&self, position: usize) -> bool {
        self.labels
            .is_none_or(|labels| self.classes[usize::from(labels.as_slice()[position])])
    }

    /// Its voxels within a region, counted.
    pub(super) fn within(&self, region: Region<D>) -> Choice<'_, D> {
        let mut before = vec![0];
        let mut count = 0;
        for row in region.rows(self.shape) {
            count += row.filter(|&position| self.has(position)).count();
            before.push(count);
        }
        Choice {
            allowed: self,
            region,
            before,
        }
    }
}

/// The voxels of a ground within a region, to be drawn from.
#[derive(Debug)]
pub(super) struct Choice<'a, const D: usize> {
    allowed: &'a Allowed<'a, D>,
    region: Region<D>,
    /// How many there are before each row of the region, and in all.
    before: Vec<usize>,
}

impl<const D: usize> Choice<'_, D> {
    /// One of them, each with the same probability; `None` if there is none.
    pub(super) fn draw(&self, random: &mut Random) -> Option<[usize; D]> {
        let count = *self.before.last()?;
        if count == 0 {
            return None;
        }
        let chosen = random.below(count);
        let row = self.before.partition_point(|&before| before <= chosen) - 1;
        let mut rest = self
            .region
            .rows(self.allowed.shape)
            .nth(row)?
            .filter(|&position| self.allowed.has(position))
            .nth(chosen - self.before[row])?;
        let mut index = [0; D];
        for a in (0..D).rev() {
            index[a] = rest % self.allowed.shape[a];
            rest /= self.allowed.shape[a];
        }
        Some(index)
    }
}
