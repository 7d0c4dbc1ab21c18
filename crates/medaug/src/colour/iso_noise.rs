//! The noise of a camera in little light: grain of brightness and of hue (Albumentations `ISONoise`).

use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::hsv::Hsv;
use super::{Colours, for_each_colour, for_each_numbered_colour, three_channels, unit};
use crate::draw::Draw;
use crate::error::{Error, Result, check, check_probability};
use crate::intensity::poisson;
use crate::math::add_normals;
use crate::operation::SampleOperation;
use crate::parallel::{CHUNK, for_each_chunk};
use crate::sample::{Contents, LazySample, Sample};
use crate::step::Operation;
use crate::transform::{Transform, perhaps};

const NAME: &str = "ISONoise";
const RANDOM: &str = "RandomISONoise";
const STRENGTH: &str = "within 0 and 1";

fn is_strength(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}

/// Turns the hue of each pixel a little and lifts its brightness by counts of photons, more where it is dark.
///
/// A constant image has no spread of brightness and gets no grain; greys have no hue to turn. An image with voxels that are not
/// finite is refused. Albumentations 2.0.8 forgets that hues are counted in degrees and counts in eight bits; this is the noise
/// it made before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ISONoise {
    /// Standard deviation of hues at intensity 1, as a part of the colour circle.
    pub color_shift: f64,
    /// Strength of both: 0.5 is clearly seen. Brightness is lifted by Poisson counts of 1/255 whose mean is this times the
    /// standard deviation of the image's brightness.
    pub intensity: f64,
    /// Names the noise.
    pub seed: u64,
}

/// Brightness between the darkest and the brightest of three colours (the L of HLS).
#[inline(always)]
fn brightness([r, g, b]: [f32; 3]) -> f32 {
    let high = if r > g { r } else { g };
    let high = if b > high { b } else { high };
    let low = if r < g { r } else { g };
    let low = if b < low { b } else { low };
    (high + low) * 0.5
}

/// Turns hues and lifts brightness: `lift` is the part of the way to white. Saturation stays, that of HLS.
#[inline(always)]
fn shifted(rgb: [f32; 3], turn: f32, lift: f32) -> [f32; 3] {
    let hsv = Hsv::of(rgb);
    let old = brightness(rgb);
    let half_range = hsv.value - old;
    let room = |l: f32| if l < 0.5 { l } else { 1.0 - l };
    let saturation = if half_range > 0.0 {
        half_range / room(old)
    } else {
        0.0
    };
    let new = old + lift * (1.0 - old);
    let value = new + saturation * room(new);
    let range = 2.0 * (value - new);
    Hsv {
        hue: hsv.hue + turn,
        saturation: if value > 0.0 { range / value } else { 0.0 },
        value,
    }
    .rgb()
    .map(unit)
}

/// Turns the hue of each pixel by some degrees and brings it a part of the way to white, in images of three channels.
///
/// # Errors
/// Refuses other numbers of channels, and lists that do not have one entry a pixel.
pub fn iso_noise<const D: usize>(
    sample: &mut Sample<D>,
    degrees: &[f32],
    lifts: &[f32],
) -> Result<()> {
    let expected = sample.geometry().len();
    for (parameter, list) in [("degrees", degrees), ("lifts", lifts)] {
        if list.len() != expected {
            return Err(Error::EntryCount {
                transform: NAME,
                parameter,
                expected,
                got: list.len(),
            });
        }
    }
    for_each_numbered_colour(NAME, sample, |number, [red, green, blue]: Colours<'_>| {
        let noise = degrees[number * CHUNK..]
            .iter()
            .zip(&lifts[number * CHUNK..]);
        let pixels = red.iter_mut().zip(green).zip(blue);
        for (((r, g), b), (&turn, &lift)) in pixels.zip(noise) {
            [*r, *g, *b] = shifted([*r, *g, *b], turn / 360.0, lift);
        }
    })?;
    Ok(())
}

/// The standard deviation of brightness.
fn spread<const D: usize>(sample: &mut Sample<D>) -> Result<f64> {
    let pixels = sample.geometry().len() as f64;
    let mut mean = 0.0;
    let mut sum = 0.0;
    for power in [1, 2] {
        let sums = for_each_colour(NAME, sample, |[red, green, blue]: Colours<'_>| {
            let colours = red.iter().zip(&*green).zip(&*blue);
            let values = colours.map(|((&r, &g), &b)| f64::from(brightness([r, g, b])));
            values.map(|v| (v - mean).powi(power)).sum::<f64>()
        })?;
        sum = sums.iter().sum::<f64>() / pixels;
        if power == 1 {
            mean = sum;
        }
    }
    Ok(sum.sqrt())
}

impl<const D: usize> SampleOperation<D> for ISONoise {
    fn check(&self) -> Result<()> {
        check(NAME, "color_shift", self.color_shift, STRENGTH, is_strength)?;
        check(NAME, "intensity", self.intensity, STRENGTH, is_strength)
    }

    fn needs(&self) -> Contents {
        three_channels()
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        let spread = spread(&mut sample)?;
        for channel in 0..3 {
            if !(spread.is_finite() && finite(sample.image().channel(channel))) {
                return Err(Error::NotFinite { channel });
            }
        }
        let key = Key::new(self.seed);
        let sigma = (self.color_shift * self.intensity * 360.0) as f32;
        let mean = spread * self.intensity * 255.0;
        let pixels = sample.geometry().len();
        let (mut degrees, mut lifts) = (vec![0.0; pixels], vec![0.0; pixels]);
        for_each_chunk(&mut degrees, |number, chunk| {
            let key = key.fork("chunk", number as u64);
            add_normals(chunk, sigma, &mut key.stream("hue"));
        });
        for_each_chunk(&mut lifts, |number, chunk| {
            let mut random = key.fork("chunk", number as u64).stream("brightness");
            for lift in chunk {
                *lift = (poisson(mean, &mut random) / 255.0) as f32;
            }
        });
        iso_noise(&mut sample, &degrees, &lifts)?;
        Ok(sample)
    }
}

fn finite(voxels: &[f32]) -> bool {
    voxels.iter().all(|v| v.is_finite())
}

/// Adds a camera's noise of a drawn strength.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomISONoise {
    /// Probability of a sample.
    pub probability: f64,
    /// Standard deviation of hues at intensity 1, as a part of the colour circle.
    pub color_shift: Draw,
    /// Strength of the noise.
    pub intensity: Draw,
}

impl Default for RandomISONoise {
    /// Albumentations' parameters.
    fn default() -> Self {
        Self {
            probability: 0.5,
            color_shift: Draw::Uniform {
                low: 0.01,
                high: 0.05,
            },
            intensity: Draw::Uniform {
                low: 0.1,
                high: 0.5,
            },
        }
    }
}

impl<const D: usize> Transform<D> for RandomISONoise {
    fn name(&self) -> &'static str {
        RANDOM
    }

    fn check(&self) -> Result<()> {
        check_probability(RANDOM, self.probability)?;
        self.color_shift
            .check(RANDOM, "color_shift", STRENGTH, is_strength)?;
        self.intensity
            .check(RANDOM, "intensity", STRENGTH, is_strength)
    }

    fn needs(&self) -> Contents {
        three_channels()
    }

    fn draw(&self, _sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        perhaps(key, self.probability, || {
            let mut random = key.stream("parameter");
            Ok(ISONoise {
                color_shift: self.color_shift.draw(&mut random),
                intensity: self.intensity.draw(&mut random),
                seed: random.next_u64(),
            })
        })
    }
}
