//! Learning rates as a function of progress.

use serde::{Deserialize, Serialize};

/// How the learning rate changes from the first step to the last.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Schedule {
    /// The base rate throughout.
    Constant,
    /// `base * (1 - progress)^power`; nnU-Net trains with power 0.9.
    Poly {
        /// The exponent.
        power: f64,
    },
    /// Half a cosine from the base rate to `floor * base`, after a linear rise over the first `warmup` of the run.
    Cosine {
        /// Part of the run spent rising, in [0, 1).
        warmup: f64,
        /// Last rate as a part of the base rate.
        floor: f64,
    },
}

impl Schedule {
    /// A cosine down to a hundredth of the base rate, after a rise over a twentieth of the run.
    pub const COSINE: Self = Self::Cosine {
        warmup: 0.05,
        floor: 0.01,
    };

    /// The factor on the base rate at `step` of `total` (both in optimizer steps).
    ///
    /// ```
    /// use medtrain::Schedule;
    ///
    /// let poly = Schedule::Poly { power: 1.0 };
    /// assert_eq!(poly.factor(0, 100), 1.0);
    /// assert_eq!(poly.factor(75, 100), 0.25);
    /// ```
    #[must_use]
    pub fn factor(self, step: u64, total: u64) -> f64 {
        let progress = if total == 0 {
            0.0
        } else {
            (step as f64 / total as f64).min(1.0)
        };
        match self {
            Self::Constant => 1.0,
            Self::Poly { power } => (1.0 - progress).powf(power),
            Self::Cosine { warmup, .. } if progress < warmup => {
                (step + 1) as f64 / (warmup * total as f64).max(1.0)
            }
            Self::Cosine { warmup, floor } => {
                let t = (progress - warmup) / (1.0 - warmup).max(f64::EPSILON);
                floor + (1.0 - floor) * 0.5 * (1.0 + (std::f64::consts::PI * t).cos())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cosine_rises_then_falls_to_its_floor() {
        let cosine = Schedule::Cosine {
            warmup: 0.1,
            floor: 0.01,
        };
        assert!((cosine.factor(0, 100) - 0.1).abs() < 1e-12);
        assert!((cosine.factor(10, 100) - 1.0).abs() < 1e-12);
        assert!((cosine.factor(100, 100) - 0.01).abs() < 1e-12);
        assert!((0..99).all(|s| cosine.factor(s, 100) <= 1.0));
    }

    #[test]
    fn nnunets_poly_matches_its_formula() {
        let rate = 0.01 * Schedule::Poly { power: 0.9 }.factor(500, 1000);
        assert!((rate - 0.01 * 0.5f64.powf(0.9)).abs() < 1e-15);
    }
}
