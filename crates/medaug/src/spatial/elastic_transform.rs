//! Elastic deformation by smoothed noise (Simard et al., "Best practices for convolutional neural networks applied to
//! visual document analysis", ICDAR 2003; MONAI `Rand3DElastic`, batchgeneratorsv2's `SpatialTransform`).

use std::sync::Arc;

use medcore::Geometry;
use medcore::random::{Key, Random};
use serde::{Deserialize, Serialize};

use super::extract::Sampling;
use super::folding::Folding;
use crate::array::per_axis;
use crate::deformation::{Deformation, DisplacementLattice, Kernel, LatticeGrid};
use crate::draw::Draw;
use crate::error::{Result, check, check_entries, check_probability};
use crate::operation::SpatialOperation;
use crate::sample::LazySample;
use crate::step::Operation;
use crate::transform::{Transform, perhaps};
use crate::warp::{Reading, Warp};

/// What the magnitude of a displacement field tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Magnitude {
    /// What noise, uniform within -1 and 1 for each voxel, is multiplied by after it has been smoothed (MONAI,
    /// Albumentations): displacements are much smaller.
    #[default]
    Factor,
    /// The largest displacement along the axis of a point of the lattice, in voxels; between the points and within the
    /// image it is a little less (batchgeneratorsv2 has the largest of a voxel).
    Largest,
}

/// Moves every voxel by smoothed noise; the image keeps its shape.
///
/// The references draw noise for every voxel and smooth it; here it is drawn on a lattice of half a sigma, smoothed
/// there, and continued by cubic B-splines, which gives the same covariance from a hundredth of the numbers.
/// The noise goes on beyond the border, where MONAI's fades.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ElasticTransform {
    /// Standard deviation of the smoothing Gaussian in voxels, at least 1: one for all axes, or one an axis.
    pub sigma_voxels: Vec<f64>,
    /// How strong the displacement along each axis is: one for all axes, or one an axis.
    pub magnitude: Vec<f64>,
    /// What the magnitude tells.
    pub measure: Magnitude,
    /// Names the noise.
    pub seed: u64,
    /// What is done if the image is folded.
    pub folding: Folding,
    /// How values between voxels and outside the image are made.
    pub sampling: Sampling,
}

const NAME: &str = "ElasticTransform";
const RANDOM: &str = "RandomElasticTransform";

impl ElasticTransform {
    /// The displacements for an image of `shape`.
    ///
    /// # Errors
    /// Refuses lists of another length than 1 or `D`.
    pub fn field<const D: usize>(&self, shape: [usize; D]) -> Result<DisplacementLattice<D>> {
        let sigma: [f64; D] = per_axis(NAME, "sigma_voxels", &self.sigma_voxels)?;
        let magnitude: [f64; D] = per_axis(NAME, "magnitude", &self.magnitude)?;
        let step = sigma.map(|s| (s / 2.0).max(1.0));
        let cells: [usize; D] =
            std::array::from_fn(|a| ((shape[a] as f64 - 1.0) / step[a]).ceil().max(1.0) as usize);
        let points = cells.map(|n| n + 3);
        let start =
            std::array::from_fn(|a| ((shape[a] as f64 - 1.0) - cells[a] as f64 * step[a]) / 2.0);
        // The spline smooths too: by a third of a squared step.
        let kernels: [Vec<f32>; D] = std::array::from_fn(|a| {
            let steps = sigma[a] / step[a];
            erf_gaussian((steps * steps - 1.0 / 3.0).sqrt(), 3.0)
        });
        // Fewer numbers are averaged than there would be with one for each voxel.
        let loss: f64 = step.iter().product::<f64>().sqrt();
        let wide = std::array::from_fn(|a| points[a] + kernels[a].len() - 1);
        let key = Key::new(self.seed);
        let mut displacements = Vec::with_capacity(D * points.iter().product::<usize>());
        for (axis, magnitude) in magnitude.into_iter().enumerate() {
            let noise = uniform_noise(wide, &mut key.fork("axis", axis as u64).stream("noise"));
            let (mut field, _) = smoothed(noise, wide, &kernels);
            let factor = match self.measure {
                Magnitude::Factor => magnitude / loss,
                Magnitude::Largest => {
                    let largest = field.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
                    magnitude / f64::from(largest.max(f32::MIN_POSITIVE))
                }
            };
            field.iter_mut().for_each(|v| *v *= factor as f32);
            displacements.extend(field);
        }
        let grid = LatticeGrid {
            points,
            start,
            step,
        };
        DisplacementLattice::new(grid, Kernel::BSpline, &displacements)
    }
}

