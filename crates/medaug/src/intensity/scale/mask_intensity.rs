//! Voxels outside a mask are replaced (MONAI `MaskIntensity`, TorchIO `Mask`).

use serde::{Deserialize, Serialize};

use super::extent::{Extent, voxels_mut};
use super::mask::Mask;
use crate::error::{Result, check};
use crate::operation::SampleOperation;
use crate::parallel::for_each_masked_chunk;
use crate::sample::{Contents, Sample};

const NAME: &str = "MaskIntensity";

/// Replaces the voxels outside a mask in every channel; an empty mask replaces all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaskIntensity {
    /// The voxels that stay.
    pub mask: Mask,
    /// What the others become.
    #[serde(default)]
    pub value: f32,
    /// Whether a mask by intensity is that of the whole image or of each channel.
    #[serde(default)]
    pub extent: Extent,
}

impl<const D: usize> SampleOperation<D> for MaskIntensity {
    fn check(&self) -> Result<()> {
        self.mask.check(NAME)?;
        check(NAME, "value", self.value.into(), "finite", f64::is_finite)
    }

    fn needs(&self) -> Contents {
        self.mask.needs()
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        for part in self.extent.parts(sample.image().channels()) {
            let Some(mut outside) = self.mask.select(NAME, &sample, part.clone())? else {
                return Ok(sample);
            };
            outside.iter_mut().for_each(|m| *m = !*m);
            let value = self.value;
            for_each_masked_chunk(voxels_mut(&mut sample, part), &outside, |_| value);
        }
        Ok(sample)
    }
}
