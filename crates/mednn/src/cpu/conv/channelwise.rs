//! The gradient of the weights where every channel has a kernel of its own (depthwise): products of rows, one tap beside the
//! other.
//!
//! Lanes of a plane are summed in single precision, planes in double, in an order that no number of threads changes.

use rayon::prelude::*;

use super::gather::Tile;
use super::kernel::{Element, Kernels};
use super::plan::Plan;
use super::scratch::with_scratch;
use super::tiling::Tiling;
use super::vector::Pack;
use crate::cpu::real::Real;
use crate::cpu::simd::vectorize;

/// Pixels multiplied together.
const TOGETHER: usize = 16;
/// Taps summed together, as many as leave registers for the rest.
const TAPS: usize = 9;

/// Computes the gradient of the weights, `[channel][tap]`, of a plan for which [`Plan::is_channelwise`] holds.
pub(super) fn weight_gradient<T: Element>(
    kernels: &Kernels<T>,
    plan: &Plan,
    input: &[T],
    gradient: &[T],
    out: &mut [T],
) {
    let tiling = Tiling::whole(plan);
    let taps = plan.taps();
    out.par_chunks_mut(taps)
        .enumerate()
        .for_each(|(channel, out)| {
            let mut totals = vec![0.0; taps];
            for batch in 0..plan.batch {
                let image = batch * plan.groups + channel;
                add_image(
                    kernels,
                    plan,
                    &tiling,
                    image,
                    [input, gradient],
                    &mut totals,
                );
            }
            for (out, total) in out.iter_mut().zip(totals) {
                *out = T::from_f64(total);
            }
        });
}

/// Adds the products of one channel of one image.
fn add_image<T: Element>(
    kernels: &Kernels<T>,
    plan: &Plan,
    tiling: &Tiling,
    image: usize,
    [input, gradient]: [&[T]; 2],
    totals: &mut [f64],
) {
    let [depth, height, width] = plan.count();
    let tile = Tile::new(plan, tiling, image, [depth, height, width].map(|n| (0, n)));
    let padded = width.next_multiple_of(TOGETHER);
    let taps = plan.phases[0].taps.len();
    let lengths = [
        tile.packed_len(kernels) + padded,
        padded,
        taps.next_multiple_of(TAPS) * TOGETHER,
    ];
    with_scratch(lengths, |[packed, line, sums]| {
        packed.fill(T::ZERO);
        line.fill(T::ZERO);
        let mut next = isize::MIN;
        for d in 0..depth {
            vectorize(
                #[inline(always)]
                || {
                    next = tile.load(input, d..d + 1, next, packed);
                    let mut offsets: Vec<usize> = (plan.phases[0].taps.iter())
                        .map(|tap| tile.offset(d, tap.offset))
                        .collect();
                    // The last few taps have idle companions, whose sums nobody reads.
                    offsets.resize(taps.next_multiple_of(TAPS), 0);
                    sums.fill(T::ZERO);
                    for row in 0..height {
                        let from = ((image * depth + d) * height + row) * width;
                        line[..width].copy_from_slice(&gradient[from..from + width]);
                        let source = &packed[row * plan.source_step[1] * tile.row_pitch..];
                        for (offsets, sums) in offsets
                            .chunks_exact(TAPS)
                            .zip(sums.chunks_exact_mut(TAPS * TOGETHER))
                        {
                            add_row(line, source, offsets, sums);
                        }
                    }
                    for (total, lanes) in totals.iter_mut().zip(sums.chunks_exact(TOGETHER)) {
                        *total += lanes.iter().map(|lane| lane.to_f64()).sum::<f64>();
                    }
                },
            );
        }
    });
}

/// `sums[tap][lane] += line[lane] * source[offset(tap) + lane]` for [`TAPS`] taps and all vectors of a line.
#[inline(always)]
fn add_row<T: Real>(line: &[T], source: &[T], offsets: &[usize], sums: &mut [T]) {
    let mut totals = [Pack::<T, TOGETHER>::zero(); TAPS];
    for (total, sums) in totals.iter_mut().zip(sums.chunks_exact(TOGETHER)) {
        *total = Pack::load(sums);
    }
    let mut at = 0;
    while at < line.len() {
        let gradient = Pack::<T, TOGETHER>::load(&line[at..]);
        for tap in 0..TAPS {
            let values = Pack::load(&source[offsets[tap] + at..]);
            totals[tap] = totals[tap].plus(gradient.times(values));
        }
        at += TOGETHER;
    }
    for (total, sums) in totals.into_iter().zip(sums.chunks_exact_mut(TOGETHER)) {
        total.store(sums);
    }
}
