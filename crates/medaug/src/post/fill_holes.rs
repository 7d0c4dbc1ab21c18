//! Holes within a class become part of it.

use medcore::components::Connectivity;
use medcore::morphology;
use serde::{Deserialize, Serialize};

use super::classes::{ClassSet, chosen};
use crate::error::Result;
use crate::operation::SampleOperation;
use crate::sample::{Contents, Sample};

/// What a hole may consist of to be filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holes {
    /// Only background is filled; a tumour within an organ stays.
    #[default]
    Background,
    /// Whatever a class encloses becomes that class (MONAI `FillHoles`); later classes see what earlier ones filled.
    Anything,
}

/// Fills what a class encloses (MONAI `FillHoles`); what touches the border of the image is open.
///
/// Where MONAI overwrites the tumour in a liver by liver, here only background is filled unless `holes` says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FillHoles {
    /// The classes it is done for, in this order; all but background if there are none.
    pub classes: Vec<u8>,
    /// Where the outside leaks in: at corners too, or through faces only, which closes more.
    pub connectivity: Connectivity,
    /// What may be filled.
    pub holes: Holes,
}

impl Default for FillHoles {
    /// MONAI's connectivity, at corners; only background is filled.
    fn default() -> Self {
        Self {
            classes: vec![],
            connectivity: Connectivity::Corner,
            holes: Holes::Background,
        }
    }
}

const NAME: &str = "FillHoles";

impl<const D: usize> SampleOperation<D> for FillHoles {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn needs(&self) -> Contents {
        Contents::labels()
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        let classes = chosen(&self.classes, sample.require_labels(NAME)?);
        let shape = sample.shape();
        if let Some(labels) = sample.labels_mut() {
            for class in classes {
                let mut mask = ClassSet::new(&[class]).mask(labels.as_slice());
                morphology::fill_holes_connected(&mut mask, shape, self.connectivity)?;
                for (label, inside) in labels.as_mut_slice().iter_mut().zip(mask) {
                    if inside && (self.holes == Holes::Anything || *label == 0) {
                        *label = class;
                    }
                }
            }
        }
        Ok(sample)
    }
}
