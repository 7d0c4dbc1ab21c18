//! The exact Euclidean distance transform, in millimetres on anisotropic grids.
//!
//! One pass along each axis (Felzenszwalb & Huttenlocher, "Distance Transforms of Sampled Functions", Theory
//! of Computing 8, 2012): the first finds the distance along the width, every other one takes the lower
//! envelope of parabolas along its axis. Work is linear in the number of voxels; lines run in parallel.
//! Distances are squared until the end and kept as `f32`: exact up to their rounding. A grid with shear is
//! measured along its axes as if they were perpendicular, as every peer does; check
//! [`crate::Geometry::is_orthogonal`] where that matters.

use rayon::prelude::*;

use crate::buffer;
use crate::error::{Error, Result};
use crate::geometry::checked_len;

/// Squared distance of a voxel from which no feature was reached.
pub(crate) const FAR: f32 = f32::INFINITY;

/// Lines that are gathered side by side when the axis is not contiguous: two cache lines of `f32`.
const LINES: usize = 32;

/// Distance in millimetres from every voxel to the closest voxel where `feature` holds.
///
/// Infinite everywhere when there is no such voxel. Shape and spacing in storage order, slowest axis first.
///
/// ```
/// let line = [false, false, true, false, false, false];
/// let distance = medcore::distance::to_feature(&line, [6], [2.0], |&v| v)?;
/// assert_eq!(distance, [4.0, 2.0, 0.0, 2.0, 4.0, 6.0]);
/// # Ok::<(), medcore::Error>(())
/// ```
///
/// # Errors
/// Refuses a slice that does not have `shape`, empty shapes, and spacings that are not positive.
pub fn to_feature<T: Sync, const D: usize>(
    voxels: &[T],
    shape: [usize; D],
    spacing: [f64; D],
    feature: impl Fn(&T) -> bool + Sync,
) -> Result<Vec<f32>> {
    let mut squared = squared_to_feature(voxels, shape, spacing, feature)?;
    squared.par_chunks_mut(1 << 14).for_each(|part| {
        for v in part {
            *v = v.sqrt();
        }
    });
    Ok(squared)
}

/// As [`to_feature`], in square millimetres: cheaper when few distances are read.
///
/// # Errors
/// As [`to_feature`].
pub fn squared_to_feature<T: Sync, const D: usize>(
    voxels: &[T],
    shape: [usize; D],
    spacing: [f64; D],
    feature: impl Fn(&T) -> bool + Sync,
) -> Result<Vec<f32>> {
    let mut out = buffer::zeroed(voxels.len(), "distance transform")?;
    squared_into(voxels, shape, spacing, feature, &mut out)?;
    Ok(out)
}

/// Squared distances in square millimetres at the voxels `queries` alone (positions in memory order).
///
/// The distance along the width is computed everywhere; then each query looks at rows around it until no
/// closer one can follow. That is several times faster than the whole transform when most queries lie
/// within a few voxels of a feature, as the surfaces of two similar segmentations do. When the search
/// turns out long it is given up for the whole transform, so the time stays linear.
///
/// # Errors
/// As [`to_feature`].
///
/// # Panics
/// If a query lies outside the shape.
pub fn squared_at<T: Sync, const D: usize>(
    voxels: &[T],
    shape: [usize; D],
    spacing: [f64; D],
    feature: impl Fn(&T) -> bool + Sync,
    queries: &[usize],
) -> Result<Vec<f32>> {
    check(voxels.len(), shape)?;
    check_spacing(spacing)?;
    let mut field = buffer::zeroed(voxels.len(), "distance transform")?;
    row_pass(voxels, shape[D - 1], &feature, spacing[D - 1], &mut field);
    let mut found = buffer::reserve(queries.len(), "distances")?;
    // An envelope pass costs about as much as this many looks at a voxel.
    let mut looks = 4 * voxels.len() as isize;
    for &query in queries {
        let mut search = Search {
            field: &field,
            shape,
            spacing,
            looks,
        };
        found.push(search.nearest(query));
        looks = search.looks;
        if looks < 0 {
            envelope_passes(&mut field, shape, spacing);
            return Ok(queries.iter().map(|&query| field[query]).collect());
        }
    }
    Ok(found)
}

/// Looks for the closest feature around one voxel, given squared distances along rows.
struct Search<'a, const D: usize> {
    field: &'a [f32],
    shape: [usize; D],
    spacing: [f64; D],
    /// Looks left before the search is too long.
    looks: isize,
}

