//! Optical distortion: what a lens does to a picture (Albumentations `OpticalDistortion`, OpenCV's camera model).

use medcore::Geometry;
use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::extract::Sampling;
use crate::deformation::{Deformation, Radial};
use crate::draw::Draw;
use crate::error::{Result, check, check_dimension, check_probability};
use crate::operation::SpatialOperation;
use crate::sample::LazySample;
use crate::step::Operation;
use crate::transform::{Transform, perhaps};
use crate::warp::{Reading, Warp};

/// How the distance from the middle is measured, and how a place moves by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lens {
    /// `1 + k r^2 + k r^4`, in units of the width and the height (OpenCV with `k1 = k2 = k` and the image's size as
    /// focal lengths).
    #[default]
    Camera,
    /// `1 + k r^2`, in units of half the diagonal (Albumentations' `fisheye`).
    Fisheye,
}

/// Looks farther from the middle of a 2D image the farther a pixel lies from it.
///
/// The middle is that of the pixels, and stays. Albumentations takes the place half a pixel farther along both axes for
/// it, so that its camera also shifts the picture by as much.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OpticalDistortion {
    /// Strength: above 0 the picture shrinks towards its middle, below 0 it swells.
    pub distortion: f64,
    /// The lens.
    pub lens: Lens,
    /// How values between pixels and outside the image are made.
    pub sampling: Sampling,
}

const NAME: &str = "OpticalDistortion";
const RANDOM: &str = "RandomOpticalDistortion";

impl OpticalDistortion {
    fn radial(&self, shape: [f64; 2]) -> Radial {
        let centre = shape.map(|n| (n - 1.0) / 2.0);
        let k = self.distortion;
        match self.lens {
            Lens::Camera => Radial {
                centre,
                scale: shape,
                coefficients: [k, k],
            },
            Lens::Fisheye => Radial {
                centre,
                scale: [libm::hypot(shape[0], shape[1]) / 2.0; 2],
                coefficients: [k, 0.0],
            },
        }
    }
}

/// Neither lens folds a picture at its corners, the farthest places, within these bounds.
const STRONGEST: f64 = 0.3;

fn check_strength(transform: &'static str, value: f64) -> Result<()> {
    check(
        transform,
        "distortion",
        value,
        "within -0.3 and 10, which folds nothing",
        |v| (-STRONGEST..=10.0).contains(&v),
    )
}

impl<const D: usize> SpatialOperation<D> for OpticalDistortion {
    fn check(&self) -> Result<()> {
        check_dimension(NAME, D, &[2])?;
        check_strength(NAME, self.distortion)
    }

    fn warp(&self, grid: &Geometry<D>) -> Result<Warp<D>> {
        SpatialOperation::<D>::check(self)?;
        let shape = grid.shape();
        let plane = std::array::from_fn(|a| shape[a.min(D - 1)] as f64);
        let deformation = Deformation::Radial(self.radial(plane));
        Ok(Warp::bent(shape, deformation, Reading::from(self.sampling)))
    }
}

/// Draws the strength of an [`OpticalDistortion`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomOpticalDistortion {
    /// Probability of a sample.
    pub probability: f64,
    /// Strength, as [`OpticalDistortion::distortion`].
    pub distortion: Draw,
    /// The lens.
    pub lens: Lens,
    /// How values between pixels and outside the image are made.
    pub sampling: Sampling,
}

impl Default for RandomOpticalDistortion {
    /// Albumentations': half of the samples, strengths up to 0.05 of either sign, a camera.
    fn default() -> Self {
        Self {
            probability: 0.5,
            distortion: Draw::symmetric(0.05),
            lens: Lens::Camera,
            sampling: Sampling::default(),
        }
    }
}

impl<const D: usize> Transform<D> for RandomOpticalDistortion {
    fn name(&self) -> &'static str {
        RANDOM
    }

    fn check(&self) -> Result<()> {
        check_dimension(RANDOM, D, &[2])?;
        check_probability(RANDOM, self.probability)?;
        let (low, high) = self.distortion.bounds();
        check_strength(RANDOM, low)?;
        check_strength(RANDOM, high)?;
        self.distortion
            .check(RANDOM, "distortion", "finite", f64::is_finite)
    }

    fn draw(&self, _sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        perhaps(key, self.probability, || {
            Ok(OpticalDistortion {
                distortion: self.distortion.draw(&mut key.stream("distortion")),
                lens: self.lens,
                sampling: self.sampling,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_distortions_do_not_fold_the_corners() {
        for lens in [Lens::Camera, Lens::Fisheye] {
            for distortion in [-STRONGEST, 10.0] {
                let optical = OpticalDistortion {
                    distortion,
                    lens,
                    ..OpticalDistortion::default()
                };
                let shape = [64.0, 100.0];
                let radial = optical.radial(shape);
                let growth = |at| radial.growth(at);
                assert!(
                    growth([0.0, 0.0]) > 0.0 && growth([64.0, 100.0]) > 0.0,
                    "{optical:?}"
                );
                // Places outside, which chains may look at, are led back to, or known not to be shown.
                let at = radial.place_of(radial.source_of([60.0, 3.0])).unwrap();
                assert!((at[0] - 60.0).abs() < 1e-5 && (at[1] - 3.0).abs() < 1e-5);
            }
        }
    }
}
