//! A Gaussian spot, from 0 where it is weakest in the image to 1 where it is strongest.

use medcore::random::Random;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::array::per_axis;
use crate::draw::Draw;
use crate::error::{Result, check, check_entries};

/// Where a change is strong and how far it reaches; one entry for all axes or one an axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spot {
    /// Its middle as a share of the image: 0 is the front face, 1 the back face; it may lie outside.
    pub centre: Vec<f64>,
    /// Standard deviation as a share of the image.
    pub width: Vec<f64>,
}

impl Spot {
    pub(super) fn check(&self, transform: &'static str, dimension: usize) -> Result<()> {
        check_entries(transform, "centre", self.centre.len(), dimension)?;
        check_entries(transform, "width", self.width.len(), dimension)?;
        for &centre in &self.centre {
            check(transform, "centre", centre, "finite", f64::is_finite)?;
        }
        for &width in &self.width {
            check(transform, "width", width, "finite and above 0", |v| {
                v.is_finite() && v > 0.0
            })?;
        }
        Ok(())
    }

    /// Its share of every voxel along each axis, batchgeneratorsv2's: the difference of the normal distribution
    /// at the voxel's faces.
    pub(super) fn profile<const D: usize>(
        &self,
        transform: &'static str,
        shape: [usize; D],
    ) -> Result<Profile<D>> {
        let centre: [f64; D] = per_axis(transform, "centre", &self.centre)?;
        let width: [f64; D] = per_axis(transform, "width", &self.width)?;
        let axes: [Vec<f32>; D] = std::array::from_fn(|a| {
            let n = shape[a] as f64;
            let below = |face: f64| {
                let distance = (face - centre[a] * n) / (width[a] * n);
                0.5 * libm::erfc(-distance * std::f64::consts::FRAC_1_SQRT_2)
            };
            (0..shape[a])
                .map(|i| (below(i as f64 + 0.5) - below(i as f64 - 0.5)) as f32)
                .collect()
        });
        let product = |of: fn(f32, f32) -> f32| {
            axes.iter()
                .map(|axis| axis.iter().copied().reduce(of).unwrap_or(0.0))
                .product::<f32>()
        };
        let (min, max) = (product(f32::min), product(f32::max));
        let scale = if max > min { 1.0 / (max - min) } else { 0.0 };
        Ok(Profile { axes, min, scale })
    }
}

/// A spot on one grid.
pub(super) struct Profile<const D: usize> {
    axes: [Vec<f32>; D],
    min: f32,
    scale: f32,
}

impl<const D: usize> Profile<D> {
    /// The mean of the spot over the image.
    pub(super) fn mean(&self) -> f32 {
        let mean = |axis: &Vec<f32>| {
            axis.iter().map(|&v| f64::from(v)).sum::<f64>() / axis.len().max(1) as f64
        };
        let product: f64 = self.axes.iter().map(mean).product();
        ((product - f64::from(self.min)) * f64::from(self.scale)) as f32
    }

    /// Calls `change` with every voxel and the strength of the spot there.
    pub(super) fn for_each(&self, voxels: &mut [f32], change: impl Fn(&mut f32, f32) + Sync) {
        let row = &self.axes[D - 1];
        let rows = voxels.par_chunks_exact_mut(row.len().max(1));
        rows.with_min_len(64)
            .enumerate()
            .for_each(|(number, voxels)| {
                let (mut rest, mut outer) = (number, 1.0);
                for axis in self.axes[..D - 1].iter().rev() {
                    outer *= axis[rest % axis.len()];
                    rest /= axis.len();
                }
                for (v, inner) in voxels.iter_mut().zip(row) {
                    change(v, (outer * inner - self.min) * self.scale);
                }
            });
    }
}

/// Draws a [`Spot`], every axis by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomSpot {
    /// Its middle as a share of the image.
    pub centre: Draw,
    /// Smallest and largest standard deviation as shares of the image; their logarithm is uniform.
    pub width: [f64; 2],
}

impl Default for RandomSpot {
    /// That of nnU-Net's DA5: up to half an image outside, a sixth to a whole image wide.
    fn default() -> Self {
        Self {
            centre: Draw::Uniform {
                low: -0.5,
                high: 1.5,
            },
            width: [1.0 / 6.0, 1.0],
        }
    }
}

impl RandomSpot {
    pub(super) fn check(&self, transform: &'static str) -> Result<()> {
        self.centre.check(transform, "centre", "finite", |_| true)?;
        let [low, high] = self.width;
        check(transform, "width", low, "finite and above 0", |v| {
            v.is_finite() && v > 0.0
        })?;
        check(
            transform,
            "width",
            high,
            "finite and at least its lower bound",
            |v| v.is_finite() && v >= low,
        )
    }

    pub(super) fn draw(&self, dimension: usize, random: &mut Random) -> Spot {
        let [low, high] = self.width.map(libm::log);
        Spot {
            centre: (0..dimension).map(|_| self.centre.draw(random)).collect(),
            width: (0..dimension)
                .map(|_| libm::exp(random.uniform_in(low, high)))
                .collect(),
        }
    }
}
