//! Intensities beyond two limits become the limits (TorchIO `Clamp`).

use serde::{Deserialize, Serialize};

use crate::error::{Result, check};
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::for_each_chunk;

/// Clips to limits, either of which may be open; NaN stays NaN.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Clamp {
    /// The smallest intensity that is left.
    pub low: Option<f32>,
    /// The largest intensity that is left.
    pub high: Option<f32>,
}

pub(super) fn clamp(voxels: &mut [f32], low: Option<f32>, high: Option<f32>) {
    let range = [
        low.unwrap_or(f32::NEG_INFINITY),
        high.unwrap_or(f32::INFINITY),
    ];
    scale_and_clip(voxels, 1.0, 0.0, range);
}

/// `v * scale + shift`, clipped to a range.
pub(crate) fn scale_and_clip(voxels: &mut [f32], scale: f32, shift: f32, [low, high]: [f32; 2]) {
    for_each_chunk(voxels, |_, chunk| {
        for v in chunk {
            let changed = *v * scale + shift;
            let raised = if changed < low { low } else { changed };
            *v = if raised > high { high } else { raised };
        }
    });
}

impl ChannelOperation for Clamp {
    fn check(&self, _dimension: usize) -> Result<()> {
        const NAME: &str = "Clamp";
        for (parameter, limit) in [("low", self.low), ("high", self.high)] {
            let limit = limit.unwrap_or(0.0).into();
            check(NAME, parameter, limit, "finite, or none", f64::is_finite)?;
        }
        match (self.low, self.high) {
            (Some(low), Some(high)) => check(NAME, "high", high.into(), "at least low", |v| {
                v >= low.into()
            }),
            _ => Ok(()),
        }
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        clamp(channel.voxels, self.low, self.high);
        Ok(())
    }
}
