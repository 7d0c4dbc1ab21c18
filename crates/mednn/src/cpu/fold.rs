//! Sums and maxima of a tensor over any of its axes.
//!
//! Values are folded in f64, in blocks whose size depends on the shape alone, and blocks in order: a result has the precision
//! of its type and is the same on any number of threads. The innermost axes go first; what is left for the others is small.

use crate::cpu::buffer::{self, CHUNK, Columns};
use crate::cpu::real::Real;

/// Folds that grow side by side in a row.
const LANES: usize = 16;
/// Columns that are folded together: their results stay in the first-level cache.
const COLUMNS: usize = 2048;

/// An axis of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axis {
    /// The number of indices.
    pub length: usize,
    /// Whether its elements become one.
    pub folded: bool,
}

/// How values become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fold {
    /// Their sum.
    Sum,
    /// The largest; NaN when one is.
    Max,
}

/// The sum or the largest of the values along the folded axes, for each index of the others.
///
/// # Panics
/// If the lengths of the axes do not multiply to the number of values.
#[must_use]
pub fn fold<T: Real>(values: &[T], axes: &[Axis], how: Fold) -> Vec<f64> {
    match how {
        Fold::Sum => fold_axes(values, values, axes, plain, Sum),
        Fold::Max => fold_axes(values, values, axes, plain, Max),
    }
}

/// The sums of `a * b` along the folded axes.
///
/// # Panics
/// If the lengths of the axes do not multiply to the number of values.
#[must_use]
pub fn sum_products<T: Real>(a: &[T], b: &[T], axes: &[Axis]) -> Vec<f64> {
    fold_axes(a, b, axes, product, Sum)
}

/// `factor` times each value, in the type wanted.
#[must_use]
pub fn rounded<T: Real>(values: &[f64], factor: f64) -> Vec<T> {
    buffer::build(values.len(), |start, out: &mut [T]| {
        let values = &values[start..start + out.len()];
        T::vectorize(
            #[inline(always)]
            move || {
                for (o, &v) in out.iter_mut().zip(values) {
                    *o = T::from_f64(v * factor);
                }
            },
        );
    })
}

#[inline(always)]
fn plain<T: Real>(a: T, _: T) -> f64 {
    a.to_f64()
}

#[inline(always)]
fn product<T: Real>(a: T, b: T) -> f64 {
    a.to_f64() * b.to_f64()
}

trait Merge: Copy + Sync {
    /// What merging leaves as it is.
    const START: f64;

    fn merge(a: f64, b: f64) -> f64;
}

#[derive(Clone, Copy)]
struct Sum;

impl Merge for Sum {
    const START: f64 = 0.0;

    #[inline(always)]
    fn merge(a: f64, b: f64) -> f64 {
        a + b
    }
}

#[derive(Clone, Copy)]
struct Max;

impl Merge for Max {
    const START: f64 = f64::NEG_INFINITY;

    #[inline(always)]
    fn merge(a: f64, b: f64) -> f64 {
        // A NaN in `a` stays, because no comparison with it holds.
        if b > a || b.is_nan() { b } else { a }
    }
}

fn fold_axes<T: Real, M: Merge>(
    a: &[T],
    b: &[T],
    axes: &[Axis],
    term: impl Fn(T, T) -> f64 + Sync + Copy,
    how: M,
) -> Vec<f64> {
    let mut axes = joined(axes);
    let product = |axes: &[Axis]| axes.iter().map(|axis| axis.length).product();
    assert!(
        a.len() == product(&axes) && b.len() == a.len(),
        "a value for each index"
    );
    let mut folded: Option<Vec<f64>> = None;
    while let Some(at) = axes.iter().rposition(|axis| axis.folded) {
        let columns = Columns {
            outer: product(&axes[..at]),
            count: axes[at].length,
            inner: product(&axes[at + 1..]),
        };
        folded = Some(match folded {
            None => fold_columns(a, b, columns, term, how),
            Some(values) => fold_columns(&values, &values, columns, plain, how),
        });
        axes.remove(at);
    }
    folded.unwrap_or_else(|| {
        let one = Columns {
            outer: 1,
            count: 1,
            inner: a.len(),
        };
        fold_columns(a, b, one, term, how)
    })
}

/// The same axes with neighbours of one kind joined, and those of length 1 left out.
fn joined(axes: &[Axis]) -> Vec<Axis> {
    let mut joined: Vec<Axis> = Vec::with_capacity(axes.len());
    for &axis in axes.iter().filter(|axis| axis.length != 1) {
        match joined.last_mut() {
            Some(last) if last.folded == axis.folded => last.length *= axis.length,
            _ => joined.push(axis),
        }
    }
    joined
}

