//! Structure sets: regions of interest as contours in planes (PS3.3 sections A.19 and C.8.8.5 to C.8.8.8).
//!
//! What is written comes back: contours run along the edges of pixels, and filling them gives the mask again,
//! voxel for voxel.

mod contour;
mod fill;
mod labels;
mod place;
mod read;
mod roi;
mod trace;
mod write;

pub use contour::{Contour, ContourKind};
pub use read::StructureSet;
pub use roi::{Roi, RoiType};
pub use write::{Holes, NewStructureSet};
