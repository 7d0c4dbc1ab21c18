//! Quarter turns, which move whole voxels.

use medcore::Geometry;
use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::transpose::symmetry;
use crate::error::{Error, Result, check, check_axes, check_probability};
use crate::operation::SpatialOperation;
use crate::sample::LazySample;
use crate::step::Operation;
use crate::transform::{Transform, perhaps};
use crate::warp::Warp;

/// Quarter turns of a plane from its first axis towards its second (numpy `rot90`, MONAI and Albumentations
/// `Rotate90`); every voxel keeps its value and its place in the patient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rotate90 {
    /// Quarter turns; four change nothing.
    pub turns: usize,
    /// The two axes of the plane; the last two of the image if there are none.
    pub axes: Vec<usize>,
}

impl Default for Rotate90 {
    /// One quarter turn within the slices.
    fn default() -> Self {
        Self {
            turns: 1,
            axes: vec![],
        }
    }
}

/// The two axes that a list names for images of `D` axes.
fn plane<const D: usize>(transform: &'static str, axes: &[usize]) -> Result<(usize, usize)> {
    let (a, b) = match axes {
        [] if D > 1 => (D - 2, D - 1),
        &[a, b] => (a, b),
        _ => {
            return Err(Error::EntryCount {
                transform,
                parameter: "axes",
                expected: 2,
                got: axes.len(),
            });
        }
    };
    check_axes(transform, "axes", &[a, b], D)?;
    check(transform, "axes", b as f64, "two different axes", |_| {
        a != b
    })?;
    Ok((a, b))
}

impl<const D: usize> SpatialOperation<D> for Rotate90 {
    fn check(&self) -> Result<()> {
        plane::<D>("Rotate90", &self.axes).map(|_| ())
    }

    fn warp(&self, grid: &Geometry<D>) -> Result<Warp<D>> {
        let (a, b) = plane::<D>("Rotate90", &self.axes)?;
        let mut order = std::array::from_fn(|axis| axis);
        let mut mirrored = [false; D];
        match self.turns % 4 {
            1 => (order[a], order[b], mirrored[a]) = (b, a, true),
            2 => (mirrored[a], mirrored[b]) = (true, true),
            3 => (order[a], order[b], mirrored[b]) = (b, a, true),
            _ => {}
        }
        Ok(symmetry(grid.shape(), order, mirrored))
    }
}

/// One to three quarter turns of a plane, each number as likely (MONAI `RandRotate90`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomRotate90 {
    /// Probability of a turn.
    pub probability: f64,
    /// The two axes of the plane; the last two of the image if there are none.
    pub axes: Vec<usize>,
    /// Most quarter turns.
    pub most: usize,
}

impl Default for RandomRotate90 {
    /// MONAI's: a tenth of the samples, up to three turns.
    fn default() -> Self {
        Self {
            probability: 0.1,
            axes: vec![],
            most: 3,
        }
    }
}

const RANDOM: &str = "RandomRotate90";

impl<const D: usize> Transform<D> for RandomRotate90 {
    fn name(&self) -> &'static str {
        RANDOM
    }

    fn check(&self) -> Result<()> {
        check_probability(RANDOM, self.probability)?;
        check(RANDOM, "most", self.most as f64, "within 1 and 3", |v| {
            (1.0..=3.0).contains(&v)
        })?;
        plane::<D>(RANDOM, &self.axes).map(|_| ())
    }

    fn draw(&self, _sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        perhaps(key, self.probability, || {
            let turns = 1 + key.stream("turns").below(self.most);
            let axes = self.axes.clone();
            Ok(Rotate90 { turns, axes })
        })
    }
}
