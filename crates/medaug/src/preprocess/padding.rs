//! The border that a network's sizes ask for.

use medcore::{Image, LabelMap};
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// A border that brings the grid to a size the network accepts, half of it (rounded down) in front.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Padding {
    /// Fewest voxels along each axis.
    pub minimum: [usize; 3],
    /// The number of voxels along each axis is a multiple of this.
    pub divisible: [usize; 3],
    /// Intensity of the border, after normalisation.
    pub value: f32,
    /// Class of the border.
    pub label: u8,
}

impl Default for Padding {
    /// None.
    fn default() -> Self {
        Self {
            minimum: [1; 3],
            divisible: [1; 3],
            value: 0.0,
            label: 0,
        }
    }
}

impl Padding {
    /// Pads an image and its labels.
    pub(super) fn apply(
        self,
        image: Image<f32, 3>,
        labels: Option<LabelMap<u8, 3>>,
    ) -> Result<(Image<f32, 3>, Option<LabelMap<u8, 3>>)> {
        let Self {
            minimum,
            divisible,
            value,
            label,
        } = self;
        let shape = image.shape();
        let missing: [usize; 3] = std::array::from_fn(|a| {
            shape[a].max(minimum[a]).next_multiple_of(divisible[a]) - shape[a]
        });
        if missing == [0; 3] {
            return Ok((image, labels));
        }
        let before = missing.map(|n| n / 2);
        let after = std::array::from_fn(|a| missing[a] - before[a]);
        let labels = labels
            .map(|labels| labels.pad(before, after, label))
            .transpose()?;
        Ok((image.pad(before, after, value)?, labels))
    }
}
