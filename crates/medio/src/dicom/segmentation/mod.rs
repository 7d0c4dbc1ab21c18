//! Segmentations: made from a source's labels, and put onto a grid (PS3.3 sections A.51 and C.8.20).
//!
//! Where frames lie is said by their positions alone, so that sheared stacks come out right; frames without a
//! voxel are left out. A segmentation of others is put onto a grid only where its pixels lie on the grid's
//! voxels within a tenth of a voxel, in the same frame of reference.

mod assemble;
mod description;
mod encode;
mod kind;
mod labels;
mod place;
mod planes;
mod read;
mod segment;
mod write;

pub use kind::{FractionMeaning, SegmentationKind};
pub use read::{SegmentFrame, Segmentation};
pub use segment::{Algorithm, AlgorithmKind, Segment};
pub use write::NewSegmentation;
