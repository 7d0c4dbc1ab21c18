//! What objects made from a series have in common: the patient and study they belong to, who made them and
//! when, the images they refer to, and codes.

mod code;
mod colour;
mod compression;
mod creation;
mod fields;
mod grid;
mod label_fault;
mod layers;
mod multi_frame;
mod raster;
mod source;
mod structure;
mod text;
mod uid;
mod windows;

pub use code::{Code, codes};
pub use colour::CieLab;
pub use creation::{Creation, Equipment};
pub use grid::{LabelGrid, OffGrid, OutsideGrid};
pub use label_fault::LabelFault;
pub use source::{Source, SourceFrame};
pub use structure::Structure;
pub use uid::Uids;

pub(super) use creation::NewSeries;
pub(super) use fields::Field;
pub(super) use label_fault::listed;
pub(super) use layers::{Classes, Fractions, Layers, Masks, Survey, check_grid, voxel};
pub(super) use multi_frame::{
    Dimension, derived_from, derived_in_place, frame_groups, set_dimensions, shared_groups,
};
pub(super) use raster::Raster;
pub(super) use text::{code_string, long_string, short_string, unique_identifier};
