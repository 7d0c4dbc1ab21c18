//! Picking elements of planes `[rows, depth, height, width]` by their flat index: where a maximum lies, and ways there and
//! back.

use std::ops::Range;

use crate::cpu::buffer;
use crate::cpu::real::Real;

/// The part of the input that each output voxel looks at, axis by axis; no range is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bins {
    /// Extent of the input along each axis.
    pub input: [usize; 3],
    /// For each axis the input indices of every output index.
    pub spans: [Vec<Range<usize>>; 3],
}

impl Bins {
    /// The number of elements of an output plane.
    #[must_use]
    pub fn output_len(&self) -> usize {
        self.spans.iter().map(Vec::len).product()
    }

    /// The number of elements of an input plane.
    #[must_use]
    pub fn input_len(&self) -> usize {
        self.input.iter().product()
    }
}

/// Where in its plane the largest value of each bin lies: the first of several, the first NaN if there is one.
///
/// Planes have at most 2^32 elements.
#[must_use]
pub fn arg_max<T: Real>(bins: &Bins, rows: usize, input: &[T]) -> Vec<u32> {
    let (len, out_len) = (bins.input_len(), bins.output_len());
    let [_, height, width] = bins.input;
    let [depths, heights, widths] = &bins.spans;
    buffer::build_rows_of_cost(rows, out_len, len, |row, out: &mut [u32]| {
        let input = &input[row * len..(row + 1) * len];
        let mut out = out.iter_mut();
        for ds in depths {
            for hs in heights {
                for (ws, out) in widths.iter().zip(&mut out) {
                    let (mut place, mut largest) = (0, None);
                    for d in ds.clone() {
                        for h in hs.clone() {
                            let start = (d * height + h) * width;
                            for i in start + ws.start..start + ws.end {
                                if largest.is_none_or(|largest| wins(input[i], largest)) {
                                    (place, largest) = (i, Some(input[i]));
                                }
                            }
                        }
                    }
                    *out = place as u32;
                }
            }
        }
    })
}

/// Whether `x` replaces the largest value so far: it is larger, or the first NaN.
#[inline(always)]
#[expect(clippy::eq_op, reason = "only NaN differs from itself")]
fn wins<T: Real>(x: T, largest: T) -> bool {
    x > largest || (x != x && largest == largest)
}

/// The elements of each plane of `plane_len` elements at its row of indices.
///
/// # Panics
/// If an index is not below `plane_len`.
#[must_use]
pub fn gather<T: Real>(rows: usize, plane_len: usize, input: &[T], indices: &[u32]) -> Vec<T> {
    let picked = indices.len() / rows.max(1);
    buffer::build_whole_rows(rows, picked, |row, out: &mut [T]| {
        let plane = &input[row * plane_len..(row + 1) * plane_len];
        for (o, &i) in out.iter_mut().zip(&indices[row * picked..]) {
            *o = plane[i as usize];
        }
    })
}

/// Planes of zeros with each value added where its index says: the gradient of [`gather`].
///
/// # Panics
/// As [`gather`].
#[must_use]
pub fn scatter_add<T: Real>(
    rows: usize,
    plane_len: usize,
    values: &[T],
    indices: &[u32],
) -> Vec<T> {
    scatter(rows, plane_len, values, indices, |place, value| {
        *place += value;
    })
}

/// Planes of zeros with each value written where its index says, the last one where several do.
///
/// # Panics
/// As [`gather`].
#[must_use]
pub fn scatter_last<T: Real>(
    rows: usize,
    plane_len: usize,
    values: &[T],
    indices: &[u32],
) -> Vec<T> {
    scatter(rows, plane_len, values, indices, |place, value| {
        *place = value;
    })
}

fn scatter<T: Real>(
    rows: usize,
    plane_len: usize,
    values: &[T],
    indices: &[u32],
    put: impl Fn(&mut T, T) + Sync,
) -> Vec<T> {
    let given = values.len() / rows.max(1);
    buffer::build_whole_rows(rows, plane_len, |row, out: &mut [T]| {
        let part = row * given..(row + 1) * given;
        for (&value, &i) in values[part.clone()].iter().zip(&indices[part]) {
            put(&mut out[i as usize], value);
        }
    })
}
