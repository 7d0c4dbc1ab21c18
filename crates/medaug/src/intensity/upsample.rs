//! Coarse voxels interpolated linearly over a finer grid of the same extent (PyTorch `interpolate`,
//! `linear`).

use rayon::prelude::*;

use crate::parallel::Statistics;

/// Two neighbours and the share of the second.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tap {
    low: usize,
    high: usize,
    weight: f32,
}

/// Where each of `len` voxels lies among `coarse` ones of the same extent.
pub(crate) fn linear_taps(coarse: usize, len: usize) -> Vec<Tap> {
    let scale = coarse as f32 / len as f32;
    (0..len)
        .map(|i| {
            let at = (scale * (i as f32 + 0.5) - 0.5).max(0.0);
            let low = (at as usize).min(coarse - 1);
            Tap {
                low,
                high: (low + 1).min(coarse - 1),
                weight: (at - low as f32).clamp(0.0, 1.0),
            }
        })
        .collect()
}

/// The one or two voxels of `coarse` ones that each of `len`, at least as many of the same extent, touches, to be averaged
/// (PyTorch `interpolate`, `area`).
pub(super) fn area_taps(coarse: usize, len: usize) -> Vec<Tap> {
    (0..len)
        .map(|i| {
            let low = i * coarse / len;
            let high = ((i + 1) * coarse).div_ceil(len) - 1;
            Tap {
                low,
                high,
                weight: if high > low { 0.5 } else { 0.0 },
            }
        })
        .collect()
}

/// The neighbours of places among `coarse` voxels; the outermost voxels go on outside.
pub(super) fn linear_at(places: impl Iterator<Item = f64>, coarse: usize) -> Vec<Tap> {
    let last = coarse - 1;
    places
        .map(|at| {
            let at = at.clamp(0.0, last as f64);
            let low = at as usize;
            Tap {
                low,
                high: (low + 1).min(last),
                weight: (at - low as f64) as f32,
            }
        })
        .collect()
}

/// The first and the last voxel between each two coarse ones: what is linear between has its extremes there.
fn outermost(taps: &[Tap]) -> Vec<Tap> {
    taps.chunk_by(|a, b| a.low == b.low)
        .flat_map(|cell| [cell.first(), cell.last()])
        .flatten()
        .copied()
        .collect()
}

/// Values at coarse voxels, one field or several after one another, stretched so that the extremes of what lies between them at
/// the taps are their own (MONAI's `SmoothField`).
pub(crate) fn stretched(
    values: &[f32],
    coarse_shape: [usize; 3],
    taps: &[Vec<Tap>; 3],
) -> Vec<f32> {
    let corners = taps.each_ref().map(|taps| outermost(taps));
    let count: usize = corners.iter().map(Vec::len).product();
    let fields = values.chunks_exact(coarse_shape.iter().product());
    let mut extremes = vec![0.0; count * fields.len()];
    for (field, extremes) in fields.zip(extremes.chunks_exact_mut(count)) {
        upsample(field, coarse_shape, &corners, extremes, |v, value| {
            *v = value;
        });
    }
    let (seen, wanted) = (Statistics::of(&extremes), Statistics::of(values));
    let stretch = if seen.max > seen.min {
        (wanted.max - wanted.min) / (seen.max - seen.min)
    } else {
        1.0
    };
    let stretched = |&v: &f32| (v - seen.min) * stretch + wanted.min;
    values.iter().map(stretched).collect()
}

/// Calls `put(voxel, value)` for every voxel of `out`, one for each combination of the taps of three axes.
pub(super) fn upsample(
    coarse: &[f32],
    coarse_shape: [usize; 3],
    taps: &[Vec<Tap>; 3],
    out: &mut [f32],
    put: impl Fn(&mut f32, f32) + Sync,
) {
    let [_, coarse_height, coarse_width] = coarse_shape;
    let coarse_slice = coarse_height * coarse_width;
    let width = taps[2].len();
    out.par_chunks_mut(taps[1].len() * width)
        .zip(&taps[0])
        .for_each_init(
            || (vec![0.0; coarse_slice], vec![0.0; coarse_width]),
            |(plane, line), (slice, d)| {
                let at = |i: usize| &coarse[i * coarse_slice..][..coarse_slice];
                blend(plane, at(d.low), at(d.high), d.weight);
                for (row, h) in slice.chunks_exact_mut(width).zip(&taps[1]) {
                    let at = |i: usize| &plane[i * coarse_width..][..coarse_width];
                    blend(line, at(h.low), at(h.high), h.weight);
                    for (v, w) in row.iter_mut().zip(&taps[2]) {
                        put(v, line[w.low] * (1.0 - w.weight) + line[w.high] * w.weight);
                    }
                }
            },
        );
}

fn blend(out: &mut [f32], low: &[f32], high: &[f32], weight: f32) {
    for ((o, &a), &b) in out.iter_mut().zip(low).zip(high) {
        *o = a * (1.0 - weight) + b * weight;
    }
}
