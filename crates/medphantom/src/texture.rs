//! Heterogeneity of tissue: smooth random values fixed in the patient, so that two scans of one patient
//! show the same pattern.

use medcore::random::Random;

use crate::linear::{Vec3, floor};

/// A power of two.
const SIDE: usize = 16;

/// Periodic noise on a lattice, interpolated smoothly; two sizes of grain.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Texture {
    lattice: Vec<f32>,
    /// Inverse grain sizes per millimetre.
    frequencies: [f32; 2],
}

impl Texture {
    /// Draws a texture with grains of about 9 and 26 millimetres.
    pub(crate) fn draw(random: &mut Random) -> Self {
        Self {
            lattice: (0..SIDE * SIDE * SIDE)
                .map(|_| random.normal().clamp(-2.5, 2.5) as f32)
                .collect(),
            frequencies: [9.0, 26.0].map(|grain| 1.0 / grain),
        }
    }

    /// Value at a place: mean 0, standard deviation about 1.
    #[inline(always)]
    pub(crate) fn at(&self, p: Vec3) -> f32 {
        let fine = self.sample(p.map(|v| v * self.frequencies[0]));
        let coarse = self.sample(p.map(|v| v * self.frequencies[1] + 5.37));
        // Interpolation leaves (26/35)^3 = 0.41 of the lattice's variance: 1 / sqrt(2 * 0.41).
        (fine + coarse) * 1.1
    }

    #[inline(always)]
    fn sample(&self, p: Vec3) -> f32 {
        let corner = p.map(floor);
        let [x, y, z] = [0, 1, 2].map(|i| (corner[i] as i32 as usize) & (SIDE - 1));
        let [fx, fy, fz] = [0, 1, 2].map(|i| {
            let t = p[i] - corner[i];
            t * t * (3.0 - 2.0 * t)
        });
        let next = |i: usize| (i + 1) & (SIDE - 1);
        let row = |z: usize, y: usize| {
            let start = (z * SIDE + y) * SIDE;
            let (a, b) = (self.lattice[start + x], self.lattice[start + next(x)]);
            a + (b - a) * fx
        };
        let plane = |z: usize| {
            let (a, b) = (row(z, y), row(z, next(y)));
            a + (b - a) * fy
        };
        let (a, b) = (plane(z), plane(next(z)));
        a + (b - a) * fz
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use medcore::random::Key;

    #[test]
    fn texture_has_mean_zero_and_unit_spread() {
        let texture = Texture::draw(&mut Key::new(3).stream("texture"));
        let values: Vec<f64> = (0..40_000)
            .map(|i| {
                let t = i as f32;
                f64::from(texture.at([t * 3.1 % 411.0, t * 7.7 % 397.0, t * 1.3 % 389.0]))
            })
            .collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let spread =
            (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt();
        assert!(mean.abs() < 0.15, "{mean}");
        assert!((0.8..1.2).contains(&spread), "{spread}");
    }
}
