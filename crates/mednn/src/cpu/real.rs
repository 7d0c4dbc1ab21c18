//! The number types kernels are written for, with elementary functions the compiler can vectorise.
//!
//! `f32` is the fast path; its functions are branch-free polynomials of our own, the same on every platform.
//! `f64` serves gradient checks and takes its functions from `libm`.

use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

use crate::cpu::buffer::Zeroable;

/// A floating point type kernels are written for: `f32` or `f64`.
pub trait Real:
    Zeroable
    + Default
    + PartialOrd
    + std::fmt::Debug
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + 'static
{
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// Minus infinity.
    const NEG_INFINITY: Self;

    /// The nearest value.
    fn from_f64(value: f64) -> Self;
    /// The value, exactly.
    fn to_f64(self) -> f64;
    /// The square root.
    fn sqrt(self) -> Self;
    /// The absolute value.
    fn abs(self) -> Self;
    /// e to the power of the value.
    fn exp(self) -> Self;
    /// The natural logarithm of a positive, normal value.
    fn ln(self) -> Self;
    /// The hyperbolic tangent.
    fn tanh(self) -> Self;
    /// The error function.
    fn erf(self) -> Self;

    /// Runs a loop over values of this type with the widest vector instructions of the machine.
    #[inline(always)]
    fn vectorize<R>(kernel: impl FnOnce() -> R) -> R {
        kernel()
    }

    /// The value if `keep` holds, else zero, whatever the value is; without a branch.
    #[must_use]
    fn keep_if(self, keep: bool) -> Self;

    /// The larger of two values; the second when the first is NaN.
    #[inline(always)]
    #[must_use]
    fn larger(self, other: Self) -> Self {
        if self > other { self } else { other }
    }

    /// `1 / (1 + exp(-x))`.
    #[inline(always)]
    #[must_use]
    fn sigmoid(self) -> Self {
        Self::ONE / (Self::ONE + (-self).exp())
    }
}

impl Real for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const NEG_INFINITY: Self = Self::NEG_INFINITY;

    #[inline(always)]
    fn vectorize<R>(kernel: impl FnOnce() -> R) -> R {
        crate::cpu::simd::vectorize(kernel)
    }

    #[inline(always)]
    fn keep_if(self, keep: bool) -> Self {
        Self::from_bits(self.to_bits() & u32::from(keep).wrapping_neg())
    }

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value as Self
    }

    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        self.sqrt()
    }

    #[inline(always)]
    fn abs(self) -> Self {
        self.abs()
    }

    /// Splits x into n ln 2 + r with |r| <= ln 2 / 2 and evaluates exp(r) by its minimax polynomial
    /// (Moshier, Cephes `expf`).
    #[inline(always)]
    fn exp(self) -> Self {
        const MAGIC: f32 = 12_582_912.0; // 1.5 * 2^23: adding it rounds to a whole number
        // Selects, not min/max, so that NaN stays NaN.
        let x = if self > 89.0 { 89.0 } else { self };
        let x = if x < -104.0 { -104.0 } else { x };
        let shifted = x * std::f32::consts::LOG2_E + MAGIC;
        let n = shifted - MAGIC;
        let r = x - n * LN_2_HIGH + n * LN_2_LOW;
        let mut p = 1.987_569_1e-4;
        p = p * r + 1.398_199_9e-3;
        p = p * r + 8.333_452e-3;
        p = p * r + 4.166_579_6e-2;
        p = p * r + 1.666_666_5e-1;
        p = p * r + 5e-1;
        let value = p * r * r + r + 1.0;
        // 2^n in two factors, so that results near overflow and denormal ones come out.
        let n = shifted.to_bits().wrapping_sub(MAGIC.to_bits()) as i32;
        let half = n >> 1;
        value * power_of_two(half) * power_of_two(n.wrapping_sub(half))
    }

    /// Splits x into m 2^e with m in [sqrt(1/2), sqrt 2) and evaluates ln(m) by its minimax polynomial
    /// (Moshier, Cephes `logf`).
    #[inline(always)]
    fn ln(self) -> Self {
        let bits = self.to_bits() as i32;
        let offset = bits.wrapping_sub(0x3f35_04f3); // sqrt(1/2)
        let exponent = (offset >> 23) as Self;
        let mantissa = Self::from_bits(((offset & 0x007f_ffff) + 0x3f35_04f3) as u32);
        let m = mantissa - 1.0;
        let z = m * m;
        let mut p = 7.037_683_6e-2;
        p = p * m - 1.151_461e-1;
        p = p * m + 1.167_699_87e-1;
        p = p * m - 1.242_014_1e-1;
        p = p * m + 1.424_932_3e-1;
        p = p * m - 1.666_805_7e-1;
        p = p * m + 2.000_071_4e-1;
        p = p * m - 2.499_999_4e-1;
        p = p * m + 3.333_333e-1;
        let tail = p * m * z - exponent * LN_2_LOW - 0.5 * z;
        let value = m + tail + exponent * LN_2_HIGH;
        if self.is_nan() { self } else { value }
    }

    /// A polynomial near zero, else through [`Real::exp`] (Moshier, Cephes `tanhf`).
    #[inline(always)]
    fn tanh(self) -> Self {
        let z = self * self;
        let mut p = -5.704_988_7e-3;
        p = p * z + 2.063_908_8e-2;
        p = p * z - 5.373_971_5e-2;
        p = p * z + 1.333_144_2e-1;
        p = p * z - 0.333_332_8;
        let small = p * z * self + self;
        let magnitude = 1.0 - 2.0 / (Real::exp(2.0 * self.abs()) + 1.0);
        let large = if self < 0.0 { -magnitude } else { magnitude };
        if self.abs() < 0.625 { small } else { large }
    }

    /// An odd rational function on [-4, 4], beyond which the result is 1 to the precision of the type.
    #[inline(always)]
    fn erf(self) -> Self {
        let x = if self > 4.0 { 4.0 } else { self };
        let x = if x < -4.0 { -4.0 } else { x };
        let z = x * x;
        let mut p = -2.726_142_4e-10;
        p = p * z + 2.770_681_4e-8;
        p = p * z - 2.101_024e-6;
        p = p * z - 5.692_506_3e-5;
        p = p * z - 7.349_906_4e-4;
        p = p * z - 2.954_6e-3;
        p = p * z - 1.609_603_3e-2;
        let mut q = -1.456_607_1e-5;
        q = q * z - 2.133_740_5e-4;
        q = q * z - 1.682_827e-3;
        q = q * z - 7.373_329_3e-3;
        q = q * z - 1.426_473_9e-2;
        x * p / q
    }
}

