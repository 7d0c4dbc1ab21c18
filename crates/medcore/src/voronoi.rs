//! Which label is nearest: the cells around labelled voxels, on anisotropic grids.
//!
//! The passes of [`crate::distance`] with the label of each parabola carried along.

use rayon::prelude::*;

use crate::buffer;
use crate::distance::{FAR, Parabola, check, check_spacing, lower_envelope};
use crate::error::Result;

/// The label of the closest voxel that has one (is not 0), for every voxel.
///
/// Of several equally close ones the first in memory decides. Everything is 0 without a label. Shape and
/// spacing in storage order, slowest axis first.
///
/// ```
/// let labels = [0, 3, 0, 0, 0, 7];
/// let cells = medcore::voronoi::nearest_label(&labels, [6], [1.5])?;
/// assert_eq!(cells, [3, 3, 3, 3, 7, 7], "the voxel halfway belongs to the first");
/// # Ok::<(), medcore::Error>(())
/// ```
///
/// # Errors
/// Refuses a slice that does not have `shape`, empty shapes, and spacings that are not positive.
pub fn nearest_label<const D: usize>(
    labels: &[u32],
    shape: [usize; D],
    spacing: [f64; D],
) -> Result<Vec<u32>> {
    check(labels.len(), shape)?;
    check_spacing(spacing)?;
    let mut owners = labels.to_vec();
    let mut squared: Vec<f32> = buffer::zeroed(labels.len(), "nearest labels")?;
    let width = shape[D - 1];
    let rows = owners
        .par_chunks_mut(width)
        .zip(squared.par_chunks_mut(width));
    rows.for_each(|(owners, squared)| along_row(owners, squared, spacing[D - 1]));
    for axis in (0..D - 1).rev() {
        let inner: usize = shape[axis + 1..].iter().product();
        let block = shape[axis] * inner;
        let blocks = owners
            .par_chunks_mut(block)
            .zip(squared.par_chunks_mut(block));
        blocks.for_each(|(owners, squared)| {
            let mut line = Line::new(shape[axis], spacing[axis]);
            for first in 0..inner {
                line.run(owners, squared, first, inner);
            }
        });
    }
    Ok(owners)
}

/// Labels and squared distances along one row: forwards from the last label seen, backwards from the next.
fn along_row(owners: &mut [u32], squared: &mut [f32], spacing: f64) {
    let (mut steps, mut label) = (FAR, 0);
    for (owner, squared) in owners.iter_mut().zip(&mut *squared) {
        (steps, label) = if *owner != 0 {
            (0.0, *owner)
        } else {
            (steps + 1.0, label)
        };
        *owner = label;
        *squared = steps;
    }
    (steps, label) = (FAR, 0);
    for (owner, squared) in owners.iter_mut().zip(&mut *squared).rev() {
        if *squared == 0.0 {
            (steps, label) = (0.0, *owner);
        } else {
            steps += 1.0;
            if steps < *squared {
                (*squared, *owner) = (steps, label);
            }
        }
        let distance = *squared * spacing as f32;
        *squared = distance * distance;
    }
}

/// A line across rows, gathered.
struct Line {
    squared: Vec<f32>,
    owners: Vec<u32>,
    envelope: Vec<Parabola>,
    spacing: f64,
}

impl Line {
    fn new(n: usize, spacing: f64) -> Self {
        Self {
            squared: vec![0.0; n],
            owners: vec![0; n],
            envelope: Vec::with_capacity(n),
            spacing,
        }
    }

    fn run(&mut self, owners: &mut [u32], squared: &mut [f32], first: usize, stride: usize) {
        let places = (first..).step_by(stride);
        for ((line, owner), at) in self.squared.iter_mut().zip(&mut self.owners).zip(places) {
            (*line, *owner) = (squared[at], owners[at]);
        }
        lower_envelope(&mut self.squared, &mut self.envelope, self.spacing);
        for (k, parabola) in self.envelope.iter().enumerate() {
            let end = self
                .envelope
                .get(k + 1)
                .map_or(self.squared.len(), |next| next.from);
            for i in parabola.from..end {
                owners[first + i * stride] = self.owners[parabola.vertex];
                squared[first + i * stride] = self.squared[i];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Spacings whose squares are exact in f32, so that equal distances are equal.
        #[test]
        fn every_voxel_takes_the_label_of_its_nearest_voxel(
            labels in prop::collection::vec(0u32..40, 5 * 6 * 8),
            spacing in prop::array::uniform3(1u8..6),
        ) {
            let labels: Vec<u32> = labels.into_iter().map(|l| if l < 4 { l } else { 0 }).collect();
            let spacing = spacing.map(|s| 0.5 * f64::from(s));
            for shape in [[5, 6, 8], [1, 30, 8], [30, 1, 8], [8, 30, 1]] {
                let found = nearest_label(&labels, shape, spacing).unwrap();
                let place = |i: usize| {
                    [i / (shape[1] * shape[2]), i / shape[2] % shape[1], i % shape[2]].map(|v| v as f64)
                };
                for (i, &found) in found.iter().enumerate() {
                    let distance = |j: usize| -> f64 {
                        (0..3).map(|a| ((place(i)[a] - place(j)[a]) * spacing[a]).powi(2)).sum()
                    };
                    let labelled = (0..labels.len()).filter(|&j| labels[j] != 0);
                    let nearest = labelled.min_by(|&a, &b| distance(a).total_cmp(&distance(b)));
                    prop_assert_eq!(found, nearest.map_or(0, |j| labels[j]), "{:?} at {}", shape, i);
                }
            }
        }
    }
}