impl<const D: usize> Search<'_, D> {
    fn nearest(&mut self, query: usize) -> f32 {
        let mut best = f64::from(self.field[query]);
        let (mut at, mut rest, mut stride) = ([0; D], query, 1);
        let mut strides = [0; D];
        for a in (0..D).rev() {
            strides[a] = stride;
            stride *= self.shape[a];
            at[a] = rest % self.shape[a];
            rest /= self.shape[a];
        }
        self.spread(0, query, 0.0, &at, &strides, &mut best);
        best as f32
    }

    /// Visits positions along `axis` outwards while they can be closer than `best`.
    fn spread(
        &mut self,
        axis: usize,
        position: usize,
        so_far: f64,
        at: &[usize; D],
        strides: &[usize; D],
        best: &mut f64,
    ) {
        if axis == D - 1 {
            *best = best.min(so_far + f64::from(self.field[position]));
            self.looks -= 1;
            return;
        }
        self.spread(axis + 1, position, so_far, at, strides, best);
        let (here, n, stride) = (at[axis], self.shape[axis], strides[axis]);
        for step in 1..n {
            let distance = step as f64 * self.spacing[axis];
            let so_far = so_far + distance * distance;
            let (below, above) = (step <= here, here + step < n);
            if so_far >= *best || !(below || above) || self.looks < 0 {
                break;
            }
            if below {
                self.spread(
                    axis + 1,
                    position - step * stride,
                    so_far,
                    at,
                    strides,
                    best,
                );
            }
            if above {
                self.spread(
                    axis + 1,
                    position + step * stride,
                    so_far,
                    at,
                    strides,
                    best,
                );
            }
        }
    }
}

/// As [`squared_to_feature`], into memory that is there already.
///
/// # Errors
/// As [`to_feature`], and refuses an `out` of another length.
pub fn squared_into<T: Sync, const D: usize>(
    voxels: &[T],
    shape: [usize; D],
    spacing: [f64; D],
    feature: impl Fn(&T) -> bool + Sync,
    out: &mut [f32],
) -> Result<()> {
    check(voxels.len(), shape)?;
    check(out.len(), shape)?;
    check_spacing(spacing)?;
    row_pass(voxels, shape[D - 1], &feature, spacing[D - 1], out);
    envelope_passes(out, shape, spacing);
    Ok(())
}

pub(crate) fn check_spacing<const D: usize>(spacing: [f64; D]) -> Result<()> {
    for (axis, &spacing) in spacing.iter().enumerate() {
        if !(spacing.is_finite() && spacing > 0.0) {
            return Err(Error::InvalidSpacing { axis, spacing });
        }
    }
    Ok(())
}

/// Squared distances along the width.
fn row_pass<T: Sync>(
    voxels: &[T],
    width: usize,
    feature: &(impl Fn(&T) -> bool + Sync),
    spacing: f64,
    out: &mut [f32],
) {
    let rows = (LINES * 128 / width).max(1) * width;
    out.par_chunks_mut(rows)
        .zip(voxels.par_chunks(rows))
        .for_each(|(out, voxels)| {
            for (out, voxels) in out.chunks_exact_mut(width).zip(voxels.chunks_exact(width)) {
                along_row(voxels, feature, spacing as f32, out);
            }
        });
}

fn envelope_passes<const D: usize>(out: &mut [f32], shape: [usize; D], spacing: [f64; D]) {
    for axis in (0..D - 1).rev() {
        if shape[axis] > 1 {
            let inner: usize = shape[axis + 1..].iter().product();
            envelope_pass(out, shape[axis], inner, spacing[axis]);
        }
    }
}

pub(crate) fn check<const D: usize>(got: usize, shape: [usize; D]) -> Result<()> {
    match checked_len(&shape).filter(|&n| n > 0) {
        None => Err(Error::InvalidShape {
            channels: 1,
            shape: shape.to_vec(),
        }),
        Some(expected) if expected != got => Err(Error::VoxelCount {
            channels: 1,
            shape: shape.to_vec(),
            expected,
            got,
        }),
        Some(_) => Ok(()),
    }
}

/// Squared distances along one row: forwards from the last feature seen, backwards from the next.
fn along_row<T>(voxels: &[T], feature: &impl Fn(&T) -> bool, spacing: f32, out: &mut [f32]) {
    let mut steps = FAR;
    for (out, voxel) in out.iter_mut().zip(voxels) {
        steps = if feature(voxel) { 0.0 } else { steps + 1.0 };
        *out = steps;
    }
    steps = FAR;
    for out in out.iter_mut().rev() {
        steps = if *out == 0.0 { 0.0 } else { steps + 1.0 };
        let distance = out.min(steps) * spacing;
        *out = distance * distance;
    }
}

