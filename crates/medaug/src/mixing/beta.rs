//! The distribution of mixing weights.

use medcore::random::Random;

/// A number from the symmetric beta distribution: near 0 or 1 for a small `alpha`, near one half for a large one.
pub(super) fn beta(alpha: f64, random: &mut Random) -> f64 {
    let (a, b) = (log_gamma_draw(alpha, random), log_gamma_draw(alpha, random));
    // In logarithms, because both may be too small for a number of their own.
    1.0 / (1.0 + libm::exp(b - a))
}

/// Shares of one whole from the symmetric Dirichlet distribution.
pub(crate) fn shares(count: usize, alpha: f64, random: &mut Random) -> Vec<f64> {
    let logs: Vec<f64> = (0..count).map(|_| log_gamma_draw(alpha, random)).collect();
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sizes: Vec<f64> = logs.iter().map(|v| libm::exp(v - largest)).collect();
    let sum: f64 = sizes.iter().sum();
    sizes.iter().map(|size| size / sum).collect()
}

/// The logarithm of a number from the gamma distribution (Marsaglia and Tsang, "A simple method for generating gamma
/// variables", 2000; below 1 by their boost).
fn log_gamma_draw(shape: f64, random: &mut Random) -> f64 {
    if shape < 1.0 {
        let boost = libm::log(1.0 - random.uniform()) / shape;
        return log_gamma_draw(shape + 1.0, random) + boost;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = random.normal();
        let v = (1.0 + c * x).powi(3);
        if v <= 0.0 {
            continue;
        }
        let u = 1.0 - random.uniform();
        if libm::log(u) < 0.5 * x * x + d - d * v + d * libm::log(v) {
            return libm::log(d * v);
        }
    }
}

#[cfg(test)]
mod tests {
    use medcore::random::Key;

    use super::{beta, shares};

    #[test]
    fn shares_are_a_whole_and_spread_as_they_should() {
        let mut random = Key::new(8).stream("shares");
        for alpha in [0.05, 1.0, 9.0] {
            let draws: Vec<Vec<f64>> = (0..30_000).map(|_| shares(3, alpha, &mut random)).collect();
            let sums = draws.iter().map(|d| d.iter().sum::<f64>());
            assert!({ sums }.all(|sum| (sum - 1.0).abs() < 1e-12));
            let spread = |i: usize| {
                draws
                    .iter()
                    .map(|d| (d[i] - 1.0 / 3.0).powi(2))
                    .sum::<f64>()
            };
            let want = (2.0 / 9.0) / (3.0 * alpha + 1.0);
            for i in 0..3 {
                assert!((spread(i) / 30_000.0 / want - 1.0).abs() < 0.04, "{alpha}");
            }
        }
    }

    #[test]
    fn the_spread_is_that_of_the_distribution() {
        for alpha in [0.05, 0.4, 1.0, 32.0] {
            let mut random = Key::new(8).stream("beta");
            let draws: Vec<f64> = (0..40_000).map(|_| beta(alpha, &mut random)).collect();
            assert!(draws.iter().all(|v| (0.0..=1.0).contains(v)));
            let mean = draws.iter().sum::<f64>() / 40_000.0;
            let spread = draws.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 40_000.0;
            let want = 1.0 / (4.0 * (2.0 * alpha + 1.0));
            assert!((mean - 0.5).abs() < 0.01, "{alpha}: {mean}");
            assert!((spread / want - 1.0).abs() < 0.03, "{alpha}: {spread}");
        }
    }
}
