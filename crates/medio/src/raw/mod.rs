//! What every format needs: bytes of a file or of memory, unpacked, unswapped and converted to voxels.
//!
//! A format's own module reads its header, says where and how samples lie ([`Stored`]) and what holds them
//! ([`Body`]); everything from there to a checked buffer of numbers is here, once.

mod body;
mod detached;
mod inflate;
mod source;
mod storage;
mod text;

mod convert;
pub(crate) mod deflate;
mod endian;
mod name;
mod stored;

pub(crate) use body::Body;
pub(crate) use body::{Decode, Encoding, Parts, Skip, SkipBytes, Span};
pub(crate) use convert::{Convert, swap};
pub(crate) use detached::{below, series};
pub use endian::Endian;
pub(crate) use inflate::Packing;
pub(crate) use name::{is_gzip_name, with_ending, without_gzip};
pub(crate) use source::Source;
pub(crate) use stored::Samples;
pub(crate) use stored::Stored;
pub(crate) use text::Digits;

/// A length in memory as the `u64` that files count in.
pub(crate) fn len64(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
