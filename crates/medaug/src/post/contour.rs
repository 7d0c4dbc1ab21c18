//! Only the outlines of classes.

use medcore::components::Connectivity;
use medcore::morphology::erode_steps;
use serde::{Deserialize, Serialize};

use super::classes::{ClassSet, chosen};
use crate::error::Result;
use crate::operation::SampleOperation;
use crate::sample::{Contents, Sample};

/// Keeps of each class the voxels that touch something else, be it at a corner or at the border of the image (MONAI
/// `LabelToContour`); what lies within becomes background.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LabelToContour {
    /// The classes it is done for; all but background if there are none.
    pub classes: Vec<u8>,
}

impl<const D: usize> SampleOperation<D> for LabelToContour {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn needs(&self) -> Contents {
        Contents::labels()
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        let classes = chosen(&self.classes, sample.require_labels("LabelToContour")?);
        let shape = sample.shape();
        if let Some(labels) = sample.labels_mut() {
            for class in classes {
                let mask = ClassSet::new(&[class]).mask(labels.as_slice());
                let within = erode_steps(&mask, shape, Connectivity::Corner, 1)?;
                for (label, within) in labels.as_mut_slice().iter_mut().zip(within) {
                    if within {
                        *label = 0;
                    }
                }
            }
        }
        Ok(sample)
    }
}
