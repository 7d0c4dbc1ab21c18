//! The trace of a camera or a probe that moved (Albumentations `MotionBlur`): the mean along a line.

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use super::box_blur::{ODD, check_odd_range, draw_odd, is_odd};
use super::convolve::{Tap, check_picture, filter_picture, picture};
use crate::draw::{Channels, Draw};
use crate::error::{Result, check};
use crate::operation::{Channel, ChannelOperation};
use crate::transform::{RandomChannels, random_twin};

const NAME: &str = "MotionBlur";

/// Replaces every voxel of a picture by the mean of a line of voxels through it; NaN spreads along the line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MotionBlur {
    /// Voxels along the side of the square that holds the line, odd.
    pub size: usize,
    /// Direction of the line in degrees, from the last axis (to the right) towards the first (down).
    pub degrees: f64,
    /// Which half of the line is left: 0 both, 1 only that ahead, -1 only that behind.
    #[serde(default)]
    pub direction: f64,
    /// By how many voxels the line is moved along both axes.
    #[serde(default)]
    pub shift: [f64; 2],
}

impl MotionBlur {
    /// The voxels of the line, each once; what leaves the square is moved to its side.
    fn taps(&self) -> Vec<Tap> {
        let half = (self.size / 2) as f64;
        let radians = self.degrees.to_radians();
        let (sin, cos) = (libm::sin(radians), libm::cos(radians));
        let start = -half * (1.0 - self.direction.max(0.0));
        let end = half * (1.0 + self.direction.min(0.0));
        let step = if self.size > 1 {
            (end - start) / (self.size - 1) as f64
        } else {
            0.0
        };
        let mut places: Vec<[isize; 2]> = (0..self.size)
            .map(|i| {
                let t = start + step * i as f64;
                // Rounded as coordinates of the square are, half to even.
                [sin * t + self.shift[0], cos * t + self.shift[1]]
                    .map(|v| ((v + half).round_ties_even().clamp(0.0, 2.0 * half) - half) as isize)
            })
            .collect();
        places.sort_unstable();
        places.dedup();
        let weight = 1.0 / places.len() as f32;
        places.into_iter().map(|at| Tap { at, weight }).collect()
    }
}

impl ChannelOperation for MotionBlur {
    fn check(&self, dimension: usize) -> Result<()> {
        check_picture(NAME, dimension)?;
        check(NAME, "size", self.size as f64, ODD, is_odd)?;
        check(NAME, "degrees", self.degrees, "finite", f64::is_finite)?;
        check(NAME, "direction", self.direction, "within -1 and 1", |v| {
            v.abs() <= 1.0
        })?;
        self.shift
            .iter()
            .try_for_each(|&shift| check(NAME, "shift", shift, "finite", f64::is_finite))
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let shape = picture(NAME, channel.shape)?;
        filter_picture(channel.voxels, shape, &self.taps());
        Ok(())
    }
}

/// Whether the line of a blur is moved away from the voxel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinePlace {
    /// It goes through the voxel.
    Centred,
    /// It is moved by up to a quarter of its square along both axes.
    #[default]
    Shifted,
}

/// Blurs along a drawn line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomMotionBlur {
    /// Probability of a sample.
    pub probability: f64,
    /// Smallest and largest side of the square that holds the line, both odd.
    pub size: [usize; 2],
    /// Direction of the line in degrees.
    pub degrees: Draw,
    /// Which half of the line is left, within -1 and 1.
    pub direction: Draw,
    /// Whether the line is moved.
    pub place: LinePlace,
    /// Whether the channels share the line.
    pub channels: Channels,
}

impl Default for RandomMotionBlur {
    /// Albumentations' parameters.
    fn default() -> Self {
        Self {
            probability: 0.5,
            size: [3, 7],
            degrees: Draw::Uniform {
                low: 0.0,
                high: 360.0,
            },
            direction: Draw::symmetric(1.0),
            place: LinePlace::Shifted,
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomMotionBlur {
    random_twin!(RandomMotionBlur => MotionBlur);

    fn check_for(&self, dimension: usize) -> Result<()> {
        check_picture(Self::NAME, dimension)?;
        check_odd_range(Self::NAME, self.size)?;
        self.degrees
            .check(Self::NAME, "degrees", "finite", |_| true)?;
        self.direction
            .check(Self::NAME, "direction", "within -1 and 1", |v| {
                v.abs() <= 1.0
            })
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> MotionBlur {
        let size = draw_odd(self.size, random);
        let extent = match self.place {
            LinePlace::Centred => 0.0,
            LinePlace::Shifted => (size / 2) as f64 / 2.0,
        };
        MotionBlur {
            size,
            degrees: self.degrees.draw(random),
            direction: self.direction.draw(random),
            shift: [
                random.uniform_in(-extent, extent),
                random.uniform_in(-extent, extent),
            ],
        }
    }
}
