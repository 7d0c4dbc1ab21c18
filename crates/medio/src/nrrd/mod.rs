//! NRRD: `.nrrd`, and `.nhdr` with its data beside it, read and written; Slicer's `.seg.nrrd`.
//!
//! Versions 1 to 5; raw, gzip, bzip2, decimal and hexadecimal data, behind the header or in files below its
//! folder. Spaces are converted to LPS millimetres. One axis may be none of space (colours, vectors, time,
//! a list): it becomes channels wherever it lies. Key/value pairs are kept.
//!
//! Written from the format's definition (<https://teem.sourceforge.net/nrrd/format.html>).

mod axes;
mod fields;
mod header;
mod open;
mod segments;

mod segmentation;
mod write;

pub use header::Header;
pub(crate) use open::open;
pub use segmentation::{Segmentation, read_segmentation, write_segmentation};
pub use segments::Segment;
pub(crate) use write::write;
