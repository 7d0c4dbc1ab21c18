//! The gradient of the bias: a sum over batch and space for every channel.

use rayon::prelude::*;

use crate::cpu::real::Real;
use crate::cpu::simd::vectorize;

/// Elements summed by one task, and elements added side by side in it.
const CHUNK: usize = 1 << 15;
const LANES: usize = 64;

/// Sums `[batch, channels, volume]` over batch and volume, in an order that does not depend on the number of threads.
pub(super) fn run<T: Real>([batch, channels, volume]: [usize; 3], values: &[T]) -> Vec<T> {
    let chunks = volume.div_ceil(CHUNK);
    let sums: Vec<T> = (0..batch * channels * chunks)
        .into_par_iter()
        .with_min_len((CHUNK / volume.max(1)).max(1))
        .map(|i| {
            let start = i % chunks * CHUNK;
            let row = &values[i / chunks * volume..][..volume];
            sum(&row[start..(start + CHUNK).min(volume)])
        })
        .collect();
    (0..channels)
        .map(|channel| {
            let rows = (0..batch)
                .flat_map(|image| &sums[(image * channels + channel) * chunks..][..chunks]);
            rows.fold(T::ZERO, |total, &sum| total + sum)
        })
        .collect()
}

fn sum<T: Real>(values: &[T]) -> T {
    vectorize(
        #[inline(always)]
        || {
            let mut lanes = [T::ZERO; LANES];
            let (rows, rest) = values.as_chunks::<LANES>();
            for row in rows {
                for lane in 0..LANES {
                    lanes[lane] += row[lane];
                }
            }
            for (lane, &value) in lanes.iter_mut().zip(rest) {
                *lane += value;
            }
            let mut half = LANES / 2;
            while half > 0 {
                for lane in 0..half {
                    lanes[lane] += lanes[lane + half];
                }
                half /= 2;
            }
            lanes[0]
        },
    )
}
