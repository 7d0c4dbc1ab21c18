//! The numbers that pixels may become.

use medcore::Plain;

pub(crate) mod sealed {
    /// Conversions from what pixels are, exact or none.
    pub trait Sealed: Sized {
        /// The name of the type in messages.
        const NAME: &'static str;
        fn from_i32(value: i32) -> Option<Self>;
        fn from_i64(value: i64) -> Option<Self>;
        fn from_f64(value: f64) -> Option<Self>;
        fn to_f64(self) -> f64;
        /// The nearest number of the type.
        fn nearest(value: f64) -> Self;
    }
}

/// A Rust number that pixels may be asked for.
///
/// Sealed: `u8 i8 u16 i16 u32 i32 f32 f64`. Whole numbers take whole values that fit; floating-point
/// numbers take the nearest.
pub trait Sample: Plain + sealed::Sealed + PartialEq + std::fmt::Debug {}

macro_rules! whole {
    ($($t:ident)*) => { $(
        impl Sample for $t {}
        impl sealed::Sealed for $t {
            const NAME: &'static str = stringify!($t);
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
                let inside = value >= Self::MIN as f64 && value <= Self::MAX as f64;
                (inside && value.fract() == 0.0).then_some(value as Self)
            }
            #[inline]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline]
            fn nearest(value: f64) -> Self {
                value.round() as Self
            }
        }
    )* };
}
whole!(u8 i8 u16 i16 u32 i32);

macro_rules! floating {
    ($($t:ident)*) => { $(
        impl Sample for $t {}
        impl sealed::Sealed for $t {
            const NAME: &'static str = stringify!($t);
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
