//! Sources of batches: patches for segmentation, whole images for classification, and images in order to judge by.

mod evaluation;
mod images;
mod order;
mod patches;
mod stack;
mod targets;

pub use evaluation::{EvaluationBatch, EvaluationBatches};
pub use images::ImageBatches;
pub use order::{Remainder, Shard};
pub use patches::PatchBatches;
pub use targets::ClassTargets;
