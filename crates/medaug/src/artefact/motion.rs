//! A patient who moves while k-space is filled (TorchIO `Motion`; Shaw et al., "MRI k-space motion artefact
//! augmentation", MIDL 2019).

use medcore::Geometry;
use medcore::random::Random;
use medcore::resample::{Interpolation, Outside, resample_slice};
use serde::{Deserialize, Serialize};

use super::lines::LineFilter;
use crate::array::per_axis;
use crate::draw::{Channels, Draw};
use crate::error::{Error, Result, check, check_axes, check_entries};
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::{Statistics, for_each_chunk};
use crate::spatial::{Space, SpatialParameters};
use crate::transform::{RandomChannels, random_twin};

/// Where the patient lies from some time on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Movement {
    /// When it happens, from 0 to 1 as k-space is filled.
    pub time: f64,
    /// Angles in degrees about the middle, as [`SpatialParameters::rotation_degrees`]: one for all, or one each.
    pub rotation_degrees: Vec<f64>,
    /// Shift in millimetres: one for all axes, or one an axis.
    pub translation_mm: Vec<f64>,
}

/// Puts an image together from planes of k-space of the patient in several places.
///
/// The planes about the middle of k-space, which make most of what is seen, are those of the image as it is. Moved
/// images are read linearly and fade into their smallest value over one voxel outside (TorchIO repeats the border for
/// half a voxel). TorchIO 1.2.1 turns about the origin of the world; the middle of the image is what it means, and a
/// shift makes one of the other. A channel with NaN is refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Motion {
    /// What the patient does, in the order of time.
    pub movements: Vec<Movement>,
    /// Axis along which the planes of k-space are filled.
    #[serde(default)]
    pub axis: usize,
}

const NAME: &str = "Motion";

/// One number for each of `count` from a list of one for each, or of one for all.
fn each(values: &[f64], count: usize) -> Vec<f64> {
    match values {
        [all] => vec![*all; count],
        _ => values.to_vec(),
    }
}

impl Movement {
    fn parameters<const D: usize>(&self) -> Result<SpatialParameters<D>> {
        let identity = SpatialParameters::<D>::identity();
        Ok(SpatialParameters {
            rotation_degrees: each(&self.rotation_degrees, identity.rotation_degrees.len()),
            translation: per_axis(NAME, "translation_mm", &self.translation_mm)?,
            ..identity
        })
    }
}

impl Motion {
    /// The planes of k-space that show the image as it is, and those of each movement.
    fn planes(&self, len: usize) -> Vec<std::ops::Range<usize>> {
        let mut starts = vec![0];
        starts.extend(
            self.movements
                .iter()
                .map(|m| (m.time * len as f64) as usize),
        );
        starts.push(len);
        let mut planes: Vec<_> = starts.windows(2).map(|w| w[0]..w[1]).collect();
        let later = self.movements.iter().position(|m| m.time > 0.5);
        planes.swap(0, later.unwrap_or(self.movements.len()));
        planes
    }
}

