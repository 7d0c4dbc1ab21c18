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

/// A vector of `rows * row_len` elements, `fill(row, values)` seeing whole rows that hold zeros.
///
/// For short rows several go to one task.
pub(crate) fn build_whole_rows<T: Zeroable>(
    rows: usize,
    row_len: usize,
    fill: impl Fn(usize, &mut [T]) + Sync,
) -> Vec<T> {
    let len = rows * row_len;
    let mut out = Vec::with_capacity(len);
    if len == 0 {
        return out;
    }
    let rows_per_task = (CHUNK / row_len).max(1);
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
