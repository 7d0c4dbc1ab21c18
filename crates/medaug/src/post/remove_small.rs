//! Small parts of classes become background.

use medcore::components::Connectivity;
use serde::{Deserialize, Serialize};

use super::classes::{Scope, keep_parts, objects};
use crate::error::{Result, check};
use crate::operation::SampleOperation;
use crate::sample::{Contents, Sample};

/// How large a part is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// Number of voxels.
    Voxels(u64),
    /// Volume in cubic millimetres; of a slice, area in square millimetres.
    Measure(f64),
}

/// Makes connected parts smaller than a size background (MONAI `RemoveSmallObjects`).
///
/// Every class is cut into its own parts. MONAI takes a map of several classes that is not one-hot for objects
/// numbered from one, so that a class of two crumbs counts as one; there is no setting for that here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RemoveSmall {
    /// The classes it is done for; all but background if there are none.
    pub classes: Vec<u8>,
    /// Parts below it go.
    pub least: Size,
    /// Which voxels are connected.
    pub connectivity: Connectivity,
    /// Whether each class is an object of its own.
    pub scope: Scope,
}

impl Default for RemoveSmall {
    /// MONAI's: 64 voxels, connected at faces, every class for itself.
    fn default() -> Self {
        Self {
            classes: vec![],
            least: Size::Voxels(64),
            connectivity: Connectivity::Face,
            scope: Scope::Each,
        }
    }
}

const NAME: &str = "RemoveSmall";

impl<const D: usize> SampleOperation<D> for RemoveSmall {
    fn check(&self) -> Result<()> {
        let least = match self.least {
            Size::Voxels(count) => count as f64,
            Size::Measure(measure) => measure,
        };
        check(NAME, "least", least, "finite and at least 0", |v| {
            v.is_finite() && v >= 0.0
        })
    }

    fn needs(&self) -> Contents {
        Contents::labels()
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        let objects = objects(&self.classes, self.scope, sample.require_labels(NAME)?);
        let voxel: f64 = sample.geometry().voxel_volume();
        let least = match self.least {
            Size::Voxels(count) => count as f64,
            // A part of exactly this size stays, whatever the last bit of the quotient says.
            Size::Measure(measure) => (measure / voxel * (1.0 - 1e-9)).ceil(),
        };
        if let Some(labels) = sample.labels_mut() {
            for object in objects {
                keep_parts(labels, &object, self.connectivity, |parts| {
                    parts.iter().map(|p| p.voxels as f64 >= least).collect()
                })?;
            }
        }
        Ok(sample)
    }
}
