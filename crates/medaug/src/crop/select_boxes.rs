//! Some of the boxes of a sample.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::operation::SampleOperation;
use crate::sample::{Contents, Sample};

/// Keeps the boxes with these numbers and drops all others; voxels and labels stay.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectBoxes {
    /// The [`LabelledBox::number`](crate::LabelledBox::number) of those that stay.
    pub numbers: Vec<usize>,
}

impl<const D: usize> SampleOperation<D> for SelectBoxes {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn needs(&self) -> Contents {
        Contents {
            boxes: true,
            ..Contents::default()
        }
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        let boxes = sample.boxes_mut().ok_or(Error::MissingBoxes {
            transform: "SelectBoxes",
        })?;
        boxes.retain_changed(|item| self.numbers.contains(&item.number).then_some(*item));
        Ok(sample)
    }
}
