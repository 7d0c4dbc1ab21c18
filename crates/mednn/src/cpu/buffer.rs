//! Makes the output of a kernel without writing it twice.
//!
//! A vector of zeros that a kernel then overwrites costs a whole pass over memory, and the first touch of fresh pages on one
//! thread.
//! Here the threads that fill the output also clear it, one chunk at a time, so the clearing stays in their cache.
#![expect(
    unsafe_code,
    reason = "hands out parts of a vector's spare capacity after clearing them"
)]

use std::mem::MaybeUninit;

use rayon::prelude::*;

/// Elements in a chunk: 64 KiB of f32, small enough for the second-level cache, large enough to hide the scheduling.
pub(crate) const CHUNK: usize = 16 * 1024;

/// Values whose all-zero bytes are zero.
///
/// # Safety
/// The all-zero bit pattern must be a valid value.
pub unsafe trait Zeroable: Copy + Send + Sync {}

// SAFETY: zero bits are 0.0.
unsafe impl Zeroable for f32 {}
// SAFETY: zero bits are 0.0.
unsafe impl Zeroable for f64 {}
// SAFETY: zero bits are 0.
unsafe impl Zeroable for u8 {}
// SAFETY: zero bits are 0.
unsafe impl Zeroable for u32 {}

/// A vector of `rows * row_len` elements made in parallel, row by row and inside a row chunk by chunk.
///
/// `prepare(row)` runs once a row, before `fill(row, &prepared, start, chunk)` for each of its chunks, which start at
/// element `start` of the row and hold zeros when handed out.
/// Chunks have [`CHUNK`] elements, the last of a row fewer.
pub(crate) fn build_rows<T, S, P, F>(rows: usize, row_len: usize, prepare: P, fill: F) -> Vec<T>
where
    T: Zeroable,
    S: Sync,
    P: Fn(usize) -> S + Sync,
    F: Fn(usize, &S, usize, &mut [T]) + Sync,
{
    let len = rows * row_len;
    let mut out = Vec::with_capacity(len);
    if len == 0 {
        return out;
    }
    out.spare_capacity_mut()[..len]
        .par_chunks_mut(row_len)
        .enumerate()
        .for_each(|(row, values)| {
            let prepared = prepare(row);
            if row_len <= CHUNK {
                fill(row, &prepared, 0, clear(values));
            } else {
                values
                    .par_chunks_mut(CHUNK)
                    .enumerate()
                    .for_each(|(i, chunk)| fill(row, &prepared, i * CHUNK, clear(chunk)));
            }
        });
    // SAFETY: the rows cover the first `len` elements and each was cleared above; a panic leaves the length at zero.
    unsafe { out.set_len(len) };
    out
}

/// A vector of `len` elements made in parallel by `fill(start, chunk)`, chunks of [`CHUNK`] elements that hold zeros.
pub(crate) fn build<T: Zeroable>(len: usize, fill: impl Fn(usize, &mut [T]) + Sync) -> Vec<T> {
    build_rows(
        usize::from(len > 0),
        len,
        |_| (),
        |_, (), start, chunk| fill(start, chunk),
    )
}

/// A copy, made in parallel.
pub(crate) fn copy<T: Zeroable>(values: &[T]) -> Vec<T> {
    build(values.len(), |start, out| {
        out.copy_from_slice(&values[start..start + out.len()]);
    })
}

/// A vector of `rows * row_len` elements, `fill(row, values)` seeing whole rows that hold zeros.
///
/// For short rows several go to one task.
pub(crate) fn build_whole_rows<T: Zeroable>(
    rows: usize,
    row_len: usize,
    fill: impl Fn(usize, &mut [T]) + Sync,
) -> Vec<T> {
    build_rows_of_cost(rows, row_len, row_len, fill)
}

/// As [`build_whole_rows`] for rows that cost as much as writing `cost` elements.
pub(crate) fn build_rows_of_cost<T: Zeroable>(
    rows: usize,
    row_len: usize,
    cost: usize,
    fill: impl Fn(usize, &mut [T]) + Sync,
) -> Vec<T> {
    let len = rows * row_len;
    let mut out = Vec::with_capacity(len);
    if len == 0 {
        return out;
    }
    let rows_per_task = (CHUNK / cost.max(row_len)).max(1);
    out.spare_capacity_mut()[..len]
        .par_chunks_mut(row_len * rows_per_task)
        .enumerate()
        .for_each(|(task, values)| {
            for (i, row) in values.chunks_mut(row_len).enumerate() {
                fill(task * rows_per_task + i, clear(row));
            }
        });
    // SAFETY: the tasks cover the first `len` elements and each row was cleared above; a panic leaves the length at zero.
    unsafe { out.set_len(len) };
    out
}

/// The layout `[outer, count, inner]` of a tensor that is worked on across its middle axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Columns {
    /// Product of the axes in front.
    pub outer: usize,
    /// Length of the axis worked on.
    pub count: usize,
    /// Product of the axes behind.
    pub inner: usize,
}

impl Columns {
    /// The number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.outer * self.count * self.inner
    }

    /// True without elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where the elements `start..` of column `column` begin.
    #[must_use]
    pub fn offset(&self, outer: usize, column: usize, start: usize) -> usize {
        (outer * self.count + column) * self.inner + start
    }

    /// Calls `f(outer, start..end)` in parallel for blocks of at most `block` inner positions and returns the results in order.
    pub(crate) fn map_blocks<R: Send>(
        &self,
        block: usize,
        f: impl Fn(usize, std::ops::Range<usize>) -> R + Sync,
    ) -> Vec<R> {
        let blocks = self.inner.div_ceil(block);
        (0..self.outer * blocks)
            .into_par_iter()
            .map(|task| {
                let start = task % blocks * block;
                f(task / blocks, start..(start + block).min(self.inner))
            })
            .collect()
    }
}

