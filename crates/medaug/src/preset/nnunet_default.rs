//! nnU-Net's default training.

use super::nnunet;
use crate::draw::Draw;
use crate::error::Result;
use crate::intensity::{
    RandomBrightness, RandomContrast, RandomGamma, RandomGaussianBlur, RandomGaussianNoise,
    RandomLowResolution,
};
use crate::patch::PatchPipeline;
use crate::spatial::{Laterality, RandomSpatial, Space};
use crate::step::Step;

/// nnU-Net's default training pipeline (`nnUNetTrainer.get_training_transforms` of 2.8 with
/// batchgeneratorsv2 0.3): a third of each batch forced to show foreground; rotation and scaling with
/// probability 0.2 each; noise, blur, brightness, contrast, low resolution and gamma; all axes mirrored.
///
/// Rotation angles follow the patch: 30 degrees about every axis in 3D; 180 degrees within a square 2D patch,
/// 15 degrees within one longer than 1.5 times its width; and where a 3D patch is more than three times
/// longer than deep, 180 degrees within its slices, which then keep their thickness ("dummy 2D"). In such
/// patches low resolution is simulated within the slices.
///
/// It differs where nnU-Net's way is a loss: mirroring is composed into the one resampling instead of done
/// last, and the patch is read from the whole case, so that rotated corners show the patient. `space` is
/// [`Space::Voxels`] in nnU-Net; with [`Space::Millimetres`] rotations stay rigid. Mirroring obeys
/// `laterality`; nnU-Net's is [`Laterality::Ignore`].
///
/// # Errors
/// Refuses an empty patch.
pub fn nnunet_default<const D: usize>(
    patch: [usize; D],
    space: Space,
    laterality: Laterality,
) -> Result<PatchPipeline<D>> {
    let mut rotation = vec![Draw::symmetric(nnunet::most_degrees(patch))];
    if nnunet::is_flat(patch) {
        rotation.extend([Draw::Fixed(0.0); 2]);
    }
    let zoom = Draw::Uniform {
        low: 0.7,
        high: 1.4,
    };
    let spatial = RandomSpatial {
        rotation_probability: 0.2,
        rotation_degrees: rotation,
        scale_probability: 0.2,
        scale: vec![zoom],
        scale_ignored_axes: nnunet::ignored_axes(patch),
        flip: nnunet::mirrors::<D>(laterality),
        space,
        ..RandomSpatial::default()
    };
    let low_resolution = RandomLowResolution {
        ignored_axes: nnunet::ignored_axes(patch),
        ..RandomLowResolution::default()
    };
    let steps: Vec<Step> = vec![
        spatial.into(),
        RandomGaussianNoise::default().into(),
        RandomGaussianBlur::default().into(),
        RandomBrightness::default().into(),
        RandomContrast::default().into(),
        low_resolution.into(),
        nnunet::inverted_gamma().into(),
        RandomGamma::default().into(),
    ];
    PatchPipeline::new(nnunet::sampler(patch), steps)
}
