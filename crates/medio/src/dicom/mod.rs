//! DICOM: datasets, files, and their pixels as stored, as values and as colours.
//!
//! ```no_run
//! use medio::dicom::{self, Tag};
//!
//! let file = dicom::open("slice.dcm")?;
//! let modality = file.dataset().string(Tag::MODALITY);
//! let values = file.values::<f32>()?; // [frames, channels, rows, columns]
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Nothing is trusted: lengths are held against what is there, nesting is bounded by the
//! [`medcore::Budget`] and never uses the stack, and whatever was repaired is in the [`Report`].
//!
//! Written from the standard (<https://www.dicomstandard.org/current>); pydicom decides where it is silent.

// What reads untrusted bytes may not panic, wrap or index.
#[cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions
    )
)]
mod dataset;
mod fault;
#[cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions
    )
)]
mod file;
// Codecs compute on numbers that they have bounded; overflow still stops them in every profile.
mod instance;
#[cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]
mod pixels;
mod report;
mod scan;
mod series;
mod tag;
mod transfer_syntax;
mod vr;

pub use dataset::{
    CharacterSet, Dataset, Date, DateTime, Deferred, Element, Fragment, PersonName, Time, Value,
};
pub use fault::Fault;
pub use file::{DicomFile, ReadOptions, WriteOptions, decode, encode, open, open_with, write};
pub use instance::{Axis, AxisValue, Instance, Slice};
pub use pixels::{
    FramePlane, ImagePixels, LookupTable, Modality, Overlay, Palette, Photometric, PixelArray,
    Sample, SampleKind, Voi, VoiFunction, Window,
};
pub use report::{Report, Slip, Warning};
pub use scan::{Scan, Series, Stack, Study, scan};
pub use series::{SeriesFault, SeriesVolume, SeriesWarning, VolumeOptions};
pub use tag::Tag;
pub use transfer_syntax::{Codec, TransferSyntax};
pub use vr::Vr;
