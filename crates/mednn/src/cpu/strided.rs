//! Loops over elements that lie a fixed distance apart.

use crate::cpu::real::Real;

/// `out = f(out, x)` for each output and every `stride`-th element of a row.
#[inline(always)]
pub(crate) fn combine<T: Real>(
    out: &mut [T],
    row: &[T],
    stride: usize,
    f: impl Fn(T, T) -> T + Copy,
) {
    match stride {
        1 => combine_fixed::<T, 1>(out, row, f),
        2 => combine_fixed::<T, 2>(out, row, f),
        3 => combine_fixed::<T, 3>(out, row, f),
        4 => combine_fixed::<T, 4>(out, row, f),
        _ => {
            for (o, &x) in out.iter_mut().zip(row.iter().step_by(stride)) {
                *o = f(*o, x);
            }
        }
    }
}

#[inline(always)]
fn combine_fixed<T: Real, const STRIDE: usize>(
    out: &mut [T],
    row: &[T],
    f: impl Fn(T, T) -> T + Copy,
) {
    let (whole, rest) = row.as_chunks::<STRIDE>();
    let (out, last) = out.split_at_mut(whole.len().min(out.len()));
    for (o, elements) in out.iter_mut().zip(whole) {
        *o = f(*o, elements[0]);
    }
    if let ([o, ..], [x, ..]) = (last, rest) {
        *o = f(*o, *x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_output_meets_its_element() {
        for stride in 1..7 {
            for len in 0..40 {
                let row: Vec<f64> = (0..len).map(f64::from).collect();
                let mut out = vec![100.0; row.len().div_ceil(stride)];
                combine(&mut out, &row, stride, |o, x| o + x);
                for (i, o) in out.iter().enumerate() {
                    assert_eq!(*o, (100 + i * stride) as f64);
                }
            }
        }
    }
}
