//! Updates of several slices in one pass over memory, and sums over what they leave: what optimizers are made of.

use rayon::prelude::*;

use crate::cpu::buffer::CHUNK;
use crate::cpu::real::Real;
use crate::cpu::reduce::{self, Sums};

/// Elements that are worked on in local arrays, where the compiler sees that nothing overlaps and makes vectors.
const BLOCK: usize = 64;

/// Replaces the elements at each place of the `written` slices by what `rule(written, read)` makes of those at that place.
///
/// # Panics
/// If the slices have different lengths.
pub fn update<T: Real, const W: usize, const R: usize>(
    written: [&mut [T]; W],
    read: [&[T]; R],
    rule: impl Fn([T; W], [T; R]) -> [T; W] + Sync + Copy,
) {
    let [] = update_and_sum(
        written,
        read,
        rule,
        #[inline(always)]
        |_, _| [],
    );
}

/// As [`update`]; returns the sums over all places of `terms(written, read)`, of the elements written.
///
/// # Panics
/// If the slices have different lengths.
pub fn update_and_sum<T: Real, const W: usize, const R: usize, const S: usize>(
    mut written: [&mut [T]; W],
    read: [&[T]; R],
    rule: impl Fn([T; W], [T; R]) -> [T; W] + Sync + Copy,
    terms: impl Fn([T; W], [T; R]) -> [T; S] + Sync + Copy,
) -> [f64; S] {
    let mut lengths = written.iter().map(|s| s.len());
    let len = lengths
        .next()
        .or_else(|| read.first().map(|s| s.len()))
        .unwrap_or(0);
    assert!(
        lengths.all(|l| l == len) && read.iter().all(|s| s.len() == len),
        "slices of one length"
    );
    if len <= CHUNK {
        return work(written, read, rule, terms);
    }
    let mut rest = written.each_mut().map(|slice| slice.chunks_mut(CHUNK));
    let chunks: Vec<_> = (0..len)
        .step_by(CHUNK)
        .map(|start| {
            let end = (start + CHUNK).min(len);
            (
                rest.each_mut()
                    .map(|chunks| chunks.next().unwrap_or_default()),
                read.map(|slice| &slice[start..end]),
            )
        })
        .collect();
    let parts: Vec<[f64; S]> = chunks
        .into_par_iter()
        .map(|(written, read)| work(written, read, rule, terms))
        .collect();
    let mut total = [0.0; S];
    for part in parts {
        for s in 0..S {
            total[s] += part[s];
        }
    }
    total
}

fn work<T: Real, const W: usize, const R: usize, const S: usize>(
    mut written: [&mut [T]; W],
    read: [&[T]; R],
    rule: impl Fn([T; W], [T; R]) -> [T; W] + Copy,
    terms: impl Fn([T; W], [T; R]) -> [T; S] + Copy,
) -> [f64; S] {
    T::vectorize(
        #[inline(always)]
        move || {
            if W > 0 {
                apply(&mut written, read, rule);
            }
            if S == 0 {
                return [0.0; S];
            }
            let mut sums = Sums::new();
            let written = written.each_ref().map(|slice| &**slice);
            let len = written.first().or(read.first()).map_or(0, |s| s.len());
            for start in (0..len).step_by(reduce::BLOCK) {
                let end = (start + reduce::BLOCK).min(len);
                let written = written.map(|slice| &slice[start..end]);
                let read = read.map(|slice| &slice[start..end]);
                sums.add(
                    end - start,
                    #[inline(always)]
                    move |i| terms(at(written, i), at(read, i)),
                );
            }
            sums.take()
        },
    )
}

#[inline(always)]
fn apply<T: Real, const W: usize, const R: usize>(
    written: &mut [&mut [T]; W],
    read: [&[T]; R],
    rule: impl Fn([T; W], [T; R]) -> [T; W] + Copy,
) {
    let mut inside = [[T::ZERO; BLOCK]; W];
    let written = written
        .each_mut()
        .map(|slice| slice.as_chunks_mut::<BLOCK>());
    let read = read.map(<[T]>::as_chunks::<BLOCK>);
    // Copies of a size known in advance: a third faster than those of the tail.
    for block in 0..written[0].0.len() {
        for w in 0..W {
            inside[w] = written[w].0[block];
        }
        apply_to_block(&mut inside, read.map(|(whole, _)| &whole[block]), rule);
        for w in 0..W {
            written[w].0[block] = inside[w];
        }
    }
    let rest = written[0].1.len();
    if rest > 0 {
        let mut beside = [[T::ZERO; BLOCK]; R];
        for w in 0..W {
            inside[w][..rest].copy_from_slice(written[w].1);
        }
        for r in 0..R {
            beside[r][..rest].copy_from_slice(read[r].1);
        }
        apply_to_block(&mut inside, beside.each_ref(), rule);
        for w in 0..W {
            written[w].1.copy_from_slice(&inside[w][..rest]);
        }
    }
}

#[inline(always)]
fn apply_to_block<T: Real, const W: usize, const R: usize>(
    inside: &mut [[T; BLOCK]; W],
    beside: [&[T; BLOCK]; R],
    rule: impl Fn([T; W], [T; R]) -> [T; W] + Copy,
) {
    for i in 0..BLOCK {
        let (mut now, mut given) = ([T::ZERO; W], [T::ZERO; R]);
        for w in 0..W {
            now[w] = inside[w][i];
        }
        for r in 0..R {
            given[r] = beside[r][i];
        }
        let now = rule(now, given);
        for w in 0..W {
            inside[w][i] = now[w];
        }
    }
}

#[inline(always)]
fn at<T: Real, const K: usize>(slices: [&[T]; K], i: usize) -> [T; K] {
    let mut values = [T::ZERO; K];
    for k in 0..K {
        values[k] = slices[k][i];
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_is_updated_once_and_summed_after_the_update() {
        for len in [0, 1, 63, 64, 65, 1000, CHUNK, CHUNK + 1, 3 * CHUNK + 77] {
            let mut a: Vec<f64> = (0..len).map(|i| (i % 11) as f64).collect();
            let mut b: Vec<f64> = (0..len).map(|i| (i % 5) as f64).collect();
            let c: Vec<f64> = (0..len).map(|i| (i % 3) as f64).collect();
            let expected: Vec<(f64, f64)> = (0..len)
                .map(|i| (a[i] + b[i] * c[i], b[i] - a[i]))
                .collect();
            let [sum] = update_and_sum(
                [&mut a, &mut b],
                [&c],
                |[a, b], [c]| [a + b * c, b - a],
                |[a, b], [c]| [a + b + c],
            );
            let got: Vec<(f64, f64)> = a.iter().copied().zip(b).collect();
            assert!(got == expected, "{len}");
            let total: f64 = expected.iter().zip(&c).map(|((a, b), c)| a + b + c).sum();
            assert_eq!(sum, total, "{len}");
        }
    }

    #[test]
    fn sums_need_nothing_written() {
        let values = [3.0_f32, 4.0];
        let [squares] = update_and_sum([], [&values], |[], _| [], |[], [x]| [x * x]);
        assert_eq!(squares, 25.0);
    }
}
