//! How to read, and what comes back.

use std::sync::Arc;

use medcore::{Budget, Geometry, Image};

use super::datatype::Datatype;
use super::extension::Extension;
use super::header::Header;
use super::report::Report;
use super::xform::XformChoice;

/// What a reader may use up and how it resolves the format's ambiguities.
///
/// ```
/// use medio::nifti::{ReadOptions, XformChoice};
///
/// let as_itk_would = ReadOptions::new().xform(XformChoice::Qform);
/// ```
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    pub(crate) budget: Option<Arc<Budget>>,
    pub(crate) xform: XformChoice,
    pub(crate) map: bool,
    pub(crate) extensions: bool,
}

impl ReadOptions {
    /// A fresh default [`Budget`] a file, sform before qform, no mapping, extensions skipped.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Claims memory from this budget, which several reads may share.
    #[must_use]
    pub fn budget(mut self, budget: Arc<Budget>) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Chooses which of the file's maps places its voxels.
    #[must_use]
    pub fn xform(mut self, choice: XformChoice) -> Self {
        self.xform = choice;
        self
    }

    /// Maps voxels into memory instead of reading them, where the file is uncompressed and its numbers
    /// are already what was asked for; reads otherwise.
    ///
    /// The file must not change while the image lives, see [`medcore::Buffer::map_file`].
    #[must_use]
    pub fn map(mut self, map: bool) -> Self {
        self.map = map;
        self
    }

    /// Keeps the header's extensions (the first 4 MiB of them) in [`Loaded::extensions`].
    #[must_use]
    pub fn extensions(mut self, keep: bool) -> Self {
        self.extensions = keep;
        self
    }
}

/// An image or label map with what else its file said.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Loaded<V> {
    /// The voxels and where they are.
    pub value: V,
    /// The header as stored; [`super::WriteOptions::like`] takes it.
    pub header: Header,
    /// Extensions, if they were asked for.
    pub extensions: Vec<Extension>,
    /// Doubts and repairs.
    pub report: Report,
}

/// What a file holds, read without its voxels.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Info {
    /// The header as stored.
    pub header: Header,
    /// The grid in LPS millimetres.
    pub geometry: Geometry<3>,
    /// Channels that reading would give: dimension 4 or 5, or the samples of a colour.
    pub channels: usize,
    /// How voxels are stored.
    pub datatype: Datatype,
    /// Doubts and repairs.
    pub report: Report,
}

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
