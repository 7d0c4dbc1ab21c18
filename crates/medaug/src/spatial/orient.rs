//! The axes of a volume along given directions of the body.

use medcore::orientation::Reorientation;
use medcore::{Geometry, IndexMap, Orientation};
use serde::{Deserialize, Serialize};

use crate::array::resized;
use crate::error::{Result, check_dimension};
use crate::operation::SpatialOperation;
use crate::warp::{Reading, Warp};

/// Mirrors and exchanges the axes of a volume so that they run closest to the directions of a code (MONAI
/// `Orientation`, TorchIO `ToOrientation`); for volumes of three axes.
///
/// The code names where width, height and depth run to; volumes of MONAI and nibabel, which are indexed width
/// first, have the same code. Oblique grids stay oblique.
///
/// ```
/// use medaug::{Operation, Orient, Sample};
/// use medcore::{Geometry, Image, Orientation};
///
/// // Width to the left, height to posterior, depth to superior.
/// let grid = Geometry::axis_aligned([1, 1, 2], [5.0, 1.0, 1.0])?;
/// let sample = Sample::new(Image::new(grid, vec![1.0, 2.0])?);
/// let canonical = Operation::from(Orient { orientation: Orientation::RAS }).apply_to(sample)?;
/// assert_eq!(canonical.image().as_slice(), [2.0, 1.0]);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orient {
    /// Where the axes run to then.
    pub orientation: Orientation,
}

impl<const D: usize> SpatialOperation<D> for Orient {
    fn check(&self) -> Result<()> {
        check_dimension("Orient", D, &[3])
    }

    fn warp(&self, grid: &Geometry<D>) -> Result<Warp<D>> {
        SpatialOperation::<D>::check(self)?;
        let shape = resized(grid.shape(), 1);
        let last = grid.steps()[D - 1];
        let volume = Geometry::new(shape, grid.origin(), resized(grid.steps(), last))?;
        let way = Reorientation::new(&volume, self.orientation);
        let map = way.index_map(shape);
        let map = IndexMap {
            matrix: resized(map.matrix.map(|row| resized(row, 0.0)), [0.0; D]),
            offset: resized(map.offset, 0.0),
        };
        Ok(Warp::new(resized(way.shape(shape), 1), map, Reading::EXACT))
    }
}