impl<const D: usize> SpatialOperation<D> for ElasticTransform {
    fn check(&self) -> Result<()> {
        check_entries(NAME, "sigma_voxels", self.sigma_voxels.len(), D)?;
        check_entries(NAME, "magnitude", self.magnitude.len(), D)?;
        for &sigma in &self.sigma_voxels {
            check(
                NAME,
                "sigma_voxels",
                sigma,
                "within 1 and 1000 voxels",
                is_sigma,
            )?;
        }
        for &magnitude in &self.magnitude {
            check(
                NAME,
                "magnitude",
                magnitude,
                "finite and at least 0",
                is_magnitude,
            )?;
        }
        Ok(())
    }

    fn warp(&self, grid: &Geometry<D>) -> Result<Warp<D>> {
        SpatialOperation::<D>::check(self)?;
        let lattice = self.folding.settle(NAME, self.field(grid.shape())?)?;
        let deformation = Deformation::Lattice(Arc::new(lattice));
        Ok(Warp::bent(
            grid.shape(),
            deformation,
            Reading::from(self.sampling),
        ))
    }
}

fn is_sigma(value: f64) -> bool {
    (1.0..=1000.0).contains(&value)
}

fn is_magnitude(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

/// The displacement along one axis that MONAI's `Rand3DElastic` makes of noise of one number a voxel, before it is
/// multiplied by the magnitude: smoothed by the Gaussian's mass within each voxel, cut at 3 sigma, zeros outside.
///
/// `noise` has `shape`, last axis fastest; `sigma` is in voxels.
#[must_use]
pub fn smoothed_noise<const D: usize>(
    noise: &[f32],
    shape: [usize; D],
    sigma: [f64; D],
) -> Vec<f32> {
    let kernels = sigma.map(|s| erf_gaussian(s, 3.0));
    let wide: [usize; D] = std::array::from_fn(|a| shape[a] + kernels[a].len() - 1);
    let mut padded = vec![0.0; wide.iter().product()];
    for (row, values) in noise.chunks_exact(shape[D - 1]).enumerate() {
        let (mut rest, mut at, mut stride) = (row, kernels[D - 1].len() / 2, wide[D - 1]);
        for a in (0..D - 1).rev() {
            at += (rest % shape[a] + kernels[a].len() / 2) * stride;
            rest /= shape[a];
            stride *= wide[a];
        }
        padded[at..at + values.len()].copy_from_slice(values);
    }
    smoothed(padded, wide, &kernels).0
}

/// The mass of a Gaussian within each voxel, out to `truncated` sigma.
fn erf_gaussian(sigma: f64, truncated: f64) -> Vec<f32> {
    let tail = ((sigma * truncated).max(0.5) + 0.5) as i64;
    let t = std::f64::consts::FRAC_1_SQRT_2 / sigma;
    (-tail..=tail)
        .map(|x| x as f64)
        .map(|x| 0.5 * (libm::erf(t * (x + 0.5)) - libm::erf(t * (x - 0.5))))
        .map(|v| v as f32)
        .collect()
}

/// Numbers uniform within -1 and 1.
fn uniform_noise<const D: usize>(shape: [usize; D], random: &mut Random) -> Vec<f32> {
    const UNIT: f32 = 1.0 / (1_u32 << 23) as f32;
    let mut bits = vec![0; shape.iter().product()];
    random.fill_u32(&mut bits);
    bits.into_iter()
        .map(|b| (b >> 8) as i32 as f32 * UNIT - 1.0)
        .collect()
}

/// Correlates along every axis where the kernels fit, and says which shape that leaves.
fn smoothed<const D: usize>(
    mut values: Vec<f32>,
    mut shape: [usize; D],
    kernels: &[Vec<f32>; D],
) -> (Vec<f32>, [usize; D]) {
    for (a, kernel) in kernels.iter().enumerate() {
        let (n, inner) = (shape[a], shape[a + 1..].iter().product::<usize>());
        let left = n + 1 - kernel.len();
        let outer: usize = shape[..a].iter().product();
        let mut sums = vec![0.0; outer * left * inner];
        for (from, to) in values
            .chunks_exact(n * inner)
            .zip(sums.chunks_exact_mut(left * inner))
        {
            for (k, weight) in kernel.iter().enumerate() {
                let window = &from[k * inner..(k + left) * inner];
                to.iter_mut()
                    .zip(window)
                    .for_each(|(sum, v)| *sum += weight * v);
            }
        }
        (values, shape[a]) = (sums, left);
    }
    (values, shape)
}

/// Draws the smoothness and the strength of an [`ElasticTransform`], and its noise.
///
/// A field that would fold the image is weakened as [`Folding::Weaken`] says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomElasticTransform {
    /// Probability of a sample.
    pub probability: f64,
    /// Standard deviation of the smoothing Gaussian in voxels: one draw for all axes together, or one an axis.
    pub sigma_voxels: Vec<Draw>,
    /// Strength: one draw for all axes together, or one an axis.
    pub magnitude: Vec<Draw>,
    /// What the magnitude tells.
    pub measure: Magnitude,
    /// How values between voxels and outside the image are made.
    pub sampling: Sampling,
}

