//! Which voxels share their statistics: those of a channel, or those of the whole image.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::sample::Sample;

/// Whether channels are measured together or each on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// One measurement of the whole image (MONAI's `channel_wise=False`, TorchIO).
    #[default]
    AllChannels,
    /// One measurement of each channel (MONAI's `channel_wise=True`).
    EachChannel,
}

impl Extent {
    /// Channels that are measured together.
    pub(crate) fn parts(self, channels: usize) -> Vec<Range<usize>> {
        match self {
            Self::AllChannels => std::iter::once(0..channels).collect(),
            Self::EachChannel => (0..channels).map(|c| c..c + 1).collect(),
        }
    }
}

/// The voxels of some channels for writing.
pub(crate) fn voxels_mut<const D: usize>(
    sample: &mut Sample<D>,
    channels: Range<usize>,
) -> &mut [f32] {
    let len = sample.geometry().len();
    let (image, _) = sample.image_and_labels_mut();
    &mut image.as_mut_slice()[channels.start * len..channels.end * len]
}

/// The voxels of some channels.
pub(crate) fn voxels<const D: usize>(sample: &Sample<D>, channels: Range<usize>) -> &[f32] {
    let len = sample.geometry().len();
    &sample.image().as_slice()[channels.start * len..channels.end * len]
}

/// The error of statistics that are not finite: names the first channel with such a voxel.
pub(crate) fn not_finite<const D: usize>(sample: &Sample<D>, channels: Range<usize>) -> Error {
    let first = channels.start;
    let channel = channels
        .into_iter()
        .find(|&c| sample.image().channel(c).iter().any(|v| !v.is_finite()));
    Error::NotFinite {
        channel: channel.unwrap_or(first),
    }
}

/// `statistics`, or the error that they are not finite.
pub(crate) fn finite<T, const D: usize>(
    statistics: Option<T>,
    sample: &Sample<D>,
    channels: &Range<usize>,
) -> Result<T> {
    statistics.ok_or_else(|| not_finite(sample, channels.clone()))
}
