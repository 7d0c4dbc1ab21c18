//! Classes chosen and renamed.

use medcore::LabelMap;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::classes::ClassSet;
use crate::error::{Error, Result, check};
use crate::operation::SampleOperation;
use crate::parallel::CHUNK;
use crate::sample::{Contents, Sample};

/// Keeps these classes and makes all others background (MONAI `LabelFilter`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelFilter {
    /// The classes that stay.
    pub classes: Vec<u8>,
}

impl<const D: usize> SampleOperation<D> for LabelFilter {
    fn check(&self) -> Result<()> {
        let count = self.classes.len() as f64;
        check("LabelFilter", "classes", count, "at least one", |v| {
            v >= 1.0
        })
    }

    fn needs(&self) -> Contents {
        Contents::labels()
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        sample.require_labels("LabelFilter")?;
        let kept = ClassSet::new(&self.classes);
        if let Some(labels) = sample.labels_mut() {
            rename(labels, |label| if kept.has(label) { label } else { 0 });
        }
        Ok(sample)
    }
}

/// Gives classes other numbers, all at once (MONAI `MapLabelValue`); classes that are not named keep theirs.
///
/// ```
/// use medaug::{MapLabels, Operation, Sample};
/// use medcore::{Geometry, Image, LabelMap};
///
/// let grid = Geometry::axis_aligned([1, 4], [1.0; 2])?;
/// let sample = Sample::with_labels(Image::zeros(1, grid)?, LabelMap::new(grid, vec![0_u8, 1, 2, 4])?)?;
/// let swapped = Operation::from(MapLabels { pairs: vec![(1, 2), (2, 1), (4, 3)] }).apply_to(sample)?;
/// assert_eq!(swapped.labels().expect("labels").as_slice(), [0, 2, 1, 3]);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapLabels {
    /// Class and its new number.
    pub pairs: Vec<(u8, u8)>,
}

impl<const D: usize> SampleOperation<D> for MapLabels {
    fn check(&self) -> Result<()> {
        for (i, &(from, _)) in self.pairs.iter().enumerate() {
            if self.pairs[..i].iter().any(|&(other, _)| other == from) {
                return Err(Error::InvalidParameter {
                    transform: "MapLabels",
                    parameter: "pairs",
                    rule: "at most one for each class",
                    value: f64::from(from),
                });
            }
        }
        Ok(())
    }

    fn needs(&self) -> Contents {
        Contents::labels()
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        sample.require_labels("MapLabels")?;
        let mut table: [u8; 256] = std::array::from_fn(|class| class as u8);
        for &(from, to) in &self.pairs {
            table[usize::from(from)] = to;
        }
        if let Some(labels) = sample.labels_mut() {
            rename(labels, |label| table[usize::from(label)]);
        }
        Ok(sample)
    }
}

/// Gives the classes that are there the numbers 1, 2, ... in their order (TorchIO `SequentialLabels`); background stays 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SequentialLabels {}

impl<const D: usize> SampleOperation<D> for SequentialLabels {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn needs(&self) -> Contents {
        Contents::labels()
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        let counts = sample.require_labels("SequentialLabels")?.counts();
        let mut table = [0_u8; 256];
        let mut next = 1;
        for (class, name) in table.iter_mut().enumerate().skip(1) {
            if counts.get(class).is_some_and(|&count| count > 0) {
                *name = next;
                next = next.saturating_add(1);
            }
        }
        if let Some(labels) = sample.labels_mut() {
            rename(labels, |label| table[usize::from(label)]);
        }
        Ok(sample)
    }
}

fn rename<const D: usize>(labels: &mut LabelMap<u8, D>, name: impl Fn(u8) -> u8 + Sync) {
    labels
        .as_mut_slice()
        .par_chunks_mut(CHUNK)
        .for_each(|chunk| chunk.iter_mut().for_each(|label| *label = name(*label)));
}
