//! Medical images as pictures: windowed slices, overlays, montages (PNG) and charts (SVG).
//!
//! [`render_slice`] cuts a volume along a storage axis and shows it as radiologists expect: the patient's
//! right on the left of the picture, anterior or superior up, square pixels. [`overlay`] draws a label map
//! over it; [`montage`], [`captioned`] and [`legend`] make a sheet of such pictures; [`comparison`] does
//! all of this for a segmentation and its truth. [`Chart`] draws curves and other [`Layer`]s on two axes,
//! [`Chart::below`] puts several below one another.
//!
//! ```
//! use medcore::{Geometry, Image, LabelMap};
//! use medviz::{OverlayStyle, Plane, SliceView, Window, overlay, render_slice};
//!
//! let grid = Geometry::<3>::axis_aligned([4, 20, 30], [5.0, 1.0, 1.0])?;
//! let image = Image::new(grid, vec![40i16; 4 * 20 * 30])?;
//! let labels = LabelMap::new(grid, vec![1u8; 4 * 20 * 30])?;
//!
//! let view = SliceView::middle(&grid, Plane::Coronal);
//! let mut picture = render_slice(&image, &view, &Window::ABDOMEN)?;
//! // Four slices of 5 mm make 20 square pixels of 1 mm.
//! assert_eq!((picture.width(), picture.height()), (30, 20));
//! overlay(&mut picture, &labels, &view, &OverlayStyle::default())?;
//! let png = picture.to_png()?;
//! assert_eq!(&png[1..4], b"PNG");
//! # Ok::<(), medviz::Error>(())
//! ```
//!
//! The same input gives the same bytes on every machine.

#![forbid(unsafe_code)]

mod chart;
mod colour;
mod comparison;
mod error;
mod font;
mod overlay;
mod picture;
mod sheet;
mod slice;
mod window;

pub use chart::{
    BoxGlyph, Cell, Chart, Dash, Layer, Note, Paint, Rectangle, Rule, Scale, Side, Whisker,
};
pub use colour::{Rgb, class_colour};
pub use comparison::{Comparison, comparison};
pub use error::{Error, Result};
pub use overlay::{OverlayStyle, overlay};
pub use picture::Picture;
pub use sheet::{captioned, legend, montage};
pub use slice::{Plane, SliceView, render_slice};
pub use window::Window;

/// The example of the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
