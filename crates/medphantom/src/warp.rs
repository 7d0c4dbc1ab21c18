//! Smooth deformation: a few long waves, cheap to evaluate and with a known steepness.

use medcore::random::Random;

use crate::linear::{Vec3, add, dot, floor, norm, scale};

/// A wave of period 1 and height 1, made of two parabolas (a sine within 6 %, continuous slope).
#[inline(always)]
pub(crate) fn wave(t: f32) -> f32 {
    let s = t - floor(t + 0.5);
    8.0 * s - 16.0 * s * s.abs()
}

/// The steepest slope of [`wave`].
const WAVE_SLOPE: f32 = 8.0;

/// One plane wave: `height * wave(direction / length · p + phase)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Wave {
    frequency: Vec3,
    phase: f32,
    height: f32,
}

impl Wave {
    /// A wave of random direction and phase; lengths in millimetres.
    pub(crate) fn draw(random: &mut Random, height: f64, length: (f64, f64)) -> Self {
        let direction: [f64; 3] = std::array::from_fn(|_| random.normal());
        let size = direction
            .iter()
            .map(|v| v * v)
            .sum::<f64>()
            .sqrt()
            .max(1e-6);
        let length = random.uniform_in(length.0, length.1);
        Self {
            frequency: direction.map(|v| (v / (size * length)) as f32),
            phase: random.uniform() as f32,
            height: (height * random.uniform_in(0.5, 1.0)) as f32,
        }
    }

    #[inline(always)]
    pub(crate) fn at(&self, p: Vec3) -> f32 {
        self.height * wave(dot(self.frequency, p) + self.phase)
    }

    /// Its largest value.
    pub(crate) fn height(&self) -> f32 {
        self.height.abs()
    }

    /// Its steepest slope, per millimetre.
    pub(crate) fn slope(&self) -> f32 {
        WAVE_SLOPE * self.height.abs() * norm(self.frequency)
    }
}

/// A displacement of space: two waves for each component.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Warp([[Wave; 2]; 3]);

impl Warp {
    /// Waves of up to `height` millimetres, long enough for the map to stay one to one.
    pub(crate) fn draw(random: &mut Random, height: f64) -> Self {
        Self(std::array::from_fn(|_| {
            [
                Wave::draw(random, height, (240.0, 360.0)),
                Wave::draw(random, 0.4 * height, (120.0, 180.0)),
            ]
        }))
    }

    #[inline(always)]
    pub(crate) fn apply(&self, p: Vec3) -> Vec3 {
        let shift = [0, 1, 2].map(|axis| self.0[axis][0].at(p) + self.0[axis][1].at(p));
        add(p, shift)
    }

    /// A bound on how much it stretches distances.
    pub(crate) fn slope(&self) -> f32 {
        let square: f32 = (self.0.iter())
            .map(|[a, b]| (a.slope() + b.slope()).powi(2))
            .sum();
        1.0 + square.sqrt()
    }

    /// The place that it moves to `target`, by fixed-point iteration.
    pub(crate) fn inverse(&self, target: Vec3) -> Vec3 {
        let mut p = target;
        for _ in 0..12 {
            let shift = add(self.apply(p), scale(p, -1.0));
            p = add(target, scale(shift, -1.0));
        }
        p
    }
}
