//! The grid that labels are wanted on, and what to do where they do not fit it.

use medcore::{Budget, Geometry, Plain, buffer};

use super::super::fault::Fault;
use super::super::series::SeriesVolume;
use super::super::tag::Tag;
use super::label_fault::LabelFault;
use super::source::Source;

/// What becomes of frames and contours that lie between the planes or pixels of the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum OffGrid {
    /// They are refused, with how far they are off in millimetres.
    #[default]
    Refuse,
    /// Each voxel takes what lies nearest to its centre.
    Nearest,
}

/// What becomes of parts that lie outside the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum OutsideGrid {
    /// They are refused.
    #[default]
    Refuse,
    /// They are left out.
    Clip,
}

/// A grid in a frame of reference, onto which segments and contours are put.
///
/// ```
/// use medio::dicom::{LabelGrid, OutsideGrid};
/// use medio::medcore::Geometry;
///
/// let grid = Geometry::axis_aligned([40, 512, 512], [5.0, 0.8, 0.8])?;
/// let grid = LabelGrid::new(grid, "2.25.73").outside(OutsideGrid::Clip);
/// # Ok::<(), medio::medcore::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct LabelGrid {
    pub(in super::super) geometry: Geometry<3>,
    pub(in super::super) frame_of_reference: String,
    pub(in super::super) off_grid: OffGrid,
    pub(in super::super) outside: OutsideGrid,
}

impl LabelGrid {
    /// A grid and the UID of the frame of reference in which its millimetres count.
    #[must_use]
    pub fn new(geometry: Geometry<3>, frame_of_reference: impl Into<String>) -> Self {
        Self {
            geometry,
            frame_of_reference: frame_of_reference.into(),
            off_grid: OffGrid::default(),
            outside: OutsideGrid::default(),
        }
    }

    /// The grid of a volume that was read.
    ///
    /// # Errors
    /// Refuses volumes without a frame of reference.
    pub fn of_volume<T>(volume: &SeriesVolume<T>) -> Result<Self, Fault> {
        Self::named(*volume.image.geometry(), volume.frame_of_reference.clone())
    }

    /// The grid of a source.
    ///
    /// # Errors
    /// Refuses sources without a frame of reference.
    pub fn of_source(source: &Source) -> Result<Self, Fault> {
        Self::named(*source.geometry(), source.frame_of_reference())
    }

    fn named(geometry: Geometry<3>, uid: Option<String>) -> Result<Self, Fault> {
        let tag = Tag::FRAME_OF_REFERENCE_UID;
        let uid = uid.ok_or(Fault::MissingAttribute { tag })?;
        Ok(Self::new(geometry, uid))
    }

    /// Sets what becomes of what lies between planes or pixels; refused unless set.
    #[must_use]
    pub fn off_grid(mut self, off_grid: OffGrid) -> Self {
        self.off_grid = off_grid;
        self
    }

    /// Sets what becomes of what lies outside; refused unless set.
    #[must_use]
    pub fn outside(mut self, outside: OutsideGrid) -> Self {
        self.outside = outside;
        self
    }

    /// The grid.
    #[must_use]
    pub fn geometry(&self) -> &Geometry<3> {
        &self.geometry
    }

    /// A zero for each voxel, claimed from a budget.
    pub(in super::super) fn room<T: Plain>(&self, budget: &Budget) -> Result<Vec<T>, Fault> {
        let wide = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let shape = self.geometry.shape().map(wide);
        let core = Fault::core("labels");
        let total = budget.claim_array("labels", &shape, wide(size_of::<T>()));
        let total = usize::try_from(total.map_err(&core)?).unwrap_or(usize::MAX);
        buffer::zeroed(total, "labels").map_err(core)
    }

    /// Refuses what lies in another frame of reference.
    pub(in super::super) fn check_frame(&self, found: &str) -> Result<(), LabelFault> {
        if found == self.frame_of_reference {
            return Ok(());
        }
        Err(LabelFault::FrameOfReference {
            found: found.chars().take(64).collect(),
            expected: self.frame_of_reference.clone(),
        })
    }
}
