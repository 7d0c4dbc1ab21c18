//! An image of whatever number type its file holds.

use medcore::{Geometry, Image};

use crate::voxel::Datatype;

/// An image of whatever type its file holds.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum AnyImage {
    /// 8-bit unsigned, also colours as channels.
    U8(Image<u8, 3>),
    /// 8-bit signed.
    I8(Image<i8, 3>),
    /// 16-bit unsigned.
    U16(Image<u16, 3>),
    /// 16-bit signed.
    I16(Image<i16, 3>),
    /// 32-bit unsigned.
    U32(Image<u32, 3>),
    /// 32-bit signed.
    I32(Image<i32, 3>),
    /// 64-bit unsigned.
    U64(Image<u64, 3>),
    /// 64-bit signed.
    I64(Image<i64, 3>),
    /// Single precision, also small integers with a scaling.
    F32(Image<f32, 3>),
    /// Double precision, also large integers with a scaling.
    F64(Image<f64, 3>),
}

/// Calls the same expression on the image inside an [`AnyImage`].
macro_rules! on_any {
    ($any:expr, $image:ident => $body:expr) => {
        match $any {
            AnyImage::U8($image) => $body,
            AnyImage::I8($image) => $body,
            AnyImage::U16($image) => $body,
            AnyImage::I16($image) => $body,
            AnyImage::U32($image) => $body,
            AnyImage::I32($image) => $body,
            AnyImage::U64($image) => $body,
            AnyImage::I64($image) => $body,
            AnyImage::F32($image) => $body,
            AnyImage::F64($image) => $body,
        }
    };
}

impl AnyImage {
    /// Where the voxels are.
    #[must_use]
    pub fn geometry(&self) -> &Geometry<3> {
        on_any!(self, image => image.geometry())
    }

    /// Number of channels.
    #[must_use]
    pub fn channels(&self) -> usize {
        on_any!(self, image => image.channels())
    }

    /// The type of its voxels.
    #[must_use]
    pub fn datatype(&self) -> Datatype {
        match self {
            Self::U8(_) => Datatype::U8,
            Self::I8(_) => Datatype::I8,
            Self::U16(_) => Datatype::U16,
            Self::I16(_) => Datatype::I16,
            Self::U32(_) => Datatype::U32,
            Self::I32(_) => Datatype::I32,
            Self::U64(_) => Datatype::U64,
            Self::I64(_) => Datatype::I64,
            Self::F32(_) => Datatype::F32,
            Self::F64(_) => Datatype::F64,
        }
    }
}
