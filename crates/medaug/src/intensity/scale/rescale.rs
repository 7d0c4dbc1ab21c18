//! The extremes of an image become those of a range (TorchIO `RescaleIntensity`, MONAI `ScaleIntensity`).

use serde::{Deserialize, Serialize};

use super::extent::{Extent, finite, voxels, voxels_mut};
use super::mask::{Mask, chosen};
use super::percentile::percentiles;
use super::range::{Interval, check_percentiles, check_range, map_range};
use crate::error::Result;
use crate::operation::SampleOperation;
use crate::parallel::Statistics;
use crate::sample::{Contents, Sample};

const NAME: &str = "RescaleIntensity";

/// Clips to percentiles of the voxels of a mask, then maps the smallest intensity left to the lower end of a
/// range and the largest to its upper end.
///
/// A constant image becomes the lower end (TorchIO leaves it, MONAI multiplies it by the lower end). NaN is
/// refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RescaleIntensity {
    /// The range intensities are brought to.
    pub output: [f64; 2],
    /// The percentiles that are clipped to.
    pub percentiles: [f64; 2],
    /// Intensities that become the ends, instead of the smallest and the largest.
    pub input: Option<[f64; 2]>,
    /// The voxels whose percentiles are taken.
    pub mask: Mask,
    /// Whether channels are measured together.
    pub extent: Extent,
}

impl Default for RescaleIntensity {
    /// TorchIO's parameters: all intensities to 0..1.
    fn default() -> Self {
        Self {
            output: [0.0, 1.0],
            percentiles: [0.0, 100.0],
            input: None,
            mask: Mask::All,
            extent: Extent::AllChannels,
        }
    }
}

impl<const D: usize> SampleOperation<D> for RescaleIntensity {
    fn check(&self) -> Result<()> {
        check_range(NAME, "output", self.output)?;
        check_percentiles(NAME, self.percentiles)?;
        self.mask.check(NAME)?;
        self.input
            .map_or(Ok(()), |input| check_range(NAME, "input", input))
    }

    fn needs(&self) -> Contents {
        self.mask.needs()
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        for part in self.extent.parts(sample.image().channels()) {
            let mask = self.mask.select_some(NAME, &sample, part.clone())?;
            let all = voxels(&sample, part.clone());
            let statistics = Statistics::of(all);
            let statistics = finite(statistics.is_finite().then_some(statistics), &sample, &part)?;
            let measured = chosen(all, mask.as_deref());
            let [low, high] = match percentiles(&measured, &self.percentiles) {
                Some(cut) if self.percentiles != [0.0, 100.0] || mask.is_some() => [cut[0], cut[1]],
                _ => [statistics.min, statistics.max],
            };
            let clip = |v: f32| v.max(low).min(high);
            let input = match self.input {
                Some(input) => input,
                None => [clip(statistics.min).into(), clip(statistics.max).into()],
            };
            let interval = Interval {
                from: input,
                to: self.output,
            };
            map_range(voxels_mut(&mut sample, part), interval, [low, high]);
        }
        Ok(sample)
    }
}
