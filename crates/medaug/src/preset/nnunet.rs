//! What nnU-Net's trainings share.

use crate::intensity::RandomGamma;
use crate::patch::{PatchChoice, PatchSampler};
use crate::spatial::{Laterality, RandomFlip};

/// A third of each batch is forced to show foreground.
pub(super) fn sampler<const D: usize>(patch: [usize; D]) -> PatchSampler<D> {
    PatchSampler {
        patch,
        choice: PatchChoice::ForcedForeground { fraction: 0.33 },
    }
}

/// All axes, half of the time each.
pub(super) fn mirrors<const D: usize>(laterality: Laterality) -> RandomFlip {
    RandomFlip {
        axes: (0..D).collect(),
        probability: 0.5,
        laterality,
    }
}

pub(super) fn inverted_gamma() -> RandomGamma {
    RandomGamma {
        probability: 0.1,
        inverted: true,
        ..RandomGamma::default()
    }
}

/// How far a patch of this shape is turned to either side, in degrees; flat ones only within their slices.
pub(super) fn most_degrees<const D: usize>(patch: [usize; D]) -> f64 {
    match D {
        2 if is_long(patch) => 15.0,
        2 => 180.0,
        3 if is_flat(patch) => 180.0,
        _ => 30.0,
    }
}

/// Axes along which flat patches are neither scaled nor read from fewer voxels.
pub(super) fn ignored_axes<const D: usize>(patch: [usize; D]) -> Vec<usize> {
    if is_flat(patch) { vec![0] } else { vec![] }
}

/// A patch more than three times longer than deep: slices, which are turned within themselves.
pub(super) fn is_flat<const D: usize>(patch: [usize; D]) -> bool {
    let longest = patch.iter().copied().max().unwrap_or(1);
    D == 3 && longest as f64 / patch[0].max(1) as f64 > 3.0
}

/// A patch more than one and a half times longer than wide.
fn is_long<const D: usize>(patch: [usize; D]) -> bool {
    let longest = patch.iter().copied().max().unwrap_or(1) as f64;
    let shortest = patch.iter().copied().min().unwrap_or(1).max(1) as f64;
    longest / shortest > 1.5
}
