//! Quantum noise as filtered back-projection leaves it: grain of about a millimetre within a slice, little
//! power at low frequencies, nothing shared between slices.
//!
//! White noise is filtered by a difference of two Gaussians of fixed sizes in millimetres and scaled to the
//! exact standard deviation; on coarse grids it becomes white, as thick averaging does.

use medcore::random::Key;

/// Sizes in millimetres of the kernel's two Gaussians.
const GRAIN_MM: f64 = 0.65;
const SURROUND_MM: f64 = 2.2;
/// Weight of the surround: what it takes from the low frequencies.
const SURROUND_WEIGHT: f64 = 0.75;

/// A generator of noise slices of one size.
#[derive(Debug, Clone)]
pub(crate) struct SliceNoise {
    height: usize,
    width: usize,
    /// Grain and surround along y, then along x.
    kernels: [[Vec<f32>; 2]; 2],
    gain: f32,
    seed: u64,
}

/// Buffers of one thread.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    white: Vec<f32>,
    rows: [Vec<f32>; 2],
}

impl SliceNoise {
    /// Noise of standard deviation `sigma` HU on slices of `[height, width]` with `spacing` in millimetres.
    pub(crate) fn new(key: Key, shape: [usize; 2], spacing: [f64; 2], sigma: f64) -> Self {
        let kernels = spacing.map(|mm| [GRAIN_MM, SURROUND_MM].map(|size| gaussian(size / mm)));
        // Squared norm of g1(y) g1(x) - w g2(y) g2(x).
        let inner = |axis: usize, a: usize, b: usize| -> f64 {
            let (a, b) = (&kernels[axis][a], &kernels[axis][b]);
            let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
            let skip = (long.len() - short.len()) / 2;
            (short.iter().zip(&long[skip..])).map(|(a, b)| a * b).sum()
        };
        let product = |a, b| inner(0, a, b) * inner(1, a, b);
        let power = product(0, 0) - 2.0 * SURROUND_WEIGHT * product(0, 1)
            + SURROUND_WEIGHT * SURROUND_WEIGHT * product(1, 1);
        Self {
            height: shape[0],
            width: shape[1],
            gain: (sigma / power.sqrt()) as f32,
            kernels: kernels.map(|pair| pair.map(|k| k.iter().map(|&v| v as f32).collect())),
            seed: key.stream("noise").next_u64(),
        }
    }

    /// Adds the noise of slice `slice` to `voxels`, `[height, width]`.
    pub(crate) fn add(&self, slice: usize, voxels: &mut [f32], scratch: &mut Scratch) {
        let [ry, rx] = [0, 1].map(|axis| {
            (self.kernels[axis].iter())
                .map(|k| k.len() / 2)
                .max()
                .unwrap_or(0)
        });
        let (high, wide) = (self.height + 2 * ry, self.width + 2 * rx);
        scratch.white.clear();
        let seed = mix(self.seed ^ mix(slice as u64));
        scratch
            .white
            .extend((0..(high * wide) as u64).map(|i| white(seed, i)));
        for (which, rows) in scratch.rows.iter_mut().enumerate() {
            rows.clear();
            rows.resize(high * self.width, 0.0);
            let kernel = &self.kernels[1][which];
            let skip = rx - kernel.len() / 2;
            for (row, out) in scratch
                .white
                .chunks_exact(wide)
                .zip(rows.chunks_exact_mut(self.width))
            {
                for (k, &weight) in kernel.iter().enumerate() {
                    let shifted = &row[skip + k..skip + k + self.width];
                    for (out, &value) in out.iter_mut().zip(shifted) {
                        *out += weight * value;
                    }
                }
            }
        }
        for (which, factor) in [(0, self.gain), (1, -self.gain * SURROUND_WEIGHT as f32)] {
            let kernel = &self.kernels[0][which];
            let skip = ry - kernel.len() / 2;
            let rows = &scratch.rows[which];
            for (y, out) in voxels.chunks_exact_mut(self.width).enumerate() {
                for (k, &weight) in kernel.iter().enumerate() {
                    let from = (y + skip + k) * self.width;
                    for (out, &value) in out.iter_mut().zip(&rows[from..from + self.width]) {
                        *out += factor * weight * value;
                    }
                }
            }
        }
    }
}

/// A normalised Gaussian of `sigma` pixels.
fn gaussian(sigma: f64) -> Vec<f64> {
    let radius = (2.5 * sigma).ceil().max(1.0) as i64;
    let taps: Vec<f64> = (-radius..=radius)
        .map(|i| libm::exp(-0.5 * (i as f64 / sigma.max(1e-3)).powi(2)))
        .collect();
    let sum: f64 = taps.iter().sum();
    taps.iter().map(|tap| tap / sum).collect()
}

/// Nearly normal, mean 0, variance 1: the sum of the eight bytes of a hash.
#[inline(always)]
fn white(seed: u64, index: u64) -> f32 {
    let bits = mix(seed.wrapping_add(index.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
    let pairs = (bits & 0x00FF_00FF_00FF_00FF) + ((bits >> 8) & 0x00FF_00FF_00FF_00FF);
    let sum = pairs.wrapping_mul(0x0001_0001_0001_0001) >> 48;
    // A byte has mean 127.5 and variance (256² - 1) / 12.
    (sum as f32 - 1020.0) * (1.0 / 209.021_53)
}

/// The finaliser of SplitMix64.
#[inline(always)]
fn mix(value: u64) -> u64 {
    let z = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_has_the_spread_asked_for_at_every_spacing() {
        for spacing in [[0.6, 0.7], [1.5, 1.0], [3.0, 4.0]] {
            let noise = SliceNoise::new(Key::new(1), [203, 187], spacing, 12.5);
            let mut slice = vec![0.0; 203 * 187];
            noise.add(4, &mut slice, &mut Scratch::default());
            let mean = slice.iter().map(|&v| f64::from(v)).sum::<f64>() / slice.len() as f64;
            let spread = (slice
                .iter()
                .map(|&v| (f64::from(v) - mean).powi(2))
                .sum::<f64>()
                / slice.len() as f64)
                .sqrt();
            assert!(mean.abs() < 0.3, "{mean}");
            assert!((spread - 12.5).abs() < 0.4, "{spacing:?}: {spread}");
        }
    }

    #[test]
    fn neighbours_are_alike_on_fine_grids_and_distant_pixels_are_not() {
        let width = 400;
        let noise = SliceNoise::new(Key::new(2), [300, width], [0.7, 0.7], 1.0);
        let mut slice = vec![0.0; 300 * width];
        noise.add(0, &mut slice, &mut Scratch::default());
        let correlation = |lag: usize| {
            let pairs = slice.len() - lag;
            (0..pairs)
                .map(|i| f64::from(slice[i] * slice[i + lag]))
                .sum::<f64>()
                / pairs as f64
        };
        assert!(correlation(1) > 0.4, "{}", correlation(1));
        assert!(correlation(4) < 0.0, "{}", correlation(4));
        assert!(correlation(40).abs() < 0.02, "{}", correlation(40));
    }
}
