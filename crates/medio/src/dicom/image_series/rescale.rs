//! Values as 16-bit numbers with slope and intercept (PS3.3 section C.11.1).
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "finite numbers, clamped before they are narrowed"
)]

use super::super::dataset::Dataset;
use super::super::fault::Fault;
use super::super::tag::Tag;

/// `value = slope * stored + intercept`, `stored` being signed with 16 bits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rescale {
    /// Factor.
    pub slope: f64,
    /// Summand.
    pub intercept: f64,
}

/// Lowest and highest value, and whether all are whole numbers.
#[derive(Debug, Clone, Copy)]
struct Extent {
    low: f64,
    high: f64,
    whole: bool,
}

fn extent<T: Copy + Into<f64>>(values: &[T]) -> Result<Extent, Fault> {
    let mut extent = Extent {
        low: f64::INFINITY,
        high: f64::NEG_INFINITY,
        whole: true,
    };
    for value in values {
        let value: f64 = (*value).into();
        // Slopes of larger numbers, once rounded, lead beyond all numbers; NaN is not within either.
        let within = value.abs() <= 1e300;
        if !within {
            let rule = "finite and within 1e300";
            return Err(Fault::attribute(Tag::PIXEL_DATA, rule, value));
        }
        extent.low = extent.low.min(value);
        extent.high = extent.high.max(value);
        extent.whole &= value.fract() == 0.0;
    }
    Ok(extent)
}

impl Rescale {
    /// Values are stored as they are.
    pub const IDENTITY: Self = Self {
        slope: 1.0,
        intercept: 0.0,
    };

    /// The transform of some values: exact if they are whole numbers that differ by at most 65535, and
    /// otherwise with the smallest step that reaches all of them.
    pub(super) fn of<T: Copy + Into<f64>>(values: &[T]) -> Result<Self, Fault> {
        let Extent { low, high, whole } = extent(values)?;
        let (least, most) = (f64::from(i16::MIN), f64::from(i16::MAX));
        if whole && low >= least && high <= most {
            return Ok(Self::IDENTITY);
        }
        let intercept = low - least;
        // Larger numbers do not fit the sixteen characters of a decimal string.
        if whole && high - low <= 65535.0 && intercept.abs() < 1e14 {
            return Ok(Self {
                slope: 1.0,
                intercept,
            });
        }
        // A step less on either side, as slope and intercept are rounded to sixteen characters.
        let slope = decimal(Tag::RESCALE_SLOPE, high / 65533.0 - low / 65533.0)?;
        Ok(Self {
            slope: if slope > 0.0 { slope } else { 1.0 },
            intercept: decimal(Tag::RESCALE_INTERCEPT, low / 2.0 + high / 2.0)?,
        })
    }

    pub(super) fn stored(self, value: f64) -> i16 {
        let stored = ((value - self.intercept) / self.slope).round();
        stored.clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16
    }

    pub(super) fn value(self, stored: i16) -> f64 {
        f64::from(stored) * self.slope + self.intercept
    }
}

/// A number as its decimal string will be read.
fn decimal(tag: Tag, number: f64) -> Result<f64, Fault> {
    let mut scratch = Dataset::new();
    scratch.set_floats(tag, &[number])?;
    Ok(scratch.float(tag)?.unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worst(values: &[f64]) -> f64 {
        let rescale = Rescale::of(values).unwrap();
        let error = |v: &f64| (rescale.value(rescale.stored(*v)) - v).abs();
        values.iter().map(error).fold(0.0, f64::max)
    }

    #[test]
    fn whole_numbers_within_sixteen_bits_are_exact() {
        for values in [
            vec![-1024.0, 3071.0],
            vec![-32768.0, 32767.0],
            vec![0.0, 65535.0],
            vec![1e9, 1e9 + 65535.0],
            vec![-1e13, 65535.0 - 1e13],
            vec![7.0],
        ] {
            assert_eq!(worst(&values), 0.0, "{values:?}");
        }
        assert_eq!(Rescale::of(&[0_u16, 40_000]).unwrap().intercept, 32768.0);
    }

    #[test]
    fn other_numbers_are_off_by_half_a_step() {
        for values in [
            vec![0.0, 0.25, 1.0],
            vec![-1e-7, 3e-8, 1e-7 / 3.0],
            vec![0.0, 1.0, 1e6],
            vec![-1e30, 1.0, 1e30],
            vec![-1e300, 0.0, 1e300],
            vec![0.1; 3],
            vec![5e-324, 1e-323],
        ] {
            let low = values.iter().copied().fold(f64::INFINITY, f64::min);
            let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let half = (high / 65533.0 - low / 65533.0) * 0.5001;
            let rounding = 1e-8 * high.abs().max(low.abs()) + f64::MIN_POSITIVE;
            assert!(
                worst(&values) <= half + rounding,
                "{values:?}: {}",
                worst(&values)
            );
        }
        assert!(Rescale::of(&[0.0, f64::NAN]).is_err());
        assert!(Rescale::of(&[f64::MAX]).is_err());
        assert!(Rescale::of(&[f32::INFINITY]).is_err());
    }
}
