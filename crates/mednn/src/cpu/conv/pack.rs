//! Cuts ranges into pieces and copies rows of an image with zeros outside.

use crate::cpu::real::Real;

/// Splits a range into pieces of nearly equal length, at most `longest`, as (start, length).
pub(in crate::cpu) fn pieces(
    start: usize,
    end: usize,
    longest: usize,
) -> impl Iterator<Item = (usize, usize)> {
    let length = end.saturating_sub(start);
    let parts = length.div_ceil(longest);
    (0..parts).map(move |part| {
        let from = start + length * part / parts;
        (from, start + length * (part + 1) / parts - from)
    })
}

/// Copies the elements of a row from `first` on, zero outside, the residues of `step` one after the other, so that outputs
/// a step apart see neighbours.
#[inline(always)]
pub(in crate::cpu) fn pack_row<T: Real>(
    from: &[T],
    first: isize,
    step: usize,
    residue: usize,
    to: &mut [T],
) {
    for (r, to) in to.chunks_exact_mut(residue).enumerate() {
        pack_residue(from, first + r as isize, step, to);
    }
}

/// Copies the elements `first`, `first + step`, ... of a row, zero outside.
#[inline(always)]
pub(in crate::cpu) fn pack_residue<T: Real>(from: &[T], first: isize, step: usize, to: &mut [T]) {
    let signed = step as isize;
    // Elements first + i * step lie in the row for i in low..high.
    let low = (signed - 1 - first)
        .div_euclid(signed)
        .clamp(0, to.len() as isize) as usize;
    let high = (from.len() as isize - first + signed - 1).div_euclid(signed);
    let high = (high.max(0) as usize).clamp(low, to.len());
    to[..low].fill(T::ZERO);
    to[high..].fill(T::ZERO);
    if low == high {
        return;
    }
    let start = (first + (low * step) as isize) as usize;
    if step == 1 {
        to[low..high].copy_from_slice(&from[start..][..high - low]);
    } else if step == 2 {
        // Pairs vectorise; the last one may be cut short by the end of the row.
        let (pairs, _) = from[start..].as_chunks::<2>();
        for (to, pair) in to[low..high].iter_mut().zip(pairs) {
            *to = pair[0];
        }
        to[high - 1] = from[start + 2 * (high - 1 - low)];
    } else {
        for (to, from) in to[low..high]
            .iter_mut()
            .zip(from[start..].iter().step_by(step))
        {
            *to = *from;
        }
    }
}

/// Rounds a pitch up to an odd number of cache lines, so that channels fall into different sets of the cache.
pub(in crate::cpu) fn spread(pitch: usize) -> usize {
    let lines = pitch.div_ceil(16);
    16 * (lines | 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_a_range_once_and_are_nearly_equal() {
        for length in 0..60 {
            let parts: Vec<_> = pieces(5, 5 + length, 14).collect();
            let mut at = 5;
            for &(start, n) in &parts {
                assert_eq!(start, at);
                assert!((1..=14).contains(&n));
                at += n;
            }
            assert_eq!(at, 5 + length);
            let (min, max) = parts
                .iter()
                .fold((99, 0), |(a, b), p| (p.1.min(a), p.1.max(b)));
            assert!(parts.is_empty() || max - min <= 1);
        }
    }

    #[test]
    fn rows_are_packed_by_residue_with_zeros_outside() {
        let row: Vec<f64> = (1..=5).map(f64::from).collect();
        for step in 1..5 {
            for first in -7..9_isize {
                for residue in 1..6 {
                    let mut to = vec![9.0; residue * step];
                    pack_row(&row, first, step, residue, &mut to);
                    for r in 0..step {
                        for i in 0..residue {
                            let at = first + (i * step + r) as isize;
                            let expected =
                                usize::try_from(at).ok().and_then(|at| row.get(at)).copied();
                            assert_eq!(
                                to[r * residue + i],
                                expected.unwrap_or(0.0),
                                "{step} {first} {residue}"
                            );
                        }
                    }
                }
            }
        }
    }
}
