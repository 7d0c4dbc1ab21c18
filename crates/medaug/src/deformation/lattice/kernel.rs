//! Weights between the points of a lattice.

/// How displacements between lattice points are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernel {
    /// Linear.
    Linear,
    /// Cubic B-spline, of which the lattice holds the coefficients (ITK's `BSplineTransform`).
    BSpline,
    /// Cubic convolution with a slope of -3/4 (PyTorch's and OpenCV's `bicubic`; Keys, "Cubic convolution
    /// interpolation", IEEE Trans. ASSP 29, 1981).
    Cubic,
}

macro_rules! weights {
    ($name:ident, $float:ty) => {
        /// Weights of the lattice points at -1, 0, 1 and 2 for a place at `f` in [0, 1].
        #[inline(always)]
        pub(super) fn $name(self, f: $float) -> [$float; 4] {
            const SIXTH: $float = 1.0 / 6.0;
            let g = 1.0 - f;
            match self {
                Self::Linear => [0.0, g, f, 0.0],
                Self::BSpline => [
                    g * g * g * SIXTH,
                    2.0 / 3.0 - f * f * (1.0 - 0.5 * f),
                    2.0 / 3.0 - g * g * (1.0 - 0.5 * g),
                    f * f * f * SIXTH,
                ],
                Self::Cubic => {
                    let near = |x: $float| (1.25 * x - 2.25) * x * x + 1.0;
                    let far = |x: $float| ((-0.75 * x + 3.75) * x - 6.0) * x + 3.0;
                    [far(1.0 + f), near(f), near(g), far(1.0 + g)]
                }
            }
        }
    };
}

impl Kernel {
    weights!(weights, f32);
    weights!(exact_weights, f64);

    /// Slopes of the weights.
    pub(super) fn slopes(self, f: f64) -> [f64; 4] {
        const H: f64 = 1e-5;
        let (low, high) = ((f - H).max(0.0), (f + H).min(1.0));
        let (below, above) = (self.exact_weights(low), self.exact_weights(high));
        std::array::from_fn(|k| (above[k] - below[k]) / (high - low))
    }
}
