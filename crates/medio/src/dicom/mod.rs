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
//! | for | begin with |
//! | --- | --- |
//! | one file | [`open`], [`write()`], [`Dataset`] |
//! | a folder of series, as volumes | [`scan()`], [`SeriesQuery`], [`Stack::volume`] |
//! | volumes as series, pictures as captures | [`ImageSeries`], [`SecondaryCapture`] |
//! | labels | [`Segmentation`] and [`NewSegmentation`], [`StructureSet`] and [`NewStructureSet`] |
//! | values of a quantity | [`ParametricMap`], [`Suv`], [`Quantity`] |
//! | measurements | [`MeasurementReport`], [`LabelReport`], [`StructuredReport`] |
//! | how images are shown | [`Voi`], [`PresentationState`] |
//! | taking names out | [`deidentify`] |
//!
//! Whatever is made from a series takes its [`Source`] and a [`Creation`].
//!
//! Nothing is trusted: lengths are held against what is there, nesting is bounded by the
//! [`medcore::Budget`] and never uses the stack, and whatever was repaired is in the [`Report`](crate::Report).
//!
//! Written from the standard (<https://www.dicomstandard.org/current>); pydicom decides where it is silent.

mod acquisition;
mod contours;
mod csa;
mod dataset;
pub mod deidentify;
mod derived;
mod diffusion;
mod dose;
mod fault;
mod file;
mod functional_group;
mod image_series;
mod instance;
mod label_report;
mod mosaic;
mod opened;
mod parametric_map;
mod pixels;
mod presentation_state;
mod private;
mod query;
mod scan;
mod secondary_capture;
mod segmentation;
mod series;
mod stack;
mod structured_report;
mod suv;
mod tag;
mod transfer_syntax;
mod volume_header;
mod vr;
mod warning;

pub use crate::options::ReadOptions;
pub use acquisition::Acquisition;
pub use contours::{Contour, ContourKind, Holes, NewStructureSet, Roi, RoiType, StructureSet};
pub use dataset::{
    CharacterSet, Dataset, Date, DateTime, Deferred, Element, Fragment, PersonName, Time, Value,
};
pub use derived::{
    CieLab, Code, Creation, Equipment, LabelFault, LabelGrid, OffGrid, OutsideGrid, Source,
    SourceFrame, Structure, Uids, codes,
};
pub use diffusion::Diffusion;
pub use fault::Fault;
pub(crate) use file::is_bare_dataset;
pub use file::{DicomFile, WriteOptions, decode, encode, open, open_with, write};
pub use image_series::{ImageKind, ImageSeries, PatientStudy, Rescale, WrittenSeries};
pub use instance::{Axis, AxisValue, Instance, Slice};
pub use label_report::LabelReport;
pub(crate) use opened::{Opened, open_file, open_folder, open_memory};
pub use parametric_map::{MapValue, ParametricMap};
pub(crate) use pixels::FromPixel;
pub use pixels::{
    FramePlane, ImagePixels, Length, LookupTable, Modality, Overlay, Palette, Photometric,
    PixelArray, PixelCalibration, Quantity, RealWorldFunction, RealWorldMapping, RegionFormat,
    SampleKind, UltrasoundRegion, Voi, VoiFunction, Window,
};
pub use presentation_state::{
    Annotation, AnnotationUnits, DisplayedArea, Figure, FigureKind, GraphicLayer, PresentationSize,
    PresentationState, ReferencedSeries, SoftcopyVoi, TextAlignment, TextAnnotation, TextBox,
};
pub use query::{
    AnatomicalPlane, Candidate, Preference, Reason, Rejection, Selection, SeriesQuery, TextPattern,
    Within,
};
pub use scan::{RefusedFile, Scan, Series, Study, scan, scan_with};
pub use secondary_capture::{CapturePixels, SecondaryCapture};
pub use segmentation::{
    Algorithm, AlgorithmKind, FractionMeaning, NewSegmentation, Segment, SegmentFrame,
    Segmentation, SegmentationKind,
};
pub(crate) use series::SliceRules;
pub use series::{Duplicates, Gap, PlaneSource, SeriesFault, SeriesVolume, SeriesWarning};
pub use stack::Stack;
pub use structured_report::{
    ContentItem, ContentValue, DeviceObserver, Evaluation, EvaluationValue, FindingSite, Graphic,
    GroupKind, ImageReference, InstanceReference, Measurement, MeasurementGroup, MeasurementReport,
    Observer, PersonObserver, Region, Relationship, SegmentReference, SegmentSource,
    StructuredReport,
};
pub use suv::{Suv, SuvFactor, SuvFault, SuvReference};
pub use tag::Tag;
pub use transfer_syntax::{Codec, TransferSyntax};
pub use volume_header::VolumeHeader;
pub use vr::Vr;
pub use warning::{Slip, Warning};
