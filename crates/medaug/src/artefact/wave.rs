//! Single frequencies: what one point of k-space is, and what adding to it does to the image.

use rayon::prelude::*;

use super::lines::frequency;

/// One point of k-space of an image.
pub(super) struct Wave<const D: usize> {
    shape: [usize; D],
    frequency: [usize; D],
    /// Cosine and sine of the wave along a row.
    row: [Vec<f64>; 2],
}

impl<const D: usize> Wave<D> {
    /// The point at a place in k-space whose middle is the lowest frequency, each coordinate from 0 to 1.
    pub(super) fn at(place: [f64; D], shape: [usize; D]) -> Self {
        let frequency = std::array::from_fn(|a| {
            let position = (place[a] * shape[a] as f64) as usize;
            frequency(position.min(shape[a] - 1), shape[a])
        });
        let width = shape[D - 1];
        let (sin, cos) = (0..width)
            .map(|i| turn(frequency[D - 1] * i % width, width))
            .unzip();
        Self {
            shape,
            frequency,
            row: [cos, sin],
        }
    }

    /// Whether both are the same point of k-space.
    pub(super) fn same_as(&self, other: &Self) -> bool {
        self.frequency == other.frequency
    }

    /// Sine and cosine of the wave at the start of a row.
    fn start(&self, row: usize) -> (f64, f64) {
        let mut rest = row;
        let mut turns = 0.0;
        for a in (0..D - 1).rev() {
            let i = rest % self.shape[a];
            rest /= self.shape[a];
            turns += (self.frequency[a] * i % self.shape[a]) as f64 / self.shape[a] as f64;
        }
        libm::sincos(turns * std::f64::consts::TAU)
    }

    /// Its value in the k-space of the image, real and imaginary part.
    pub(super) fn value(&self, voxels: &[f32]) -> [f64; 2] {
        let [cos, sin] = &self.row;
        let rows = voxels.par_chunks(self.shape[D - 1]).enumerate();
        let parts: Vec<[f64; 2]> = rows
            .map(|(row, voxels)| {
                let dot = |wave: &[f64]| dot(voxels, wave);
                let (real, imaginary) = (dot(cos), -dot(sin));
                let (s, c) = self.start(row);
                [real * c + imaginary * s, imaginary * c - real * s]
            })
            .collect();
        parts
            .iter()
            .fold([0.0; 2], |sum, part| [sum[0] + part[0], sum[1] + part[1]])
    }

    /// Adds a number to its value in k-space and keeps the real part of the image.
    pub(super) fn add(&self, voxels: &mut [f32], [real, imaginary]: [f64; 2]) {
        let count = voxels.len() as f64;
        let [cos, sin] = &self.row;
        let rows = voxels.par_chunks_mut(self.shape[D - 1]).enumerate();
        rows.for_each(|(row, voxels)| {
            let (s, c) = self.start(row);
            let along = ((real * c - imaginary * s) / count) as f32;
            let across = ((real * s + imaginary * c) / count) as f32;
            for ((v, &cos), &sin) in voxels.iter_mut().zip(cos).zip(sin) {
                *v += along * cos as f32 - across * sin as f32;
            }
        });
    }
}

/// Sum of products, in sixteen sums that are added in the end.
fn dot(voxels: &[f32], wave: &[f64]) -> f64 {
    let (blocks, rest) = voxels.as_chunks::<16>();
    let (waves, wave_rest) = wave.as_chunks::<16>();
    let mut sums = [0.0; 16];
    for (block, wave) in blocks.iter().zip(waves) {
        for i in 0..16 {
            sums[i] += f64::from(block[i]) * wave[i];
        }
    }
    let rest = rest.iter().zip(wave_rest);
    sums.iter().sum::<f64>() + rest.map(|(&v, w)| f64::from(v) * w).sum::<f64>()
}

/// Sine and cosine of `part` of `whole` turns.
fn turn(part: usize, whole: usize) -> (f64, f64) {
    libm::sincos(part as f64 / whole as f64 * std::f64::consts::TAU)
}
