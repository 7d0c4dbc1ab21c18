//! Pictures: PNG, TIFF (also of many pages), JPEG and BMP read, PNG and TIFF written; folders of slices.
//!
//! Colours and alpha are channels, pages are depth. Palettes and samples of fewer than eight bits are
//! expanded as the PNG standard says; TIFF keeps integers and floats of up to 64 bits. A picture says nothing
//! of space: [`crate::ReadOptions::grid`] gives it a place.

mod bmp;
mod jpeg;
mod open;
mod png;
mod size;
mod stack;
mod tiff;
mod tiff_directory;
mod write;

pub(crate) use open::open;
pub(crate) use png::check_palette;
pub(crate) use size::size_of_file;
pub(crate) use stack::PictureStack;
pub use stack::read_stack;
pub(crate) use write::{write_png, write_tiff};