impl Default for RandomElasticTransform {
    /// MONAI's probability, and the ranges of its tutorials: sigma within 5 and 8 voxels, factors within 100 and 200.
    fn default() -> Self {
        let uniform = |low, high| vec![Draw::Uniform { low, high }];
        Self {
            probability: 0.1,
            sigma_voxels: uniform(5.0, 8.0),
            magnitude: uniform(100.0, 200.0),
            measure: Magnitude::Factor,
            sampling: Sampling::default(),
        }
    }
}

impl<const D: usize> Transform<D> for RandomElasticTransform {
    fn name(&self) -> &'static str {
        RANDOM
    }

    fn check(&self) -> Result<()> {
        check_probability(RANDOM, self.probability)?;
        check_entries(RANDOM, "sigma_voxels", self.sigma_voxels.len(), D)?;
        check_entries(RANDOM, "magnitude", self.magnitude.len(), D)?;
        for draw in &self.sigma_voxels {
            draw.check(RANDOM, "sigma_voxels", "within 1 and 1000 voxels", is_sigma)?;
        }
        for draw in &self.magnitude {
            draw.check(RANDOM, "magnitude", "finite and at least 0", is_magnitude)?;
        }
        Ok(())
    }

    fn draw(&self, _sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        perhaps(key, self.probability, || {
            let each = |draws: &[Draw], name| {
                let mut random = key.stream(name);
                draws.iter().map(|draw| draw.draw(&mut random)).collect()
            };
            Ok(ElasticTransform {
                sigma_voxels: each(&self.sigma_voxels, "sigma_voxels"),
                magnitude: each(&self.magnitude, "magnitude"),
                measure: self.measure,
                seed: key.stream("seed").next_u64(),
                folding: Folding::Weaken,
                sampling: self.sampling,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_on_the_lattice_spreads_as_noise_of_every_voxel_does() {
        // The mean square of smoothed noise in 2D is 1/3 of 1 / (4 pi sigma^2), that of its slope 1 / (2 sigma^2) of it.
        for sigma in [1.5, 3.0, 6.0] {
            let (mut square, mut slope, mut count) = (0.0, 0.0, 0.0);
            for seed in 0..12 {
                let elastic = ElasticTransform {
                    sigma_voxels: vec![sigma],
                    magnitude: vec![100.0],
                    seed,
                    ..ElasticTransform::default()
                };
                let field = elastic.field([96, 80]).unwrap();
                for y in (0..96).map(f64::from) {
                    for x in (0..80).map(f64::from) {
                        let (here, next) = (field.source_of([y, x]), field.source_of([y, x + 0.1]));
                        square += (here[0] - y).powi(2);
                        slope += ((next[0] - here[0]) / 0.1).powi(2);
                        count += 1.0;
                    }
                }
            }
            let want = 1e4 / 3.0 / (4.0 * std::f64::consts::PI * sigma * sigma);
            let (square, slope) = (square / count, slope / count);
            assert!(
                (square / want - 1.0).abs() < 0.12,
                "{sigma}: {square} {want}"
            );
            let want = want / (2.0 * sigma * sigma);
            assert!((slope / want - 1.0).abs() < 0.12, "{sigma}: {slope} {want}");
        }
    }

    #[test]
    fn the_largest_displacement_is_the_magnitude() {
        let elastic = ElasticTransform {
            sigma_voxels: vec![4.0],
            magnitude: vec![2.0, 3.0],
            measure: Magnitude::Largest,
            ..ElasticTransform::default()
        };
        let field = elastic.field([60, 70]).unwrap();
        let largest = |axis: usize| {
            (0..60 * 70)
                .map(|i| [(i / 70) as f64, (i % 70) as f64])
                .map(|at| (field.source_of(at)[axis] - at[axis]).abs())
                .fold(0.0, f64::max)
        };
        // Control points are a little farther out than the spline between them, and some lie outside the image.
        for (axis, magnitude) in [(0, 2.0), (1, 3.0)] {
            assert!(
                (0.6 * magnitude..=magnitude).contains(&largest(axis)),
                "{}",
                largest(axis)
            );
        }
    }
}
