//! Rows of the result that show columns of the source.

use std::ops::Range;

use super::Places;

/// Side of the square tiles of a transposition: a row of a tile is a few cache lines.
pub(super) const TILE: usize = 32;

/// Some slabs of the result, whose rows show columns of the source.
pub(super) struct Tiles<'a, T> {
    pub(super) source: &'a [T],
    pub(super) places: &'a [Places; 3],
    /// The first slab.
    pub(super) first: usize,
    /// Slabs, and the shape of each.
    pub(super) shape: [usize; 3],
}

impl<T: Copy> Tiles<'_, T> {
    /// The source is contiguous along the slabs: tiles of slabs and columns.
    pub(super) fn along_depth(&self, out: &mut [T]) {
        let [depth, height, width] = self.shape;
        for h in self.places[1].range() {
            let Some(row) = self.places[1].at(h) else {
                continue;
            };
            for columns in tiles(self.places[2].range()) {
                for d in 0..depth {
                    if let Some(slab) = self.places[0].at(self.first + d) {
                        let at = (d * height + h) * width;
                        self.gather(&mut out[at..at + width], slab + row, &columns);
                    }
                }
            }
        }
    }

    /// The source is contiguous along the rows' axis: tiles of rows and columns.
    pub(super) fn along_height(&self, out: &mut [T]) {
        let [depth, height, width] = self.shape;
        for d in 0..depth {
            let Some(slab) = self.places[0].at(self.first + d) else {
                continue;
            };
            for rows in tiles(self.places[1].range()) {
                for columns in tiles(self.places[2].range()) {
                    for h in rows.clone() {
                        if let Some(row) = self.places[1].at(h) {
                            let at = (d * height + h) * width;
                            self.gather(&mut out[at..at + width], slab + row, &columns);
                        }
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn gather(&self, row: &mut [T], start: usize, columns: &Range<usize>) {
        let first = self.places[2].first;
        let offsets = &self.places[2].offsets[columns.start - first..columns.end - first];
        let from = &self.source[start..];
        for (to, &at) in row[columns.clone()].iter_mut().zip(offsets) {
            *to = from[at];
        }
    }
}

/// A range in parts of at most [`TILE`].
fn tiles(range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = range.end;
    range
        .step_by(TILE)
        .map(move |start| start..(start + TILE).min(end))
}
