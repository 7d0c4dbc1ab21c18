//! Metal in CT: dark bands by beam hardening and thin streaks by starved rays.
//!
//! The model, slice by slice in parallel rays. Metal takes more of the soft part of the spectrum than of the hard one.
//! With half of the photons at either energy, a ray that passes `L` of it is measured as
//!
//! ```text
//! p(L) = -ln(exp(-soft * L) / 2 + exp(-hard * L) / 2) + noise,    variance of the noise = exp(p) / photons
//! ```
//!
//! where a scanner that knows one energy expects `(soft + hard) / 2 * L`. Reconstruction is linear, so the artefact is
//! the filtered back-projection of the difference, added to an image that is not touched otherwise. Hardening by the
//! tissue around, scatter and partial volume are left out.

use medcore::random::{Key, Random};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::back_projection::{Rays, Slice, check_slices};
use crate::error::{Error, Result, check};
use crate::operation::{Channel, ChannelOperation};

/// Attenuation of water in CT, per millimetre.
const WATER: f64 = 0.02;

/// Directions of rays in half a turn.
const VIEWS: usize = 360;

/// Rays weaker than e to the minus this carry no more information.
const STARVED: f64 = 12.0;

/// What an implant is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Metal {
    /// Screws and hips.
    #[default]
    Titanium,
    /// Older implants.
    Steel,
    /// Teeth.
    Gold,
}

impl Metal {
    /// Attenuation per millimetre of soft and hard photons, about 50 and 100 keV (NIST's tables of X-ray mass
    /// attenuation coefficients).
    fn attenuation(self) -> [f64; 2] {
        match self {
            Self::Titanium => [0.546, 0.123],
            Self::Steel => [1.54, 0.293],
            Self::Gold => [14.0, 9.95],
        }
    }
}

/// A ball of metal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Implant {
    /// Its middle, from 0 to 1 along each axis.
    pub centre: Vec<f64>,
    /// Its radius in millimetres.
    pub radius_mm: f64,
}

/// Puts balls of metal into CT, with the bands and streaks they cause in their slices.
///
/// For images of two or three axes; slices of the latter lie across the first. NaN stays where it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetalArtefact {
    /// The balls.
    pub implants: Vec<Implant>,
    /// What they are made of.
    pub metal: Metal,
    /// Photons of a ray that meets nothing; fewer make more streaks.
    pub photons: f64,
    /// What lies between air and water in the image: 1000 in Hounsfield units.
    pub water: f32,
    /// What metal is shown as: 3071 at the end of twelve bits of Hounsfield units.
    pub value: f32,
    /// Names the noise.
    pub seed: u64,
}

const NAME: &str = "MetalArtefact";
pub(super) const POSITIVE: &str = "finite and above 0";

