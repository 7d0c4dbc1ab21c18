//! What JPEG takes from a picture (Albumentations `ImageCompression`, torchvision `JPEG`): ITU-T T.81 with the tables of its
//! Annex K and the scaling of them by libjpeg's quality.
//!
//! Only what loses something is done: levels, colours, chroma of half the size, and the rounded cosine transform. libjpeg
//! transforms in integers, so that single pixels differ from its result by a level or two, and a block by a few where one of
//! its frequencies lies between two steps.

mod block;
mod chroma;

use medcore::random::Key;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use self::block::{Quantization, lossy};
use self::chroma::{halved, luma_and_chroma, red_green_blue};
use crate::error::{Error, Result, check, check_dimension, check_probability};
use crate::operation::SampleOperation;
use crate::parallel::{CHUNK, Statistics};
use crate::sample::{LazySample, Sample};
use crate::step::Operation;
use crate::transform::{Transform, perhaps};

const NAME: &str = "ImageCompression";
const RANDOM: &str = "RandomImageCompression";
const QUALITY: &str = "within 1 and 100";

/// Compresses a picture as JPEG does and takes it apart again: from 0..1 to 0..1 in steps of 1/255, values outside clipped.
///
/// Three channels are red, green and blue; any other number of channels are grey pictures of their own. Albumentations 2.0.8
/// hands red over as blue. Voxels that are not finite are refused; a constant picture keeps its level, to one or two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageCompression {
    /// libjpeg's quality: 95 is hardly seen, 30 shows blocks, 5 little else.
    pub quality: u32,
}

fn is_quality(value: f64) -> bool {
    (1.0..=100.0).contains(&value)
}

/// A picture in levels of 8 bits.
#[derive(Debug, Clone, PartialEq)]
struct Plane {
    levels: Vec<u8>,
    shape: [usize; 2],
}

fn levels(voxels: &[f32]) -> Vec<u8> {
    let level = |&v: &f32| (v * 255.0).round_ties_even() as u8;
    voxels.par_iter().with_min_len(CHUNK).map(level).collect()
}

fn write(levels: &[u8], voxels: &mut [f32]) {
    for (v, &level) in voxels.iter_mut().zip(levels) {
        *v = f32::from(level) / 255.0;
    }
}

impl<const D: usize> SampleOperation<D> for ImageCompression {
    fn check(&self) -> Result<()> {
        check_dimension(NAME, D, &[2])?;
        check(NAME, "quality", self.quality.into(), QUALITY, is_quality)
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        SampleOperation::<D>::check(self)?;
        let shape = sample.shape();
        let shape = [shape[0], shape[D - 1]];
        let channels = sample.image().channels();
        for channel in 0..channels {
            if !Statistics::of(sample.image().channel(channel)).is_finite() {
                return Err(Error::NotFinite { channel });
            }
        }
        let plane = |channel: usize, sample: &Sample<D>| Plane {
            levels: levels(sample.image().channel(channel)),
            shape,
        };
        let fine = Quantization::luminance(self.quality);
        if channels == 3 {
            let coarse = Quantization::chrominance(self.quality);
            let colours = [0, 1, 2].map(|channel| plane(channel, &sample));
            let [luma, blue, red] = luma_and_chroma(&colours);
            let luma = lossy(&luma, &fine);
            let [blue, red] = [blue, red].map(|chroma| lossy(&halved(&chroma), &coarse));
            let colours = red_green_blue(&luma, &blue, &red);
            for (channel, plane) in colours.iter().enumerate() {
                write(&plane.levels, sample.channel_mut(channel));
            }
        } else {
            for channel in 0..channels {
                let grey = lossy(&plane(channel, &sample), &fine);
                write(&grey.levels, sample.channel_mut(channel));
            }
        }
        Ok(sample)
    }
}

/// Compresses pictures at a drawn quality.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomImageCompression {
    /// Probability of a sample.
    pub probability: f64,
    /// Smallest and largest quality; each between is as likely.
    pub quality: [u32; 2],
}

impl Default for RandomImageCompression {
    /// Albumentations' parameters, of which nothing is seen.
    fn default() -> Self {
        Self {
            probability: 0.5,
            quality: [99, 100],
        }
    }
}

impl<const D: usize> Transform<D> for RandomImageCompression {
    fn name(&self) -> &'static str {
        RANDOM
    }

    fn check(&self) -> Result<()> {
        check_dimension(RANDOM, D, &[2])?;
        check_probability(RANDOM, self.probability)?;
        let [low, high] = self.quality.map(f64::from);
        check(RANDOM, "quality", low, QUALITY, is_quality)?;
        let rule = "at least its lower bound and at most 100";
        check(RANDOM, "quality", high, rule, |v| v >= low && v <= 100.0)
    }

    fn draw(&self, _sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        perhaps(key, self.probability, || {
            let [low, high] = self.quality;
            let more = key
                .stream("quality")
                .below(high.saturating_sub(low) as usize + 1);
            Ok(ImageCompression {
                quality: low + more as u32,
            })
        })
    }
}
