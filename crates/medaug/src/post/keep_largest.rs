//! Only the largest connected parts of each class are kept.

use medcore::components::{Component, Connectivity};
use serde::{Deserialize, Serialize};

use super::classes::{Scope, keep_parts, objects};
use crate::error::{Result, check};
use crate::operation::SampleOperation;
use crate::sample::{Contents, Sample};

/// Keeps the largest connected parts of each class and makes the rest background (MONAI
/// `KeepLargestConnectedComponent`, which by default counts voxels that touch at a corner as connected).
///
/// Of parts of one size the one that comes first in memory counts as larger.
///
/// ```
/// use medaug::{KeepLargest, Operation, Sample};
/// use medcore::{Geometry, Image, LabelMap};
///
/// let grid = Geometry::axis_aligned([1, 6], [1.0; 2])?;
/// let sample = Sample::with_labels(Image::zeros(1, grid)?, LabelMap::new(grid, vec![1_u8, 0, 1, 1, 0, 2])?)?;
/// let kept = Operation::from(KeepLargest::default()).apply_to(sample)?;
/// assert_eq!(kept.labels().expect("labels").as_slice(), [0, 0, 1, 1, 0, 2]);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeepLargest {
    /// The classes it is done for; all but background if there are none.
    pub classes: Vec<u8>,
    /// Which voxels are connected.
    pub connectivity: Connectivity,
    /// How many parts are kept.
    pub count: usize,
    /// Whether each class is an object of its own.
    pub scope: Scope,
}

impl Default for KeepLargest {
    /// One part of each class, connected at corners.
    fn default() -> Self {
        Self {
            classes: vec![],
            connectivity: Connectivity::Corner,
            count: 1,
            scope: Scope::Each,
        }
    }
}

const NAME: &str = "KeepLargest";

impl<const D: usize> SampleOperation<D> for KeepLargest {
    fn check(&self) -> Result<()> {
        check(NAME, "count", self.count as f64, "at least 1", |v| v >= 1.0)
    }

    fn needs(&self) -> Contents {
        Contents::labels()
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        let objects = objects(&self.classes, self.scope, sample.require_labels(NAME)?);
        if let Some(labels) = sample.labels_mut() {
            for object in objects {
                keep_parts(labels, &object, self.connectivity, |parts| {
                    largest(parts, self.count)
                })?;
            }
        }
        Ok(sample)
    }
}

/// Which parts are among the `count` largest.
fn largest<const D: usize>(parts: &[Component<D>], count: usize) -> Vec<bool> {
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|&part| std::cmp::Reverse(parts[part].voxels));
    let mut kept = vec![false; parts.len()];
    for &part in order.iter().take(count) {
        kept[part] = true;
    }
    kept
}
