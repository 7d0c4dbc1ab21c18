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
    use medcore::{Budget, Buffer};

    use super::super::convert::Convert;
    use super::super::fault::Fault;
    use super::super::open::Body;
    use super::super::read::Source;
    use super::super::report::Report;

    /// Reading, compiled once a type inside this crate instead of in every caller.
    pub trait Sealed: Convert {
        fn read_voxels(
            source: &Source<'_>,
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
                source: &super::read::Source<'_>,
                body: super::open::Body<'_>,
                budget: &medcore::Budget,
                report: &mut super::report::Report,
            ) -> Result<medcore::Buffer<Self>, super::fault::Fault> {
                source.voxels(body, budget, report)
            }
        }
    )* };
}
voxel!(u8 U8 i8 I8 u16 U16 i16 I16 u32 U32 i32 I32 u64 U64 i64 I64 f32 F32 f64 F64);
