//! Images side by side on a canvas that is read without being made.

use std::ops::Range;

use rayon::prelude::*;

use super::source::SourceRows;
use super::{
    Interpolation, Outside, Path, Voxel, check_slice, in_three, resample_slice, separable, taps,
};
use crate::buffer;
use crate::error::{Error, Result};
use crate::geometry::checked_len;
use crate::linear::IndexMap;
use crate::region::Region;

/// One image of a [`Collage`]: `voxels` of `shape`, of which the part that begins at `first` is seen in `region` of the
/// canvas.
#[derive(Debug, Clone, Copy)]
pub struct Tile<'a, T, const D: usize> {
    /// The whole image, last axis fastest.
    pub voxels: &'a [T],
    /// Its shape.
    pub shape: [usize; D],
    /// Its first voxel that is seen.
    pub first: [usize; D],
    /// Where on the canvas.
    pub region: Region<D>,
}

/// Images side by side on a canvas, later ones on top of those before them.
///
/// Maps along the axes read rows of the images themselves, so that only what is looked at is touched; any other map has
/// the canvas made. Both give the same values.
///
/// ```
/// use medcore::resample::{Collage, Interpolation, Outside, Tile};
/// use medcore::{IndexMap, Region};
///
/// let tile = |voxels, at| Tile { voxels, shape: [2], first: [0], region: Region::new([at], [at + 2]).expect("two") };
/// let collage = Collage::new([5], 0.0, vec![tile(&[1.0, 2.0], 0), tile(&[3.0, 4.0], 2)])?;
/// let mut out = [0.0; 4];
/// let between = IndexMap::translation([0.5]);
/// collage.resample_slice(&between, &mut out, [4], Interpolation::Linear, Outside::Edge)?;
/// assert_eq!(out, [1.5, 2.5, 3.5, 2.0]);
/// # Ok::<(), medcore::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Collage<'a, T, const D: usize> {
    shape: [usize; D],
    fill: T,
    tiles: Vec<Tile<'a, T, D>>,
}

/// Voxels of a task.
const TASK: usize = 1 << 15;

impl<'a, T: Voxel, const D: usize> Collage<'a, T, D> {
    /// A canvas of `shape` with `fill` between the tiles.
    ///
    /// # Errors
    /// Refuses tiles that reach out of the canvas or out of their image.
    pub fn new(shape: [usize; D], fill: T, tiles: Vec<Tile<'a, T, D>>) -> Result<Self> {
        for tile in &tiles {
            check_slice(tile.voxels.len(), tile.shape)?;
            tile.region.check_inside(shape)?;
            let extent = tile.region.shape();
            Region::new(
                tile.first,
                std::array::from_fn(|a| tile.first[a] + extent[a]),
            )?
            .check_inside(tile.shape)?;
        }
        Ok(Self { shape, fill, tiles })
    }

    /// Fills `out` with the values of the canvas at `map(index)`, as [`resample_slice`] does of one image.
    ///
    /// # Errors
    /// As [`resample_slice`].
    pub fn resample_slice(
        &self,
        map: &IndexMap<D>,
        out: &mut [T],
        out_shape: [usize; D],
        interpolation: Interpolation,
        outside: Outside<T>,
    ) -> Result<()> {
        check_slice(out.len(), out_shape)?;
        let border = outside.border();
        match (interpolation, Path::of(self.shape, map, out_shape)?) {
            (Interpolation::Nearest, Path::Separable(axes)) => {
                separable::nearest(self, &axes.indices(border), outside.value(), out);
            }
            (Interpolation::Linear, Path::Separable(axes)) => {
                let tables = axes.tables(taps::linear, border);
                separable::weighted(self, &tables, outside.value(), out);
            }
            _ => resample_slice(
                &self.canvas()?,
                self.shape,
                map,
                out,
                out_shape,
                interpolation,
                outside,
            )?,
        }
        Ok(())
    }

    /// The canvas itself.
    ///
    /// # Errors
    /// Refuses canvases too large to allocate.
    pub fn canvas(&self) -> Result<Vec<T>> {
        let len = checked_len(&self.shape).ok_or_else(|| Error::InvalidShape {
            channels: 1,
            shape: self.shape.to_vec(),
        })?;
        let mut voxels = buffer::zeroed(len, "canvas")?;
        let [_, height, width] = in_three(self.shape, 1);
        let rows = (TASK / width).max(1);
        let blocks = voxels.par_chunks_mut(rows * width).enumerate();
        blocks.for_each(|(block, out)| {
            for (r, out) in out.chunks_exact_mut(width).enumerate() {
                let row = block * rows + r;
                self.write(row / height, row % height, 0..width, out);
            }
        });
        Ok(voxels)
    }

    /// Writes some columns of a row.
    fn write(&self, depth: usize, height: usize, columns: Range<usize>, out: &mut [T]) {
        out.fill(self.fill);
        for tile in &self.tiles {
            let start = in_three(tile.region.start(), 0);
            let end = in_three(tile.region.end(), 1);
            if !(start[0]..end[0]).contains(&depth) || !(start[1]..end[1]).contains(&height) {
                continue;
            }
            let seen = start[2].max(columns.start)..end[2].min(columns.end);
            if seen.is_empty() {
                continue;
            }
            let (first, [_, rows, width]) = (in_three(tile.first, 0), in_three(tile.shape, 1));
            let row = (depth - start[0] + first[0]) * rows + height - start[1] + first[1];
            let at = row * width + seen.start - start[2] + first[2];
            out[seen.start - columns.start..seen.end - columns.start]
                .copy_from_slice(&tile.voxels[at..at + seen.len()]);
        }
    }

    /// The tile that shows these columns of a row whole; `None` where there are several or none.
    fn only(&self, depth: usize, height: usize, columns: &Range<usize>) -> Option<&'a [T]> {
        let tile = self.tiles.iter().rev().find(|tile| {
            let start = in_three(tile.region.start(), 0);
            let end = in_three(tile.region.end(), 1);
            (start[0]..end[0]).contains(&depth)
                && (start[1]..end[1]).contains(&height)
                && start[2] < columns.end
                && columns.start < end[2]
        })?;
        let (start, end) = (tile.region.start()[D - 1], tile.region.end()[D - 1]);
        if start > columns.start || end < columns.end {
            return None;
        }
        let corner = in_three(tile.region.start(), 0);
        let (first, [_, rows, width]) = (in_three(tile.first, 0), in_three(tile.shape, 1));
        let row = (depth - corner[0] + first[0]) * rows + height - corner[1] + first[1];
        let at = row * width + columns.start - start + first[2];
        Some(&tile.voxels[at..at + columns.len()])
    }
}

impl<T: Voxel, const D: usize> SourceRows<T> for Collage<'_, T, D> {
    fn row<'r>(
        &'r self,
        depth: usize,
        height: usize,
        columns: Range<usize>,
        spare: &'r mut Vec<T>,
    ) -> &'r [T] {
        if let Some(row) = self.only(depth, height, &columns) {
            return row;
        }
        spare.resize(columns.len(), self.fill);
        self.write(depth, height, columns, spare);
        spare
    }
}
