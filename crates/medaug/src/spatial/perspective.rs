//! Perspective: a picture seen aslant (torchvision and Albumentations `Perspective`).

use medcore::Geometry;
use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::extract::Sampling;
use crate::deformation::{Deformation, Homography};
use crate::draw::{Draw, happens};
use crate::error::{Error, Result, check, check_dimension, check_probability};
use crate::operation::SpatialOperation;
use crate::sample::LazySample;
use crate::step::Operation;
use crate::transform::Transform;
use crate::warp::{Reading, Warp};

/// Shows the quadrangle between four places of a 2D image; the image keeps its shape.
///
/// The pixels at the corners of the result look at the places given, and straight lines stay straight.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Perspective {
    /// Where the corners look, `[row, column]` in pixels: first row first column, first row last column, last row last
    /// column, last row first column.
    pub corners: [[f64; 2]; 4],
    /// How values between pixels and outside the image are made.
    pub sampling: Sampling,
}

const NAME: &str = "Perspective";
const RANDOM: &str = "RandomPerspective";

/// The corners of an image.
fn corners_of(shape: [usize; 2]) -> [[f64; 2]; 4] {
    let [y, x] = shape.map(|n| n as f64 - 1.0);
    [[0.0, 0.0], [0.0, x], [y, x], [y, 0.0]]
}

impl<const D: usize> SpatialOperation<D> for Perspective {
    fn check(&self) -> Result<()> {
        check_dimension(NAME, D, &[2])?;
        self.corners
            .as_flattened()
            .iter()
            .try_for_each(|&v| check(NAME, "corners", v, "finite", f64::is_finite))
    }

    fn warp(&self, grid: &Geometry<D>) -> Result<Warp<D>> {
        SpatialOperation::<D>::check(self)?;
        let shape = grid.shape();
        let plane = std::array::from_fn(|a| shape[a.min(D - 1)]);
        let map = Homography::of_corners(corners_of(plane), self.corners);
        let map = map.ok_or(Error::InvalidParameter {
            transform: NAME,
            parameter: "corners",
            rule: "the corners, in their order, of a convex quadrangle, for an image of two pixels and more along both axes",
            value: self.corners[0][0],
        })?;
        let deformation = Deformation::Homography(map);
        Ok(Warp::bent(shape, deformation, Reading::from(self.sampling)))
    }
}

/// Draws how far the four places of a [`Perspective`] lie inside the image.
///
/// It zooms in, as Albumentations does; torchvision instead moves the corners of what is shown inwards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomPerspective {
    /// Probability of a sample.
    pub probability: f64,
    /// How far inside the image each corner looks along each axis, as a part of the axis. Three times the most less the
    /// least has to stay below 1, so that the four places always are the corners of a convex quadrangle.
    pub distortion: Draw,
    /// How values between pixels and outside the image are made.
    pub sampling: Sampling,
}

impl Default for RandomPerspective {
    /// Half of the samples, up to a tenth, as Albumentations.
    fn default() -> Self {
        Self {
            probability: 0.5,
            distortion: Draw::Uniform {
                low: 0.0,
                high: 0.1,
            },
            sampling: Sampling::default(),
        }
    }
}

impl<const D: usize> Transform<D> for RandomPerspective {
    fn name(&self) -> &'static str {
        RANDOM
    }

    fn check(&self) -> Result<()> {
        check_dimension(RANDOM, D, &[2])?;
        check_probability(RANDOM, self.probability)?;
        self.distortion
            .check(RANDOM, "distortion", "at least -1", |v| v >= -1.0)?;
        let (low, high) = self.distortion.bounds();
        let rule = "so small that three times the most less the least is below 1";
        check(RANDOM, "distortion", high, rule, |v| 3.0 * v - low < 1.0)
    }

    fn draw(&self, sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        let shape = sample.shape();
        if shape.contains(&1) || !happens(key, self.probability) {
            return Ok(vec![]);
        }
        let plane = std::array::from_fn(|a| shape[a.min(D - 1)]);
        let [height, width] = plane.map(|n| n as f64 - 1.0);
        let mut random = key.stream("distortion");
        let corners = corners_of(plane).map(|[y, x]| {
            let dy = self.distortion.draw(&mut random) * height;
            let dx = self.distortion.draw(&mut random) * width;
            [
                if y > 0.0 { y - dy } else { dy },
                if x > 0.0 { x - dx } else { dx },
            ]
        });
        let perspective = Perspective {
            corners,
            sampling: self.sampling,
        };
        Ok(vec![perspective.into()])
    }
}
