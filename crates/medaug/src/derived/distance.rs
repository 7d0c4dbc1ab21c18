//! Distances to what is outside an object (MONAI `DistanceTransformEDT`).

use medcore::distance::to_feature;
use serde::{Deserialize, Serialize};

use crate::error::{Result, check};
use crate::operation::{Channel, ChannelOperation};
use crate::spatial::Space;

/// Puts in the place of each voxel of an object its distance to the closest voxel outside, and 0 outside.
///
/// MONAI's object is what is not 0, the same for masks. NaN lies outside. A channel that is all object is refused, since
/// no distance is defined in it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DistanceTransform {
    /// The object is what is above this intensity.
    pub above: f32,
    /// Whether distances are told in millimetres or in voxels, MONAI's default.
    pub space: Space,
}

const NAME: &str = "DistanceTransform";

impl ChannelOperation for DistanceTransform {
    fn check(&self, _dimension: usize) -> Result<()> {
        check(NAME, "above", self.above.into(), "a number", |v| {
            !v.is_nan()
        })
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let spacing = match self.space {
            Space::Millimetres => channel.spacing,
            Space::Voxels => [1.0; D],
        };
        // NaN is not above either.
        let outside = |v: &f32| v.partial_cmp(&self.above) != Some(std::cmp::Ordering::Greater);
        if !channel.voxels.iter().any(outside) {
            let rule = "at least the smallest intensity of the channel";
            check(NAME, "above", self.above.into(), rule, |_| false)?;
        }
        let distances = to_feature(channel.voxels, channel.shape, spacing, outside)?;
        channel.voxels.copy_from_slice(&distances);
        Ok(())
    }
}
