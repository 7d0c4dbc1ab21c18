//! Images with geometry, and the algorithms that every other crate of the workspace stands on.
//!
//! * Axes are in storage order, slowest first: `[depth, height, width]`, channels in front.
//! * World coordinates are LPS millimetres in `f64` ([`frame`]).
//! * An index names a voxel's centre; voxel `i` covers `[i - 0.5, i + 0.5)`.
//!
//! No file format, no tensor framework, no global state.

#[cfg(feature = "allocator")]
mod allocator;
pub mod atomic;
mod budget;
pub mod buffer;
pub mod components;
pub mod cpu;
pub mod distance;
mod error;
pub mod frame;
mod geometry;
mod image;
mod label_table;
pub mod linear;
pub mod morphology;
pub mod orientation;
pub mod random;
mod region;
pub mod resample;
pub mod rle;
pub mod skeleton;
pub mod voronoi;
pub mod windows;

#[cfg(feature = "allocator")]
pub use allocator::Allocator;
pub use budget::Budget;
pub use buffer::{Buffer, Plain};
pub use error::{Error, Result};
pub use frame::{Lps, Point, Ras, Vector};
pub use geometry::{Calibration, Geometry, GeometryMismatch, GeometryTolerance};
pub use image::{Dims, Image, Label, LabelMap, Rank};
pub use label_table::{LabelEntry, LabelTable};
pub use linear::IndexMap;
pub use ndarray;
pub use orientation::Orientation;
pub use region::{BoundingBox, Region};

/// The README's example, compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
