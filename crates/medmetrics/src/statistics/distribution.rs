//! Distribution functions and their inverses, to at least ten digits of SciPy's.
//!
//! Probabilities of upper tails have functions of their own, because `1 - p` has no digits left where it
//! matters. Quantiles are found by bisection to the last bit: slower than a series, and right everywhere.
//!
//! A function is NaN where an argument is NaN, and where degrees of freedom or a shape are not positive and
//! finite.

use statrs::function::{beta, erf, gamma};

/// Probability below `z` under the standard normal distribution.
#[must_use]
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

/// Where the standard normal distribution has probability `p` below; infinite for 0 and 1, NaN outside.
#[must_use]
pub fn normal_quantile(p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    if p == 0.0 || p == 1.0 {
        return if p == 0.0 {
            f64::NEG_INFINITY
        } else {
            f64::INFINITY
        };
    }
    if p > 0.5 {
        return -normal_quantile(1.0 - p);
    }
    let mut z = -std::f64::consts::SQRT_2 * erf::erfc_inv(2.0 * p);
    // Two of Halley's steps bring the start to the last bits.
    for _ in 0..2 {
        let density = libm::exp(-0.5 * z * z) / (2.0 * std::f64::consts::PI).sqrt();
        if density == 0.0 {
            break;
        }
        let step = (normal_cdf(z) - p) / density;
        z -= step / (1.0 + 0.5 * z * step);
    }
    z
}

/// Probability below `t` under Student's distribution with `df` degrees of freedom.
#[must_use]
pub fn student_cdf(t: f64, df: f64) -> f64 {
    let tail = 0.5 * beta_cdf(df / (df + t * t), 0.5 * df, 0.5);
    if t > 0.0 { 1.0 - tail } else { tail }
}

/// Where Student's distribution with `df` degrees of freedom has probability `p` below.
#[must_use]
pub fn student_quantile(p: f64, df: f64) -> f64 {
    if p > 0.5 {
        return -student_quantile(1.0 - p, df);
    }
    -root(|t| p - student_cdf(-t, df), 0.0)
}

/// Probability below `x` under the chi-squared distribution with `df` degrees of freedom.
#[must_use]
pub fn chi_squared_cdf(x: f64, df: f64) -> f64 {
    if !known([x, df]) {
        return f64::NAN;
    }
    if x <= 0.0 {
        return 0.0;
    }
    if x == f64::INFINITY {
        return 1.0;
    }
    gamma::gamma_lr(0.5 * df, 0.5 * x)
}

/// Probability above `x` under the chi-squared distribution with `df` degrees of freedom.
#[must_use]
pub fn chi_squared_upper(x: f64, df: f64) -> f64 {
    if !known([x, df]) {
        return f64::NAN;
    }
    if x <= 0.0 {
        return 1.0;
    }
    if x == f64::INFINITY {
        return 0.0;
    }
    gamma::gamma_ur(0.5 * df, 0.5 * x)
}

/// Where the chi-squared distribution with `df` degrees of freedom has probability `p` below.
#[must_use]
pub fn chi_squared_quantile(p: f64, df: f64) -> f64 {
    if p > 0.5 {
        return root(|x| (1.0 - p) - chi_squared_upper(x, df), 0.0);
    }
    root(|x| chi_squared_cdf(x, df) - p, 0.0)
}

/// Probability below `x` under the beta distribution (the regularised incomplete beta function).
#[must_use]
pub fn beta_cdf(x: f64, a: f64, b: f64) -> f64 {
    if !(known([x, a]) && known([x, b])) {
        return f64::NAN;
    }
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    beta::beta_reg(a, b, x)
}

/// Where the beta distribution has probability `p` below.
#[must_use]
pub fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    if p.is_nan() || beta_cdf(0.5, a, b).is_nan() {
        return f64::NAN;
    }
    bisect(|x| beta_cdf(x, a, b) - p, 0.0, 1.0)
}

/// Probability below `x` under the F distribution with `between` and `within` degrees of freedom.
#[must_use]
pub fn f_cdf(x: f64, between: f64, within: f64) -> f64 {
    if x == f64::INFINITY {
        return 1.0;
    }
    if x <= 0.0 {
        return 0.0;
    }
    beta_cdf(
        between * x / (between * x + within),
        0.5 * between,
        0.5 * within,
    )
}

