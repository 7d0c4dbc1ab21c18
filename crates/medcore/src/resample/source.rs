//! Sources that are read row by row: images in memory, and collages of them.

use std::ops::Range;

use super::in_three;

/// A source that is read row by row.
pub(super) trait SourceRows<S>: Sync {
    /// Some columns of a row, made in `spare` if they do not lie in a row of memory.
    fn row<'r>(
        &'r self,
        depth: usize,
        height: usize,
        columns: Range<usize>,
        spare: &'r mut Vec<S>,
    ) -> &'r [S];
}

/// An image in memory, with its extents along the last two of three axes.
pub(super) struct Whole<'a, S> {
    pub(super) voxels: &'a [S],
    pub(super) plane: [usize; 2],
}

impl<'a, S> Whole<'a, S> {
    pub(super) fn new<const D: usize>(voxels: &'a [S], shape: [usize; D]) -> Self {
        let [_, height, width] = in_three(shape, 1);
        Self {
            voxels,
            plane: [height, width],
        }
    }
}

impl<S: Sync> SourceRows<S> for Whole<'_, S> {
    #[inline(always)]
    fn row<'r>(
        &'r self,
        depth: usize,
        height: usize,
        columns: Range<usize>,
        _: &'r mut Vec<S>,
    ) -> &'r [S] {
        let at = (depth * self.plane[0] + height) * self.plane[1];
        &self.voxels[at + columns.start..at + columns.end]
    }
}
