//! From scores to classes and back.

use medcore::{Image, LabelMap, buffer};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, check};
use crate::operation::SampleOperation;
use crate::parallel::CHUNK;
use crate::sample::{Contents, Sample};

/// The channel with the highest score becomes the label of the sample; of equal scores the lowest channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArgMax {}

/// The class with the highest score; of equal scores the lowest.
///
/// # Errors
/// Refuses more than 256 channels, and NaN.
pub fn argmax<const D: usize>(scores: &Image<f32, D>) -> Result<LabelMap<u8, D>> {
    let (len, channels) = (scores.geometry().len(), scores.channels());
    check(
        "ArgMax",
        "image channels",
        channels as f64,
        "at most 256",
        |v| v <= 256.0,
    )?;
    let mut classes = buffer::zeroed::<u8>(len, "classes")?;
    let found: Vec<Option<usize>> = classes
        .par_chunks_mut(CHUNK / 4)
        .enumerate()
        .map(|(block, classes)| {
            let first = block * (CHUNK / 4);
            let range = first..first + classes.len();
            let mut best = scores.channel(0)[range.clone()].to_vec();
            let mut unknown = best.iter().any(|v| v.is_nan()).then_some(0);
            for channel in 1..channels {
                let mut strange = false;
                let voxels = &scores.channel(channel)[range.clone()];
                for ((&v, best), class) in voxels.iter().zip(&mut best).zip(&mut *classes) {
                    strange |= v.is_nan();
                    let higher = v > *best;
                    *class = if higher { channel as u8 } else { *class };
                    *best = if higher { v } else { *best };
                }
                unknown = unknown.or(strange.then_some(channel));
            }
            unknown
        })
        .collect();
    match found.into_iter().flatten().min() {
        Some(channel) => Err(Error::NotFinite { channel }),
        None => Ok(LabelMap::new(*scores.geometry(), classes)?),
    }
}

impl<const D: usize> SampleOperation<D> for ArgMax {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn after(&self, before: Contents) -> Contents {
        before.and_labels()
    }

    fn apply(&self, sample: Sample<D>) -> Result<Sample<D>> {
        let labels = argmax(sample.image())?;
        sample.with_class_labels(labels)
    }
}

/// Scores at or above a threshold become 1, others 0 and NaN too: one threshold for all channels, or one each (MONAI
/// `AsDiscrete(threshold)`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Threshold {
    /// The thresholds.
    pub at: Vec<f32>,
}

impl Default for Threshold {
    /// One half.
    fn default() -> Self {
        Self { at: vec![0.5] }
    }
}

/// Scores at or above the threshold of their channel become 1, others 0.
///
/// # Errors
/// Refuses a number of thresholds that is neither one nor that of the channels.
pub fn threshold<const D: usize>(scores: &mut Image<f32, D>, at: &[f32]) -> Result<()> {
    let (len, channels) = (scores.geometry().len(), scores.channels());
    crate::error::check_entries("Threshold", "at", at.len(), channels)?;
    let voxels = scores.as_mut_slice();
    for (channel, voxels) in voxels.chunks_exact_mut(len).enumerate() {
        let at = if at.len() == 1 { at[0] } else { at[channel] };
        crate::parallel::for_each_chunk(voxels, |_, chunk| {
            for v in chunk {
                *v = if *v >= at { 1.0 } else { 0.0 };
            }
        });
    }
    Ok(())
}

impl<const D: usize> SampleOperation<D> for Threshold {
    fn check(&self) -> Result<()> {
        let count = self.at.len() as f64;
        check("Threshold", "at", count, "at least one", |v| v >= 1.0)?;
        self.at.iter().try_for_each(|&at| {
            check("Threshold", "at", f64::from(at), "a number", |v| {
                !v.is_nan()
            })
        })
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        threshold(sample.image_and_labels_mut().0, &self.at)?;
        Ok(sample)
    }
}

/// The labels of the sample become its image, one channel of zeros and ones for each class (MONAI
/// `AsDiscrete(to_onehot)`); [`ArgMax`] leads back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneHot {
    /// Number of classes, background included.
    pub classes: usize,
}

/// One channel for each class, 1 where the label is that class.
///
/// # Errors
/// Refuses a label that is not below `classes`.
pub fn one_hot<const D: usize>(labels: &LabelMap<u8, D>, classes: usize) -> Result<Image<f32, D>> {
    let largest = labels.as_slice().iter().copied().max().unwrap_or(0);
    check(
        "OneHot",
        "classes",
        classes as f64,
        "above the largest label",
        |v| v > f64::from(largest),
    )?;
    let mut image = Image::zeros(classes, *labels.geometry())?;
    let len = labels.geometry().len();
    for (class, voxels) in image.as_mut_slice().chunks_exact_mut(len).enumerate() {
        let labels = labels.as_slice();
        crate::parallel::for_each_chunk(voxels, |block, chunk| {
            let labels = &labels[block * CHUNK..];
            for (v, &label) in chunk.iter_mut().zip(labels) {
                *v = f32::from(u8::from(usize::from(label) == class));
            }
        });
    }
    Ok(image)
}

impl<const D: usize> SampleOperation<D> for OneHot {
    fn check(&self) -> Result<()> {
        let classes = self.classes as f64;
        check("OneHot", "classes", classes, "within 1 and 256", |v| {
            (1.0..=256.0).contains(&v)
        })
    }

    fn needs(&self) -> Contents {
        Contents::labels()
    }

    fn after(&self, before: Contents) -> Contents {
        before.with_channels(Some(self.classes))
    }

    fn apply(&self, sample: Sample<D>) -> Result<Sample<D>> {
        let image = one_hot(sample.require_labels("OneHot")?, self.classes)?;
        sample.with_image(image)
    }
}
