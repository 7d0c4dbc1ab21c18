//! Patches as they are.

use crate::error::Result;
use crate::patch::{PatchChoice, PatchPipeline, PatchSampler};

/// Patches as they are, inside the scan, centred on a voxel of a class drawn with equal probability: for overfit checks, and
/// to see what augmentation changes.
///
/// # Errors
/// Refuses an empty patch.
pub fn plain<const D: usize>(patch: [usize; D]) -> Result<PatchPipeline<D>> {
    let sampler = PatchSampler {
        patch,
        choice: PatchChoice::ClassRatios {
            ratios: vec![1.0; 256],
        },
    };
    PatchPipeline::new(sampler, vec![])
}
