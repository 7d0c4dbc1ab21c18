//! Shifts and factors of hue, saturation and value (Albumentations `HueSaturationValue`, the HSV gains of YOLO).

use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::hsv::{Hsv, eight_bit};
use super::{Colours, for_each_colour, for_each_pixel, three_channels, unit};
use crate::draw::Draw;
use crate::error::{Result, check, check_probability};
use crate::operation::SampleOperation;
use crate::sample::{Contents, LazySample, Sample};
use crate::step::Operation;
use crate::transform::{Transform, perhaps};

/// In which steps colours are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColorDepth {
    /// As they are: no step.
    #[default]
    Continuous,
    /// In OpenCV's 8 bits, hues in steps of two degrees: what Albumentations and YOLO do to any image. Colours
    /// become multiples of 1/255, the nearest; OpenCV's vector code takes the one below instead, but for the last
    /// pixels of a row.
    EightBit,
}

/// Turns hues and changes saturations and values: `new = old * factor + shift`, kept between 0 and 1.
///
/// Greys stay grey. Albumentations' shifts of saturation and value are these times 255, its hue is half the degrees.
///
/// ```
/// use medaug::{HueSaturationValue, Operation, Sample};
/// use medcore::{Geometry, Image};
///
/// let red = Image::with_channels(3, Geometry::axis_aligned([1, 1], [1.0; 2])?, vec![1.0, 0.0, 0.0])?;
/// let turned = Operation::from(HueSaturationValue { hue_degrees: 120.0, ..Default::default() });
/// assert_eq!(turned.apply_to(Sample::new(red))?.image().as_slice(), [0.0, 1.0, 0.0]);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HueSaturationValue {
    /// By how much hues are turned, in degrees of the colour circle; red becomes green by 120.
    pub hue_degrees: f32,
    /// Factor of saturations.
    pub saturation_factor: f32,
    /// Added to saturations after that.
    pub saturation_shift: f32,
    /// Factor of values.
    pub value_factor: f32,
    /// Added to values after that.
    pub value_shift: f32,
    /// In which steps colours are counted.
    pub depth: ColorDepth,
}

impl Default for HueSaturationValue {
    /// No change.
    fn default() -> Self {
        Self {
            hue_degrees: 0.0,
            saturation_factor: 1.0,
            saturation_shift: 0.0,
            value_factor: 1.0,
            value_shift: 0.0,
            depth: ColorDepth::Continuous,
        }
    }
}

const NAME: &str = "HueSaturationValue";
const FACTOR: &str = "finite and at least 0";
const SHIFT: &str = "within -1 and 1";
const DEGREES: &str = "within -360 and 360";

