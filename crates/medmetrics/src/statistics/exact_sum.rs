//! A sum of floating-point numbers without rounding, so that no order of adding can matter.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Adds `f64` values exactly; [`ExactSum::value`] rounds once.
///
/// The sum is a fixed-point number wide enough for every finite `f64` (a superaccumulator: R. Neal, "Fast
/// exact summation using small and large superaccumulators", arXiv:1505.05571). Sums of parts merge in any
/// order to the same bits, which a running `f64` does not offer.
///
/// ```
/// use medmetrics::statistics::ExactSum;
///
/// let values = [1e16, 1.0, -1e16];
/// let sum: ExactSum = values.into_iter().collect();
/// assert_eq!(sum.value(), 1.0);
/// assert_eq!(values.iter().sum::<f64>(), 0.0);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct ExactSum {
    /// Digits of 32 bits, least significant first, each with a sign of its own; digit 0 counts 2^-1074.
    digits: Vec<i64>,
    /// Additions since digits were last brought below 2^32.
    pending: u32,
    /// What is not finite: infinities of either sign, NaN.
    special: [u64; 3],
}

/// Bits from 2^-1074 to 2^1024, and room for 2^64 additions.
const DIGITS: usize = 69;

/// A digit holds 63 bits, each addition adds less than 2^32.
const MOST_PENDING: u32 = 1 << 30;

#[derive(Deserialize)]
struct Saved {
    digits: Vec<i64>,
    pending: u32,
    special: [u64; 3],
}

impl TryFrom<Saved> for ExactSum {
    type Error = Error;

    /// # Errors
    /// Refuses another number of digits, and digits that so many additions cannot have made.
    fn try_from(saved: Saved) -> Result<Self> {
        if saved.digits.len() != DIGITS {
            return Err(Error::Length {
                what: "an exact sum",
                got: saved.digits.len(),
                against: "the digits of its kind",
                expected: DIGITS,
            });
        }
        if saved.pending >= MOST_PENDING {
            return Err(Error::InvalidParameter {
                parameter: "additions since the last carry",
                rule: "below 2^30",
                value: f64::from(saved.pending),
            });
        }
        let most = (i64::from(saved.pending) + 1) << 32;
        let beyond = |digit: &i64| !(-most..=most).contains(digit);
        if let Some(index) = saved.digits.iter().position(beyond) {
            return Err(Error::InvalidValue {
                what: "digits of an exact sum",
                rule: "below 2^32 for each addition since the last carry",
                index,
                value: saved.digits[index] as f64,
            });
        }
        Ok(Self {
            digits: saved.digits,
            pending: saved.pending,
            special: saved.special,
        })
    }
}

impl Default for ExactSum {
    fn default() -> Self {
        Self {
            digits: vec![0; DIGITS],
            pending: 0,
            special: [0; 3],
        }
    }
}

impl ExactSum {
    /// An empty sum.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value.
    pub fn add(&mut self, value: f64) {
        let bits = value.to_bits();
        let exponent = (bits >> 52) as usize & 0x7ff;
        if exponent == 0x7ff {
            let kind = if value.is_nan() {
                2
            } else {
                usize::from(value < 0.0)
            };
            self.special[kind] += 1;
            return;
        }
        let fraction = bits & ((1 << 52) - 1);
        // Numbers below the smallest normal one share its exponent.
        let (mantissa, place) = match exponent {
            0 => (fraction, 0),
            _ => (fraction | 1 << 52, exponent - 1),
        };
        let wide = u128::from(mantissa) << (place % 32);
        let sign = if value.is_sign_negative() { -1 } else { 1 };
        let first = place / 32;
        for (i, digit) in self.digits[first..first + 3].iter_mut().enumerate() {
            *digit += sign * ((wide >> (32 * i)) as u32 as i64);
        }
        self.pending += 1;
        if self.pending == MOST_PENDING {
            self.carry();
        }
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &Self) {
        let mut other = other.clone();
        other.carry();
        self.carry();
        for (digit, more) in self.digits.iter_mut().zip(&other.digits) {
            *digit += more;
        }
        for (count, more) in self.special.iter_mut().zip(other.special) {
            *count = count.saturating_add(more);
        }
        self.carry();
    }

