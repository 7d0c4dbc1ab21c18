//! Volumes as series of CT, MR or secondary capture images (PS3.3 sections A.3, A.4 and A.8).

mod patient_study;
mod rescale;
mod writer;

pub use patient_study::PatientStudy;
pub use rescale::Rescale;
pub use writer::{ImageKind, ImageSeries, WrittenSeries};
