//! Fewer voxels without the patterns that are finer than they can show.

use medcore::resample::{Interpolation, LabelInterpolation};
use medcore::{Geometry, Image};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::area::{along_axes_of, with_images};
use super::shape::stretched;
use super::{ResizeTo, inside, labels};
use crate::error::Result;
use crate::intensity::{FilterBorder, erf_kernel, sampled_gaussian};
use crate::operation::SampleOperation;
use crate::sample::Sample;
use crate::warp::Warp;

const NAME: &str = "ResizeAntialiased";

/// How an axis that loses voxels is smoothed; `f` is the number of old voxels for a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AntiAliasing {
    /// Weights fall off linearly to 0 at `f` voxels (torchvision `Resize(antialias=True)`, Pillow's `BILINEAR`).
    #[default]
    Triangle,
    /// A Gaussian of `(f - 1) / 2` voxels up to 4 deviations on the mirrored image, then linear interpolation
    /// (scikit-image `resize(order=1, anti_aliasing=True)`).
    Gaussian,
    /// A Gaussian of the same deviation, integrated over voxels, on an image with zeros around, then linear interpolation
    /// (MONAI `Resize(mode="bilinear", anti_aliasing=True)`): borders darken.
    MonaiGaussian,
}

/// Gives an image another number of voxels by linear interpolation, of what is smoothed first along axes that lose voxels.
///
/// [`ResizeArea`](super::ResizeArea) averages, which is simpler and a little less smooth. Labels are read as by
/// [`Resize`](super::Resize). NaN spreads to what its weight reaches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResizeAntialiased {
    /// How many voxels it gets.
    pub to: ResizeTo,
    /// How it is smoothed.
    #[serde(default)]
    pub filter: AntiAliasing,
    /// Between voxels of labels.
    #[serde(default = "labels")]
    pub labels: LabelInterpolation,
}

impl ResizeAntialiased {
    /// By torchvision's rule, linear interpolation of labels.
    #[must_use]
    pub fn new(to: ResizeTo) -> Self {
        Self {
            to,
            filter: AntiAliasing::default(),
            labels: labels(),
        }
    }

    fn stretch<const D: usize>(&self, shape: [usize; D]) -> Result<Warp<D>> {
        let to = self.to.of(NAME, shape)?;
        let reading = inside(Interpolation::Linear, self.labels);
        Ok(stretched(shape, to, reading))
    }
}

impl<const D: usize> SampleOperation<D> for ResizeAntialiased {
    fn check(&self) -> Result<()> {
        self.to.check(NAME, D)
    }

    fn apply(&self, sample: Sample<D>) -> Result<Sample<D>> {
        let warp = self.stretch(sample.shape())?;
        if warp.is_identity(sample.shape()) {
            return Ok(sample);
        }
        with_images(&sample, warp.apply(&sample)?, |image, grid| {
            self.filter.resized(image, grid)
        })
    }

    fn warp(&self, grid: &Geometry<D>) -> Result<Option<Warp<D>>> {
        self.stretch(grid.shape()).map(Some)
    }
}

/// The old voxels that a new one is made of: the first of them, and what each counts.
struct Share {
    first: usize,
    weights: Vec<f32>,
}

impl AntiAliasing {
    fn resized<const D: usize>(
        self,
        image: &Image<f32, D>,
        grid: Geometry<D>,
    ) -> Result<Image<f32, D>> {
        along_axes_of(image, grid, |source, out, [inner, from, to]| {
            let shares = self.shares(from, to);
            weigh(source, out, [inner, from, to], &shares);
        })
    }

    /// What each of `to` voxels is made of, along an axis of `from`.
    fn shares(self, from: usize, to: usize) -> Vec<Share> {
        let factor = from as f64 / to as f64;
        let sigma = ((factor - 1.0) / 2.0).max(0.0);
        let (kernel, border) = match self {
            Self::Triangle => return (0..to).map(|i| triangle(i, factor, from)).collect(),
            Self::Gaussian => {
                let radius = (4.0 * sigma + 0.5) as usize;
                (
                    sampled_gaussian(sigma, 2 * radius + 1),
                    FilterBorder::Mirror,
                )
            }
            Self::MonaiGaussian if sigma == 0.0 => (vec![1.0], FilterBorder::Zero),
            Self::MonaiGaussian => (erf_kernel(sigma), FilterBorder::Zero),
        };
        let radius = kernel.len() / 2;
        let share = |i: usize| {
            let at = ((i as f64 + 0.5) * factor - 0.5).clamp(0.0, from as f64 - 1.0);
            let low = at as usize;
            let part = (at - low as f64) as f32;
            let mut weights = vec![0.0; from];
            for (voxel, part) in [(low, 1.0 - part), ((low + 1).min(from - 1), part)] {
                for (tap, &weight) in kernel.iter().enumerate() {
                    let seen = voxel as isize + tap as isize - radius as isize;
                    if let Some(seen) = border.source(seen, from) {
                        weights[seen] += weight * part;
                    }
                }
            }
            let first = weights.iter().take_while(|&&w| w == 0.0).count();
            let end = from - weights.iter().rev().take_while(|&&w| w == 0.0).count();
            let weights = weights[first..end.max(first)].to_vec();
            Share { first, weights }
        };
        (0..to).map(share).collect()
    }
}

/// PyTorch's rule: the middle of a new voxel, and weights of old middles by their distance.
fn triangle(i: usize, factor: f64, from: usize) -> Share {
    let (support, centre) = (factor.max(1.0), (i as f64 + 0.5) * factor);
    let first = (centre - support + 0.5).max(0.0) as usize;
    let end = ((centre + support + 0.5) as usize).min(from);
    let weight = |j: usize| (1.0 - (j as f64 + 0.5 - centre).abs() / support).max(0.0);
    let sum: f64 = (first..end).map(weight).sum();
    Share {
        first,
        weights: (first..end).map(|j| (weight(j) / sum) as f32).collect(),
    }
}

/// Weighs planes of `inner` voxels along one axis.
fn weigh(source: &[f32], out: &mut [f32], [inner, from, to]: [usize; 3], shares: &[Share]) {
    let blocks = out
        .par_chunks_mut(to * inner)
        .zip(source.par_chunks(from * inner));
    blocks.for_each(|(out, source)| {
        if inner == 1 {
            for (out, share) in out.iter_mut().zip(shares) {
                let seen = source[share.first..].iter().zip(&share.weights);
                *out = seen.map(|(&v, &weight)| v * weight).sum();
            }
            return;
        }
        let planes = out.par_chunks_mut(inner).zip(shares);
        planes.for_each(|(out, share)| {
            for (plane, &weight) in share.weights.iter().enumerate() {
                let voxels = &source[(share.first + plane) * inner..][..inner];
                for (sum, &v) in out.iter_mut().zip(voxels) {
                    *sum += weight * v;
                }
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_voxel_is_made_of_counts_as_one_in_all() {
        for filter in [AntiAliasing::Triangle, AntiAliasing::Gaussian] {
            for (from, to) in [(1, 1), (2, 1), (7, 3), (30, 4), (5, 9), (9, 1), (100, 3)] {
                for (i, share) in filter.shares(from, to).iter().enumerate() {
                    let sum: f32 = share.weights.iter().sum();
                    assert!(
                        (sum - 1.0).abs() < 1e-5,
                        "{filter:?} {from} {to} {i}: {sum}"
                    );
                    assert!(share.first + share.weights.len() <= from);
                }
            }
        }
    }
}
