//! Rings in CT: detectors that answer a little too strongly or too weakly.

use medcore::random::{Key, Random};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::back_projection::{Slice, check_slices};
use crate::draw::{Channels, Draw};
use crate::error::{Result, check};
use crate::operation::{Channel, ChannelOperation};
use crate::transform::{RandomChannels, random_twin};

/// Adds rings around the middle of each slice: one normal offset for every distance from it.
///
/// A detector of a scanner that turns sees rays at one distance from the axis only, so its error becomes a ring; the
/// halo beside it, which filtering leaves, is left out. For images of two or three axes; slices of the latter lie
/// across the first and have their own rings. NaN stays where it is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RingArtefact {
    /// Standard deviation of the offsets, in the image's own unit.
    pub strength: f32,
    /// Width of a ring in millimetres.
    pub width_mm: f64,
    /// Share of the distances that have a ring.
    pub density: f64,
    /// Names the rings.
    pub seed: u64,
}

const STRENGTH: &str = "finite and at least 0";
const WIDTH: &str = "within 0.01 and 1000";
const DENSITY: &str = "within 0 and 1";

fn is_strength(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

fn is_width(value: f64) -> bool {
    (0.01..=1000.0).contains(&value)
}

fn is_density(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}

impl RingArtefact {
    /// The offset of each distance, in steps of a ring's width.
    fn offsets(&self, count: usize, key: Key) -> Vec<f32> {
        let mut random = key.stream("ring");
        (0..count)
            .map(|_| {
                let (there, offset) = (random.chance(self.density), random.normal());
                if there {
                    self.strength * offset as f32
                } else {
                    0.0
                }
            })
            .collect()
    }
}

impl ChannelOperation for RingArtefact {
    fn check(&self, dimension: usize) -> Result<()> {
        const NAME: &str = "RingArtefact";
        check_slices(NAME, dimension)?;
        check(
            NAME,
            "strength",
            self.strength.into(),
            STRENGTH,
            is_strength,
        )?;
        check(NAME, "width_mm", self.width_mm, WIDTH, is_width)?;
        check(NAME, "density", self.density, DENSITY, is_density)
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        self.check(D)?;
        let grid = Slice::of(&channel);
        let farthest = libm::hypot(grid.place(0, 0), grid.place(1, 0));
        let count = (farthest / self.width_mm) as usize + 1;
        let key = Key::new(self.seed).fork("ring", channel.number as u64);
        let slices = channel.voxels.par_chunks_mut(grid.shape[0] * grid.shape[1]);
        slices.enumerate().for_each(|(s, slice)| {
            let offsets = self.offsets(count, key.fork("slice", s as u64));
            for (h, row) in slice.chunks_exact_mut(grid.shape[1]).enumerate() {
                let y = grid.place(0, h);
                for (w, v) in row.iter_mut().enumerate() {
                    let x = grid.place(1, w);
                    let ring = ((x * x + y * y).sqrt() / self.width_mm) as usize;
                    *v += offsets[ring.min(count - 1)];
                }
            }
        });
        Ok(())
    }
}

/// Adds rings of drawn strength.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomRingArtefact {
    /// Probability of a sample.
    pub probability: f64,
    /// Standard deviation of the offsets, in the image's own unit.
    pub strength: Draw,
    /// Width of a ring in millimetres.
    pub width_mm: Draw,
    /// Share of the distances that have a ring.
    pub density: Draw,
    /// Whether the channels share strength and width.
    pub channels: Channels,
}

impl Default for RandomRingArtefact {
    /// A twentieth of the samples, a few rings of up to 40 Hounsfield units.
    fn default() -> Self {
        Self {
            probability: 0.05,
            strength: Draw::Uniform {
                low: 5.0,
                high: 40.0,
            },
            width_mm: Draw::Uniform {
                low: 0.5,
                high: 2.0,
            },
            density: Draw::Uniform {
                low: 0.05,
                high: 0.3,
            },
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomRingArtefact {
    random_twin!(RandomRingArtefact => RingArtefact);

    fn check_for(&self, dimension: usize) -> Result<()> {
        check_slices(Self::NAME, dimension)?;
        self.strength
            .check(Self::NAME, "strength", STRENGTH, is_strength)?;
        self.width_mm
            .check(Self::NAME, "width_mm", WIDTH, is_width)?;
        self.density
            .check(Self::NAME, "density", DENSITY, is_density)
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> RingArtefact {
        RingArtefact {
            strength: self.strength.draw(random) as f32,
            width_mm: self.width_mm.draw(random),
            density: self.density.draw(random),
            seed: random.next_u64(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voxels_at_one_distance_change_alike_on_a_grid_of_uneven_spacing() {
        let grid = Slice {
            shape: [41, 31],
            spacing: [1.0, 1.5],
        };
        let mut voxels = vec![10.0_f32; 2 * 41 * 31];
        let rings = RingArtefact {
            strength: 5.0,
            width_mm: 2.0,
            density: 0.5,
            seed: 8,
        };
        let channel = Channel {
            voxels: &mut voxels,
            shape: [2, 41, 31],
            spacing: [3.0, 1.0, 1.5],
            number: 0,
        };
        rings.apply(channel).unwrap();
        let mut seen = std::collections::BTreeMap::new();
        for (i, &v) in voxels[..41 * 31].iter().enumerate() {
            let ring = libm::hypot(grid.place(0, i / 31), grid.place(1, i % 31)) / 2.0;
            assert_eq!(*seen.entry(ring as usize).or_insert(v), v);
        }
        let untouched = seen.values().filter(|&&v| v == 10.0).count();
        assert!((2..seen.len() - 2).contains(&untouched), "{untouched}");
        assert_ne!(voxels[..41 * 31], voxels[41 * 31..]);
    }
}
