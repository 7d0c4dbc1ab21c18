//! One channel from several (Albumentations `ToGray`).

use medcore::Image;
use medcore::random::Key;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, check, check_probability};
use crate::operation::SampleOperation;
use crate::parallel::CHUNK;
use crate::sample::{Contents, LazySample, Sample};
use crate::step::Operation;
use crate::transform::{Transform, perhaps};

const NAME: &str = "ToGray";

/// How the channels of a voxel become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrayMethod {
    /// The luma of red, green and blue: 0.299, 0.587 and 0.114 (ITU-R BT.601, OpenCV).
    #[default]
    Luma,
    /// The mean of any number of channels.
    Mean,
    /// The largest of any number of channels; NaN is passed over.
    Max,
}

/// Mixes the channels of an image into one and puts it in the place of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ToGray {
    /// How they are mixed.
    pub method: GrayMethod,
    /// Channels of the result, all alike; as many as before if none is given.
    pub channels: Option<usize>,
}

impl ToGray {
    fn gray(self, image: &[f32], channels: usize) -> Result<Vec<f32>> {
        const LUMA: [f32; 3] = [0.299, 0.587, 0.114];
        if self.method == GrayMethod::Luma && channels != 3 {
            return Err(Error::EntryCount {
                transform: NAME,
                parameter: "image channels",
                expected: 3,
                got: channels,
            });
        }
        let len = image.len() / channels;
        let mut gray = vec![0.0_f32; len];
        gray.par_chunks_mut(CHUNK)
            .enumerate()
            .for_each(|(i, gray)| {
                for channel in 0..channels {
                    let voxels = &image[channel * len + i * CHUNK..][..gray.len()];
                    let pairs = gray.iter_mut().zip(voxels);
                    match self.method {
                        GrayMethod::Luma => pairs.for_each(|(g, &v)| *g += LUMA[channel] * v),
                        GrayMethod::Mean => pairs.for_each(|(g, &v)| *g += v),
                        GrayMethod::Max if channel == 0 => pairs.for_each(|(g, &v)| *g = v),
                        GrayMethod::Max => pairs.for_each(|(g, &v)| *g = g.max(v)),
                    }
                }
                if self.method == GrayMethod::Mean {
                    gray.iter_mut().for_each(|g| *g /= channels as f32);
                }
            });
        Ok(gray)
    }
}

impl<const D: usize> SampleOperation<D> for ToGray {
    fn check(&self) -> Result<()> {
        let channels = self.channels.unwrap_or(1) as f64;
        check(
            NAME,
            "channels",
            channels,
            "within 1 and 1000, or none",
            |v| (1.0..=1000.0).contains(&v),
        )
    }

    fn after(&self, before: Contents) -> Contents {
        let channels = self.channels.or(before.channels);
        before.with_channels(channels)
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        let before = sample.image().channels();
        let gray = self.gray(sample.image().as_slice(), before)?;
        let after = self.channels.unwrap_or(before);
        if after == before {
            for channel in 0..after {
                sample.channel_mut(channel).copy_from_slice(&gray);
            }
            return Ok(sample);
        }
        let image = Image::with_channels(after, *sample.geometry(), gray.repeat(after))?;
        sample.with_image(image)
    }
}

/// Mixes the channels of an image with a probability; their number stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomToGray {
    /// Probability of a sample.
    pub probability: f64,
    /// How they are mixed.
    pub method: GrayMethod,
}

impl Default for RandomToGray {
    /// Albumentations' parameters.
    fn default() -> Self {
        Self {
            probability: 0.5,
            method: GrayMethod::Luma,
        }
    }
}

impl<const D: usize> Transform<D> for RandomToGray {
    fn name(&self) -> &'static str {
        "RandomToGray"
    }

    fn check(&self) -> Result<()> {
        check_probability("RandomToGray", self.probability)
    }

    fn draw(&self, _sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        perhaps(key, self.probability, || {
            Ok(ToGray {
                method: self.method,
                channels: None,
            })
        })
    }
}
