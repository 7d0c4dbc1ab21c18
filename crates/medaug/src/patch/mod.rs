//! Training patches: where they are taken, and the whole way from a case to an augmented sample.

mod locations;
mod pipeline;
mod sampler;

pub use locations::{ClassLocations, ClassVoxels};
pub use pipeline::{Case, PatchPipeline};
pub(crate) use sampler::uniform_start;
pub use sampler::{BatchSlot, PatchChoice, PatchSampler, Placement};
