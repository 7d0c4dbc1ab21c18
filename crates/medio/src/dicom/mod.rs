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

mod acquisition;
mod csa;
mod dataset;
mod diffusion;
mod dose;
mod fault;
mod file;
mod instance;
mod mosaic;
mod pixels;
mod private;
mod query;
mod report;
mod scan;
mod series;
mod stack;
mod suv;
mod tag;
mod transfer_syntax;
mod vr;

pub use acquisition::Acquisition;
pub use dataset::{
    CharacterSet, Dataset, Date, DateTime, Deferred, Element, Fragment, PersonName, Time, Value,
};
pub use diffusion::Diffusion;
pub use fault::Fault;
pub use file::{DicomFile, ReadOptions, WriteOptions, decode, encode, open, open_with, write};
pub use instance::{Axis, AxisValue, Instance, Slice};
pub use pixels::{
    FramePlane, ImagePixels, Length, LookupTable, Modality, Overlay, Palette, Photometric,
    PixelArray, PixelCalibration, Quantity, RealWorldFunction, RealWorldMapping, RegionFormat,
    Sample, SampleKind, UltrasoundRegion, Voi, VoiFunction, Window,
};
pub use query::{
    AnatomicalPlane, Candidate, Preference, Reason, Rejection, Selection, SeriesQuery, TextPattern,
    Within,
};
pub use report::{Report, Slip, Warning};
pub use scan::{Scan, Series, Study, scan};
pub use series::{
    Duplicates, Gap, PlaneSource, SeriesFault, SeriesVolume, SeriesWarning, VolumeOptions,
};
pub use stack::Stack;
pub use suv::{Suv, SuvFactor, SuvFault, SuvReference};
pub use tag::Tag;
pub use transfer_syntax::{Codec, TransferSyntax};
pub use vr::Vr;
