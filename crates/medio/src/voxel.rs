//! The number types of stored voxels, and the trait of the Rust types they become.

use medcore::Plain;

/// How a voxel is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Datatype {
    /// Unsigned, 8 bits.
    U8,
    /// Signed, 8 bits.
    I8,
    /// Unsigned, 16 bits.
    U16,
    /// Signed, 16 bits.
    I16,
    /// Unsigned, 32 bits.
    U32,
    /// Signed, 32 bits.
    I32,
    /// Unsigned, 64 bits.
    U64,
    /// Signed, 64 bits.
    I64,
    /// IEEE single precision.
    F32,
    /// IEEE double precision.
    F64,
    /// Three bytes a voxel, read as three channels (NIfTI's `DT_RGB24`).
    Rgb24,
    /// Four bytes a voxel, read as four channels (NIfTI's `DT_RGBA32`).
    Rgba32,
}

impl Datatype {
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
    use medcore::{Budget, Buffer};

    use crate::dicom::FromPixel;
    use crate::fault::Fault;
    use crate::raw::{Body, Convert, Stored};
    use crate::report::Report;

    /// Reading, compiled once a type inside this crate instead of in every caller.
    pub trait Sealed: Convert + FromPixel {
        fn read_voxels(
            stored: &Stored,
            body: Body<'_>,
            budget: &Budget,
            report: &mut Report,
        ) -> Result<Buffer<Self>, Fault>;
    }
}

/// A Rust number that an image read from or written to a file may have.
///
/// Sealed: `u8 i8 u16 i16 u32 i32 u64 i64 f32 f64`.
pub trait Voxel: Plain + sealed::Sealed + PartialEq + std::fmt::Debug {
    /// The same type in a file.
    const DATATYPE: Datatype;
}

macro_rules! voxel {
    ($($t:ident $name:ident)*) => { $(
        impl Voxel for $t { const DATATYPE: Datatype = Datatype::$name; }
        impl sealed::Sealed for $t {
            fn read_voxels(
                stored: &crate::raw::Stored,
                body: crate::raw::Body<'_>,
                budget: &medcore::Budget,
                report: &mut crate::report::Report,
            ) -> Result<medcore::Buffer<Self>, crate::fault::Fault> {
                stored.read(body, budget, report)
            }
        }
    )* };
}
voxel!(u8 U8 i8 I8 u16 U16 i16 I16 u32 U32 i32 I32 u64 U64 i64 I64 f32 F32 f64 F64);
