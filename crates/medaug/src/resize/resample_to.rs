//! The grid of another scan.

use medcore::Geometry;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::operation::SpatialOperation;
use crate::raw_grid::RawGrid;
use crate::spatial::Sampling;
use crate::warp::{Reading, Warp};

/// Reads an image at the voxels of a given grid in the patient (MONAI `SpatialResample` and
/// `ResampleToMatch`, TorchIO `Resample` to a reference, ITK's `ResampleImageFilter`).
///
/// ```
/// use medaug::{Operation, ResampleTo, Sample, Sampling};
/// use medcore::{Geometry, Image};
///
/// let thick = Geometry::axis_aligned([1, 3], [1.0, 2.0])?;
/// let sample = Sample::new(Image::new(thick, vec![0.0, 2.0, 4.0])?);
/// let thin = Geometry::axis_aligned([1, 5], [1.0, 1.0])?;
/// let resample = ResampleTo::new(&thin, Sampling::default());
/// let sample = Operation::from(resample).apply_to(sample)?;
/// assert_eq!(sample.image().as_slice(), [0.0, 1.0, 2.0, 3.0, 4.0]);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResampleTo {
    grid: RawGrid,
    #[serde(default)]
    sampling: Sampling,
}

impl ResampleTo {
    /// The grid, and how values between voxels and outside the image are made.
    #[must_use]
    pub fn new<const D: usize>(grid: &Geometry<D>, sampling: Sampling) -> Self {
        Self {
            grid: (*grid).into(),
            sampling,
        }
    }
}

impl<const D: usize> SpatialOperation<D> for ResampleTo {
    fn check(&self) -> Result<()> {
        self.grid.geometry::<D>().map(|_| ())
    }

    fn warp(&self, grid: &Geometry<D>) -> Result<Warp<D>> {
        let target = self.grid.geometry::<D>()?;
        let map = target.index_map_to(grid);
        Ok(Warp::new(target.shape(), map, Reading::from(self.sampling)))
    }
}
