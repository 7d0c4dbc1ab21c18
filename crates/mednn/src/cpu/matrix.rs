//! Products of matrices that lie in slices with any strides, on the packed kernels of `gemm`.
//!
//! A large product is cut into tiles of fixed size, one task each with a single-threaded product inside, so that no sum depends
//! on the number of threads.
#![expect(
    unsafe_code,
    reason = "gemm takes pointers; shapes and lengths are checked against the slices first"
)]

use std::mem::MaybeUninit;
use std::ops::Range;

use rayon::prelude::*;

use crate::cpu::real::Real;

/// Rows and columns of a tile of a product, about.
const TILE: (usize, usize) = (192, 384);

/// The length of tiles of about `near` elements that all have nearly the same length: a narrow last one would pack the other
/// matrix for little.
fn tile_len(length: usize, near: usize) -> usize {
    let tiles = ((length + near / 2) / near).max(1);
    length.div_ceil(tiles).next_multiple_of(16)
}

/// A matrix in a slice: element `(i, j)` at `i * strides.0 + j * strides.1`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matrix<'a, T> {
    values: &'a [T],
    shape: (usize, usize),
    strides: (usize, usize),
}

impl<'a, T: Real> Matrix<'a, T> {
    /// A matrix whose rows lie `stride` elements apart and are contiguous.
    ///
    /// # Panics
    /// If the slice is too short.
    pub(crate) fn rows(values: &'a [T], shape: (usize, usize), stride: usize) -> Self {
        assert!(
            last(shape, (stride, 1)) < values.len() || shape.0 * shape.1 == 0,
            "a matrix of shape {shape:?} lies within {} elements",
            values.len()
        );
        Self {
            values,
            shape,
            strides: (stride, 1),
        }
    }

    /// Rows and columns exchanged.
    pub(crate) fn transposed(self) -> Self {
        Self {
            values: self.values,
            shape: (self.shape.1, self.shape.0),
            strides: (self.strides.1, self.strides.0),
        }
    }

    /// One row of a matrix whose rows are contiguous.
    ///
    /// # Panics
    /// If the rows are not contiguous.
    #[inline(always)]
    pub(crate) fn row(self, row: usize) -> &'a [T] {
        assert_eq!(self.strides.1, 1, "contiguous rows");
        &self.values[row * self.strides.0..row * self.strides.0 + self.shape.1]
    }

    fn part(self, rows: Range<usize>, columns: Range<usize>) -> Self {
        Self {
            values: &self.values[rows.start * self.strides.0 + columns.start * self.strides.1..],
            shape: (rows.len(), columns.len()),
            strides: self.strides,
        }
    }
}

/// The offset of the last element.
fn last(shape: (usize, usize), strides: (usize, usize)) -> usize {
    shape.0.saturating_sub(1) * strides.0 + shape.1.saturating_sub(1) * strides.1
}

/// What becomes of the values in the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// They are replaced.
    Replace,
    /// The product is added to them.
    Add,
}

/// `out = factor a b` or `out += factor a b` on this thread, `out` in rows one after another.
///
/// # Panics
/// If the shapes do not fit together.
pub(crate) fn multiply<T: Real>(
    out: &mut [T],
    output: Output,
    factor: T,
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
) {
    let (m, n) = (a.shape.0, b.shape.1);
    assert_eq!(a.shape.1, b.shape.0, "columns of a, rows of b");
    assert_eq!(out.len(), m * n, "the output has the shape of the product");
    // SAFETY: the output holds m rows of n elements, all initialised, and nobody else has it.
    unsafe { raw(out.as_mut_ptr(), n, output, factor, a, b) }
}

