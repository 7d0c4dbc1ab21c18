//! From samples to cubic B-spline coefficients: a recursive filter along each axis.
//!
//! Unser, Aldroubi & Eden, "B-spline signal processing: Part II", IEEE Trans. Signal Process. 41, 1993.
//! The borders are exact: mirrored at the end samples (SciPy's `mirror` and `constant`, SimpleITK),
//! mirrored at the outer faces (SciPy's `reflect`), or continued by the end value (SciPy's `nearest`,
//! which approximates it with twelve more samples).

use rayon::prelude::*;

use super::Border;
use super::taps::{POLE, mirrored_index, reflected_index};

/// Samples after which the pole's power is below 1e-13.
const HORIZON: usize = 24;

/// Lines along the last axis that are filtered side by side, so that one's latency hides another's.
const LINES: usize = 8;

/// Voxels of a task.
const TASK: usize = 1 << 15;

/// Turns samples into coefficients in place, along every axis of `shape`.
pub(super) fn prefilter(voxels: &mut [f32], shape: [usize; 3], border: Border) {
    for axis in 0..3 {
        let n = shape[axis];
        if n == 1 {
            continue;
        }
        let inner: usize = shape[axis + 1..].iter().product();
        if inner == 1 {
            let lines = (TASK / (n * LINES)).max(1) * LINES;
            voxels.par_chunks_mut(n * lines).for_each(|block| {
                block
                    .chunks_mut(n * LINES)
                    .for_each(|b| filter_lines(b, n, border));
            });
        } else if axis == 0 {
            filter_planes(voxels, n, inner, border, true);
        } else {
            voxels
                .par_chunks_mut(n * inner)
                .for_each(|block| filter_planes(block, n, inner, border, false));
        }
    }
}

/// How a line begins and ends: the first causal value as a sum of samples, the last coefficient as a
/// combination of the last two causal values and the last sample.
struct Ends {
    start: Vec<(usize, f32)>,
    end: [f32; 3],
}

impl Ends {
    fn new(n: usize, border: Border) -> Self {
        let z = POLE;
        let mut start: Vec<(usize, f64)> = vec![(0, 1.0)];
        let mut power = 1.0;
        for k in 1..=HORIZON {
            power *= z;
            let index = match border {
                Border::Value => mirrored_index(-(k as isize), n),
                Border::Reflect => reflected_index(-(k as isize), n),
                Border::Edge => 0,
            };
            match start.iter_mut().find(|(i, _)| *i == index) {
                Some((_, weight)) => *weight += power,
                None => start.push((index, power)),
            }
        }
        // The causal filter has gain 6: c+[k] = 6 s[k] + z c+[k-1].
        let start = start
            .into_iter()
            .map(|(i, w)| (i, (6.0 * w) as f32))
            .collect();
        let end = match border {
            Border::Value => [z / (z * z - 1.0), z * z / (z * z - 1.0), 0.0],
            Border::Reflect => [z / (z - 1.0), 0.0, 0.0],
            Border::Edge => {
                let own = -z / (1.0 - z * z);
                let limit = 6.0 / (1.0 - z);
                [own, 0.0, limit * (-z / (1.0 - z) - own)]
            }
        };
        Self {
            start,
            end: end.map(|v| v as f32),
        }
    }
}

/// Filters whole lines that lie one after the other.
fn filter_lines(lines: &mut [f32], n: usize, border: Border) {
    let ends = Ends::new(n, border);
    let z = POLE as f32;
    let count = lines.len() / n;
    let mut causal = [0.0f32; LINES];
    let mut last_sample = [0.0f32; LINES];
    for l in 0..count {
        let line = &lines[l * n..(l + 1) * n];
        causal[l] = ends.start.iter().map(|&(i, w)| w * line[i]).sum();
        last_sample[l] = line[n - 1];
    }
    if count == LINES {
        run_lines::<LINES>(lines, n, z, &mut causal, &last_sample, &ends.end);
    } else {
        for l in 0..count {
            run_lines::<1>(
                &mut lines[l * n..(l + 1) * n],
                n,
                z,
                &mut [causal[l]],
                &[last_sample[l]],
                &ends.end,
            );
        }
    }
}

