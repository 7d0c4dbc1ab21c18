//! What lies on one side of a threshold is replaced (MONAI `ThresholdIntensity`).

use serde::{Deserialize, Serialize};

use crate::error::{Result, check};
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::for_each_chunk;

/// A side of a threshold; the threshold itself belongs to neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Larger intensities.
    #[default]
    Above,
    /// Smaller intensities.
    Below,
}

/// Keeps intensities on one side of a threshold and replaces the others, NaN among them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThresholdIntensity {
    /// The threshold.
    pub threshold: f32,
    /// The side that is kept.
    #[serde(default)]
    pub kept: Side,
    /// What the others become.
    #[serde(default)]
    pub value: f32,
}

impl ChannelOperation for ThresholdIntensity {
    fn check(&self, _dimension: usize) -> Result<()> {
        const NAME: &str = "ThresholdIntensity";
        check(
            NAME,
            "threshold",
            self.threshold.into(),
            "finite",
            f64::is_finite,
        )?;
        check(NAME, "value", self.value.into(), "finite", f64::is_finite)
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let Self {
            threshold,
            kept,
            value,
        } = *self;
        for_each_chunk(channel.voxels, |_, chunk| match kept {
            Side::Above => chunk
                .iter_mut()
                .for_each(|v| *v = if *v > threshold { *v } else { value }),
            Side::Below => chunk
                .iter_mut()
                .for_each(|v| *v = if *v < threshold { *v } else { value }),
        });
        Ok(())
    }
}
