//! Losses of differences that are quadratic near zero and linear beyond.

use crate::cpu::buffer;
use crate::cpu::real::Real;
use crate::cpu::reduce::sums_of_pairs;

/// `curvature / 2 d^2` where `|d| < threshold`, `slope (|d| - threshold / 2)` elsewhere.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Huber {
    /// Where the two pieces meet.
    pub threshold: f64,
    /// The derivative beyond; the curvature is this over the threshold.
    pub slope: f64,
}

impl Huber {
    pub(crate) fn pieces<T: Real>(&self) -> [T; 3] {
        // Without a quadratic piece its curvature is never used.
        let curvature = if self.threshold > 0.0 {
            self.slope / self.threshold
        } else {
            0.0
        };
        [self.threshold, self.slope, curvature].map(T::from_f64)
    }

    /// The sum over all differences.
    #[must_use]
    pub fn sum<T: Real>(&self, differences: &[T]) -> f64 {
        let [threshold, slope, curvature] = self.pieces::<T>();
        let half = T::from_f64(0.5);
        let [sum] = sums_of_pairs(
            differences,
            differences,
            #[inline(always)]
            |d, _| {
                let size = d.abs();
                [if size < threshold {
                    half * curvature * d * d
                } else {
                    slope * (size - half * threshold)
                }]
            },
        );
        sum
    }

    /// The derivative by each difference, times `factor`.
    #[must_use]
    pub fn gradient<T: Real>(&self, differences: &[T], factor: f64) -> Vec<T> {
        let [threshold, slope, curvature] = self.pieces::<T>();
        let factor = T::from_f64(factor);
        let (slope, curvature) = (factor * slope, factor * curvature);
        buffer::build(differences.len(), |start, out: &mut [T]| {
            let differences = &differences[start..start + out.len()];
            T::vectorize(
                #[inline(always)]
                || {
                    for (o, &d) in out.iter_mut().zip(differences) {
                        *o = if d.abs() < threshold {
                            curvature * d
                        } else if d > T::ZERO {
                            slope
                        } else if d < T::ZERO {
                            -slope
                        } else {
                            d
                        };
                    }
                },
            );
        })
    }
}
