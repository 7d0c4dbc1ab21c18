//! Part of an axis.

use std::ops::Range;

use crate::cpu::buffer::{self, Columns, Zeroable};

/// The elements of a range of the middle axis.
///
/// # Panics
/// If the range leaves the axis.
#[must_use]
pub fn narrow<T: Zeroable>(input: &[T], columns: Columns, range: Range<usize>) -> Vec<T> {
    assert!(range.end <= columns.count, "a range of the axis");
    let row_len = range.len() * columns.inner;
    buffer::build_rows(
        columns.outer,
        row_len,
        |outer| columns.offset(outer, range.start, 0),
        |_, &from, start, out| {
            let from = from + start;
            out.copy_from_slice(&input[from..from + out.len()]);
        },
    )
}

/// The inverse of [`narrow`], zero outside the range.
///
/// # Panics
/// If the range leaves the axis, or has not the elements of the part.
#[must_use]
pub fn widen<T: Zeroable>(part: &[T], columns: Columns, range: Range<usize>) -> Vec<T> {
    assert!(range.end <= columns.count, "a range of the axis");
    let row_len = columns.count * columns.inner;
    let part_len = range.len() * columns.inner;
    let first = range.start * columns.inner;
    buffer::build_rows(
        columns.outer,
        row_len,
        |outer| &part[outer * part_len..(outer + 1) * part_len],
        |_, part, start, out| {
            // Both ranges count the elements of a whole row; the output comes as zeros.
            let from = first.clamp(start, start + out.len());
            let to = (first + part_len).clamp(start, start + out.len());
            if from < to {
                out[from - start..to - start].copy_from_slice(&part[from - first..to - first]);
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_comes_out_and_goes_back_to_its_place() {
        for (outer, count, inner) in [(1, 5, 1), (3, 4, 7), (2, 3, 20_000), (20_000, 3, 1)] {
            let columns = Columns {
                outer,
                count,
                inner,
            };
            let input: Vec<u32> = (1..=columns.len() as u32).collect();
            for range in [0..1, 1..3, 2..3, 0..count] {
                let part = narrow(&input, columns, range.clone());
                let expected = |i: &usize| range.contains(&(i / inner % count));
                let inside: Vec<u32> = (0..input.len())
                    .filter(expected)
                    .map(|i| input[i])
                    .collect();
                assert!(part == inside, "{columns:?} {range:?}");
                let zeroed = |i: usize| if expected(&i) { input[i] } else { 0 };
                let back: Vec<u32> = (0..input.len()).map(zeroed).collect();
                assert!(widen(&part, columns, range) == back);
            }
        }
    }
}