impl ChannelOperation for Motion {
    fn check(&self, dimension: usize) -> Result<()> {
        check_axes(NAME, "axis", &[self.axis], dimension)?;
        let planes = dimension * dimension.saturating_sub(1) / 2;
        let mut before = 0.0;
        for movement in &self.movements {
            check(
                NAME,
                "time",
                movement.time,
                "within 0 and 1, in order",
                |v| v >= before && v <= 1.0,
            )?;
            before = movement.time;
            let (angles, shifts) = (&movement.rotation_degrees, &movement.translation_mm);
            check_entries(NAME, "rotation_degrees", angles.len(), planes)?;
            check_entries(NAME, "translation_mm", shifts.len(), dimension)?;
            for &v in angles {
                check(NAME, "rotation_degrees", v, "finite", f64::is_finite)?;
            }
            for &v in shifts {
                check(NAME, "translation_mm", v, FAR, is_near)?;
            }
        }
        Ok(())
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        if self.movements.is_empty() {
            return Ok(());
        }
        let shape = channel.shape;
        let statistics = Statistics::of(channel.voxels);
        if !statistics.is_finite() {
            let channel = channel.number;
            return Err(Error::NotFinite { channel });
        }
        let len = shape[self.axis];
        let planes = self.planes(len);
        let filter = |planes: &std::ops::Range<usize>| {
            LineFilter::new(len, |k| if planes.contains(&k) { 1.0 } else { 0.0 })
        };
        let grid = Geometry::axis_aligned(shape, channel.spacing)?;
        let middle = shape.map(|n| (n as f64 - 1.0) / 2.0);
        let original = channel.voxels.to_vec();
        filter(&planes[0]).apply(channel.voxels, shape, self.axis);
        let mut moved = vec![0.0; original.len()];
        for (movement, planes) in self.movements.iter().zip(&planes[1..]) {
            if planes.is_empty() {
                continue;
            }
            let map = movement
                .parameters()?
                .index_map(shape, &grid, middle, Space::Millimetres);
            let outside = Outside::Value(statistics.min);
            let linear = Interpolation::Linear;
            resample_slice(&original, shape, &map, &mut moved, shape, linear, outside)?;
            filter(planes).apply(&mut moved, shape, self.axis);
            for_each_chunk(channel.voxels, |i, chunk| {
                let from = i * crate::parallel::CHUNK;
                for (v, m) in chunk.iter_mut().zip(&moved[from..]) {
                    *v += m;
                }
            });
        }
        Ok(())
    }
}

const FAR: &str = "within -1e6 and 1e6";

fn is_near(value: f64) -> bool {
    (-1e6..=1e6).contains(&value)
}

/// Moves the patient some times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomMotion {
    /// Probability of a sample.
    pub probability: f64,
    /// How often the patient moves.
    pub movements: usize,
    /// Each angle, in degrees.
    pub rotation_degrees: Draw,
    /// Shift along each axis, in millimetres.
    pub translation_mm: Draw,
    /// Axis along which the planes of k-space are filled.
    pub axis: usize,
    /// Whether the channels share the movements.
    pub channels: Channels,
}

impl Default for RandomMotion {
    /// TorchIO's parameters, for a tenth of the samples.
    fn default() -> Self {
        Self {
            probability: 0.1,
            movements: 2,
            rotation_degrees: Draw::symmetric(10.0),
            translation_mm: Draw::symmetric(10.0),
            axis: 0,
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomMotion {
    random_twin!(RandomMotion => Motion);

    fn check_for(&self, dimension: usize) -> Result<()> {
        check(
            Self::NAME,
            "movements",
            self.movements as f64,
            "within 1 and 1000",
            |v| (1.0..=1000.0).contains(&v),
        )?;
        check_axes(Self::NAME, "axis", &[self.axis], dimension)?;
        self.rotation_degrees
            .check(Self::NAME, "rotation_degrees", "finite", |_| true)?;
        self.translation_mm
            .check(Self::NAME, "translation_mm", FAR, is_near)
    }

    /// The movements come at even times, each up to three tenths of the time between two earlier or later.
    fn draw(&self, dimension: usize, random: &mut Random) -> Motion {
        let step = 1.0 / (self.movements + 1) as f64;
        let planes = dimension * dimension.saturating_sub(1) / 2;
        Motion {
            axis: self.axis,
            movements: (1..=self.movements)
                .map(|i| Movement {
                    time: step * (i as f64 + random.uniform_in(-0.3, 0.3)),
                    rotation_degrees: (0..planes)
                        .map(|_| self.rotation_degrees.draw(random))
                        .collect(),
                    translation_mm: (0..dimension)
                        .map(|_| self.translation_mm.draw(random))
                        .collect(),
                })
                .collect(),
        }
    }
}
