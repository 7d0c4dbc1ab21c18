//! The random affine changes of other libraries, with their ranges.

use medcore::random::{Key, Random};
use medcore::resample::{LabelInterpolation, Outside};
use serde::{Deserialize, Serialize};

use super::convention::{MonaiAffine, ShiftScaleRotate, TorchioAffine};
use super::extract::Sampling;
use crate::draw::Draw;
use crate::error::{Error, Result, check_dimension, check_probability};
use crate::sample::LazySample;
use crate::step::Operation;
use crate::transform::{Transform, perhaps};

/// Refuses ranges whose number is not that of the parameters and that reach beyond what is accepted.
fn check_ranges(transform: &'static str, lists: &[(&'static str, &[Draw], usize)]) -> Result<()> {
    for &(parameter, draws, expected) in lists {
        if ![0, 1, expected].contains(&draws.len()) {
            return Err(Error::EntryCount {
                transform,
                parameter,
                expected,
                got: draws.len(),
            });
        }
        for draw in draws {
            if parameter.starts_with("scale") {
                draw.check(transform, parameter, "within 0.01 and 100", |v| {
                    (0.01..=100.0).contains(&v)
                })?;
            } else {
                draw.check(transform, parameter, "finite", f64::is_finite)?;
            }
        }
    }
    Ok(())
}

/// A value each from one range for all or one each; none if there is no range.
fn each(draws: &[Draw], count: usize, random: &mut Random) -> Vec<f64> {
    match draws {
        [] => vec![],
        [all] => (0..count).map(|_| all.draw(random)).collect(),
        _ => draws.iter().map(|draw| draw.draw(random)).collect(),
    }
}

/// Draws a [`MonaiAffine`] (MONAI `RandAffine`). A single range holds for all entries, where MONAI takes it
/// for the first alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomMonaiAffine {
    /// Probability of a sample.
    pub probability: f64,
    /// Angles in radians: one draw for all, or one each.
    pub rotate: Vec<Draw>,
    /// Coefficients of elementary shears: one draw for all, or one each.
    pub shear: Vec<Draw>,
    /// Shifts in voxels: one draw for all axes, or one an axis.
    pub translate: Vec<Draw>,
    /// Scales about 1, not about 0 as MONAI's ranges are: one draw for all axes, or one an axis.
    pub scale: Vec<Draw>,
    /// How values between voxels and outside the image are made.
    pub sampling: Sampling,
}

impl Default for RandomMonaiAffine {
    /// A tenth of the samples, nothing until there are ranges, reflected outside: MONAI's.
    fn default() -> Self {
        Self {
            probability: 0.1,
            rotate: vec![],
            shear: vec![],
            translate: vec![],
            scale: vec![],
            sampling: Sampling {
                outside: Outside::Reflect,
                ..Sampling::default()
            },
        }
    }
}

const MONAI: &str = "RandomMonaiAffine";

impl<const D: usize> Transform<D> for RandomMonaiAffine {
    fn name(&self) -> &'static str {
        MONAI
    }

    fn check(&self) -> Result<()> {
        check_probability(MONAI, self.probability)?;
        check_ranges(
            MONAI,
            &[
                ("rotate", &self.rotate, D * (D - 1) / 2),
                ("shear", &self.shear, D * (D - 1)),
                ("translate", &self.translate, D),
                ("scale", &self.scale, D),
            ],
        )
    }

    fn draw(&self, _sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        perhaps(key, self.probability, || {
            let planes = D * (D - 1) / 2;
            Ok(MonaiAffine {
                rotate: each(&self.rotate, planes, &mut key.stream("rotation")),
                shear: each(&self.shear, 2 * planes, &mut key.stream("shear")),
                translate: each(&self.translate, D, &mut key.stream("translation")),
                scale: each(&self.scale, D, &mut key.stream("scale")),
                sampling: self.sampling,
            })
        })
    }
}

