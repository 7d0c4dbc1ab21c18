//! The place of a voxel as channels (MONAI `AddCoordinateChannels`; Liu et al., "An intriguing failing of convolutional
//! neural networks and the CoordConv solution", NeurIPS 2018).

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::with_channels;
use crate::error::{Result, check_axes};
use crate::operation::SampleOperation;
use crate::sample::{Contents, Sample};

/// Adds a channel for each of some axes that runs along it from -1/2 at the first voxel to 1/2 at the last; an axis of one
/// voxel gets -1/2, as in MONAI.
///
/// Before a crop it tells a network where in the scan its patch lies.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CoordinateChannels {
    /// The axes; all if there are none.
    pub axes: Vec<usize>,
}

impl<const D: usize> SampleOperation<D> for CoordinateChannels {
    fn check(&self) -> Result<()> {
        check_axes("CoordinateChannels", "axes", &self.axes, D)
    }

    fn after(&self, before: Contents) -> Contents {
        let more = match self.axes.len() {
            0 => D,
            some => some,
        };
        let channels = before.channels.map(|n| n + more);
        before.with_channels(channels)
    }

    fn apply(&self, sample: Sample<D>) -> Result<Sample<D>> {
        check_axes("CoordinateChannels", "axes", &self.axes, D)?;
        let all: Vec<usize> = (0..D).collect();
        let axes = if self.axes.is_empty() {
            &all
        } else {
            &self.axes
        };
        let shape = sample.shape();
        let (len, width) = (sample.geometry().len(), shape[D - 1]);
        let mut channels = vec![0.0_f32; axes.len() * len];
        for (channel, &axis) in channels.chunks_exact_mut(len).zip(axes) {
            let steps = (shape[axis] - 1).max(1) as f64;
            let place = |index: usize| (index as f64 / steps - 0.5) as f32;
            let stride: usize = shape[axis + 1..].iter().product();
            channel
                .par_chunks_exact_mut(width)
                .enumerate()
                .for_each(|(row, voxels)| {
                    if axis == D - 1 {
                        for (index, v) in voxels.iter_mut().enumerate() {
                            *v = place(index);
                        }
                    } else {
                        voxels.fill(place(row * width / stride % shape[axis]));
                    }
                });
        }
        with_channels(sample, &channels)
    }
}
