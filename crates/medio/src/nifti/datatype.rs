//! The number types of NIfTI voxels, and the traits of the Rust types they become.

use medcore::Plain;

/// How a voxel is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Datatype {
    /// `DT_UINT8`
    U8,
    /// `DT_INT8`
    I8,
    /// `DT_UINT16`
    U16,
    /// `DT_INT16`
    I16,
    /// `DT_UINT32`
    U32,
    /// `DT_INT32`
    I32,
    /// `DT_UINT64`
    U64,
    /// `DT_INT64`
    I64,
    /// `DT_FLOAT32`
    F32,
    /// `DT_FLOAT64`
    F64,
    /// `DT_RGB24`: three bytes a voxel, read as three channels.
    Rgb24,
    /// `DT_RGBA32`: four bytes a voxel, read as four channels.
    Rgba32,
}

impl Datatype {
    /// The type of a NIfTI code; the name of a known but unsupported one, or none, as error.
    pub(crate) fn from_code(code: i16) -> Result<Self, Option<&'static str>> {
        Ok(match code {
            2 => Self::U8,
            4 => Self::I16,
            8 => Self::I32,
            16 => Self::F32,
            64 => Self::F64,
            128 => Self::Rgb24,
            256 => Self::I8,
            512 => Self::U16,
            768 => Self::U32,
            1024 => Self::I64,
            1280 => Self::U64,
            2304 => Self::Rgba32,
            1 => return Err(Some("binary")),
            32 => return Err(Some("complex64")),
            1536 => return Err(Some("float128")),
            1792 => return Err(Some("complex128")),
            2048 => return Err(Some("complex256")),
            _ => return Err(None),
        })
    }

    /// Its code in the NIfTI standard.
    #[must_use]
    pub fn code(self) -> i16 {
        match self {
            Self::U8 => 2,
            Self::I16 => 4,
            Self::I32 => 8,
            Self::F32 => 16,
            Self::F64 => 64,
            Self::Rgb24 => 128,
            Self::I8 => 256,
            Self::U16 => 512,
            Self::U32 => 768,
            Self::I64 => 1024,
            Self::U64 => 1280,
            Self::Rgba32 => 2304,
        }
    }

    /// The Rust name of a sample, or `rgb24` and `rgba32`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::U16 => "u16",
            Self::I16 => "i16",
            Self::U32 => "u32",
            Self::I32 => "i32",
            Self::U64 => "u64",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Rgb24 => "rgb24",
            Self::Rgba32 => "rgba32",
        }
    }

    /// Samples stored together in one voxel: 3 and 4 for colours, 1 otherwise.
    #[must_use]
    pub fn samples(self) -> usize {
        match self {
            Self::Rgb24 => 3,
            Self::Rgba32 => 4,
            _ => 1,
        }
    }

    /// Bytes of one voxel.
    #[must_use]
    pub fn voxel_bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::Rgb24 => 3,
            Self::U32 | Self::I32 | Self::F32 | Self::Rgba32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }
}

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// A Rust number that an image read from or written to a file may have.
///
/// Sealed: `u8 i8 u16 i16 u32 i32 u64 i64 f32 f64`.
pub trait Voxel: Plain + sealed::Sealed + Cast + PartialEq + std::fmt::Debug {
    /// The same type in a file.
    const DATATYPE: Datatype;
}

/// Exact or rounding conversion from every stored type; an implementation detail of [`Voxel`].
#[doc(hidden)]
pub trait Cast: Sized {
    fn from_u8(v: u8) -> Option<Self>;
    fn from_i8(v: i8) -> Option<Self>;
    fn from_u16(v: u16) -> Option<Self>;
    fn from_i16(v: i16) -> Option<Self>;
    fn from_u32(v: u32) -> Option<Self>;
    fn from_i32(v: i32) -> Option<Self>;
    fn from_u64(v: u64) -> Option<Self>;
    fn from_i64(v: i64) -> Option<Self>;
    fn from_f32(v: f32) -> Option<Self>;
    fn from_f64(v: f64) -> Option<Self>;
}

/// A number as it lies in a file.
pub(crate) trait Stored: Voxel {
    fn swapped(self) -> Self;
    fn real(self) -> f64;
    fn cast<T: Voxel>(self) -> Option<T>;
}

