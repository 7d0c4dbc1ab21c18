//! What objects made from a series have in common: the patient and study they belong to, who made them and
//! when, the images they refer to, and codes.

mod code;
mod compression;
mod creation;
mod fields;
mod raster;
mod source;
mod uid;

pub use code::{Code, codes};
pub use creation::{Creation, Equipment};
pub use source::{Source, SourceFrame};
pub use uid::Uids;

pub(super) use creation::NewSeries;
pub(super) use fields::Field;
pub(super) use raster::Raster;