fn is_factor(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

fn is_shift(value: f64) -> bool {
    (-1.0..=1.0).contains(&value)
}

fn is_angle(value: f64) -> bool {
    (-360.0..=360.0).contains(&value)
}

impl HueSaturationValue {
    fn change(&self, colours: Colours<'_>) {
        let turn = self.hue_degrees / 360.0;
        for_each_pixel(colours, |rgb| {
            let hsv = Hsv::of(rgb);
            let saturation = unit(hsv.saturation * self.saturation_factor + self.saturation_shift);
            Hsv {
                hue: hsv.hue + turn,
                saturation: if hsv.saturation > 0.0 {
                    saturation
                } else {
                    0.0
                },
                value: unit(hsv.value * self.value_factor + self.value_shift),
            }
            .rgb()
        });
    }

    fn change_levels(&self, colours: Colours<'_>) {
        let tables = self.tables();
        for_each_pixel(colours, |rgb| {
            let hsv = eight_bit::of(rgb.map(eight_bit::level));
            let changed = std::array::from_fn(|i| tables[i][usize::from(hsv[i])]);
            eight_bit::rgb(changed).map(|v| f32::from(v) / 255.0)
        });
    }

    /// What becomes of each of 256 hues, saturations and values. The references drop what is behind the point.
    fn tables(&self) -> [[u8; 256]; 3] {
        let shift = f64::from(self.hue_degrees) / 2.0;
        let hue = std::array::from_fn(|i| (i as f64 + shift).rem_euclid(180.0) as u8);
        let linear = |factor: f32, shift: f32| {
            let shift = (shift * 255.0).trunc();
            std::array::from_fn(|i| ((i as f32 * factor).min(255.0).trunc() + shift) as u8)
        };
        let mut saturation: [u8; 256] = linear(self.saturation_factor, self.saturation_shift);
        saturation[0] = 0;
        [hue, saturation, linear(self.value_factor, self.value_shift)]
    }
}

impl<const D: usize> SampleOperation<D> for HueSaturationValue {
    fn check(&self) -> Result<()> {
        check(
            NAME,
            "hue_degrees",
            self.hue_degrees.into(),
            DEGREES,
            is_angle,
        )?;
        for (parameter, value) in [
            ("saturation_factor", self.saturation_factor),
            ("value_factor", self.value_factor),
        ] {
            check(NAME, parameter, value.into(), FACTOR, is_factor)?;
        }
        for (parameter, value) in [
            ("saturation_shift", self.saturation_shift),
            ("value_shift", self.value_shift),
        ] {
            check(NAME, parameter, value.into(), SHIFT, is_shift)?;
        }
        Ok(())
    }

    fn needs(&self) -> Contents {
        three_channels()
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        match self.depth {
            ColorDepth::Continuous => for_each_colour(NAME, &mut sample, |c| self.change(c))?,
            ColorDepth::EightBit => for_each_colour(NAME, &mut sample, |c| self.change_levels(c))?,
        };
        Ok(sample)
    }
}

/// Draws a [`HueSaturationValue`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomHueSaturationValue {
    /// Probability of a sample.
    pub probability: f64,
    /// By how much hues are turned, in degrees.
    pub hue_degrees: Draw,
    /// Factor of saturations.
    pub saturation_factor: Draw,
    /// Added to saturations.
    pub saturation_shift: Draw,
    /// Factor of values.
    pub value_factor: Draw,
    /// Added to values.
    pub value_shift: Draw,
    /// In which steps colours are counted.
    pub depth: ColorDepth,
}

impl Default for RandomHueSaturationValue {
    /// Albumentations' ranges.
    fn default() -> Self {
        Self {
            probability: 0.5,
            hue_degrees: Draw::symmetric(40.0),
            saturation_factor: Draw::Fixed(1.0),
            saturation_shift: Draw::symmetric(30.0 / 255.0),
            value_factor: Draw::Fixed(1.0),
            value_shift: Draw::symmetric(20.0 / 255.0),
            depth: ColorDepth::Continuous,
        }
    }
}

impl RandomHueSaturationValue {
    /// The gains with which YOLO is trained: hue by 0.015 of a turn of 180 steps, saturation by 0.7, value by 0.4.
    #[must_use]
    pub fn yolo() -> Self {
        let around_one = |gain: f64| Draw::Uniform {
            low: 1.0 - gain,
            high: 1.0 + gain,
        };
        Self {
            probability: 1.0,
            hue_degrees: Draw::symmetric(0.015 * 360.0),
            saturation_factor: around_one(0.7),
            saturation_shift: Draw::Fixed(0.0),
            value_factor: around_one(0.4),
            value_shift: Draw::Fixed(0.0),
            depth: ColorDepth::Continuous,
        }
    }
}

impl<const D: usize> Transform<D> for RandomHueSaturationValue {
    fn name(&self) -> &'static str {
        "RandomHueSaturationValue"
    }

    fn check(&self) -> Result<()> {
        const NAME: &str = "RandomHueSaturationValue";
        check_probability(NAME, self.probability)?;
        self.hue_degrees
            .check(NAME, "hue_degrees", DEGREES, is_angle)?;
        self.saturation_factor
            .check(NAME, "saturation_factor", FACTOR, is_factor)?;
        self.saturation_shift
            .check(NAME, "saturation_shift", SHIFT, is_shift)?;
        self.value_factor
            .check(NAME, "value_factor", FACTOR, is_factor)?;
        self.value_shift.check(NAME, "value_shift", SHIFT, is_shift)
    }

    fn needs(&self) -> Contents {
        three_channels()
    }

    fn draw(&self, _sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        perhaps(key, self.probability, || {
            let mut random = key.stream("parameter");
            let mut number = |draw: &Draw| draw.draw(&mut random) as f32;
            Ok(HueSaturationValue {
                hue_degrees: number(&self.hue_degrees),
                saturation_factor: number(&self.saturation_factor),
                saturation_shift: number(&self.saturation_shift),
                value_factor: number(&self.value_factor),
                value_shift: number(&self.value_shift),
                depth: self.depth,
            })
        })
    }
}
