//! Sources of batches: patches for segmentation, whole images for classification, images in order to judge by, and
//! pairs of batches of two domains.

mod domains;
mod evaluation;
mod images;
mod order;
mod patches;
mod stack;
mod switched;
mod targets;

pub use domains::DomainPairs;
pub use evaluation::{EvaluationBatch, EvaluationBatches};
pub use images::ImageBatches;
pub use order::{Remainder, Shard};
pub use patches::PatchBatches;
pub use switched::Switched;
pub use targets::ClassTargets;
