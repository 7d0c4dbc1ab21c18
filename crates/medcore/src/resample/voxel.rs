//! Numbers that can be interpolated: into `f32` and back.

use crate::buffer::Plain;

/// A voxel type that interpolation reads as `f32` and writes back.
///
/// Arithmetic is done in `f32`; integers beyond 2^24 and `f64` keep seven digits. Nearest-neighbour
/// resampling moves values as they are.
pub trait Voxel: Plain {
    /// The value as `f32`, rounded to nearest.
    fn to_f32(self) -> f32;

    /// The closest value of this type: halves to even, what lies outside the range to its end, NaN to zero
    /// for integers.
    fn from_f32(value: f32) -> Self;
}

/// Adding this rounds |v| < 2^22 to the nearest integer, halves to even.
const ROUNDING: f32 = 12_582_912.0; // 1.5 * 2^23

macro_rules! small_integer {
    ($($t:ty),*) => { $(
        impl Voxel for $t {
            #[inline(always)]
            fn to_f32(self) -> f32 { f32::from(self) }
            #[inline(always)]
            fn from_f32(value: f32) -> Self {
                let value = if value.is_nan() { 0.0 } else { value };
                let bounded = value.clamp(f32::from(Self::MIN), f32::from(Self::MAX));
                // The sum lies in [2^23, 2^24), where the last bit of an f32 is 1: its bits count up with it.
                (bounded + ROUNDING).to_bits().wrapping_sub(ROUNDING.to_bits()) as Self
            }
        }
    )* };
}
small_integer!(u8, i8, u16, i16);

macro_rules! large_integer {
    ($($t:ty),*) => { $(
        impl Voxel for $t {
            #[inline(always)]
            fn to_f32(self) -> f32 { self as f32 }
            #[inline(always)]
            fn from_f32(value: f32) -> Self { value.round_ties_even() as Self }
        }
    )* };
}
large_integer!(u32, i32, u64, i64);

impl Voxel for f32 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        self
    }
    #[inline(always)]
    fn from_f32(value: f32) -> Self {
        value
    }
}

impl Voxel for f64 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        self as f32
    }
    #[inline(always)]
    fn from_f32(value: f32) -> Self {
        Self::from(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_to_even_and_ends_hold() {
        let cases = [
            (0.5, 0),
            (1.5, 2),
            (2.5, 2),
            (254.5, 254),
            (300.0, 255),
            (-3.0, 0),
        ];
        for (value, want) in cases {
            assert_eq!(u8::from_f32(value), want, "{value}");
        }
        assert_eq!(i16::from_f32(-1.5), -2);
        assert_eq!(i16::from_f32(-0.5), 0);
        assert_eq!(i16::from_f32(-32768.4), i16::MIN);
        assert_eq!(i16::from_f32(1e9), i16::MAX);
        assert_eq!(u8::from_f32(f32::NAN), 0);
        assert_eq!(i32::from_f32(-2.5), -2);
        assert_eq!(u32::from_f32(1e20), u32::MAX);
    }

    #[test]
    fn small_integers_survive_the_round_trip() {
        assert!((i16::MIN..=i16::MAX).all(|v| i16::from_f32(v.to_f32()) == v));
        assert!((u16::MIN..=u16::MAX).all(|v| u16::from_f32(v.to_f32()) == v));
    }
}
