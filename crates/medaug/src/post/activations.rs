//! Raw outputs of a network made into probabilities.

use medcore::Image;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::math::{exp, softplus};
use crate::operation::SampleOperation;
use crate::parallel::{CHUNK, for_each_chunk};
use crate::sample::Sample;

/// What is done to the values of an image (MONAI `Activations`); NaN stays NaN.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Activations {
    /// `1 / (1 + exp(-x))` for each value: several classes may be true at once.
    Sigmoid,
    /// `exp(x)` over its sum along the channels: one class is true.
    Softmax,
    /// Hyperbolic tangent.
    Tanh,
    /// Negative values become 0.
    Relu,
    /// `ln(1 + exp(x))`.
    Softplus,
}

/// Does it to an image in place.
///
/// ```
/// use medaug::{Activations, activate};
/// use medcore::{Geometry, Image};
///
/// let grid = Geometry::axis_aligned([1, 2], [1.0; 2])?;
/// let mut scores = Image::with_channels(2, grid, vec![0.0, 3.0, 0.0, 3.0])?;
/// activate(&mut scores, Activations::Softmax);
/// assert_eq!(scores.as_slice(), [0.5; 4]);
/// # Ok::<(), medcore::Error>(())
/// ```
pub fn activate<const D: usize>(image: &mut Image<f32, D>, activation: Activations) {
    match activation {
        Activations::Sigmoid => each(image, sigmoid),
        Activations::Softmax => softmax(image),
        Activations::Tanh => each(image, |v| 2.0 * sigmoid(2.0 * v) - 1.0),
        Activations::Relu => each(image, |v| if v < 0.0 { 0.0 } else { v }),
        Activations::Softplus => each(image, softplus),
    }
}

#[inline(always)]
fn sigmoid(value: f32) -> f32 {
    1.0 / (1.0 + exp(-value))
}

fn each<const D: usize>(image: &mut Image<f32, D>, f: impl Fn(f32) -> f32 + Sync) {
    for_each_chunk(image.as_mut_slice(), |_, chunk| {
        chunk.iter_mut().for_each(|v| *v = f(*v));
    });
}

/// Channels side by side, in chunks of few enough voxels that all of them stay in a core's own cache.
fn softmax<const D: usize>(image: &mut Image<f32, D>) {
    let (len, channels) = (image.geometry().len(), image.channels());
    let size = (CHUNK / channels).max(256);
    let mut blocks: Vec<Vec<&mut [f32]>> = (0..len.div_ceil(size)).map(|_| vec![]).collect();
    for channel in image.as_mut_slice().chunks_exact_mut(len) {
        for (block, chunk) in blocks.iter_mut().zip(channel.chunks_mut(size)) {
            block.push(chunk);
        }
    }
    blocks.par_iter_mut().for_each(|channels| {
        let mut largest = channels[0].to_vec();
        for channel in &channels[1..] {
            for (largest, &v) in largest.iter_mut().zip(&**channel) {
                *largest = if v > *largest { v } else { *largest };
            }
        }
        let mut sum = vec![0.0; largest.len()];
        for channel in channels.iter_mut() {
            for ((v, largest), sum) in channel.iter_mut().zip(&largest).zip(&mut sum) {
                *v = exp(*v - largest);
                *sum += *v;
            }
        }
        for channel in channels {
            for (v, sum) in channel.iter_mut().zip(&sum) {
                *v /= sum;
            }
        }
    });
}

impl<const D: usize> SampleOperation<D> for Activations {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn apply(&self, sample: Sample<D>) -> Result<Sample<D>> {
        let mut sample = sample;
        activate(sample.image_and_labels_mut().0, *self);
        Ok(sample)
    }
}
