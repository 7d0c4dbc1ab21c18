//! Work in chunks of a fixed size, so that sums are the same with any number of threads.

use rayon::prelude::*;

/// Voxels in a chunk: 128 KiB of `f32`, which stays in a core's own cache between two passes.
pub(crate) const CHUNK: usize = 1 << 15;

/// Calls `f(chunk number, voxels)` for every chunk, in the caller's thread pool.
pub(crate) fn for_each_chunk(voxels: &mut [f32], f: impl Fn(usize, &mut [f32]) + Sync) {
    voxels
        .par_chunks_mut(CHUNK)
        .enumerate()
        .for_each(|(i, chunk)| f(i, chunk));
}

/// Puts `f(voxel, other)` in the place of every voxel.
pub(crate) fn for_each_chunk_with<T: Copy + Sync>(
    voxels: &mut [f32],
    others: &[T],
    f: impl Fn(f32, T) -> f32 + Sync,
) {
    voxels
        .par_chunks_mut(CHUNK)
        .zip(others.par_chunks(CHUNK))
        .for_each(|(chunk, others)| {
            for (v, &other) in chunk.iter_mut().zip(others) {
                *v = f(*v, other);
            }
        });
}

/// Puts `f(voxel)` where the mask is true.
pub(crate) fn for_each_masked_chunk(
    voxels: &mut [f32],
    mask: &[bool],
    f: impl Fn(f32) -> f32 + Sync,
) {
    for_each_chunk_with(voxels, mask, |v, chosen| if chosen { f(v) } else { v });
}

/// What is known of a set of intensities.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Statistics {
    pub count: u64,
    pub mean: f64,
    /// Sum of squared differences from the mean.
    squares: f64,
    pub min: f32,
    pub max: f32,
}

impl Statistics {
    const NONE: Self = Self {
        count: 0,
        mean: 0.0,
        squares: 0.0,
        min: f32::INFINITY,
        max: f32::NEG_INFINITY,
    };

    /// Of all voxels.
    pub(crate) fn of(voxels: &[f32]) -> Self {
        Self::collect(voxels, Self::of_chunk)
    }

    /// Of the voxels that are not exactly zero.
    pub(crate) fn of_non_zero(voxels: &[f32]) -> Self {
        Self::collect(voxels, |chunk| {
            let kept: Vec<f32> = chunk.iter().copied().filter(|&v| v != 0.0).collect();
            Self::of_chunk(&kept)
        })
    }

    /// Standard deviation with divisor n (numpy, MONAI, nnU-Net's normalisation).
    pub(crate) fn std(&self) -> f64 {
        (self.squares / (self.count.max(1) as f64)).sqrt()
    }

    /// Standard deviation with divisor n - 1 (PyTorch's `std`, which batchgeneratorsv2 uses).
    pub(crate) fn unbiased_std(&self) -> f64 {
        (self.squares / (self.count.max(2) - 1) as f64).sqrt()
    }

    pub(crate) fn is_finite(&self) -> bool {
        self.count == 0 || (self.mean.is_finite() && self.squares.is_finite())
    }

    fn collect(voxels: &[f32], chunk: impl Fn(&[f32]) -> Self + Sync + Send) -> Self {
        let parts: Vec<Self> = voxels.par_chunks(CHUNK).map(chunk).collect();
        parts.into_iter().fold(Self::NONE, Self::merge)
    }

    fn of_chunk(chunk: &[f32]) -> Self {
        if chunk.is_empty() {
            return Self::NONE;
        }
        const LANES: usize = 16;
        let (blocks, rest) = chunk.as_chunks::<LANES>();
        let mut sums = [0.0_f64; LANES];
        let (mut mins, mut maxs) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
        for block in blocks {
            for k in 0..LANES {
                sums[k] += f64::from(block[k]);
                mins[k] = if block[k] < mins[k] {
                    block[k]
                } else {
                    mins[k]
                };
                maxs[k] = if block[k] > maxs[k] {
                    block[k]
                } else {
                    maxs[k]
                };
            }
        }
        let mut sum: f64 = sums.iter().sum();
        let mut min = mins.iter().copied().fold(f32::INFINITY, f32::min);
        let mut max = maxs.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        for &v in rest {
            sum += f64::from(v);
            min = min.min(v);
            max = max.max(v);
        }
        let mean = sum / chunk.len() as f64;
        let mut squares = [0.0_f64; LANES];
        for block in blocks {
            for k in 0..LANES {
                let difference = f64::from(block[k]) - mean;
                squares[k] += difference * difference;
            }
        }
        let rest: f64 = rest.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum();
        Self {
            count: chunk.len() as u64,
            mean,
            squares: squares.iter().sum::<f64>() + rest,
            min,
            max,
        }
    }

    /// The statistics of both sets (Chan, Golub and LeVeque's update).
    fn merge(self, other: Self) -> Self {
        if self.count == 0 || other.count == 0 {
            return if self.count == 0 { other } else { self };
        }
        let (a, b) = (self.count as f64, other.count as f64);
        let difference = other.mean - self.mean;
        Self {
            count: self.count + other.count,
            mean: self.mean + difference * b / (a + b),
            squares: self.squares + other.squares + difference * difference * a * b / (a + b),
            min: self.min.min(other.min),
            max: self.max.max(other.max),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_of_chunks_are_those_of_the_whole() {
        let voxels: Vec<f32> = (0..3 * CHUNK + 77)
            .map(|i| ((i * 2_654_435_761) % 10_007) as f32 - 4_000.0)
            .collect();
        let got = Statistics::of(&voxels);
        let n = voxels.len() as f64;
        let mean = voxels.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let squares: f64 = voxels.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum();
        assert!((got.mean - mean).abs() < 1e-9 * mean.abs());
        assert!((got.std() - (squares / n).sqrt()).abs() < 1e-9 * got.std());
        assert!((got.unbiased_std() - (squares / (n - 1.0)).sqrt()).abs() < 1e-9 * got.std());
        assert_eq!((got.min, got.max), (-4_000.0, 6_006.0));
    }

    #[test]
    fn zeros_do_not_count_in_the_masked_statistics() {
        let got = Statistics::of_non_zero(&[0.0, 2.0, 0.0, 4.0, -0.0]);
        assert_eq!((got.count, got.mean, got.std()), (2, 3.0, 1.0));
        assert_eq!(Statistics::of_non_zero(&[0.0; 9]).count, 0);
    }
}
