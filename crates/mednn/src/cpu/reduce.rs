//! Sums and moments that do not depend on the number of threads.
//!
//! A slice is cut into chunks of fixed size; inside a chunk lanes add up side by side, which the compiler turns into
//! vectors; lanes and chunks are then added in order in f64.

use rayon::prelude::*;

use crate::cpu::buffer::CHUNK;
use crate::cpu::real::Real;

/// Sums that grow side by side.
const LANES: usize = 16;
/// Terms that are written out before they are added: a whole number of lanes, in the first-level cache.
pub(crate) const BLOCK: usize = 512;

/// Count, mean and sum of squared deviations from the mean.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Moments {
    /// Number of values.
    pub count: f64,
    /// Their mean.
    pub mean: f64,
    /// Sum of their squared deviations from the mean.
    pub squares: f64,
}

impl Moments {
    /// The moments of a slice: one pass over memory, deviations taken from the mean of their chunk while it is in cache
    /// (Chan, Golub and LeVeque 1983), so that a large mean costs no precision.
    #[must_use]
    pub fn of<T: Real>(values: &[T]) -> Self {
        if values.len() <= CHUNK {
            return Self::of_chunk(values);
        }
        let parts: Vec<Self> = values.par_chunks(CHUNK).map(Self::of_chunk).collect();
        parts.into_iter().fold(Self::default(), Self::merge)
    }

    /// The moments of the values of both.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let count = self.count + other.count;
        if count == 0.0 {
            return self;
        }
        let difference = other.mean - self.mean;
        Self {
            count,
            mean: self.mean + difference * (other.count / count),
            squares: self.squares
                + other.squares
                + difference * difference * (self.count * other.count / count),
        }
    }

    /// Mean squared deviation; 0 of no values.
    #[must_use]
    pub fn variance(&self) -> f64 {
        if self.count == 0.0 {
            0.0
        } else {
            self.squares / self.count
        }
    }

    fn of_chunk<T: Real>(values: &[T]) -> Self {
        let count = values.len() as f64;
        if values.is_empty() {
            return Self::default();
        }
        let [sum] = sums_of_chunk(
            values,
            #[inline(always)]
            move |x| [x],
        );
        let centre = T::from_f64(sum / count);
        let [rest, squares] = sums_of_chunk(
            values,
            #[inline(always)]
            move |x| {
                let d = x - centre;
                [d, d * d]
            },
        );
        Self {
            count,
            mean: centre.to_f64() + rest / count,
            squares: squares - rest * rest / count,
        }
    }
}

/// The sum of a slice.
pub(crate) fn sum<T: Real>(values: &[T]) -> f64 {
    if values.len() <= BLOCK {
        let sum = T::vectorize(
            #[inline(always)]
            || {
                lane_sum(
                    values,
                    #[inline(always)]
                    |x| x,
                )
            },
        );
        return sum.to_f64();
    }
    let [sum] = sums_of_pairs(
        values,
        values,
        #[inline(always)]
        |x, _| [x],
    );
    sum
}

/// Sums of the quantities `f` gives for each pair of elements.
pub(crate) fn sums_of_pairs<T: Real, const K: usize>(
    a: &[T],
    b: &[T],
    f: impl Fn(T, T) -> [T; K] + Sync + Copy,
) -> [f64; K] {
    if a.len() <= CHUNK {
        return sums_of_chunk_pairs(a, b, f);
    }
    let parts: Vec<[f64; K]> = a
        .par_chunks(CHUNK)
        .zip(b.par_chunks(CHUNK))
        .map(|(a, b)| sums_of_chunk_pairs(a, b, f))
        .collect();
    let mut total = [0.0; K];
    for part in parts {
        for k in 0..K {
            total[k] += part[k];
        }
    }
    total
}

fn sums_of_chunk<T: Real, const K: usize>(
    values: &[T],
    f: impl Fn(T) -> [T; K] + Copy,
) -> [f64; K] {
    sums_of_chunk_pairs(
        values,
        values,
        #[inline(always)]
        move |x, _| f(x),
    )
}

fn sums_of_chunk_pairs<T: Real, const K: usize>(
    a: &[T],
    b: &[T],
    f: impl Fn(T, T) -> [T; K] + Copy,
) -> [f64; K] {
    T::vectorize(
        #[inline(always)]
        move || {
            let mut sums = Sums::new();
            for (a, b) in a.chunks(BLOCK).zip(b.chunks(BLOCK)) {
                let b = &b[..a.len()];
                sums.add(
                    a.len(),
                    #[inline(always)]
                    move |i| f(a[i], b[i]),
                );
            }
            sums.take()
        },
    )
}

/// Sums of `K` quantities, block by block.
///
/// The terms of a block are written out before they are added: two plain loops become vectors where one that does both does
/// not. For the same reason the closures that make the terms own the numbers they use (`move`).
#[derive(Debug)]
pub(crate) struct Sums<T, const K: usize> {
    terms: [[T; BLOCK]; K],
    lanes: [[T; LANES]; K],
}