/// A tensor `[outer, count, inner]` made in parallel, block by block across its middle axis.
///
/// `fill(outer, start, columns)` sees for each of the `count` columns its elements from `start` on, as many as the block has,
/// holding zeros.
pub(crate) fn build_columns<T: Zeroable>(
    columns: Columns,
    block: usize,
    fill: impl Fn(usize, usize, &mut [&mut [T]]) + Sync,
) -> Vec<T> {
    build_tiles(columns, (columns.count, block), |tile, segments| {
        fill(tile.outer, tile.start, segments);
    })
}

/// The place of a tile in a tensor `[outer, count, inner]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tile {
    /// The place in the outer axis.
    pub(crate) outer: usize,
    /// The first column.
    pub(crate) column: usize,
    /// The first element of each column.
    pub(crate) start: usize,
}

/// As [`build_columns`], in tiles of at most so many columns and so many elements of each.
pub(crate) fn build_tiles<T: Zeroable>(
    columns: Columns,
    (tile_columns, block): (usize, usize),
    fill: impl Fn(Tile, &mut [&mut [T]]) + Sync,
) -> Vec<T> {
    struct Start<T>(*mut MaybeUninit<T>);
    // SAFETY: the pointer is only used for the disjoint segments handed out below.
    unsafe impl<T> Sync for Start<T> {}
    impl<T> Start<T> {
        fn get(&self) -> *mut MaybeUninit<T> {
            self.0
        }
    }

    let len = columns.len();
    let mut out = Vec::with_capacity(len);
    if len == 0 {
        return out;
    }
    let first = Start(out.spare_capacity_mut()[..len].as_mut_ptr());
    let tiles = columns.count.div_ceil(tile_columns);
    let tasks = Columns {
        outer: columns.outer * tiles,
        ..columns
    };
    tasks.map_blocks(block, |task, range| {
        let (outer, column) = (task / tiles, task % tiles * tile_columns);
        let mut segments: Vec<&mut [T]> = (column..(column + tile_columns).min(columns.count))
            .map(|column| {
                let offset = columns.offset(outer, column, range.start);
                // SAFETY: `offset + range.len() <= len`, since the range ends at or before `inner`; segments of different
                // (outer, column, block) do not overlap, and every one is made once.
                let segment =
                    unsafe { std::slice::from_raw_parts_mut(first.get().add(offset), range.len()) };
                clear(segment)
            })
            .collect();
        let tile = Tile {
            outer,
            column,
            start: range.start,
        };
        fill(tile, &mut segments);
    });
    // SAFETY: the tiles cover every element and each was cleared above; a panic leaves the length at zero.
    unsafe { out.set_len(len) };
    out
}

fn clear<T: Zeroable>(values: &mut [MaybeUninit<T>]) -> &mut [T] {
    let len = values.len();
    let start = values.as_mut_ptr();
    // SAFETY: the pointer and length are those of a slice borrowed for writing; every element is set to zero bytes, which
    // `Zeroable` declares valid, before the slice of `T` is made.
    unsafe {
        start.write_bytes(0, len);
        std::slice::from_raw_parts_mut(start.cast::<T>(), len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_of_every_column_is_filled_once() {
        for (outer, count, inner) in [
            (1, 1, 1),
            (2, 3, 7),
            (1, 4, 8),
            (3, 2, 17),
            (0, 2, 2),
            (2, 0, 2),
        ] {
            let columns = Columns {
                outer,
                count,
                inner,
            };
            let out = build_columns(columns, 8, |o, start, segments: &mut [&mut [u32]]| {
                assert_eq!(segments.len(), count);
                for (c, segment) in segments.iter_mut().enumerate() {
                    for (i, value) in segment.iter_mut().enumerate() {
                        *value += columns.offset(o, c, start + i) as u32;
                    }
                }
            });
            assert_eq!(out, (0..columns.len() as u32).collect::<Vec<_>>());
            let tiled = build_tiles(columns, (2, 8), |tile, segments: &mut [&mut [u32]]| {
                for (c, segment) in segments.iter_mut().enumerate() {
                    for (i, value) in segment.iter_mut().enumerate() {
                        let place = columns.offset(tile.outer, tile.column + c, tile.start + i);
                        *value += place as u32;
                    }
                }
            });
            assert_eq!(out, tiled);
        }
    }

    #[test]
    fn every_element_of_every_row_is_filled_once() {
        for (rows, row_len) in [
            (1, 1),
            (3, 5),
            (2, CHUNK),
            (2, CHUNK + 1),
            (1, 3 * CHUNK - 1),
            (0, 4),
            (4, 0),
        ] {
            let out = build_rows(
                rows,
                row_len,
                |row| row * row_len,
                |row, offset, start, chunk: &mut [u32]| {
                    assert_eq!(*offset, row * row_len);
                    for (i, value) in chunk.iter_mut().enumerate() {
                        *value += (offset + start + i) as u32;
                    }
                },
            );
            assert_eq!(
                out,
                (0..(rows * row_len) as u32).collect::<Vec<_>>(),
                "{rows} x {row_len}"
            );
            let whole = build_whole_rows(rows, row_len, |row, values: &mut [u32]| {
                for (i, value) in values.iter_mut().enumerate() {
                    *value += (row * row_len + i) as u32;
                }
            });
            assert_eq!(out, whole);
        }
    }
}
