//! Pixels: as they are stored, as the values they stand for, and as colours.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "codecs compute on numbers that they have bounded; overflow still stops them in every profile"
)]

mod colour;
mod convert;
mod decoder;
mod description;
mod frames;
mod functional_group;
mod jpeg;
mod jpeg2000;
mod jpeg_ls;
mod lut;
mod modality;
mod overlay;
mod palette;
mod plane;
mod reader;
mod rle;
mod sample;
mod voi;

pub use description::{ImagePixels, Photometric, SampleKind};
pub(super) use functional_group::functional_group;
pub use lut::LookupTable;
pub use modality::Modality;
pub use overlay::Overlay;
pub use palette::Palette;
pub use plane::FramePlane;
pub use reader::PixelArray;
pub(super) use reader::doubts;
pub use sample::Sample;
pub use voi::{Voi, VoiFunction, Window};
