//! Pixels: as they are stored, as the values they stand for, and as colours.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "codecs compute on numbers that they have bounded; overflow still stops them in every profile"
)]

mod calibration;
mod colour;
mod convert;
mod decoder;
mod description;
mod doubts;
mod finish;
mod frames;
mod jpeg;
mod jpeg2000;
mod jpeg_ls;
mod lut;
mod modality;
mod overlay;
mod palette;
mod pixel_array;
mod plane;
mod quantity;
mod reader;
mod real_world;
mod rle;
mod sample;
mod source;
mod value_range;
mod voi;

pub use calibration::{Length, PixelCalibration, RegionFormat, UltrasoundRegion};
pub use description::{ImagePixels, Photometric, SampleKind};
pub(super) use doubts::doubts;
pub use lut::LookupTable;
pub use modality::Modality;
pub use overlay::Overlay;
pub use palette::Palette;
pub use pixel_array::PixelArray;
pub use plane::FramePlane;
pub(super) use plane::slice_thickness;
pub use quantity::Quantity;
pub use real_world::{RealWorldFunction, RealWorldMapping};
pub(crate) use sample::FromPixel;
pub(super) use value_range::{ValueRange, stored_datatype};
pub use voi::{Voi, VoiFunction, Window};