/// Lower envelopes along an axis of `n` voxels, `inner` apart.
fn envelope_pass(out: &mut [f32], n: usize, inner: usize, spacing: f64) {
    let block = n * inner;
    if out.len() > block {
        out.par_chunks_mut(block).for_each(|block| {
            let mut work = Work::new(n, spacing);
            for first in (0..inner).step_by(LINES) {
                work.run(
                    &mut Planes::whole(block, inner),
                    first,
                    LINES.min(inner - first),
                );
            }
        });
        return;
    }
    // One block: tasks are ranges of columns, each holding its part of every plane.
    let columns = inner
        .div_ceil(rayon::current_num_threads() * 4)
        .next_multiple_of(LINES);
    let mut tasks: Vec<Planes<'_>> = (0..inner.div_ceil(columns))
        .map(|_| Planes(Vec::with_capacity(n)))
        .collect();
    for plane in out.chunks_exact_mut(inner) {
        for (task, part) in tasks.iter_mut().zip(plane.chunks_mut(columns)) {
            task.0.push(part);
        }
    }
    tasks.par_iter_mut().for_each(|planes| {
        let mut work = Work::new(n, spacing);
        let width = planes.0[0].len();
        for first in (0..width).step_by(LINES) {
            work.run(planes, first, LINES.min(width - first));
        }
    });
}

/// Equal parts of all planes of an axis.
struct Planes<'a>(Vec<&'a mut [f32]>);

impl<'a> Planes<'a> {
    fn whole(block: &'a mut [f32], inner: usize) -> Self {
        Self(block.chunks_exact_mut(inner).collect())
    }
}

/// Scratch of a task.
struct Work {
    /// Gathered lines, `line[l * n + i]`.
    lines: Vec<f32>,
    /// Parabolas of the envelope: place of the vertex, its height, and where the parabola begins to be lowest.
    envelope: Vec<Parabola>,
    n: usize,
    spacing: f64,
}

/// A parabola that is lowest somewhere on a line.
#[derive(Clone, Copy)]
pub(crate) struct Parabola {
    pub(crate) vertex: usize,
    height: f64,
    /// First index at which it lies below those before it.
    pub(crate) from: usize,
}

impl Work {
    fn new(n: usize, spacing: f64) -> Self {
        Self {
            lines: vec![0.0; n * LINES],
            envelope: Vec::with_capacity(n),
            n,
            spacing,
        }
    }

    fn run(&mut self, planes: &mut Planes<'_>, first: usize, count: usize) {
        let n = self.n;
        for (i, plane) in planes.0.iter().enumerate() {
            for (l, &v) in plane[first..first + count].iter().enumerate() {
                self.lines[l * n + i] = v;
            }
        }
        for l in 0..count {
            lower_envelope(
                &mut self.lines[l * n..(l + 1) * n],
                &mut self.envelope,
                self.spacing,
            );
        }
        for (i, plane) in planes.0.iter_mut().enumerate() {
            for (l, v) in plane[first..first + count].iter_mut().enumerate() {
                *v = self.lines[l * n + i];
            }
        }
    }
}

