//! Two percentiles become the ends of a range (MONAI `ScaleIntensityRangePercentiles`).

use serde::{Deserialize, Serialize};

use super::extent::{Extent, finite, voxels, voxels_mut};
use super::percentile::percentiles;
use super::range::{check_percentiles, check_range, scale_range};
use crate::error::Result;
use crate::operation::SampleOperation;
use crate::sample::Sample;

const NAME: &str = "ScaleIntensityRangePercentiles";

/// Maps two percentiles of an image to the ends of a range.
///
/// Where both percentiles are the same intensity, as in a constant image, it becomes the lower end and others
/// keep their distance from it (MONAI). NaN is refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScaleIntensityRangePercentiles {
    /// The percentiles, within 0 and 100.
    pub percentiles: [f64; 2],
    /// What they become.
    #[serde(default = "unit")]
    pub output: [f64; 2],
    /// Whether what would leave the output is clipped to it.
    #[serde(default)]
    pub clip: bool,
    /// Whether the percentiles become the same shares of the output, so that 10 and 90 of 0..1 become 0.1 and
    /// 0.9.
    #[serde(default)]
    pub relative: bool,
    /// Whether channels are measured together.
    #[serde(default)]
    pub extent: Extent,
}

fn unit() -> [f64; 2] {
    [0.0, 1.0]
}

impl<const D: usize> SampleOperation<D> for ScaleIntensityRangePercentiles {
    fn check(&self) -> Result<()> {
        check_percentiles(NAME, self.percentiles)?;
        check_range(NAME, "output", self.output)
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        let [low, high] = self.output;
        let output = if self.relative {
            self.percentiles.map(|q| (high - low) * (q / 100.0) + low)
        } else {
            self.output
        };
        for part in self.extent.parts(sample.image().channels()) {
            let ends = percentiles(voxels(&sample, part.clone()), &self.percentiles)
                .filter(|ends| ends.iter().all(|v| v.is_finite()));
            let ends = finite(ends, &sample, &part)?;
            let input = [f64::from(ends[0]), f64::from(ends[1])];
            let clip = self.clip && input[1] > input[0];
            scale_range(voxels_mut(&mut sample, part), input, output, clip);
        }
        Ok(sample)
    }
}