impl<T: Real, const K: usize> Sums<T, K> {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Self {
            terms: [[T::ZERO; BLOCK]; K],
            lanes: [[T::ZERO; LANES]; K],
        }
    }

    /// Adds the terms of `0..len`, at most [`BLOCK`].
    #[inline(always)]
    pub(crate) fn add(&mut self, len: usize, terms: impl Fn(usize) -> [T; K] + Copy) {
        let written = self.terms.each_mut().map(|written| &mut written[..len]);
        for i in 0..len {
            let terms = terms(i);
            for k in 0..K {
                written[k][i] = terms[k];
            }
        }
        let whole = len.next_multiple_of(LANES);
        for k in 0..K {
            self.terms[k][len..whole].fill(T::ZERO);
            let mut lanes = self.lanes[k];
            for terms in self.terms[k][..whole].as_chunks::<LANES>().0 {
                for lane in 0..LANES {
                    lanes[lane] += terms[lane];
                }
            }
            self.lanes[k] = lanes;
        }
    }

    /// The sums so far, lanes added in order; starts again from zero.
    #[inline(always)]
    pub(crate) fn take(&mut self) -> [f64; K] {
        let mut total = [0.0; K];
        for k in 0..K {
            for lane in &mut self.lanes[k] {
                total[k] += lane.to_f64();
                *lane = T::ZERO;
            }
        }
        total
    }
}

/// A sum of terms in lanes, for slices so short that the type's own precision is enough.
#[inline(always)]
pub(crate) fn lane_sum<T: Real>(values: &[T], term: impl Fn(T) -> T) -> T {
    let mut lanes = [T::ZERO; LANES];
    let blocks = values.chunks_exact(LANES);
    let mut total = T::ZERO;
    for &x in blocks.remainder() {
        total += term(x);
    }
    for block in blocks {
        for lane in 0..LANES {
            lanes[lane] += term(block[lane]);
        }
    }
    for lane in lanes {
        total += lane;
    }
    total
}

/// The sum of the products of two slices of one length, in lanes as [`lane_sum`].
#[inline(always)]
pub(crate) fn lane_dot<T: Real>(a: &[T], b: &[T]) -> T {
    let mut lanes = [T::ZERO; LANES];
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    let mut total = T::ZERO;
    for (&a, &b) in a_rest.iter().zip(b_rest) {
        total += a * b;
    }
    for lane in lanes {
        total += lane;
    }
    total
}

/// The largest value, NaN passed over; minus infinity of none.
#[inline(always)]
pub(crate) fn lane_max<T: Real>(values: &[T]) -> T {
    let mut lanes = [T::NEG_INFINITY; LANES];
    let (blocks, rest) = values.as_chunks::<LANES>();
    for block in blocks {
        for lane in 0..LANES {
            lanes[lane] = block[lane].larger(lanes[lane]);
        }
    }
    let mut largest = T::NEG_INFINITY;
    for &x in lanes.iter().chain(rest) {
        largest = x.larger(largest);
    }
    largest
}

/// `K` sums over the rows of a matrix for each of its columns.
///
/// `add(row, sums)` adds the terms of one row to sums that a block of rows shares; blocks have a fixed size and are added in
/// order in f64.
pub(crate) fn column_sums<T: Real, const K: usize>(
    rows: usize,
    columns: usize,
    add: impl Fn(usize, &mut [Vec<T>; K]) + Sync,
) -> [Vec<f64>; K] {
    let block = (4 * CHUNK / columns.max(1)).clamp(16, 256);
    let parts: Vec<[Vec<T>; K]> = (0..rows.div_ceil(block))
        .into_par_iter()
        .map(|part| {
            let mut sums = std::array::from_fn(|_| vec![T::ZERO; columns]);
            for row in part * block..((part + 1) * block).min(rows) {
                add(row, &mut sums);
            }
            sums
        })
        .collect();
    std::array::from_fn(|k| {
        let mut total = vec![0.0; columns];
        for part in &parts {
            for (total, sum) in total.iter_mut().zip(&part[k]) {
                *total += sum.to_f64();
            }
        }
        total
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_mean_costs_no_precision() {
        let values: Vec<f32> = (0..CHUNK * 2 + 77)
            .map(|i| 10_000.0 + (i % 4) as f32)
            .collect();
        let n = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let variance = values
            .iter()
            .map(|&v| (f64::from(v) - mean).powi(2))
            .sum::<f64>()
            / n;
        let moments = Moments::of(&values);
        assert!((moments.mean - mean).abs() < 1e-7);
        assert!((moments.variance() / variance - 1.0).abs() < 1e-6);
    }

    #[test]
    fn sums_cover_every_tail() {
        for len in (0..70).chain([CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5]) {
            let a: Vec<f64> = (0..len).map(|i| (i % 13) as f64).collect();
            let b: Vec<f64> = (0..len).map(|i| (i % 7) as f64).collect();
            let [sum, product] = sums_of_pairs(&a, &b, |a, b| [a + b, a * b]);
            assert_eq!(
                sum,
                a.iter().zip(&b).map(|(a, b)| a + b).sum::<f64>(),
                "{len}"
            );
            assert_eq!(
                product,
                a.iter().zip(&b).map(|(a, b)| a * b).sum::<f64>(),
                "{len}"
            );
            assert_eq!(Moments::of(&a).count, len as f64);
        }
    }
}
