//! The codes of number types in NIfTI and Analyze headers.

use crate::voxel::Datatype;

impl Datatype {
    /// The type of a NIfTI code; the name of a known but unsupported one, or none, as error.
    pub(super) fn from_code(code: i16) -> Result<Self, Option<&'static str>> {
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
}
