//! Only the largest connected part of each class is kept.

use medcore::components::{self, Connectivity};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::operation::SampleOperation;
use crate::sample::{Contents, Sample};

/// Keeps the largest connected part of each class and makes the rest background (MONAI
/// `KeepLargestConnectedComponent`, which by default counts voxels that touch at a corner as connected).
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
}

impl Default for KeepLargest {
    /// All classes, connected at corners.
    fn default() -> Self {
        Self {
            classes: vec![],
            connectivity: Connectivity::Corner,
        }
    }
}

impl<const D: usize> SampleOperation<D> for KeepLargest {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn needs(&self) -> Contents {
        Contents::labels()
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        sample.require_labels("KeepLargest")?;
        let Some(labels) = sample.labels_mut() else {
            return Ok(sample);
        };
        for class in chosen(&self.classes, &labels.counts()) {
            components::keep_largest(labels, class, 0, self.connectivity)?;
        }
        Ok(sample)
    }
}

/// The classes asked for; all that are there but background if none are.
fn chosen(asked: &[u8], counts: &[u64]) -> Vec<u8> {
    if !asked.is_empty() {
        return asked.to_vec();
    }
    (1..=u8::MAX)
        .filter(|&class| counts.get(usize::from(class)).is_some_and(|&n| n > 0))
        .collect()
}
