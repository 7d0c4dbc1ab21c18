//! Brightness, contrast, saturation and hue in any order (torchvision `ColorJitter`).

use medcore::random::{Key, Random};
use serde::{Deserialize, Serialize};

use super::hsv::Hsv;
use super::{Colours, for_each_colour, for_each_pixel, three_channels, unit};
use crate::draw::Draw;
use crate::error::{Result, check, check_probability};
use crate::operation::SampleOperation;
use crate::sample::{Contents, LazySample, Sample};
use crate::step::Operation;
use crate::transform::{Transform, perhaps};

/// One change of colours, clipped to 0..1 (torchvision's `adjust_*`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ColorAdjustment {
    /// Colours times this factor.
    Brightness(f32),
    /// Distances from the image's mean grey times this factor.
    Contrast(f32),
    /// Distances from the pixel's grey times this factor; 0 leaves greys.
    Saturation(f32),
    /// Hues are turned by this part of the colour circle, -0.5 to 0.5.
    Hue(f32),
}

/// Grey of a colour, with torchvision's weights.
#[inline(always)]
fn luminance([red, green, blue]: [f32; 3]) -> f32 {
    red * 0.2989 + green * 0.587 + blue * 0.114
}

const FACTOR: &str = "finite and at least 0";
const TURN: &str = "within -0.5 and 0.5";

fn is_factor(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

fn is_turn(value: f64) -> bool {
    (-0.5..=0.5).contains(&value)
}

impl ColorAdjustment {
    fn check(self) -> Result<()> {
        const NAME: &str = "ColorJitter";
        match self {
            Self::Brightness(v) => check(NAME, "brightness", v.into(), FACTOR, is_factor),
            Self::Contrast(v) => check(NAME, "contrast", v.into(), FACTOR, is_factor),
            Self::Saturation(v) => check(NAME, "saturation", v.into(), FACTOR, is_factor),
            Self::Hue(v) => check(NAME, "hue", v.into(), TURN, is_turn),
        }
    }

    /// Changes some pixels; `mean` is the image's mean grey.
    fn change(self, colours: Colours<'_>, mean: f32) {
        match self {
            Self::Brightness(factor) => {
                for_each_pixel(colours, |rgb| rgb.map(|v| unit(v * factor)));
            }
            Self::Contrast(factor) => {
                let shift = mean * (1.0 - factor);
                for_each_pixel(colours, |rgb| rgb.map(|v| unit(v * factor + shift)));
            }
            Self::Saturation(factor) => for_each_pixel(colours, |rgb| {
                let shift = luminance(rgb) * (1.0 - factor);
                rgb.map(|v| unit(v * factor + shift))
            }),
            Self::Hue(turn) => for_each_pixel(colours, |rgb| {
                let hsv = Hsv::of(rgb);
                Hsv {
                    hue: hsv.hue + turn,
                    ..hsv
                }
                .rgb()
            }),
        }
    }
}

/// Changes colours one after the other, in the order of the list.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ColorJitter {
    /// The changes.
    pub adjustments: Vec<ColorAdjustment>,
}

const NAME: &str = "ColorJitter";

impl<const D: usize> SampleOperation<D> for ColorJitter {
    fn check(&self) -> Result<()> {
        self.adjustments.iter().try_for_each(|a| a.check())
    }

    fn needs(&self) -> Contents {
        three_channels()
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        let is_contrast = |a: &ColorAdjustment| matches!(a, ColorAdjustment::Contrast(_));
        let mut rest = self.adjustments.as_slice();
        let mut mean = 0.0;
        if rest.first().is_some_and(is_contrast) {
            mean = change_all(&mut sample, &[], mean)?;
        }
        // What stands before the next contrast, which needs the mean of its result, is done in one pass.
        while !rest.is_empty() {
            let next = rest.iter().skip(1).position(is_contrast);
            let (now, later) = rest.split_at(next.map_or(rest.len(), |i| i + 1));
            mean = change_all(&mut sample, now, mean)?;
            rest = later;
        }
        Ok(sample)
    }
}

/// Makes some changes and returns the mean grey of the result.
fn change_all<const D: usize>(
    sample: &mut Sample<D>,
    adjustments: &[ColorAdjustment],
    mean: f32,
) -> Result<f32> {
    let sums = for_each_colour(NAME, sample, |[red, green, blue]| {
        for adjustment in adjustments {
            adjustment.change([&mut *red, &mut *green, &mut *blue], mean);
        }
        let pixels = red.iter().zip(&*green).zip(&*blue);
        pixels
            .map(|((&r, &g), &b)| f64::from(luminance([r, g, b])))
            .sum::<f64>()
    })?;
    Ok((sums.iter().sum::<f64>() / sample.geometry().len() as f64) as f32)
}

/// Changes brightness, contrast, saturation and hue in a drawn order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomColorJitter {
    /// Probability of a sample.
    pub probability: f64,
    /// Factor of brightness.
    pub brightness: Draw,
    /// Factor of contrast.
    pub contrast: Draw,
    /// Factor of saturation.
    pub saturation: Draw,
    /// Part of the colour circle by which hues are turned.
    pub hue: Draw,
}

impl Default for RandomColorJitter {
    /// Albumentations' ranges of brightness, contrast and saturation, and a twentieth of the circle: what a fundus
    /// or a dermatoscopic image still looks natural under.
    fn default() -> Self {
        let factor = Draw::Uniform {
            low: 0.8,
            high: 1.2,
        };
        Self {
            probability: 0.5,
            brightness: factor,
            contrast: factor,
            saturation: factor,
            hue: Draw::symmetric(0.05),
        }
    }
}

/// A random order of four things (Fisher and Yates).
fn shuffled<T>(mut items: [T; 4], random: &mut Random) -> Vec<T> {
    for i in (1..items.len()).rev() {
        items.swap(i, random.below(i + 1));
    }
    items.into()
}

impl<const D: usize> Transform<D> for RandomColorJitter {
    fn name(&self) -> &'static str {
        "RandomColorJitter"
    }

    fn check(&self) -> Result<()> {
        const NAME: &str = "RandomColorJitter";
        check_probability(NAME, self.probability)?;
        self.brightness
            .check(NAME, "brightness", FACTOR, is_factor)?;
        self.contrast.check(NAME, "contrast", FACTOR, is_factor)?;
        self.saturation
            .check(NAME, "saturation", FACTOR, is_factor)?;
        self.hue.check(NAME, "hue", TURN, is_turn)
    }

    fn needs(&self) -> Contents {
        three_channels()
    }

    fn draw(&self, _sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        perhaps(key, self.probability, || {
            let mut random = key.stream("parameter");
            let mut number = |draw: &Draw| draw.draw(&mut random) as f32;
            let adjustments = [
                ColorAdjustment::Brightness(number(&self.brightness)),
                ColorAdjustment::Contrast(number(&self.contrast)),
                ColorAdjustment::Saturation(number(&self.saturation)),
                ColorAdjustment::Hue(number(&self.hue)),
            ];
            let adjustments = shuffled(adjustments, &mut key.stream("order"));
            Ok(ColorJitter { adjustments })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_is_drawn_as_often() {
        let mut counts = std::collections::BTreeMap::new();
        for i in 0..4_800 {
            let order = shuffled([0, 1, 2, 3], &mut Key::new(i).stream("order"));
            *counts.entry(order).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 24);
        assert!(
            counts.values().all(|&n| (140..260).contains(&n)),
            "{counts:?}"
        );
    }
}
