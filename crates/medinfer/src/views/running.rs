//! Running means over views, so that what is held does not grow with their number.
//!
//! A mean moves by its distance from the next value over the number of values (Welford 1962), so that values
//! that are equal leave it as it is, to the bit.

use medcore::Image;
use rayon::prelude::*;

use crate::error::Result;

/// A voxel counts in a view that shows at least this share of what it is interpolated from.
const SHOWN: f32 = 0.5;

/// Whether a voxel of which a view shows such a share counts in it.
pub(super) fn counts(share: f32) -> bool {
    share >= SHOWN
}

/// Voxels a task takes up; no result depends on it.
pub(super) const RUN: usize = 1 << 14;

/// The mean of some outputs over the views so far that show a voxel.
pub(super) struct Running<const D: usize> {
    /// `[classes, ...image]`
    mean: Image<f32, D>,
    /// Views so far that show each voxel.
    counts: Vec<u32>,
}

impl<const D: usize> Running<D> {
    /// The outputs for the image as it is, which shows every voxel.
    pub(super) fn new(outputs: Image<f32, D>) -> Self {
        Self {
            counts: vec![1; outputs.geometry().len()],
            mean: outputs,
        }
    }

    pub(super) fn mean(&self) -> &Image<f32, D> {
        &self.mean
    }

    pub(super) fn into_mean(self) -> Image<f32, D> {
        self.mean
    }

    /// Views so far that show each voxel.
    pub(super) fn counts(&self) -> &[u32] {
        &self.counts
    }

    /// Counts a further view, which covers voxels so far; all of them wholly where nothing is said.
    pub(super) fn count(&mut self, coverage: Option<&[f32]>) {
        match coverage {
            None => self.counts.par_iter_mut().for_each(|count| *count += 1),
            Some(coverage) => (self.counts.par_iter_mut().zip(coverage))
                .for_each(|(count, &share)| *count += u32::from(counts(share))),
        }
    }

    /// Makes what was led back of one output what the view says of it: 0 has stood in for what it does not
    /// show. A voxel that does not count in the view gets the mean so far, which then stays.
    pub(super) fn complete(&self, class: usize, values: &mut [f32], coverage: Option<&[f32]>) {
        let Some(coverage) = coverage else {
            return;
        };
        let shown = values.par_iter_mut().zip(coverage);
        shown
            .zip(self.mean.channel(class))
            .for_each(|((value, &share), mean)| {
                *value = if counts(share) { *value / share } else { *mean };
            });
    }

    /// Takes up what a view says of one output, and adds the squares of its distances to `squares` where they
    /// are wanted.
    pub(super) fn add(&mut self, class: usize, values: &[f32], squares: Option<&mut [f32]>) {
        let voxels = values.len();
        let mean = &mut self.mean.as_mut_slice()[class * voxels..][..voxels];
        if let Some(squares) = squares {
            let parts = squares.par_chunks_mut(RUN).zip(values.par_chunks(RUN));
            let parts = parts.zip(mean.par_chunks(RUN).zip(self.counts.par_chunks(RUN)));
            parts.for_each(|((squares, values), (mean, counts))| {
                for (i, square) in squares.iter_mut().enumerate() {
                    let before = values[i] - mean[i];
                    *square += before * (values[i] - moved(mean[i], values[i], counts[i]));
                }
            });
        }
        let parts = mean.par_chunks_mut(RUN).zip(values.par_chunks(RUN));
        parts
            .zip(self.counts.par_chunks(RUN))
            .for_each(|((mean, values), counts)| {
                for ((mean, &value), &count) in mean.iter_mut().zip(values).zip(counts) {
                    *mean = moved(*mean, value, count);
                }
            });
    }
}

/// The mean of `count` values, of which this is the last and the others had this mean.
pub(super) fn moved(mean: f32, value: f32, count: u32) -> f32 {
    mean + (value - mean) / count as f32
}

/// Zeros like an image.
pub(super) fn zeros_like<const D: usize>(image: &Image<f32, D>) -> Result<Image<f32, D>> {
    Ok(Image::zeros(image.channels(), *image.geometry())?)
}

#[cfg(test)]
mod tests {
    use medcore::Geometry;

    use super::*;

    #[test]
    fn means_and_squares_are_those_of_the_definition() {
        let grid = Geometry::<2>::axis_aligned([1, 4], [1.0, 1.0]).unwrap();
        let image = |values: [f32; 4]| Image::new(grid, values.to_vec()).unwrap();
        let mut running = Running::new(image([1.0, 2.0, 3.0, 0.1]));
        let mut squares = [0.0; 4];
        // The second shows three quarters of voxel 0 and nothing of voxel 1.
        for (given, coverage) in [
            ([3.0, 0.0, 4.0, 0.1], Some([0.75, 0.25, 1.0, 1.0])),
            ([7.0, 6.0, 8.0, 0.1], None),
        ] {
            let coverage = coverage.as_ref().map(|c: &[f32; 4]| &c[..]);
            let mut values = given;
            running.count(coverage);
            running.complete(0, &mut values, coverage);
            running.add(0, &values, Some(&mut squares));
        }
        assert_eq!(running.counts(), [3, 2, 3, 3]);
        assert_eq!(running.mean().as_slice(), [4.0, 4.0, 5.0, 0.1]);
        // 1, 4 and 7; 2 and 6; 3, 4 and 8.
        assert_eq!(squares, [18.0, 8.0, 14.0, 0.0]);
    }
}
