//! Metal at drawn places.

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use super::back_projection::check_slices;
use super::metal::{Implant, Metal, MetalArtefact, POSITIVE, is_positive};
use crate::draw::{Channels, Draw, check_count, draw_count};
use crate::error::{Result, check};
use crate::transform::{RandomChannels, random_twin};

/// Puts some balls of metal at drawn places.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomMetalArtefact {
    /// Probability of a sample.
    pub probability: f64,
    /// Smallest and largest number of balls.
    pub count: [usize; 2],
    /// Radius of each in millimetres.
    pub radius_mm: Draw,
    /// What they are made of.
    pub metal: Metal,
    /// Photons of a ray that meets nothing.
    pub photons: f64,
    /// What lies between air and water in the image.
    pub water: f32,
    /// What metal is shown as.
    pub value: f32,
    /// Whether the channels share the balls.
    pub channels: Channels,
}

impl Default for RandomMetalArtefact {
    /// A twentieth of the samples, two to four screws of titanium in an image in Hounsfield units.
    fn default() -> Self {
        Self {
            probability: 0.05,
            count: [2, 4],
            radius_mm: Draw::Uniform {
                low: 2.0,
                high: 6.0,
            },
            metal: Metal::Titanium,
            photons: 1e5,
            water: 1000.0,
            value: 3071.0,
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomMetalArtefact {
    random_twin!(RandomMetalArtefact => MetalArtefact);

    fn check_for(&self, dimension: usize) -> Result<()> {
        check_slices(Self::NAME, dimension)?;
        check_count(Self::NAME, self.count, 10_000)?;
        self.radius_mm
            .check(Self::NAME, "radius_mm", POSITIVE, is_positive)?;
        check(
            Self::NAME,
            "photons",
            self.photons,
            "finite and at least 1",
            |v| v.is_finite() && v >= 1.0,
        )?;
        check(
            Self::NAME,
            "water",
            self.water.into(),
            POSITIVE,
            is_positive,
        )?;
        check(
            Self::NAME,
            "value",
            self.value.into(),
            "finite",
            f64::is_finite,
        )
    }

    /// Balls lie within the middle half of each axis, where the patient is, and close together along the first of
    /// three.
    fn draw(&self, dimension: usize, random: &mut Random) -> MetalArtefact {
        let balls = draw_count(self.count, random);
        let height = random.uniform_in(0.25, 0.75);
        let implants = (0..balls).map(|_| Implant {
            radius_mm: self.radius_mm.draw(random),
            centre: (0..dimension)
                .map(|axis| {
                    let place = random.uniform_in(0.25, 0.75);
                    if dimension == 3 && axis == 0 {
                        height
                    } else {
                        place
                    }
                })
                .collect(),
        });
        MetalArtefact {
            implants: implants.collect(),
            metal: self.metal,
            photons: self.photons,
            water: self.water,
            value: self.value,
            seed: random.next_u64(),
        }
    }
}
