//! Lines along an axis, gathered into tiles so that neighbours in memory are read together.

use rayon::prelude::*;

/// Lines in a tile: a cache line of `f32`.
pub(super) const WIDTH: usize = 16;

/// Columns that are gathered before they are written back: the buffer stays at a few megabytes.
const STRIP: usize = 64 * WIDTH;

/// Calls `f` for all lines along `axis`, [`WIDTH`] at a time: `tile[i][line]` is voxel `i` of a line.
///
/// Which lines share a tile depends on the shape alone. Tiles at the end are filled up with defaults.
pub(super) fn for_each_tile<T, const D: usize>(
    data: &mut [T],
    shape: [usize; D],
    axis: usize,
    f: impl Fn(&mut [[T; WIDTH]]) + Sync,
) where
    T: Copy + Default + Send + Sync,
{
    let len = shape[axis];
    let inner: usize = shape[axis + 1..].iter().product();
    if inner == 1 {
        data.par_chunks_mut(len * WIDTH)
            .for_each(|rows| with_rows(rows, len, &f));
    } else {
        data.par_chunks_mut(len * inner)
            .for_each(|slab| with_columns(slab, len, &f));
    }
}

fn with_rows<T: Copy + Default>(rows: &mut [T], len: usize, f: impl Fn(&mut [[T; WIDTH]])) {
    let mut tile = vec![[T::default(); WIDTH]; len];
    for (line, row) in rows.chunks_exact(len).enumerate() {
        for (place, &v) in tile.iter_mut().zip(row) {
            place[line] = v;
        }
    }
    f(&mut tile);
    for (line, row) in rows.chunks_exact_mut(len).enumerate() {
        for (v, place) in row.iter_mut().zip(&tile) {
            *v = place[line];
        }
    }
}

fn with_columns<T>(slab: &mut [T], len: usize, f: impl Fn(&mut [[T; WIDTH]]) + Sync)
where
    T: Copy + Default + Send + Sync,
{
    let inner = slab.len() / len;
    let mut tiles = vec![[T::default(); WIDTH]; len * inner.min(STRIP).div_ceil(WIDTH)];
    for start in (0..inner).step_by(STRIP) {
        let end = inner.min(start + STRIP);
        let tiles = &mut tiles[..len * (end - start).div_ceil(WIDTH)];
        let source = &*slab;
        tiles.par_chunks_mut(len).enumerate().for_each(|(t, tile)| {
            let from = start + t * WIDTH;
            let count = WIDTH.min(end - from);
            for (i, place) in tile.iter_mut().enumerate() {
                place[..count].copy_from_slice(&source[i * inner + from..][..count]);
                place[count..].fill(T::default());
            }
            f(tile);
        });
        slab.par_chunks_mut(inner).enumerate().for_each(|(i, row)| {
            for (t, out) in row[start..end].chunks_mut(WIDTH).enumerate() {
                out.copy_from_slice(&tiles[t * len + i][..out.len()]);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_seen_once_along_each_axis() {
        let shape = [3, 5, 1_100];
        for axis in 0..3 {
            let mut data: Vec<i64> = (0..3 * 5 * 1_100).collect();
            let before = data.clone();
            let stride: usize = shape[axis + 1..].iter().product();
            for_each_tile(&mut data, shape, axis, |tile| {
                assert_eq!(tile.len(), shape[axis]);
                for line in 0..WIDTH {
                    let first = tile[0][line];
                    for (i, place) in tile.iter_mut().enumerate() {
                        assert!(place[line] == first + (i * stride) as i64 || place[line] == 0);
                        place[line] = -place[line];
                    }
                }
            });
            assert!(
                data.iter().zip(&before).all(|(a, b)| *a == -b),
                "axis {axis}"
            );
        }
    }
}
