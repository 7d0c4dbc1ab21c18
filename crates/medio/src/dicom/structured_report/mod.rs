//! Structured reports: trees of content items (PS3.3 section C.17.3), and on top of them reports of
//! measurements (PS3.16, TID 1500).

mod content;
mod content_item;
mod document;
mod evidence;
mod graphic;
mod measurement_group;
mod measurement_report;
mod observer;
mod region;
mod report_codes;
mod template_reader;
mod template_writer;

pub use content::{ContentItem, ContentValue, ImageReference, Relationship};
pub use document::StructuredReport;
pub use evidence::InstanceReference;
pub use graphic::Graphic;
pub use measurement_group::{
    Evaluation, EvaluationValue, FindingSite, GroupKind, Measurement, MeasurementGroup,
};
pub use measurement_report::MeasurementReport;
pub use observer::{DeviceObserver, Observer, PersonObserver};
pub use region::{Region, SegmentReference, SegmentSource};
