//! The noncentral t distribution: of `(Z + noncentrality) / sqrt(V / df)` with a standard normal `Z` and a
//! chi-squared `V`. It is what tolerance factors, exact limits of agreement and the power of a t test need.
//!
//! Series (R. Lenth, Algorithm AS 243, 1989) underflow beyond a noncentrality of 38. Here the defining
//! integral over the logarithm of the standard deviation is summed by the trapezoid rule, which converges
//! exponentially for such a smooth integrand: both tails keep their relative accuracy.

use crate::statistics::distribution::{bisect, normal_cdf};

/// Probability below `t`; NaN unless `df` is at least 0.001 and every argument a number.
///
/// ```
/// use medmetrics::statistics::noncentral_t;
///
/// assert!((noncentral_t::cdf(58.0, 3.0, 60.0) - 0.360_454_876_227_386).abs() < 1e-12);
/// ```
#[must_use]
pub fn cdf(t: f64, df: f64, noncentrality: f64) -> f64 {
    if t == f64::INFINITY {
        return 1.0;
    }
    expectation(df, noncentrality, |scale| {
        normal_cdf(t * scale - noncentrality)
    })
}

/// Probability above `t`, to full relative accuracy where [`cdf`] is all but one.
#[must_use]
pub fn upper(t: f64, df: f64, noncentrality: f64) -> f64 {
    cdf(-t, df, -noncentrality)
}

/// Where the probability below is `p`; infinite for 0 and 1, NaN outside.
#[must_use]
pub fn quantile(p: f64, df: f64, noncentrality: f64) -> f64 {
    if p == 0.0 {
        return f64::NEG_INFINITY;
    }
    if p > 0.5 {
        return -quantile(1.0 - p, df, -noncentrality);
    }
    if !(p > 0.0 && df >= LEAST_DF && df.is_finite() && noncentrality.is_finite()) {
        return f64::NAN;
    }
    let excess = |t: f64| cdf(t, df, noncentrality) - p;
    let mut width = 1.0;
    while excess(noncentrality - width) > 0.0 || excess(noncentrality + width) < 0.0 {
        width *= 2.0;
        if !width.is_finite() {
            return f64::NEG_INFINITY;
        }
    }
    bisect(excess, noncentrality - width, noncentrality + width)
}

/// The mean of a function of `sqrt(chi-squared / df)`, smooth on the scale of `1 / noncentrality`.
///
/// With `x` the logarithm of that root, its density is proportional to `exp(df (x - (e^2x - 1) / 2))`.
pub(crate) fn expectation(df: f64, noncentrality: f64, function: impl Fn(f64) -> f64) -> f64 {
    if !(df >= LEAST_DF && df.is_finite() && noncentrality.is_finite()) {
        return f64::NAN;
    }
    let log_density = |x: f64| df * (x - 0.5 * libm::expm1(2.0 * x));
    // Of Gaussian widths the trapezoid rule needs two and a half points each for full precision.
    let width = (0.5 / df).sqrt().min(1.0 / noncentrality.abs().max(1.0));
    // Beyond a noncentrality of 40 000 the steps stay as they are, so that no argument takes for ever.
    let step = (0.4 * width).clamp(1e-5, 0.1);
    let (mut weighted, mut total) = (0.0, 0.0);
    for (start, direction) in [(0, 1.0), (1, -1.0)] {
        for i in start.. {
            let x = direction * step * f64::from(i);
            let log = log_density(x);
            if log < NEGLIGIBLE {
                break;
            }
            let density = libm::exp(log);
            total += density;
            weighted += density * function(libm::exp(x));
        }
    }
    weighted / total
}

/// Below this the distribution reaches beyond what the sum can follow.
const LEAST_DF: f64 = 1e-3;

/// Densities beyond this logarithm (1e-43 of the peak) reach no tail that anyone asks for.
const NEGLIGIBLE: f64 = -100.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::distribution::{student_cdf, student_quantile};

    #[test]
    fn without_noncentrality_it_is_students() {
        for df in [1.0, 2.5, 30.0, 1000.0] {
            for t in [-6.0, -0.3, 0.0, 1.7] {
                let (got, want) = (cdf(t, df, 0.0), student_cdf(t, df));
                assert!((got / want - 1.0).abs() < 1e-11, "{t} {df}: {got} {want}");
            }
            let (got, want) = (quantile(0.975, df, 0.0), student_quantile(0.975, df));
            assert!((got / want - 1.0).abs() < 1e-11, "{df}: {got} {want}");
        }
    }

    #[test]
    fn tails_mirror_and_quantiles_invert() {
        for (df, noncentrality) in [(2.0, 60.0), (7.5, -10.0), (99.0, 19.6)] {
            for p in [1e-9, 0.025, 0.5, 0.9] {
                let t = quantile(p, df, noncentrality);
                let back = cdf(t, df, noncentrality);
                assert!((back / p - 1.0).abs() < 1e-9, "{p} {df}: {back}");
                assert!((upper(t, df, noncentrality) - (1.0 - p)).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn what_is_not_a_distribution_is_not_a_number() {
        assert!(cdf(1.0, 0.0, 1.0).is_nan());
        assert!(cdf(f64::NAN, 3.0, 1.0).is_nan());
        assert!(quantile(1.5, 3.0, 1.0).is_nan());
        assert!(quantile(f64::NAN, 3.0, 1.0).is_nan());
        assert_eq!(quantile(1.0, 3.0, 1.0), f64::INFINITY);
        assert_eq!(cdf(f64::NEG_INFINITY, 3.0, 1.0), 0.0);
        assert_eq!(cdf(f64::INFINITY, 3.0, 1.0), 1.0);
    }
}
