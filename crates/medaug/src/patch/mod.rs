//! Training patches: where they are taken, and the whole way from a case to an augmented sample.

mod grid;
mod guide;
mod lesions;
mod locations;
mod pipeline;
mod rarity;
mod sampler;
mod split;
mod weights;

pub use grid::PatchGrid;
pub use guide::Guide;
pub use lesions::{LesionLocations, LesionVoxels};
pub use locations::{ClassLocations, ClassVoxels};
pub use pipeline::{Case, PatchPipeline};
pub use rarity::{oversampled, repeat_factors};
pub(crate) use sampler::uniform_start;
pub use sampler::{BatchSlot, PatchChoice, PatchSampler, Placement};
pub use split::GridSplit;
pub use weights::WeightMap;