/// Folds the middle axis.
fn fold_columns<T: Real, M: Merge>(
    a: &[T],
    b: &[T],
    columns: Columns,
    term: impl Fn(T, T) -> f64 + Sync + Copy,
    how: M,
) -> Vec<f64> {
    let Columns {
        outer,
        count,
        inner,
    } = columns;
    // Rows of few columns are taken in blocks, so that there is work for several threads.
    let block = match inner {
        1 => CHUNK,
        _ if inner < CHUNK => (4 * CHUNK / inner).max(LANES),
        _ => count,
    };
    let blocks = count.div_ceil(block);
    let rows = |task: usize| {
        let first = task % blocks * block;
        (task / blocks, first..(first + block).min(count))
    };
    let folded = if inner == 1 {
        buffer::build_rows_of_cost(outer * blocks, 1, block.min(count), |task, out| {
            let (outer, rows) = rows(task);
            let part = columns.offset(outer, rows.start, 0)..columns.offset(outer, rows.end, 0);
            out[0] = fold_row(&a[part.clone()], &b[part], term, how);
        })
    } else {
        let parts = Columns {
            outer: outer * blocks,
            count: 1,
            inner,
        };
        buffer::build_columns(parts, COLUMNS, |task, start, out| {
            let (outer, rows) = rows(task);
            let out = &mut *out[0];
            T::vectorize(
                #[inline(always)]
                move || {
                    out.fill(M::START);
                    for row in rows {
                        let from = columns.offset(outer, row, start);
                        let part = from..from + out.len();
                        let terms = a[part.clone()].iter().zip(&b[part]);
                        for (o, (&a, &b)) in out.iter_mut().zip(terms) {
                            *o = M::merge(*o, term(a, b));
                        }
                    }
                },
            );
        })
    };
    if blocks == 1 {
        return folded;
    }
    let parts = Columns {
        outer,
        count: blocks,
        inner,
    };
    fold_columns(&folded, &folded, parts, plain, how)
}

fn fold_row<T: Real, M: Merge>(a: &[T], b: &[T], term: impl Fn(T, T) -> f64 + Copy, _: M) -> f64 {
    T::vectorize(
        #[inline(always)]
        move || {
            let (a_blocks, a_rest) = a.as_chunks::<LANES>();
            let (b_blocks, b_rest) = b.as_chunks::<LANES>();
            let mut total = M::START;
            if !a_blocks.is_empty() {
                let mut lanes = [M::START; LANES];
                for (a, b) in a_blocks.iter().zip(b_blocks) {
                    for lane in 0..LANES {
                        lanes[lane] = M::merge(lanes[lane], term(a[lane], b[lane]));
                    }
                }
                for lane in lanes {
                    total = M::merge(total, lane);
                }
            }
            for (&a, &b) in a_rest.iter().zip(b_rest) {
                total = M::merge(total, term(a, b));
            }
            total
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes(lengths: &[usize], folded: &[usize]) -> Vec<Axis> {
        let axis = |(at, &length)| Axis {
            length,
            folded: folded.contains(&at),
        };
        lengths.iter().enumerate().map(axis).collect()
    }

    #[test]
    fn any_axes_are_folded() {
        let lengths = [2, 3, 5, 7];
        let a: Vec<f32> = (0..210).map(|i| ((i * 37) % 101) as f32 - 50.0).collect();
        let b: Vec<f32> = (0..210).map(|i| ((i * 53) % 97) as f32 - 40.0).collect();
        for chosen in 0..16_usize {
            let folded: Vec<usize> = (0..4).filter(|at| chosen >> at & 1 == 1).collect();
            let kept: Vec<usize> = (0..4).filter(|at| !folded.contains(at)).collect();
            let len = kept.iter().map(|&at| lengths[at]).product();
            let (mut sums, mut largest) = (vec![0.0; len], vec![f64::NEG_INFINITY; len]);
            let mut products = vec![0.0; len];
            for i in 0..210 {
                let index = [i / 105, i / 35 % 3, i / 7 % 5, i % 7];
                let to = kept.iter().fold(0, |to, &at| to * lengths[at] + index[at]);
                sums[to] += f64::from(a[i]);
                products[to] += f64::from(a[i]) * f64::from(b[i]);
                largest[to] = largest[to].max(f64::from(a[i]));
            }
            let axes = axes(&lengths, &folded);
            assert_eq!(fold(&a, &axes, Fold::Sum), sums, "{folded:?}");
            assert_eq!(fold(&a, &axes, Fold::Max), largest, "{folded:?}");
            assert_eq!(sum_products(&a, &b, &axes), products, "{folded:?}");
        }
    }

    #[test]
    fn many_blocks_are_added_without_loss() {
        let values = vec![0.1_f32; 3 * CHUNK + 5];
        let len = values.len();
        let exact = f64::from(0.1_f32);
        for (lengths, folded, terms) in [
            (vec![len], vec![0], len),
            (vec![len, 1], vec![0], len),
            (vec![len / 11, 11], vec![0], len / 11),
            (vec![7, len / 7], vec![1], len / 7),
        ] {
            let values = &values[..lengths.iter().product()];
            for sum in fold(values, &axes(&lengths, &folded), Fold::Sum) {
                assert!((sum / (terms as f64 * exact) - 1.0).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn the_largest_of_values_with_a_nan_is_nan() {
        for at in [0, 3, 20] {
            let mut values = vec![1.0_f32; 21];
            values[at] = f32::NAN;
            assert!(fold(&values, &axes(&[21], &[0]), Fold::Max)[0].is_nan());
        }
    }
}
