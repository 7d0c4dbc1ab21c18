//! Brightness and contrast of pictures at once (Albumentations `RandomBrightnessContrast`).

use medcore::random::Key;
use serde::{Deserialize, Serialize};

use crate::draw::Draw;
use crate::error::{Result, check, check_probability};
use crate::intensity::scale::scale_and_clip;
use crate::operation::SampleOperation;
use crate::parallel::Statistics;
use crate::sample::{LazySample, Sample};
use crate::step::Operation;
use crate::transform::{Transform, perhaps};

/// What brightness is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BrightnessUnit {
    /// Multiples of this intensity (Albumentations' largest possible one: 1, or 255 for pictures of bytes).
    Intensity(f32),
    /// Multiples of the mean of the image, all channels together; NaN among them makes all voxels NaN.
    Mean,
}

/// `v (1 + contrast) + brightness`, in the unit of brightness, clipped to a range.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BrightnessContrast {
    /// What is added, in units of brightness.
    pub brightness: f32,
    /// By how much intensities are multiplied beyond 1.
    pub contrast: f32,
    /// The unit of brightness.
    pub unit: BrightnessUnit,
    /// The range that is clipped to, if any.
    pub range: Option<[f32; 2]>,
}

impl Default for BrightnessContrast {
    /// Nothing changed, for pictures within 0..1.
    fn default() -> Self {
        Self {
            brightness: 0.0,
            contrast: 0.0,
            unit: BrightnessUnit::Intensity(1.0),
            range: Some([0.0, 1.0]),
        }
    }
}

impl<const D: usize> SampleOperation<D> for BrightnessContrast {
    fn check(&self) -> Result<()> {
        const NAME: &str = "BrightnessContrast";
        check(
            NAME,
            "brightness",
            self.brightness.into(),
            "finite",
            f64::is_finite,
        )?;
        check(
            NAME,
            "contrast",
            self.contrast.into(),
            "finite and at least -1",
            |v| v.is_finite() && v >= -1.0,
        )?;
        if let BrightnessUnit::Intensity(unit) = self.unit {
            check(NAME, "unit", unit.into(), "finite and above 0", |v| {
                v.is_finite() && v > 0.0
            })?;
        }
        self.range.map_or(Ok(()), |[low, high]| {
            check(NAME, "range", high.into(), "above its lower end", |v| {
                v > low.into()
            })
        })
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        let unit = match self.unit {
            BrightnessUnit::Intensity(unit) => unit,
            BrightnessUnit::Mean => Statistics::of(sample.image().as_slice()).mean as f32,
        };
        let shift = self.brightness * unit;
        let range = self.range.unwrap_or([f32::NEG_INFINITY, f32::INFINITY]);
        let (image, _) = sample.image_and_labels_mut();
        scale_and_clip(image.as_mut_slice(), 1.0 + self.contrast, shift, range);
        Ok(sample)
    }
}

/// Draws brightness and contrast.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomBrightnessContrast {
    /// Probability of a sample.
    pub probability: f64,
    /// What is added, in units of brightness.
    pub brightness: Draw,
    /// By how much intensities are multiplied beyond 1.
    pub contrast: Draw,
    /// The unit of brightness.
    pub unit: BrightnessUnit,
    /// The range that is clipped to, if any.
    pub range: Option<[f32; 2]>,
}

impl Default for RandomBrightnessContrast {
    /// Albumentations' parameters for pictures within 0..1.
    fn default() -> Self {
        let BrightnessContrast { unit, range, .. } = BrightnessContrast::default();
        Self {
            probability: 0.5,
            brightness: Draw::symmetric(0.2),
            contrast: Draw::symmetric(0.2),
            unit,
            range,
        }
    }
}

impl<const D: usize> Transform<D> for RandomBrightnessContrast {
    fn name(&self) -> &'static str {
        "RandomBrightnessContrast"
    }

    fn check(&self) -> Result<()> {
        const NAME: &str = "RandomBrightnessContrast";
        check_probability(NAME, self.probability)?;
        self.brightness
            .check(NAME, "brightness", "finite", |_| true)?;
        self.contrast
            .check(NAME, "contrast", "at least -1", |v| v >= -1.0)?;
        let fixed = BrightnessContrast {
            unit: self.unit,
            range: self.range,
            ..BrightnessContrast::default()
        };
        SampleOperation::<D>::check(&fixed)
    }

    fn draw(&self, _sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        perhaps(key, self.probability, || {
            let mut random = key.stream("parameter");
            Ok(BrightnessContrast {
                brightness: self.brightness.draw(&mut random) as f32,
                contrast: self.contrast.draw(&mut random) as f32,
                unit: self.unit,
                range: self.range,
            })
        })
    }
}
