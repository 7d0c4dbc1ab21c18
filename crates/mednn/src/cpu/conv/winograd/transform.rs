//! Inputs to components and components to outputs.

use super::{COMPONENTS, TILE};
use crate::cpu::conv::pack::pack_residue;
use crate::cpu::conv::vector::Pack;
use crate::cpu::real::Real;

/// Inputs along each side of a tile.
const SIDE: usize = 4;
/// Elements of the tiles of a row that are transformed together.
pub(super) const TOGETHER: usize = 16;

/// Elements of a row of the source that whole vectors of tiles read.
fn line_len(columns: usize) -> usize {
    TILE * columns.next_multiple_of(TOGETHER) + TOGETHER
}

/// Elements of one part of every other row; a vector may reach over the end.
fn part_len(rows: usize, columns: usize) -> usize {
    (rows + 1) * columns + TOGETHER
}

/// Working memory of [`Window::inputs`]: a padded row, then four parts of the even and the odd rows.
pub(super) fn rows_len(rows: usize, columns: usize) -> usize {
    line_len(columns) + 2 * SIDE * part_len(rows, columns)
}

/// The tiles of a task in a plane of the source.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// First row and column that the first tile reads; outside the plane there are zeros.
    pub(super) corner: [isize; 2],
    /// Height and width of the plane.
    pub(super) size: [usize; 2],
    /// Tiles along height and width.
    pub(super) tiles: [usize; 2],
}

impl Window {
    /// The components of a plane outside the source.
    #[inline(always)]
    pub(super) fn zeros<T: Real>(&self, to: &mut [T], pitch: usize) {
        for component in 0..COMPONENTS {
            to[component * pitch..][..self.tiles[0] * self.tiles[1]].fill(T::ZERO);
        }
    }

    /// `to[component * pitch + tile]` for all tiles of a plane: `B' d B`, see [`four`]. Elements behind the last tile, up to a
    /// whole vector, are overwritten.
    #[inline(always)]
    pub(super) fn inputs<T: Real>(
        &self,
        plane: &[T],
        scratch: &mut [T],
        to: &mut [T],
        pitch: usize,
    ) {
        let [height, width] = self.size;
        let [rows, columns] = self.tiles;
        let part = part_len(rows, columns);
        let (line, parts) = scratch.split_at_mut(line_len(columns));
        // Along the rows. A vector that reaches over the end of a row is overwritten by the next row.
        for row in 0..TILE * (rows + 1) {
            let place = (row % TILE * SIDE) * part + row / TILE * columns;
            let parts = &mut parts[place..];
            let row = self.corner[0] + row as isize;
            if row < 0 || row >= height as isize {
                for i in 0..SIDE {
                    parts[i * part..][..columns].fill(T::ZERO);
                }
                continue;
            }
            let values = &plane[row as usize * width..][..width];
            pack_residue(values, self.corner[1], 1, line);
            let mut at = 0;
            while at < columns {
                let line = &line[TILE * at..];
                let (a, b) = Pack::<T, TOGETHER>::load_pairs(line);
                let (c, d) = Pack::<T, TOGETHER>::load_pairs(&line[TILE..]);
                let [a, b, c, d] = four([a, b, c, d]);
                a.store(&mut parts[at..]);
                b.store(&mut parts[part + at..]);
                c.store(&mut parts[2 * part + at..]);
                d.store(&mut parts[3 * part + at..]);
                at += TOGETHER;
            }
        }
        // Along the columns, all tiles of a part in one line.
        let (even, odd) = parts.split_at(SIDE * part);
        for i in 0..SIDE {
            let (even, odd) = (&even[i * part..][..part], &odd[i * part..][..part]);
            let mut at = 0;
            while at < rows * columns {
                let load = Pack::<T, TOGETHER>::load;
                let lines = [
                    &even[at..],
                    &odd[at..],
                    &even[at + columns..],
                    &odd[at + columns..],
                ];
                let components = four(lines.map(load));
                let mut first = i * pitch + at;
                for component in components {
                    component.store(&mut to[first..]);
                    first += SIDE * pitch;
                }
                at += TOGETHER;
            }
        }
    }
}

/// Four inputs of a line times the rows (1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0) and (0, 1, 0, -1) of `B'`.
#[inline(always)]
fn four<T: Real, const N: usize>([a, b, c, d]: [Pack<T, N>; 4]) -> [Pack<T, N>; 4] {
    [a.minus(c), b.plus(c), c.minus(b), b.minus(d)]
}

/// Four products of a line times the rows (1, 1, 1, 0) and (0, 1, -1, -1) of `A'`.
#[inline(always)]
fn two<T: Real, const N: usize>([a, b, c, d]: [Pack<T, N>; 4]) -> [Pack<T, N>; 2] {
    [a.plus(b).plus(c), b.minus(c).minus(d)]
}

/// `pixels[row][column][lane]` from `sums[component][tile][lane]` and what every lane starts from: `A' m A`, for lanes a
/// multiple of `N`.
#[inline(always)]
pub(super) fn outputs<T: Real, const N: usize>(
    sums: &[T],
    start: &[T],
    [rows, columns, width]: [usize; 3],
    pixels: &mut [T],
) {
    let component = rows * columns * width;
    for row in 0..rows {
        for column in 0..columns {
            let mut lane = 0;
            while lane < width {
                let tile = (row * columns + column) * width + lane;
                let m = |i: usize| Pack::<T, N>::load(&sums[i * component + tile..]);
                // Down the columns of the tile, then along its rows.
                let [a0, a1] = two([m(0), m(4), m(8), m(12)]);
                let [b0, b1] = two([m(1), m(5), m(9), m(13)]);
                let [c0, c1] = two([m(2), m(6), m(10), m(14)]);
                let [d0, d1] = two([m(3), m(7), m(11), m(15)]);
                let start = Pack::<T, N>::load(&start[lane..]);
                let upper = (TILE * row * TILE * columns + TILE * column) * width + lane;
                let lower = upper + TILE * columns * width;
                let [left, right] = two([a0, b0, c0, d0]);
                left.plus(start).store(&mut pixels[upper..]);
                right.plus(start).store(&mut pixels[upper + width..]);
                let [left, right] = two([a1, b1, c1, d1]);
                left.plus(start).store(&mut pixels[lower..]);
                right.plus(start).store(&mut pixels[lower + width..]);
                lane += N;
            }
        }
    }
}
