//! Pixels to the numbers they are asked for as, one at a time.

/// Conversions from what pixels are, exact or none.
pub trait FromPixel: Sized {
    /// Whole numbers must fit; floating-point numbers take the nearest.
    fn from_i32(value: i32) -> Option<Self>;
    /// As [`Self::from_i32`].
    fn from_i64(value: i64) -> Option<Self>;
    /// Whole numbers take whole values that fit.
    fn from_f64(value: f64) -> Option<Self>;
    /// The value, rounded where 64 bits do not fit.
    fn to_f64(self) -> f64;
    /// The nearest number of the type.
    fn nearest(value: f64) -> Self;
}

macro_rules! whole {
    ($($t:ident)*) => { $(
        impl FromPixel for $t {
            #[inline]
            fn from_i32(value: i32) -> Option<Self> {
                Self::try_from(value).ok()
            }
            #[inline]
            fn from_i64(value: i64) -> Option<Self> {
                Self::try_from(value).ok()
            }
            #[inline]
            fn from_f64(value: f64) -> Option<Self> {
                // MAX + 1 is a power of two, exact even where MAX itself is not.
                let inside = value >= Self::MIN as f64 && value < Self::MAX as f64 + 1.0;
                (inside && value.fract() == 0.0).then_some(value as Self)
            }
            #[inline]
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[inline]
            fn nearest(value: f64) -> Self {
                value.round() as Self
            }
        }
    )* };
}
whole!(u8 i8 u16 i16 u32 i32 u64 i64);

macro_rules! floating {
    ($($t:ident)*) => { $(
        impl FromPixel for $t {
            #[inline]
            fn from_i32(value: i32) -> Option<Self> {
                Some(value as Self)
            }
            #[inline]
            fn from_i64(value: i64) -> Option<Self> {
                Some(value as Self)
            }
            #[inline]
            fn from_f64(value: f64) -> Option<Self> {
                Some(value as Self)
            }
            #[inline]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline]
            fn nearest(value: f64) -> Self {
                value as Self
            }
        }
    )* };
}
floating!(f32 f64);