/// Draws a [`TorchioAffine`] (TorchIO `RandomAffine`); for volumes of three axes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomTorchioAffine {
    /// Probability of a sample.
    pub probability: f64,
    /// Scales, above 1 makes organs larger: one draw for all axes, or one an axis.
    pub scales: Vec<Draw>,
    /// Whether the first scale holds for all three.
    pub isotropic: bool,
    /// Angles in degrees: one draw for all axes, or one an axis.
    pub degrees: Vec<Draw>,
    /// Shifts in millimetres: one draw for all axes, or one an axis.
    pub translation: Vec<Draw>,
    /// How values between voxels and outside the image are made; TorchIO's minimum of the image has to be
    /// given.
    pub sampling: Sampling,
}

impl Default for RandomTorchioAffine {
    /// TorchIO's ranges: 0.9 to 1.1, 10 degrees, no shift; labels nearest.
    fn default() -> Self {
        Self {
            probability: 1.0,
            scales: vec![Draw::Uniform {
                low: 0.9,
                high: 1.1,
            }],
            isotropic: false,
            degrees: vec![Draw::symmetric(10.0)],
            translation: vec![],
            sampling: Sampling {
                labels: LabelInterpolation::Nearest,
                ..Sampling::default()
            },
        }
    }
}

const TORCHIO: &str = "RandomTorchioAffine";

impl<const D: usize> Transform<D> for RandomTorchioAffine {
    fn name(&self) -> &'static str {
        TORCHIO
    }

    fn check(&self) -> Result<()> {
        check_dimension(TORCHIO, D, &[3])?;
        check_probability(TORCHIO, self.probability)?;
        check_ranges(
            TORCHIO,
            &[
                ("scales", &self.scales, 3),
                ("degrees", &self.degrees, 3),
                ("translation", &self.translation, 3),
            ],
        )
    }

    fn draw(&self, _sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        perhaps(key, self.probability, || {
            let mut scales = each(&self.scales, 3, &mut key.stream("scale"));
            if let (true, Some(&first)) = (self.isotropic, scales.first()) {
                scales = vec![first; 3];
            }
            Ok(TorchioAffine {
                scales,
                degrees: each(&self.degrees, 3, &mut key.stream("rotation")),
                translation: each(&self.translation, 3, &mut key.stream("translation")),
                sampling: self.sampling,
            })
        })
    }
}

/// Draws a [`ShiftScaleRotate`] (Albumentations); for images of two axes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomShiftScaleRotate {
    /// Probability of a sample.
    pub probability: f64,
    /// Shift as a share of the image, drawn for each axis and cut to whole pixels.
    pub shift: Draw,
    /// Scale, drawn for each axis.
    pub scale: Draw,
    /// Angle in degrees.
    pub degrees: Draw,
    /// How values between voxels and outside the image are made.
    pub sampling: Sampling,
}

impl Default for RandomShiftScaleRotate {
    /// Albumentations' ranges: a sixteenth of the image, a tenth of the size, 45 degrees; labels nearest.
    fn default() -> Self {
        Self {
            probability: 0.5,
            shift: Draw::symmetric(0.0625),
            scale: Draw::Uniform {
                low: 0.9,
                high: 1.1,
            },
            degrees: Draw::symmetric(45.0),
            sampling: Sampling {
                labels: LabelInterpolation::Nearest,
                ..Sampling::default()
            },
        }
    }
}

const SHIFT: &str = "RandomShiftScaleRotate";

impl<const D: usize> Transform<D> for RandomShiftScaleRotate {
    fn name(&self) -> &'static str {
        SHIFT
    }

    fn check(&self) -> Result<()> {
        check_dimension(SHIFT, D, &[2])?;
        check_probability(SHIFT, self.probability)?;
        check_ranges(
            SHIFT,
            &[
                ("shift", &[self.shift], 1),
                ("scale", &[self.scale], 1),
                ("degrees", &[self.degrees], 1),
            ],
        )
    }

    fn draw(&self, sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        perhaps(key, self.probability, || {
            let mut random = key.stream("translation");
            let extents = sample.shape().map(|n| n as f64);
            Ok(ShiftScaleRotate {
                shift: extents
                    .map(|n| (n * self.shift.draw(&mut random)).trunc())
                    .to_vec(),
                scale: each(&[self.scale], D, &mut key.stream("scale")),
                degrees: self.degrees.draw(&mut key.stream("rotation")),
                sampling: self.sampling,
            })
        })
    }
}