/// `line[i] = min_j (line[j] + (spacing * (i - j))^2)`.
pub(crate) fn lower_envelope(line: &mut [f32], envelope: &mut Vec<Parabola>, spacing: f64) {
    let n = line.len();
    let square = spacing * spacing;
    envelope.clear();
    for (vertex, &height) in line.iter().enumerate() {
        if height == FAR {
            continue;
        }
        let height = f64::from(height);
        let mut from = 0;
        while let Some(last) = envelope.last() {
            // The parabolas cross where both have the same height; from the next index on this one is lower.
            let gap = (vertex - last.vertex) as f64;
            let sum = (vertex + last.vertex) as f64;
            let cross = 0.5 * (sum + (height - last.height) / (square * gap));
            if cross < last.from as f64 {
                envelope.pop();
                continue;
            }
            from = if cross >= n as f64 {
                n
            } else {
                cross as usize + 1
            };
            break;
        }
        if from < n {
            envelope.push(Parabola {
                vertex,
                height,
                from,
            });
        }
    }
    for (k, parabola) in envelope.iter().enumerate() {
        let end = envelope.get(k + 1).map_or(n, |next| next.from);
        for (i, value) in line[parabola.from..end].iter_mut().enumerate() {
            let steps = (parabola.from + i) as f64 - parabola.vertex as f64;
            *value = (parabola.height + square * steps * steps) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn brute_force<const D: usize>(
        mask: &[bool],
        shape: [usize; D],
        spacing: [f64; D],
    ) -> Vec<f32> {
        let place = |mut position: usize| {
            let mut at = [0.0; D];
            for a in (0..D).rev() {
                at[a] = (position % shape[a]) as f64 * spacing[a];
                position /= shape[a];
            }
            at
        };
        (0..mask.len())
            .map(|i| {
                let here = place(i);
                (0..mask.len())
                    .filter(|&j| mask[j])
                    .map(|j| {
                        here.iter()
                            .zip(place(j))
                            .map(|(a, b)| (a - b) * (a - b))
                            .sum::<f64>()
                    })
                    .fold(f64::INFINITY, f64::min)
                    .sqrt() as f32
            })
            .collect()
    }

    fn agrees<const D: usize>(mask: &[bool], shape: [usize; D], spacing: [f64; D]) {
        let got = to_feature(mask, shape, spacing, |&v| v).unwrap();
        for (i, (got, want)) in got
            .iter()
            .zip(brute_force(mask, shape, spacing))
            .enumerate()
        {
            assert!(
                *got == want || (got - want).abs() <= 1e-6 * want,
                "{shape:?} {spacing:?} at {i}: {got}, should be {want}"
            );
        }
    }

    /// Few and near queries take the search, many and far ones the whole transform.
    fn queries_agree<const D: usize>(mask: &[bool], shape: [usize; D], spacing: [f64; D]) {
        let whole = squared_to_feature(mask, shape, spacing, |&v| v).unwrap();
        for step in [1, 7, 50] {
            let queries: Vec<usize> = (0..mask.len()).rev().step_by(step).collect();
            let got = squared_at(mask, shape, spacing, |&v| v, &queries).unwrap();
            for (query, got) in queries.into_iter().zip(got) {
                let want = whole[query];
                assert!(
                    got == want || (got - want).abs() <= 1e-6 * want,
                    "{got} {want}"
                );
            }
        }
    }

    fn masks(len: usize) -> impl Strategy<Value = Vec<bool>> {
        // Sparse and dense ones.
        (0.0f64..1.0)
            .prop_flat_map(move |p| prop::collection::vec(prop::bool::weighted(p * p * p), len))
    }

    proptest! {
        #[test]
        fn volumes_agree_with_brute_force(
            mask in masks(5 * 7 * 9),
            spacing in prop::array::uniform3(0.2f64..4.0),
        ) {
            agrees(&mask, [5, 7, 9], spacing);
            queries_agree(&mask, [5, 7, 9], spacing);
        }

        #[test]
        fn planes_and_lines_agree_with_brute_force(
            mask in masks(70 * 3),
            spacing in prop::array::uniform2(0.2f64..4.0),
        ) {
            agrees(&mask, [70, 3], spacing);
            agrees(&mask, [3, 70], spacing);
            agrees(&mask, [210], [spacing[0]]);
            queries_agree(&mask, [210], [spacing[0]]);
            queries_agree(&mask, [70, 3], spacing);
            agrees(&mask, [1, 6, 35], [1.0, spacing[0], spacing[1]]);
            agrees(&mask, [35, 1, 6], [1.0, spacing[0], spacing[1]]);
        }
    }

    #[test]
    fn without_a_feature_everything_is_infinitely_far() {
        let far = to_feature(&[0u8; 24], [2, 3, 4], [1.0; 3], |&v| v > 0).unwrap();
        assert!(far.iter().all(|&v| v == f32::INFINITY));
    }

    #[test]
    fn one_corner_of_a_large_anisotropic_volume_gives_the_diagonal() {
        let shape = [40, 65, 130];
        let mut mask = vec![false; shape.iter().product()];
        mask[0] = true;
        let spacing = [3.0, 0.7, 1.1];
        let got = to_feature(&mask, shape, spacing, |&v| v).unwrap();
        let diagonal: f64 = (0..3)
            .map(|a| ((shape[a] - 1) as f64 * spacing[a]).powi(2))
            .sum();
        assert!((f64::from(*got.last().unwrap()) - diagonal.sqrt()).abs() < 1e-4);
    }

    #[test]
    fn the_result_does_not_depend_on_the_number_of_threads() {
        let shape = [9, 80, 90];
        let mut random = crate::random::Key::new(1).stream("mask");
        let mask: Vec<bool> = (0..9 * 80 * 90).map(|_| random.chance(0.01)).collect();
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| to_feature(&mask, shape, [2.0, 0.9, 0.8], |&v| v).unwrap())
        };
        let one = run(1);
        assert!(run(2) == one && run(3) == one);
    }

    #[test]
    fn wrong_shapes_and_spacings_are_refused() {
        assert!(to_feature(&[true; 5], [2, 3], [1.0; 2], |&v| v).is_err());
        assert!(to_feature(&[true; 6], [2, 3], [1.0, 0.0], |&v| v).is_err());
        assert!(to_feature(&[true; 0], [0, 3], [1.0; 2], |&v| v).is_err());
    }
}