/// Probability above `x` under the F distribution with `between` and `within` degrees of freedom.
#[must_use]
pub fn f_upper(x: f64, between: f64, within: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    beta_cdf(within / (between * x + within), 0.5 * within, 0.5 * between)
}

/// Where the F distribution with `between` and `within` degrees of freedom has probability `p` below.
#[must_use]
pub fn f_quantile(p: f64, between: f64, within: f64) -> f64 {
    if p > 0.5 {
        return root(|x| (1.0 - p) - f_upper(x, between, within), 0.0);
    }
    root(|x| f_cdf(x, between, within) - p, 0.0)
}

/// Whether a function with a parameter that has to be positive and finite is defined at a place.
fn known([x, parameter]: [f64; 2]) -> bool {
    !x.is_nan() && parameter > 0.0 && parameter.is_finite()
}

/// Where an increasing function of numbers from `low` on crosses zero.
fn root(increasing: impl Fn(f64) -> f64, low: f64) -> f64 {
    let mut high = 1.0;
    if increasing(high).is_nan() {
        return f64::NAN;
    }
    while increasing(high) < 0.0 {
        high *= 2.0;
        if high > f64::MAX / 4.0 {
            return f64::INFINITY;
        }
    }
    bisect(increasing, low, high)
}

/// Where an increasing function crosses zero between two ends, to the last bit.
pub(crate) fn bisect(increasing: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    loop {
        let middle = 0.5 * (low + high);
        // Also where an end is no number.
        if !(middle > low && middle < high) {
            return middle;
        }
        if increasing(middle) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of `scipy.stats` 1.17: `norm`, `t`, `chi2`, `beta`, `f`.
    #[test]
    fn functions_and_quantiles_are_scipys() {
        let near = |got: f64, want: f64| {
            assert!(
                (got - want).abs() <= 1e-11 * want.abs(),
                "{got} is not {want}"
            );
        };
        near(normal_cdf(-8.0), 6.22096057427174e-16);
        near(normal_cdf(-1.5), 0.06680720126885807);
        near(normal_cdf(0.3), 0.6179114221889526);
        near(normal_cdf(2.0), 0.9772498680518208);
        near(normal_quantile(1e-300), -37.0470962993612);
        near(normal_quantile(1e-10), -6.361340902404056);
        near(normal_quantile(0.025), -1.9599639845400545);
        near(normal_quantile(0.4), -0.2533471031357997);
        near(normal_quantile(0.9), 1.2815515655446004);
        near(normal_quantile(0.975), 1.959963984540054);
        near(student_cdf(-40.0, 3.0), 1.7190340394579253e-05);
        near(student_cdf(-1.2, 7.5), 0.13333446139661093);
        near(student_cdf(2.5, 100.0), 0.9929771054379614);
        near(student_quantile(0.975, 1.0), 12.706204736174694);
        near(student_quantile(0.975, 19.0), 2.0930240544083087);
        near(student_quantile(0.01, 4.5), -3.5270508906260924);
        near(student_quantile(1e-09, 12.0), -15.894813362266058);
        near(chi_squared_cdf(0.2, 3.0), 0.02241070223835061);
        near(chi_squared_cdf(30.0, 10.0), 0.9991433587892247);
        near(chi_squared_upper(90.0, 4.0), 1.316758547052716e-18);
        near(chi_squared_quantile(0.025, 5.0), 0.8312116134866625);
        near(chi_squared_quantile(0.975, 5.0), 12.832501994030027);
        near(chi_squared_quantile(0.5, 200.0), 199.33372983863097);
        near(beta_quantile(0.025, 3.0, 8.0), 0.06673951117773447);
        near(beta_quantile(0.975, 50.0, 2.0), 0.9952150073052927);
        near(beta_quantile(0.5, 0.5, 0.5), 0.4999999999999999);
        near(f_cdf(0.4, 3.0, 12.0), 0.24445528708549055);
        near(f_cdf(2.2, 5.0, 7.0), 0.8335817182512063);
        near(f_upper(25.0, 4.0, 30.0), 3.514898499259046e-09);
        near(f_quantile(0.025, 4.0, 11.0), 0.11371990313921032);
        near(f_quantile(0.975, 19.0, 57.0), 1.9763620261459725);
    }
}