/// # Safety
/// `out` points to `a.shape.0` rows of `b.shape.1` elements, `stride` apart, that only this call uses; they need not be
/// initialised if they are replaced. The columns of `a` are as many as the rows of `b`.
unsafe fn raw<T: Real>(
    out: *mut T,
    stride: usize,
    output: Output,
    factor: T,
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
) {
    let (m, n, k) = (a.shape.0, b.shape.1, a.shape.1);
    if m == 0 || n == 0 {
        return;
    }
    // SAFETY: the caller vouches for the output; both matrices were checked to lie within their slices when they were made.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out,
            1,
            stride as isize,
            output == Output::Add,
            a.values.as_ptr(),
            a.strides.1 as isize,
            a.strides.0 as isize,
            b.values.as_ptr(),
            b.strides.1 as isize,
            b.strides.0 as isize,
            T::ONE,
            factor,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// The product `a b` in rows one after another, made in parallel.
///
/// `finish(column, values)` sees each piece of a row when its tile is done, `column` being the place of its first value.
///
/// # Panics
/// If the shapes do not fit together.
pub(crate) fn product<T: Real>(
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    finish: impl Fn(usize, &mut [T]) + Sync,
) -> Vec<T> {
    struct Start<T>(*mut MaybeUninit<T>);
    // SAFETY: the pointer is only used for the disjoint tiles below.
    unsafe impl<T> Sync for Start<T> {}
    impl<T> Start<T> {
        fn get(&self) -> *mut T {
            self.0.cast()
        }
    }

    assert_eq!(a.shape.1, b.shape.0, "columns of a, rows of b");
    let (m, n) = (a.shape.0, b.shape.1);
    let mut out: Vec<T> = Vec::with_capacity(m * n);
    let first = Start(out.spare_capacity_mut().as_mut_ptr());
    let tile_shape = (tile_len(m, TILE.0), tile_len(n, TILE.1));
    let (row_tiles, column_tiles) = (m.div_ceil(tile_shape.0), n.div_ceil(tile_shape.1));
    (0..row_tiles * column_tiles)
        .into_par_iter()
        .for_each(|tile| {
            let (row, column) = (
                tile % row_tiles * tile_shape.0,
                tile / row_tiles * tile_shape.1,
            );
            let (rows, columns) = (
                row..(row + tile_shape.0).min(m),
                column..(column + tile_shape.1).min(n),
            );
            let (a, b) = (
                a.part(rows.clone(), 0..a.shape.1),
                b.part(0..b.shape.0, columns.clone()),
            );
            // SAFETY: rows end at or before m and columns at or before n, so the tile lies within the m * n elements reserved;
            // tiles do not overlap. `raw` replaces every element of the tile, after which its rows are initialised slices.
            unsafe {
                raw(
                    first.get().add(row * n + column),
                    n,
                    Output::Replace,
                    T::ONE,
                    a,
                    b,
                );
                for row in rows {
                    let piece = first.get().add(row * n + column);
                    finish(column, std::slice::from_raw_parts_mut(piece, columns.len()));
                }
            }
        });
    // SAFETY: the tiles cover all m * n elements and each was written; a panic leaves the length at zero.
    unsafe { out.set_len(m * n) };
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(len: usize, seed: usize) -> Vec<f64> {
        (0..len)
            .map(|i| ((i * 37 + seed * 11) % 19) as f64 - 9.0)
            .collect()
    }

    #[test]
    fn products_of_any_strides_are_exact_on_whole_numbers() {
        for (m, n, k) in [
            (1, 1, 1),
            (3, 5, 7),
            (193, 2, 4),
            (300, 577, 2),
            (2, 513, 3),
            (200, 600, 1),
        ] {
            let (a, b) = (pattern(m * k, 1), pattern(n * k, 2));
            let expected =
                |i: usize, j: usize| -> f64 { (0..k).map(|x| a[i * k + x] * b[j * k + x]).sum() };
            let left = Matrix::rows(&a, (m, k), k);
            let right = Matrix::rows(&b, (n, k), k).transposed();
            let got = product(left, right, |column, values| {
                for (i, v) in values.iter_mut().enumerate() {
                    *v += (column + i) as f64;
                }
            });
            for (place, value) in got.iter().enumerate() {
                assert_eq!(*value, expected(place / n, place % n) + (place % n) as f64);
            }
            let mut sum = vec![1.0; m * n];
            multiply(&mut sum, Output::Add, 2.0, left, right);
            for (place, value) in sum.iter().enumerate() {
                assert_eq!(*value, 1.0 + 2.0 * expected(place / n, place % n));
            }
        }
    }

    #[test]
    #[should_panic(expected = "lies within")]
    fn a_matrix_larger_than_its_slice_is_refused() {
        Matrix::rows(&[0.0_f32; 5], (2, 3), 3);
    }
}