    /// The sum, rounded once to the nearest `f64`; infinite or NaN if an item made it so.
    #[must_use]
    pub fn value(&self) -> f64 {
        match self.special {
            [0, 0, 0] => {}
            [_, 0, 0] => return f64::INFINITY,
            [0, _, 0] => return f64::NEG_INFINITY,
            _ => return f64::NAN,
        }
        let mut sum = self.clone();
        sum.carry();
        let negative = sum.digits[DIGITS - 1] < 0;
        if negative {
            sum.digits.iter_mut().for_each(|digit| *digit = -*digit);
            sum.carry();
        }
        let Some(top) = sum.digits.iter().rposition(|&digit| digit != 0) else {
            return 0.0;
        };
        // The highest 96 bits in a window of 128, whose last bit says whether anything lies below.
        let digit = |back: usize| top.checked_sub(back).map_or(0, |i| sum.digits[i] as u128);
        let below = sum.digits[..top.saturating_sub(2)].iter().any(|&d| d != 0);
        let window = digit(0) << 96 | digit(1) << 64 | digit(2) << 32 | u128::from(below);
        // `as` rounds to the nearest, ties to even.
        let magnitude = libm::scalbn(window as f64, 32 * (top as i32 - 3) - 1074);
        if negative { -magnitude } else { magnitude }
    }

    /// Brings every digit but the last into 0..2^32; the last one carries the sign.
    fn carry(&mut self) {
        let mut carried = 0;
        let (last, digits) = self
            .digits
            .split_last_mut()
            .expect("digits are never empty");
        for digit in digits {
            let whole = *digit + carried;
            *digit = whole & 0xffff_ffff;
            carried = whole >> 32;
        }
        *last += carried;
        self.pending = 0;
    }
}

impl FromIterator<f64> for ExactSum {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut sum = Self::new();
        values.into_iter().for_each(|value| sum.add(value));
        sum
    }
}

#[cfg(test)]
mod tests {
    use medcore::random::Key;

    use super::*;

    #[test]
    fn any_partition_in_any_order_gives_the_same_bits() {
        let mut random = Key::new(5).stream("values");
        let mut values: Vec<f64> = (0..400)
            .map(|_| random.normal() * libm::exp(40.0 * random.normal()))
            .collect();
        let whole: ExactSum = values.iter().copied().collect();
        for cut in [0, 1, 57, 399] {
            random.shuffle(&mut values);
            let (left, right) = values.split_at(cut);
            let mut sum: ExactSum = right.iter().copied().collect();
            sum.merge(&left.iter().copied().collect());
            assert_eq!(sum.value().to_bits(), whole.value().to_bits());
        }
    }

    #[test]
    fn sums_are_rounded_once() {
        let sum = |values: &[f64]| values.iter().copied().collect::<ExactSum>().value();
        assert_eq!(sum(&[]), 0.0);
        assert_eq!(sum(&[0.1; 10]), 1.0, "math.fsum gives the same");
        assert_eq!(sum(&[1e308, 1e308, -1e308]), 1e308);
        assert_eq!(
            sum(&[f64::MIN_POSITIVE, -5e-324]),
            f64::MIN_POSITIVE - 5e-324
        );
        assert_eq!(sum(&[-1.0, -f64::EPSILON / 4.0]), -1.0);
        assert_eq!(sum(&[1.0, f64::EPSILON / 2.0, 5e-324]), 1.0 + f64::EPSILON);
        assert_eq!(sum(&[1.0, f64::EPSILON / 2.0]), 1.0, "a tie goes to even");
        assert_eq!(sum(&[f64::MAX, f64::MAX]), f64::INFINITY);
        assert_eq!(sum(&[f64::INFINITY, 1.0]), f64::INFINITY);
        assert!(sum(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
    }
}
