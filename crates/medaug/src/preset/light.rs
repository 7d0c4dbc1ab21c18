//! A little of everything, for short runs.

use crate::draw::Draw;
use crate::error::Result;
use crate::intensity::{RandomBrightness, RandomContrast, RandomGaussianNoise};
use crate::patch::{PatchChoice, PatchPipeline, PatchSampler};
use crate::spatial::{RandomSpatial, Space};
use crate::step::Step;

/// A light pipeline for runs of minutes on patients who all lie the same way: every patch shows foreground with
/// probability one half; a third of them are turned by up to 10 degrees about each axis and zoomed by up to a
/// tenth, in millimetres; now and then a little noise, brightness and contrast.
///
/// Nothing is mirrored: in an abdomen, side and order tell organs apart, and a network that may rely on that
/// learns them several times faster (TotalSegmentator trains without mirroring for the same reason).
///
/// # Errors
/// Refuses an empty patch.
pub fn light<const D: usize>(patch: [usize; D]) -> Result<PatchPipeline<D>> {
    let sampler = PatchSampler {
        patch,
        choice: PatchChoice::Foreground { probability: 0.5 },
    };
    let zoom = Draw::Uniform {
        low: 0.9,
        high: 1.1,
    };
    let spatial = RandomSpatial {
        rotation_probability: 0.3,
        rotation_degrees: vec![Draw::symmetric(10.0)],
        scale_probability: 0.3,
        scale: vec![zoom],
        space: Space::Millimetres,
        ..RandomSpatial::default()
    };
    let steps: Vec<Step> = vec![
        spatial.into(),
        RandomGaussianNoise::default().into(),
        RandomBrightness::default().into(),
        RandomContrast::default().into(),
    ];
    PatchPipeline::new(sampler, steps)
}