/// ln 2 to few enough bits that its product with a whole number is exact.
const LN_2_HIGH: f32 = 355.0 / 512.0;
/// What the high part is too large by.
const LN_2_LOW: f32 = 2.121_944_4e-4;

/// 2^n for n in -126..=127.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const NEG_INFINITY: Self = Self::NEG_INFINITY;

    #[inline(always)]
    fn keep_if(self, keep: bool) -> Self {
        Self::from_bits(self.to_bits() & u64::from(keep).wrapping_neg())
    }

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }

    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        self.sqrt()
    }

    #[inline(always)]
    fn abs(self) -> Self {
        self.abs()
    }

    #[inline]
    fn exp(self) -> Self {
        libm::exp(self)
    }

    #[inline]
    fn ln(self) -> Self {
        libm::log(self)
    }

    #[inline]
    fn tanh(self) -> Self {
        libm::tanh(self)
    }

    #[inline]
    fn erf(self) -> Self {
        libm::erf(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Largest error in units of the last place of the reference, over a dense walk.
    fn worst_ulp(
        low: f64,
        high: f64,
        of: impl Fn(f32) -> f32,
        reference: impl Fn(f64) -> f64,
    ) -> f64 {
        let mut worst = 0.0_f64;
        for i in 0..=400_000 {
            let x = (low + (high - low) * f64::from(i) / 400_000.0) as f32;
            let expected = reference(f64::from(x));
            let rounded = expected as f32;
            let unit = f64::from(rounded.abs().next_up()) - f64::from(rounded.abs());
            worst = worst.max((f64::from(of(x)) - expected).abs() / unit);
        }
        worst
    }

    #[test]
    fn elementary_functions_are_within_a_few_units_of_the_last_place() {
        let exp = worst_ulp(-87.0, 88.7, Real::exp, libm::exp);
        assert!(exp < 2.0, "exp {exp}");
        let ln = worst_ulp(1e-6, 1e4, Real::ln, libm::log);
        assert!(ln < 2.0, "ln {ln}");
        let tanh = worst_ulp(-12.0, 12.0, Real::tanh, libm::tanh);
        assert!(tanh < 3.0, "tanh {tanh}");
        let erf = worst_ulp(-5.0, 5.0, Real::erf, libm::erf);
        assert!(erf < 8.0, "erf {erf}");
    }

    #[test]
    fn exp_saturates_and_keeps_nan() {
        assert_eq!(Real::exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(Real::exp(f32::INFINITY), f32::INFINITY);
        assert_eq!(Real::exp(1000.0_f32), f32::INFINITY);
        assert_eq!(Real::exp(0.0_f32), 1.0);
        assert!(Real::exp(f32::NAN).is_nan());
        assert!(Real::ln(f32::NAN).is_nan());
        assert!(Real::tanh(f32::NAN).is_nan());
        assert!(Real::erf(f32::NAN).is_nan());
        assert_eq!(Real::ln(1.0_f32), 0.0);
    }
}
