//! Initial values, equal in distribution to PyTorch's.

use medcore::random::Random;

/// How the values of a new parameter are drawn.
///
/// The fan-in of a weight is the number of inputs one output sums, `shape[1] * shape[2] * ...` as PyTorch counts it
/// (also for transposed convolutions, whose weight is `[in, out, ...]`).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Init {
    /// All values equal.
    Constant(f64),
    /// Uniform in `[low, high)`.
    Uniform {
        /// The smallest value.
        low: f64,
        /// The bound above.
        high: f64,
    },
    /// Normal.
    Normal {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        std: f64,
    },
    /// Normal, values further than `limit` standard deviations drawn again.
    TruncatedNormal {
        /// The standard deviation before truncation.
        std: f64,
        /// The bound in standard deviations.
        limit: f64,
    },
    /// Uniform with variance `2 / ((1 + slope^2) fan_in)` (He et al. 2015); PyTorch's default for convolution and linear
    /// weights has slope sqrt(5).
    KaimingUniform {
        /// The negative slope of the leaky ReLU that follows.
        slope: f64,
    },
    /// Normal with variance `2 / ((1 + slope^2) fan_in)` (He et al. 2015); nnU-Net has slope 0.01.
    KaimingNormal {
        /// The negative slope of the leaky ReLU that follows.
        slope: f64,
    },
}

impl Init {
    /// All zeros.
    pub const ZEROS: Self = Self::Constant(0.0);
    /// All ones.
    pub const ONES: Self = Self::Constant(1.0);
    /// PyTorch's default for the weights of convolutions and linear layers.
    pub const PYTORCH_WEIGHT: Self = Self::KaimingUniform {
        slope: 2.236_067_977_499_79,
    };
    /// nnU-Net's choice for the weights of convolutions.
    pub const NNUNET_WEIGHT: Self = Self::KaimingNormal { slope: 1e-2 };

    /// PyTorch's default for the bias of a layer whose weight has this shape: uniform within `1 / sqrt(fan_in)`.
    #[must_use]
    pub fn pytorch_bias(weight_shape: &[usize]) -> Self {
        let bound = 1.0 / (fan_in(weight_shape) as f64).sqrt();
        Self::Uniform {
            low: -bound,
            high: bound,
        }
    }

    /// The values of a parameter of this shape.
    pub(crate) fn draw(self, shape: &[usize], random: &mut Random) -> Vec<f32> {
        let count = shape.iter().product();
        let mut many = |mut draw: Box<dyn FnMut(&mut Random) -> f64>| -> Vec<f32> {
            (0..count).map(|_| draw(random) as f32).collect()
        };
        let variance = |slope: f64| 2.0 / ((1.0 + slope * slope) * fan_in(shape) as f64);
        match self {
            Self::Constant(value) => vec![value as f32; count],
            Self::Uniform { low, high } => many(Box::new(move |r| r.uniform_in(low, high))),
            Self::Normal { mean, std } => many(Box::new(move |r| mean + std * r.normal())),
            Self::TruncatedNormal { std, limit } => many(Box::new(move |r| {
                loop {
                    let value = r.normal();
                    if value.abs() <= limit {
                        return std * value;
                    }
                }
            })),
            Self::KaimingUniform { slope } => {
                let bound = (3.0 * variance(slope)).sqrt();
                many(Box::new(move |r| r.uniform_in(-bound, bound)))
            }
            Self::KaimingNormal { slope } => {
                let std = variance(slope).sqrt();
                many(Box::new(move |r| std * r.normal()))
            }
        }
    }
}

/// The number of inputs one output sums, at least 1.
fn fan_in(shape: &[usize]) -> usize {
    match shape {
        [] => 1,
        [length] => *length,
        [_, inputs @ ..] => inputs.iter().product(),
    }
    .max(1)
}

#[cfg(test)]
mod tests {
    use medcore::random::Key;

    use super::*;

    fn moments(init: Init, shape: &[usize]) -> (f64, f64, f64) {
        let values = init.draw(shape, &mut Key::new(1).stream("w"));
        let n = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let variance = values
            .iter()
            .map(|&v| (f64::from(v) - mean).powi(2))
            .sum::<f64>()
            / n;
        let largest = values
            .iter()
            .fold(0.0_f64, |m, &v| m.max(f64::from(v).abs()));
        (mean, variance, largest)
    }

    #[test]
    fn pytorch_weights_are_uniform_within_one_over_the_root_of_the_fan_in() {
        let shape = [64, 32, 3, 3, 3];
        let bound = 1.0 / (32.0_f64 * 27.0).sqrt();
        let (mean, variance, largest) = moments(Init::PYTORCH_WEIGHT, &shape);
        assert!(mean.abs() < bound / 100.0);
        assert!((variance / (bound * bound / 3.0) - 1.0).abs() < 0.02);
        assert!(largest <= bound && largest > 0.999 * bound);
        assert_eq!(
            Init::pytorch_bias(&shape),
            Init::Uniform {
                low: -bound,
                high: bound
            }
        );
    }

    #[test]
    fn nnunet_weights_are_normal_with_the_gain_of_a_leaky_relu() {
        let (mean, variance, largest) = moments(Init::NNUNET_WEIGHT, &[64, 32, 3, 3, 3]);
        let expected: f64 = 2.0 / (1.0001 * 32.0 * 27.0);
        assert!(mean.abs() < expected.sqrt() / 50.0);
        assert!((variance / expected - 1.0).abs() < 0.02);
        assert!(largest > 3.5 * expected.sqrt());
    }

    #[test]
    fn truncated_normal_values_stay_within_the_limit() {
        let (_, variance, largest) = moments(
            Init::TruncatedNormal {
                std: 0.02,
                limit: 2.0,
            },
            &[10_000],
        );
        assert!(largest <= 0.04);
        assert!((variance.sqrt() / (0.02 * 0.879_625) - 1.0).abs() < 0.03);
    }
}
