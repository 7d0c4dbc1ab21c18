//! The Fourier transform of a real image: half of its frequencies, from which the others follow.

use std::sync::Arc;

use rayon::prelude::*;
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlannerScalar};

use super::tiles::{WIDTH, for_each_tile};

const ZERO: Complex<f32> = Complex { re: 0.0, im: 0.0 };

/// K-space of an image, lowest frequency first, with the frequencies of the last axis up to its middle.
pub(super) struct Spectrum<const D: usize> {
    /// Voxels of the image along each axis.
    shape: [usize; D],
    values: Vec<Complex<f32>>,
}

impl<const D: usize> Spectrum<D> {
    /// Of an image of `shape`, `D` of at least 1.
    pub(super) fn of(voxels: &[f32], shape: [usize; D]) -> Self {
        let width = shape[D - 1];
        let half = width / 2 + 1;
        let mut values = vec![ZERO; voxels.len() / width * half];
        let row_fft = FftPlannerScalar::new().plan_fft_forward(width);
        // Two real rows are transformed as the parts of one complex row.
        values
            .par_chunks_mut(2 * half)
            .zip(voxels.par_chunks(2 * width))
            .for_each_init(
                || vec![ZERO; width],
                |line, (out, rows)| {
                    let (first, second) = rows.split_at(width);
                    for (i, v) in line.iter_mut().enumerate() {
                        *v = Complex::new(first[i], second.get(i).copied().unwrap_or(0.0));
                    }
                    row_fft.process(line);
                    for k in 0..half {
                        let (a, b) = (line[k], line[(width - k) % width].conj());
                        out[k] = (a + b) * 0.5;
                        if let Some(v) = out.get_mut(half + k) {
                            let difference = (a - b) * 0.5;
                            *v = Complex::new(difference.im, -difference.re);
                        }
                    }
                },
            );
        let mut spectrum = Self { shape, values };
        spectrum.transform_other_axes(|planner, len| planner.plan_fft_forward(len));
        spectrum
    }

    /// The image, written to `voxels`.
    pub(super) fn invert(mut self, voxels: &mut [f32]) {
        self.transform_other_axes(|planner, len| planner.plan_fft_inverse(len));
        let width = self.shape[D - 1];
        let half = width / 2 + 1;
        let scale = 1.0 / self.shape.iter().product::<usize>() as f32;
        let row_fft = FftPlannerScalar::new().plan_fft_inverse(width);
        voxels
            .par_chunks_mut(2 * width)
            .zip(self.values.par_chunks(2 * half))
            .for_each_init(
                || vec![ZERO; width],
                |line, (out, rows)| {
                    for k in 0..width {
                        let (a, b) = (
                            Self::full(&rows[..half], k, width),
                            rows.get(half..)
                                .filter(|row| !row.is_empty())
                                .map_or(ZERO, |row| Self::full(row, k, width)),
                        );
                        line[k] = Complex::new(a.re - b.im, a.im + b.re);
                    }
                    row_fft.process(line);
                    let (first, second) = out.split_at_mut(width);
                    for (v, value) in first.iter_mut().zip(&*line) {
                        *v = value.re * scale;
                    }
                    for (v, value) in second.iter_mut().zip(&*line) {
                        *v = value.im * scale;
                    }
                },
            );
    }

    /// Multiplies each frequency by a real factor that is the same for its mirror image.
    pub(super) fn multiply(&mut self, factor: impl Fn([usize; D]) -> f32 + Sync) {
        let half = self.half();
        self.values
            .par_chunks_mut(half)
            .enumerate()
            .for_each(|(row, values)| {
                let mut k = self.shape.map(|_| 0);
                let mut rest = row;
                for axis in (0..D - 1).rev() {
                    k[axis] = rest % self.shape[axis];
                    rest /= self.shape[axis];
                }
                for (i, value) in values.iter_mut().enumerate() {
                    k[D - 1] = i;
                    *value *= factor(k);
                }
            });
    }

    /// The largest magnitude.
    pub(super) fn largest(&self) -> f64 {
        let rows = self.values.par_chunks(self.half());
        let largest: Vec<f64> = rows
            .map(|row| row.iter().map(|v| square(*v)).fold(0.0, f64::max))
            .collect();
        largest.into_iter().fold(0.0, f64::max).sqrt()
    }

    /// The mean logarithm of all magnitudes, to each of which 1e-10 is added.
    pub(super) fn mean_log(&self) -> f64 {
        let (half, width) = (self.half(), self.shape[D - 1]);
        let rows = self.values.par_chunks(half);
        let sums: Vec<f64> = rows
            .map(|row| {
                let twice = |k: usize| if (width - k) % width < half { 1.0 } else { 2.0 };
                row.iter()
                    .enumerate()
                    .map(|(k, v)| twice(k) * libm::log(square(*v).sqrt() + 1e-10))
                    .sum()
            })
            .collect();
        sums.iter().sum::<f64>() / self.shape.iter().product::<usize>() as f64
    }

    fn half(&self) -> usize {
        self.shape[D - 1] / 2 + 1
    }

    /// Frequency `k` of a row of real values, of which half is kept.
    fn full(row: &[Complex<f32>], k: usize, width: usize) -> Complex<f32> {
        let mirror = (width - k) % width;
        if mirror == k {
            Complex::new(row[k].re, 0.0)
        } else if k < row.len() {
            row[k]
        } else {
            row[mirror].conj()
        }
    }

    fn transform_other_axes(
        &mut self,
        plan: impl Fn(&mut FftPlannerScalar<f32>, usize) -> Arc<dyn Fft<f32>>,
    ) {
        let mut shape = self.shape;
        shape[D - 1] = self.half();
        for axis in 0..D - 1 {
            let len = shape[axis];
            let fft = plan(&mut FftPlannerScalar::new(), len);
            for_each_tile(&mut self.values, shape, axis, |tile| {
                let mut lines = vec![ZERO; len * WIDTH];
                for (line, values) in lines.chunks_exact_mut(len).enumerate() {
                    for (v, place) in values.iter_mut().zip(&*tile) {
                        *v = place[line];
                    }
                }
                fft.process(&mut lines);
                for (line, values) in lines.chunks_exact(len).enumerate() {
                    for (v, place) in values.iter().zip(&mut *tile) {
                        place[line] = *v;
                    }
                }
            });
        }
    }
}

fn square(v: Complex<f32>) -> f64 {
    let (re, im) = (f64::from(v.re), f64::from(v.im));
    re * re + im * im
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_comes_back_in_one_two_and_three_dimensions() {
        fn check<const D: usize>(shape: [usize; D]) {
            let len = shape.iter().product::<usize>();
            let image: Vec<f32> = (0..len).map(|i| (i * i % 37) as f32 - 12.0).collect();
            let mut back = vec![0.0; len];
            Spectrum::of(&image, shape).invert(&mut back);
            for (a, b) in back.iter().zip(&image) {
                assert!((a - b).abs() < 2e-5, "{shape:?}: {a} {b}");
            }
        }
        check([7]);
        check([1, 1]);
        check([5, 8]);
        check([6, 9]);
        check([3, 4, 5]);
        check([5, 3, 6]);
    }

    #[test]
    fn the_largest_magnitude_of_a_wave_is_half_its_sum() {
        let wave: Vec<f32> = (0..8 * 12)
            .map(|i| (std::f64::consts::TAU * (i % 12) as f64 / 4.0).cos() as f32)
            .collect();
        let spectrum = Spectrum::of(&wave, [8, 12]);
        assert!((spectrum.largest() - 48.0).abs() < 1e-4);
    }
}
