//! Where tissue lies on a bright slide (MONAI `ForegroundMask`).

use medcore::Image;
use serde::{Deserialize, Serialize};

use super::hsv::Hsv;
use super::{Colours, for_each_colour, for_each_pixel};
use crate::error::{Error, Result, check};
use crate::intensity::otsu_threshold;
use crate::operation::SampleOperation;
use crate::parallel::{Statistics, for_each_chunk};
use crate::sample::{Contents, Sample};

const NAME: &str = "ForegroundMask";

/// Levels of the histogram that Otsu's threshold is found in, as in scikit-image.
const LEVELS: usize = 256;

/// Where foreground ends.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum MaskThreshold {
    /// At Otsu's threshold of the channel.
    #[default]
    Otsu,
    /// Here.
    At(f32),
}

/// What foreground looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForegroundTone {
    /// Darker than what is around it, as stained tissue.
    #[default]
    Dark,
    /// Brighter: the image, from 0 to 1, is turned before (MONAI's `invert`).
    Bright,
}

/// The image becomes a mask of one channel, 1 where there is foreground.
///
/// A voxel is foreground if any of the channels is at most its threshold, and, if hue, saturation and value are looked at too, any of
/// these above its own. Voxels that are not finite are refused; a constant image is all foreground by its channels, and none
/// by its saturation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ForegroundMask {
    /// Thresholds of the channels: one for all, or one each; `null` does not look at a channel.
    pub channels: Vec<Option<MaskThreshold>>,
    /// Thresholds of hue, saturation and value, from 0 to 1, of images of three channels; `null` does not look at one.
    pub hsv: [Option<MaskThreshold>; 3],
    /// What foreground looks like.
    pub tone: ForegroundTone,
}

impl Default for ForegroundMask {
    /// Otsu's threshold of each channel, MONAI's.
    fn default() -> Self {
        Self {
            channels: vec![Some(MaskThreshold::Otsu)],
            hsv: [None; 3],
            tone: ForegroundTone::Dark,
        }
    }
}

impl MaskThreshold {
    fn of(self, voxels: &[f32], channel: usize) -> Result<f32> {
        match self {
            Self::At(threshold) => Ok(threshold),
            Self::Otsu => otsu_threshold(voxels, LEVELS).ok_or(Error::NotFinite { channel }),
        }
    }
}

/// Adds the voxels that `is_foreground` to a mask.
fn add(mask: &mut [bool], voxels: &[f32], is_foreground: impl Fn(f32) -> bool) {
    for (mask, &v) in mask.iter_mut().zip(voxels) {
        *mask |= is_foreground(v);
    }
}

impl ForegroundMask {
    fn looks_at_hsv(&self) -> bool {
        self.hsv.iter().any(Option::is_some)
    }
}

impl<const D: usize> SampleOperation<D> for ForegroundMask {
    fn check(&self) -> Result<()> {
        let thresholds = self.channels.iter().chain(&self.hsv).flatten();
        let count = thresholds.clone().count() as f64;
        let rule = "at least one threshold, of the channels or of `hsv`";
        check(NAME, "channels", count, rule, |v| v >= 1.0)?;
        for threshold in thresholds {
            if let MaskThreshold::At(threshold) = threshold {
                let value = f64::from(*threshold);
                check(NAME, "at", value, "a number", |v| !v.is_nan())?;
            }
        }
        Ok(())
    }

    fn needs(&self) -> Contents {
        Contents {
            channels: self.looks_at_hsv().then_some(3),
            ..Contents::default()
        }
    }

    fn after(&self, before: Contents) -> Contents {
        before.with_channels(Some(1))
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        let (len, count) = (sample.geometry().len(), sample.image().channels());
        for channel in 0..count {
            let voxels = sample.channel_mut(channel);
            if !Statistics::of(voxels).is_finite() {
                return Err(Error::NotFinite { channel });
            }
            if self.tone == ForegroundTone::Bright {
                for_each_chunk(voxels, |_, chunk| {
                    chunk.iter_mut().for_each(|v| *v = 1.0 - *v);
                });
            }
        }
        if self.channels.len() > 1 && self.channels.len() != count {
            return Err(Error::EntryCount {
                transform: NAME,
                parameter: "channels",
                expected: count,
                got: self.channels.len(),
            });
        }
        let by_channel = self.channels.iter().any(Option::is_some);
        let mut mask = vec![!by_channel; len];
        for channel in 0..count {
            let rule = match self.channels.as_slice() {
                [all] => *all,
                each => each.get(channel).copied().flatten(),
            };
            if let Some(rule) = rule {
                let voxels = sample.image().channel(channel);
                let threshold = rule.of(voxels, channel)?;
                add(&mut mask, voxels, |v| v <= threshold);
            }
        }
        if self.looks_at_hsv() {
            for_each_colour(NAME, &mut sample, |colours: Colours<'_>| {
                for_each_pixel(colours, |rgb| {
                    let hsv = Hsv::of(rgb);
                    [hsv.hue - hsv.hue.floor(), hsv.saturation, hsv.value]
                });
            })?;
            let mut coloured = vec![false; len];
            for (channel, rule) in self.hsv.iter().enumerate() {
                if let Some(rule) = rule {
                    let voxels = sample.image().channel(channel);
                    let threshold = rule.of(voxels, channel)?;
                    add(&mut coloured, voxels, |v| v > threshold);
                }
            }
            mask.iter_mut().zip(&coloured).for_each(|(m, &c)| *m &= c);
        }
        let voxels: Vec<f32> = mask.into_iter().map(|m| f32::from(u8::from(m))).collect();
        let mask = Image::new(*sample.geometry(), voxels)?;
        sample.with_image(mask)
    }
}
