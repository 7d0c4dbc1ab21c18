//! Selection along an axis by indices, and the sums that are its gradient.
//!
//! Sums are taken in the order of the indices by one task for each target, so they do not depend on the number of threads.

use crate::cpu::buffer::{self, Columns};
use crate::cpu::real::Real;

/// Inner positions of a task.
const BLOCK: usize = 512;

/// The columns of these numbers: `[outer, indices, inner]` from `[outer, count, inner]`.
///
/// # Panics
/// If an index is not below the number of columns.
#[must_use]
pub fn select<T: Real>(columns: Columns, indices: &[u32], input: &[T]) -> Vec<T> {
    let selected = Columns {
        count: indices.len(),
        ..columns
    };
    buffer::build_columns(selected, BLOCK, |outer, start, out: &mut [&mut [T]]| {
        for (out, &index) in out.iter_mut().zip(indices) {
            let offset = columns.offset(outer, index as usize, start);
            out.copy_from_slice(&input[offset..offset + out.len()]);
        }
    })
}

/// Adds each column of `[outer, indices, inner]` to the column of its number: the gradient of [`select`].
///
/// # Panics
/// If an index is not below the number of columns.
#[must_use]
pub fn add_columns<T: Real>(columns: Columns, indices: &[u32], source: &[T]) -> Vec<T> {
    let selected = Columns {
        count: indices.len(),
        ..columns
    };
    buffer::build_columns(columns, BLOCK, |outer, start, out: &mut [&mut [T]]| {
        for (place, &index) in indices.iter().enumerate() {
            let out = &mut *out[index as usize];
            let offset = selected.offset(outer, place, start);
            for (o, &x) in out.iter_mut().zip(&source[offset..]) {
                *o += x;
            }
        }
    })
}

/// For each element of `[outer, rows, inner]` the input's in the column the index there names.
///
/// # Panics
/// If an index is not below the number of columns, or their number is not a multiple of `outer * inner`.
#[must_use]
pub fn gather<T: Real>(columns: Columns, indices: &[u32], input: &[T]) -> Vec<T> {
    let gathered = gathered(columns, indices);
    buffer::build_columns(gathered, BLOCK, |outer, start, out: &mut [&mut [T]]| {
        for (row, out) in out.iter_mut().enumerate() {
            let indices = &indices[gathered.offset(outer, row, start)..];
            for (i, (o, &index)) in out.iter_mut().zip(indices).enumerate() {
                *o = input[columns.offset(outer, index as usize, start + i)];
            }
        }
    })
}

/// `base`, or zeros, plus each element of `[outer, rows, inner]` in the column the index there names.
///
/// # Panics
/// As [`gather`].
#[must_use]
pub fn scatter_add<T: Real>(
    columns: Columns,
    indices: &[u32],
    base: Option<&[T]>,
    source: &[T],
) -> Vec<T> {
    let gathered = gathered(columns, indices);
    buffer::build_columns(columns, BLOCK, |outer, start, out: &mut [&mut [T]]| {
        let len = out.first().map_or(0, |out| out.len());
        if let Some(base) = base {
            for (column, out) in out.iter_mut().enumerate() {
                let offset = columns.offset(outer, column, start);
                out.copy_from_slice(&base[offset..offset + len]);
            }
        }
        for row in 0..gathered.count {
            let offset = gathered.offset(outer, row, start);
            let added = indices[offset..].iter().zip(&source[offset..]);
            for (i, (&index, &x)) in added.take(len).enumerate() {
                out[index as usize][i] += x;
            }
        }
    })
}

fn gathered(columns: Columns, indices: &[u32]) -> Columns {
    let across = columns.outer * columns.inner;
    assert!(
        across > 0 && indices.len().is_multiple_of(across),
        "whole rows of indices"
    );
    Columns {
        count: indices.len() / across,
        ..columns
    }
}