pub(super) fn is_positive(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

/// A disc that a ball cuts out of a slice: place and radius in millimetres.
struct Disc {
    place: [f64; 2],
    radius: f64,
}

impl MetalArtefact {
    /// The discs in a slice `depth` millimetres from the middle of a stack of `height`.
    fn discs(&self, grid: Slice, depth: f64, height: f64) -> Vec<Disc> {
        let inside = self.implants.iter().filter_map(|implant| {
            let axes = implant.centre.len();
            let across = if axes == 3 {
                (implant.centre[0] - 0.5) * height - depth
            } else {
                0.0
            };
            let square = implant.radius_mm.powi(2) - across * across;
            let place = std::array::from_fn(|a| {
                let at = implant.centre[axes - 2 + a] - 0.5;
                at * grid.shape[a] as f64 * grid.spacing[a]
            });
            let radius = square.max(0.0).sqrt();
            (radius > 0.0).then_some(Disc { place, radius })
        });
        inside.collect()
    }

    /// What the scanner measures beyond what it expects of a ray that passes `length` of metal.
    fn error(&self, length: f64, random: &mut Random) -> f64 {
        let [soft, hard] = self.metal.attenuation();
        // The stronger part is taken out, so that no exponential vanishes.
        let measured = hard * length - libm::log(0.5 * (1.0 + libm::exp((hard - soft) * length)));
        let noise = (libm::exp(measured.min(STARVED)) / self.photons).sqrt() * random.normal();
        measured - (soft + hard) / 2.0 * length + noise
    }

    fn change_slice(&self, slice: &mut [f32], grid: Slice, discs: &[Disc], key: Key) {
        let rays = Rays::through(grid.shape, grid.spacing, VIEWS);
        let mut sinogram = vec![0.0_f32; rays.views * rays.rays];
        let views = sinogram.par_chunks_mut(rays.rays).enumerate();
        views.for_each(|(view, measured)| {
            let (sin, cos) = rays.direction(view);
            let mut random = key.fork("view", view as u64).stream("noise");
            for (ray, p) in measured.iter_mut().enumerate() {
                let chords = discs.iter().map(|disc| {
                    let offset = rays.offset(ray) - disc.place[1] * cos - disc.place[0] * sin;
                    2.0 * (disc.radius.powi(2) - offset * offset).max(0.0).sqrt()
                });
                let length: f64 = chords.sum();
                if length > 0.0 {
                    *p = self.error(length, &mut random) as f32;
                }
            }
        });
        rays.filter(&mut sinogram);
        let scale = self.water / WATER as f32;
        rays.back_project(&sinogram, slice, grid, scale);
        let rows = slice.par_chunks_mut(grid.shape[1]).enumerate();
        rows.for_each(|(h, row)| {
            for (w, v) in row.iter_mut().enumerate() {
                let inside = |disc: &Disc| {
                    let y = grid.place(0, h) - disc.place[0];
                    let x = grid.place(1, w) - disc.place[1];
                    x * x + y * y <= disc.radius.powi(2)
                };
                if discs.iter().any(inside) {
                    *v = self.value;
                }
            }
        });
    }
}

impl ChannelOperation for MetalArtefact {
    fn check(&self, dimension: usize) -> Result<()> {
        check_slices(NAME, dimension)?;
        check(
            NAME,
            "photons",
            self.photons,
            "finite and at least 1",
            |v| v.is_finite() && v >= 1.0,
        )?;
        check(NAME, "water", self.water.into(), POSITIVE, is_positive)?;
        check(NAME, "value", self.value.into(), "finite", f64::is_finite)?;
        for implant in &self.implants {
            check(NAME, "radius_mm", implant.radius_mm, POSITIVE, is_positive)?;
            if implant.centre.len() != dimension {
                return Err(Error::EntryCount {
                    transform: NAME,
                    parameter: "centre",
                    expected: dimension,
                    got: implant.centre.len(),
                });
            }
            for &v in &implant.centre {
                check(NAME, "centre", v, "within 0 and 1", |v| {
                    (0.0..=1.0).contains(&v)
                })?;
            }
        }
        Ok(())
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        self.check(D)?;
        let grid = Slice::of(&channel);
        let stack = Slice {
            shape: [if D == 3 { channel.shape[0] } else { 1 }, 1],
            spacing: [if D == 3 { channel.spacing[0] } else { 1.0 }, 1.0],
        };
        let height = stack.shape[0] as f64 * stack.spacing[0];
        let key = Key::new(self.seed).fork("metal", channel.number as u64);
        let len = grid.shape[0] * grid.shape[1];
        for (s, slice) in channel.voxels.chunks_mut(len).enumerate() {
            let discs = self.discs(grid, stack.place(0, s), height);
            if !discs.is_empty() {
                self.change_slice(slice, grid, &discs, key.fork("slice", s as u64));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(photons: f64, centres: &[[f64; 2]]) -> Vec<f32> {
        let mut voxels = vec![40.0; 81 * 91];
        let artefact = MetalArtefact {
            implants: centres
                .iter()
                .map(|centre| Implant {
                    centre: centre.to_vec(),
                    radius_mm: 4.0,
                })
                .collect(),
            metal: Metal::Steel,
            photons,
            water: 1000.0,
            value: 3071.0,
            seed: 3,
        };
        let channel = Channel {
            voxels: &mut voxels,
            shape: [81, 91],
            spacing: [1.0, 1.0],
            number: 0,
        };
        artefact.apply(channel).unwrap();
        voxels.iter().map(|v| v - 40.0).collect()
    }

    #[test]
    fn two_implants_darken_what_lies_between_them_and_hardly_what_lies_far() {
        let change = changed(1e12, &[[0.5, 0.25], [0.5, 0.75]]);
        let at = |h: usize, w: usize| change[h * 91 + w];
        assert_eq!(at(40, 22), 3071.0 - 40.0, "metal");
        let between: f32 = (38..43).map(|h| at(h, 45)).sum::<f32>() / 5.0;
        let far: f32 = (2..10).map(|h| at(h, 45).abs()).sum::<f32>() / 8.0;
        assert!(between < -100.0, "{between}");
        assert!(far < 0.2 * between.abs(), "{far} {between}");
    }

    #[test]
    fn noise_streaks_through_the_metal() {
        let (noisy, clean) = (changed(1e3, &[[0.5, 0.5]]), changed(1e12, &[[0.5, 0.5]]));
        // Around the metal, on a circle of 25 voxels: streaks are noise that does not average out along a ray.
        let noise = |h: usize, w: usize| f64::from(noisy[h * 91 + w] - clean[h * 91 + w]);
        let near: f64 = (0..81).map(|h| noise(h, 45).powi(2)).sum::<f64>() / 81.0;
        let beside: f64 = (0..81).map(|h| noise(h, 3).powi(2)).sum::<f64>() / 81.0;
        assert!(near > 2.0 * beside && beside > 0.0, "{near} {beside}");
        // Rays that pass the metal run down below it: there the noise goes on downwards and changes sideways.
        let (mut down, mut sideways) = (0.0, 0.0);
        for h in 58..78 {
            for w in 42..49 {
                down += noise(h, w) * noise(h + 1, w);
                sideways += noise(h, w) * noise(h, w + 1);
            }
        }
        assert!(down > 2.0 * sideways && down > 0.0, "{down} {sideways}");
    }
}