macro_rules! voxel {
    ($($t:ident $name:ident $from:ident)*) => { $(
        impl sealed::Sealed for $t {}
        impl Voxel for $t { const DATATYPE: Datatype = Datatype::$name; }
        impl Stored for $t {
            #[inline(always)]
            fn swapped(self) -> Self { Self::from_ne_bytes(Self::to_be_bytes(Self::from_le_bytes(Self::to_ne_bytes(self)))) }
            #[inline(always)]
            #[expect(clippy::as_conversions, reason = "64-bit integers round, as in every reader that scales in f64")]
            fn real(self) -> f64 { self as f64 }
            #[inline(always)]
            fn cast<T: Voxel>(self) -> Option<T> { T::$from(self) }
        }
    )* };
}
voxel!(u8 U8 from_u8 i8 I8 from_i8 u16 U16 from_u16 i16 I16 from_i16 u32 U32 from_u32 i32 I32 from_i32
       u64 U64 from_u64 i64 I64 from_i64 f32 F32 from_f32 f64 F64 from_f64);

macro_rules! integer {
    ($($t:ident)*) => { $(
        impl Cast for $t {
            integer!(@try from_u8 u8, from_i8 i8, from_u16 u16, from_i16 i16, from_u32 u32,
                     from_i32 i32, from_u64 u64, from_i64 i64);
            #[inline(always)]
            fn from_f32(v: f32) -> Option<Self> { Self::from_f64(f64::from(v)) }
            #[inline(always)]
            #[expect(clippy::as_conversions, reason = "the range is checked in the same expression")]
            fn from_f64(v: f64) -> Option<Self> {
                // MAX + 1 is a power of two, exact even where MAX itself is not.
                let fits = v >= Self::MIN as f64 && v < Self::MAX as f64 + 1.0 && v.fract() == 0.0;
                fits.then_some(v as Self)
            }
        }
    )* };
    (@try $($from:ident $s:ident),*) => { $(
        #[inline(always)]
        #[allow(clippy::useless_conversion, reason = "only some of the pairs can fail")]
        fn $from(v: $s) -> Option<Self> { Self::try_from(v).ok() }
    )* };
}
integer!(u8 i8 u16 i16 u32 i32 u64 i64);

macro_rules! float {
    ($($t:ident)*) => { $(
        impl Cast for $t {
            float!(@round from_u8 u8, from_i8 i8, from_u16 u16, from_i16 i16, from_u32 u32,
                   from_i32 i32, from_u64 u64, from_i64 i64);
            #[inline(always)]
            fn from_f32(v: f32) -> Option<Self> { Some(v.into()) }
            #[inline(always)]
            #[expect(clippy::as_conversions, reason = "rounding is meant; overflow is checked")]
            fn from_f64(v: f64) -> Option<Self> {
                let rounded = v as Self;
                (rounded.is_finite() || !v.is_finite()).then_some(rounded)
            }
        }
    )* };
    (@round $($from:ident $s:ident),*) => { $(
        #[inline(always)]
        #[expect(clippy::as_conversions, reason = "rounding to the nearest float is meant")]
        fn $from(v: $s) -> Option<Self> { Some(v as Self) }
    )* };
}
float!(f32 f64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_values_become_integers() {
        assert_eq!(u8::from_f64(255.0), Some(255));
        assert_eq!(u8::from_f64(-0.0), Some(0));
        for v in [256.0, -1.0, 0.5, f64::NAN, f64::INFINITY] {
            assert_eq!(u8::from_f64(v), None, "{v}");
        }
        assert_eq!(i64::from_f64(9_223_372_036_854_775_808.0), None);
        assert_eq!(i64::from_f64(-9_223_372_036_854_775_808.0), Some(i64::MIN));
        assert_eq!(u64::from_f64(18_446_744_073_709_551_616.0), None);
        assert_eq!(i16::from_u16(32768), None);
    }

    #[test]
    fn a_finite_value_never_becomes_infinite() {
        assert_eq!(f32::from_f64(1e39), None);
        assert_eq!(f32::from_f64(f64::INFINITY), Some(f32::INFINITY));
        assert!(f32::from_f64(f64::NAN).unwrap().is_nan());
    }

    #[test]
    fn swapping_reverses_the_bytes() {
        assert_eq!(0x0102_u16.swapped(), 0x0201);
        assert_eq!(1.5_f32.swapped().to_bits(), 1.5_f32.to_bits().swap_bytes());
        assert_eq!((-2_i64).swapped(), (-2_i64).swap_bytes());
    }
}