/// The two recursions on `N` lines at once.
fn run_lines<const N: usize>(
    lines: &mut [f32],
    n: usize,
    z: f32,
    causal: &mut [f32; N],
    last_sample: &[f32; N],
    end: &[f32; 3],
) {
    let mut rows = lines.chunks_exact_mut(n);
    let mut rows: [&mut [f32]; N] =
        std::array::from_fn(|_| rows.next().expect("the caller gives N lines"));
    for (row, &first) in rows.iter_mut().zip(causal.iter()) {
        row[0] = first;
    }
    for i in 1..n {
        for l in 0..N {
            causal[l] = 6.0 * rows[l][i] + z * causal[l];
            rows[l][i] = causal[l];
        }
    }
    let mut anticausal: [f32; N] = std::array::from_fn(|l| {
        end[0] * rows[l][n - 1] + end[1] * rows[l][n - 2] + end[2] * last_sample[l]
    });
    for l in 0..N {
        rows[l][n - 1] = anticausal[l];
    }
    for i in (0..n - 1).rev() {
        for l in 0..N {
            anticausal[l] = z * (anticausal[l] - rows[l][i]);
            rows[l][i] = anticausal[l];
        }
    }
}

/// Filters across `n` planes of `inner` voxels; the recursion runs over planes, the arithmetic along them.
fn filter_planes(voxels: &mut [f32], n: usize, inner: usize, border: Border, parallel: bool) {
    let ends = Ends::new(n, border);
    let z = POLE as f32;
    let last_sample = voxels[(n - 1) * inner..].to_vec();
    // Position 0 is written last of all that the start reads.
    let mut first = vec![0.0f32; inner];
    for &(i, w) in &ends.start {
        add_scaled(&mut first, &voxels[i * inner..(i + 1) * inner], w);
    }
    voxels[..inner].copy_from_slice(&first);
    for k in 1..n {
        let (before, here) = voxels.split_at_mut(k * inner);
        let (before, here) = (&before[(k - 1) * inner..], &mut here[..inner]);
        pairwise(here, before, parallel, |here, before| {
            6.0 * here + z * before
        });
    }
    let [own, previous, sample] = ends.end;
    let (before, last) = voxels.split_at_mut((n - 1) * inner);
    let before = &before[(n - 2) * inner..];
    for ((last, before), end_sample) in last.iter_mut().zip(before).zip(&last_sample) {
        *last = own * *last + previous * before + sample * end_sample;
    }
    for k in (0..n - 1).rev() {
        let (here, after) = voxels.split_at_mut((k + 1) * inner);
        let (here, after) = (&mut here[k * inner..], &after[..inner]);
        pairwise(here, after, parallel, |here, after| z * (after - here));
    }
}

fn add_scaled(sum: &mut [f32], values: &[f32], scale: f32) {
    for (sum, value) in sum.iter_mut().zip(values) {
        *sum += scale * value;
    }
}

/// `here = f(here, other)` voxel by voxel.
fn pairwise(here: &mut [f32], other: &[f32], parallel: bool, f: impl Fn(f32, f32) -> f32 + Sync) {
    let run = |here: &mut [f32], other: &[f32]| {
        for (here, &other) in here.iter_mut().zip(other) {
            *here = f(*here, other);
        }
    };
    if parallel && here.len() >= 2 * TASK {
        here.par_chunks_mut(TASK)
            .zip(other.par_chunks(TASK))
            .for_each(|(h, o)| run(h, o));
    } else {
        run(here, other);
    }
}

#[cfg(test)]
mod tests {
    use super::super::taps::cubic;
    use super::*;

    #[test]
    fn coefficients_give_the_samples_back() {
        let mut random = crate::random::Key::new(4).stream("samples");
        for shape in [[1, 1, 2], [3, 4, 19], [2, 1, 7], [1, 9, 1], [40, 3, 8]] {
            let len = shape.iter().product();
            let samples: Vec<f32> = (0..len).map(|_| random.uniform() as f32).collect();
            for border in [Border::Value, Border::Edge, Border::Reflect] {
                let mut c = samples.clone();
                prefilter(&mut c, shape, border);
                for (position, &want) in samples.iter().enumerate() {
                    let index = [
                        position / (shape[1] * shape[2]),
                        position / shape[2] % shape[1],
                        position % shape[2],
                    ];
                    let taps: [_; 3] =
                        std::array::from_fn(|a| cubic(index[a] as f64, shape[a], border));
                    let mut sum = 0.0;
                    for i in 0..4 {
                        for j in 0..4 {
                            for k in 0..4 {
                                let at = (taps[0].index[i] * shape[1] + taps[1].index[j])
                                    * shape[2]
                                    + taps[2].index[k];
                                sum += taps[0].weight[i]
                                    * taps[1].weight[j]
                                    * taps[2].weight[k]
                                    * c[at];
                            }
                        }
                    }
                    assert!(
                        (sum - want).abs() < 2e-6,
                        "{shape:?} {border:?} {index:?}: {sum} {want}"
                    );
                }
            }
        }
    }
}
