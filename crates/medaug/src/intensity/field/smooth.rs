//! Intensities multiplied by a field drawn coarsely (MONAI `RandSmoothFieldAdjustIntensity`).

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use crate::array::{is_outer, per_axis};
use crate::draw::{Channels, Draw};
use crate::error::{Error, Result, check, check_entries};
use crate::intensity::upsample::{area_taps, linear_taps, stretched, upsample};
use crate::operation::{Channel, ChannelOperation};
use crate::transform::{RandomChannels, random_twin};

const NAME: &str = "SmoothFieldAdjustIntensity";

/// What a field is between the points at which it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldMode {
    /// Linear (MONAI's `bilinear` and `trilinear`).
    #[default]
    Linear,
    /// Blocks, one around each point, and means where a voxel touches several (MONAI's default, `area`); there must be no
    /// more points than voxels along any axis.
    Area,
}

/// Multiplies intensities by a field known at a few points; NaN stays NaN.
///
/// As MONAI does, the field is stretched so that its extremes over the voxels are those of the points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmoothFieldAdjustIntensity {
    /// Points along each axis.
    pub points: Vec<usize>,
    /// The factor at each point, last axis fastest.
    pub factors: Vec<f32>,
    /// What it is between the points.
    #[serde(default)]
    pub mode: FieldMode,
}

impl ChannelOperation for SmoothFieldAdjustIntensity {
    fn check(&self, dimension: usize) -> Result<()> {
        let count = |parameter, expected, got| {
            (expected == got).then_some(()).ok_or(Error::EntryCount {
                transform: NAME,
                parameter,
                expected,
                got,
            })
        };
        count("points", dimension, self.points.len())?;
        for &points in &self.points {
            check(NAME, "points", points as f64, POINTS, is_points)?;
        }
        count("factors", self.points.iter().product(), self.factors.len())?;
        self.factors
            .iter()
            .try_for_each(|&f| check(NAME, "factors", f.into(), "finite", f64::is_finite))
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let points: [usize; D] = per_axis(NAME, "points", &self.points)?;
        let (mut coarse, mut fine) = ([1; 3], [1; 3]);
        coarse[3 - D..].copy_from_slice(&points);
        fine[3 - D..].copy_from_slice(&channel.shape);
        let taps = match self.mode {
            FieldMode::Linear => std::array::from_fn(|a| linear_taps(coarse[a], fine[a])),
            FieldMode::Area => {
                for (&points, &voxels) in coarse.iter().zip(&fine) {
                    let rule = "no more than there are voxels, in mode `area`";
                    check(NAME, "points", points as f64, rule, |v| v <= voxels as f64)?;
                }
                std::array::from_fn(|a| area_taps(coarse[a], fine[a]))
            }
        };
        let factors = stretched(&self.factors, coarse, &taps);
        upsample(&factors, coarse, &taps, channel.voxels, |v, factor| {
            *v *= factor;
        });
        Ok(())
    }
}

const POINTS: &str = "within 1 and 64";

fn is_points(value: f64) -> bool {
    (1.0..=64.0).contains(&value)
}

/// Multiplies intensities by a drawn smooth field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomSmoothFieldAdjustIntensity {
    /// Probability of a sample.
    pub probability: f64,
    /// Points along an axis: one number for all axes, or one an axis.
    pub points: Vec<usize>,
    /// The factor at each point.
    pub factor: Draw,
    /// Points around them whose factor is 1, so that the border of the image changes little.
    pub padding: usize,
    /// What the field is between the points.
    pub mode: FieldMode,
    /// Whether the channels share the field.
    pub channels: Channels,
}

impl Default for RandomSmoothFieldAdjustIntensity {
    /// MONAI's parameters but for the mode; four points along each axis.
    fn default() -> Self {
        Self {
            probability: 0.1,
            points: vec![4],
            factor: Draw::Uniform {
                low: 0.1,
                high: 1.0,
            },
            padding: 0,
            mode: FieldMode::Linear,
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomSmoothFieldAdjustIntensity {
    random_twin!(RandomSmoothFieldAdjustIntensity => SmoothFieldAdjustIntensity);

    fn check_for(&self, dimension: usize) -> Result<()> {
        check_entries(Self::NAME, "points", self.points.len(), dimension)?;
        for &points in &self.points {
            let whole = points.saturating_add(self.padding.saturating_mul(2));
            check(Self::NAME, "points", points as f64, POINTS, is_points)?;
            check(
                Self::NAME,
                "padding",
                whole as f64,
                "at most 64 points in all",
                |v| v <= 64.0,
            )?;
        }
        self.factor.check(Self::NAME, "factor", "finite", |_| true)
    }

    fn draw(&self, dimension: usize, random: &mut Random) -> SmoothFieldAdjustIntensity {
        let drawn = |axis: usize| self.points[if self.points.len() == 1 { 0 } else { axis }];
        let points: Vec<usize> = (0..dimension)
            .map(|axis| drawn(axis) + 2 * self.padding)
            .collect();
        let factors = (0..points.iter().product::<usize>()).map(|number| {
            if is_outer(number, &points, self.padding) {
                1.0
            } else {
                self.factor.draw(random) as f32
            }
        });
        SmoothFieldAdjustIntensity {
            factors: factors.collect(),
            points,
            mode: self.mode,
        }
    }
}
