//! Grids in files.

use medcore::{Calibration, Geometry, Point, Vector};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The serialised form of a grid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawGrid {
    shape: Vec<usize>,
    /// Centre of the first voxel, LPS millimetres.
    origin: [f64; 3],
    /// Way to the next voxel along each axis, LPS millimetres.
    steps: Vec<[f64; 3]>,
    calibration: Calibration,
}

impl<const D: usize> From<Geometry<D>> for RawGrid {
    fn from(grid: Geometry<D>) -> Self {
        Self {
            shape: grid.shape().to_vec(),
            origin: grid.origin().coordinates(),
            steps: grid.steps().map(Vector::components).to_vec(),
            calibration: grid.calibration(),
        }
    }
}

impl RawGrid {
    /// The grid.
    ///
    /// # Errors
    /// Refuses lists that do not have one entry for each of `D` axes, and what no grid can be.
    pub(crate) fn geometry<const D: usize>(&self) -> Result<Geometry<D>> {
        let count = |got: usize| Error::EntryCount {
            transform: "grid",
            parameter: "shape and steps",
            expected: D,
            got,
        };
        let shape = self.shape.as_slice();
        let shape: [usize; D] = shape.try_into().map_err(|_| count(shape.len()))?;
        let steps = self.steps.as_slice();
        let steps: [[f64; 3]; D] = steps.try_into().map_err(|_| count(steps.len()))?;
        let [x, y, z] = self.origin;
        let steps = steps.map(|[x, y, z]| Vector::new(x, y, z));
        Ok(Geometry::new(shape, Point::new(x, y, z), steps)?.with_calibration(self.calibration))
    }
}
