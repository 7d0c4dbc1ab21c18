//! Filtered back-projection of parallel rays (Kak and Slaney, "Principles of Computerized Tomographic Imaging", 1988,
//! chapter 3).

use std::f64::consts::PI;

use rayon::prelude::*;
use rustfft::FftPlannerScalar;
use rustfft::num_complex::Complex;

use crate::error::{Result, check_dimension};
use crate::operation::Channel;

/// How the rays of a slice are counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rays {
    /// Directions in half a turn.
    pub(super) views: usize,
    /// Rays of a direction; the middle one passes through the middle of the slice.
    pub(super) rays: usize,
    /// Millimetres from one ray to the next.
    pub(super) distance: f64,
}

impl Rays {
    /// Rays that meet every voxel of a slice, half a voxel apart at most.
    pub(super) fn through(shape: [usize; 2], spacing: [f64; 2], views: usize) -> Self {
        let distance = spacing[0].min(spacing[1]) / 2.0;
        let diagonal = (0..2)
            .map(|a| (shape[a] as f64 * spacing[a]).powi(2))
            .sum::<f64>()
            .sqrt();
        Self {
            views,
            rays: 2 * (diagonal / distance / 2.0).ceil() as usize + 3,
            distance,
        }
    }

    /// Sine and cosine of a view's direction.
    pub(super) fn direction(&self, view: usize) -> (f64, f64) {
        libm::sincos(PI * view as f64 / self.views as f64)
    }

    /// Distance of a ray from the middle, in millimetres.
    pub(super) fn offset(&self, ray: usize) -> f64 {
        (ray as f64 - (self.rays / 2) as f64) * self.distance
    }

    /// Filters each view of a sinogram with the ramp (Ramachandran and Lakshminarayanan's kernel).
    pub(super) fn filter(&self, sinogram: &mut [f32]) {
        let len = (2 * self.rays).next_power_of_two();
        let mut planner = FftPlannerScalar::new();
        let (forward, inverse) = (planner.plan_fft_forward(len), planner.plan_fft_inverse(len));
        let mut ramp: Vec<Complex<f32>> = (0..len)
            .map(|i| {
                let n = i.min(len - i) as f64;
                let kernel = match i.min(len - i) {
                    0 => 0.25,
                    even if even % 2 == 0 => 0.0,
                    _ => -1.0 / (PI * n).powi(2),
                };
                Complex::new((kernel / (self.distance * len as f64)) as f32, 0.0)
            })
            .collect();
        forward.process(&mut ramp);
        sinogram.par_chunks_mut(self.rays).for_each(|view| {
            let mut line = vec![Complex::new(0.0, 0.0); len];
            for (v, &p) in line.iter_mut().zip(&*view) {
                v.re = p;
            }
            forward.process(&mut line);
            line.iter_mut().zip(&ramp).for_each(|(v, r)| *v *= r.re);
            inverse.process(&mut line);
            view.iter_mut().zip(&line).for_each(|(p, v)| *p = v.re);
        });
    }

    /// Adds `scale` times the back-projection of filtered views to a slice.
    pub(super) fn back_project(
        &self,
        sinogram: &[f32],
        slice: &mut [f32],
        grid: Slice,
        scale: f32,
    ) {
        let weight = scale * (PI / self.views as f64) as f32;
        let width = grid.shape[1];
        slice
            .par_chunks_mut(width)
            .enumerate()
            .for_each(|(h, row)| {
                let y = grid.place(0, h);
                let mut sums = vec![0.0_f32; width];
                for (view, rays) in sinogram.chunks_exact(self.rays).enumerate() {
                    let (sin, cos) = self.direction(view);
                    let first =
                        (grid.place(1, 0) * cos + y * sin) / self.distance + (self.rays / 2) as f64;
                    let step = grid.spacing[1] * cos / self.distance;
                    for (w, sum) in sums.iter_mut().enumerate() {
                        let at = first + step * w as f64;
                        let low = at as usize;
                        let part = (at - low as f64) as f32;
                        if let Some(&[a, b]) = rays.get(low..low + 2) {
                            *sum += a + (b - a) * part;
                        }
                    }
                }
                for (v, sum) in row.iter_mut().zip(&sums) {
                    *v += weight * sum;
                }
            });
    }
}

/// The grid of a slice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slice {
    pub(super) shape: [usize; 2],
    pub(super) spacing: [f64; 2],
}

impl Slice {
    /// Of images of two axes or more: their last two.
    pub(super) fn of<const D: usize>(channel: &Channel<'_, D>) -> Self {
        Self {
            shape: [channel.shape[D - 2], channel.shape[D - 1]],
            spacing: [channel.spacing[D - 2], channel.spacing[D - 1]],
        }
    }

    /// Millimetres from the middle.
    pub(super) fn place(&self, axis: usize, index: usize) -> f64 {
        (index as f64 - (self.shape[axis] as f64 - 1.0) / 2.0) * self.spacing[axis]
    }
}

/// Refuses images that are neither a slice nor a stack of slices.
pub(super) fn check_slices(transform: &'static str, got: usize) -> Result<()> {
    check_dimension(transform, got, &[2, 3])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disc_comes_back_from_its_chords() {
        let grid = Slice {
            shape: [61, 73],
            spacing: [1.2, 1.0],
        };
        let rays = Rays::through(grid.shape, grid.spacing, 240);
        let radius = 20.0_f64;
        let mut sinogram: Vec<f32> = (0..rays.views * rays.rays)
            .map(|i| {
                let offset = rays.offset(i % rays.rays);
                (2.0 * (radius * radius - offset * offset).max(0.0).sqrt()) as f32
            })
            .collect();
        rays.filter(&mut sinogram);
        let mut slice = vec![0.0; 61 * 73];
        rays.back_project(&sinogram, &mut slice, grid, 1.0);
        for (i, &v) in slice.iter().enumerate() {
            let (y, x) = (grid.place(0, i / 73), grid.place(1, i % 73));
            let from_edge = (x * x + y * y).sqrt() - radius;
            if from_edge.abs() > 2.5 {
                let want = if from_edge < 0.0 { 1.0 } else { 0.0 };
                assert!((v - want).abs() < 0.05, "{v} at {x}, {y}");
            }
        }
    }
}
