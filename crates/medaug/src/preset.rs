//! Pipelines that are known to work, by the name of who uses them.

use crate::draw::Draw;
use crate::error::Result;
use crate::intensity::{
    RandomBrightness, RandomContrast, RandomGamma, RandomGaussianBlur, RandomGaussianNoise,
    RandomLowResolution,
};
use crate::mixing::{MixPipeline, RandomMosaic};
use crate::patch::{PatchChoice, PatchPipeline, PatchSampler};
use crate::spatial::{Laterality, RandomFlip, RandomSpatial, Sampling, Space};
use crate::step::Step;
use medcore::resample::{LabelInterpolation, Outside};

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
    let longest = patch.iter().copied().max().unwrap_or(1) as f64;
    let shortest = patch.iter().copied().min().unwrap_or(1).max(1) as f64;
    let flat = D == 3 && longest / patch[0].max(1) as f64 > 3.0;
    let still = Draw::Fixed(0.0);
    let rotation = match D {
        2 if longest / shortest > 1.5 => vec![Draw::symmetric(15.0)],
        2 => vec![Draw::symmetric(180.0)],
        3 if flat => vec![Draw::symmetric(180.0), still, still],
        _ => vec![Draw::symmetric(30.0)],
    };
    let zoom = Draw::Uniform {
        low: 0.7,
        high: 1.4,
    };
    let spatial = RandomSpatial {
        rotation_probability: 0.2,
        rotation_degrees: rotation,
        scale_probability: 0.2,
        scale: vec![zoom],
        scale_ignored_axes: if flat { vec![0] } else { vec![] },
        flip: RandomFlip {
            axes: (0..D).collect(),
            probability: 0.5,
            laterality,
        },
        space,
        sampling: Sampling::default(),
        ..RandomSpatial::default()
    };
    let sampler = PatchSampler {
        patch,
        choice: PatchChoice::ForcedForeground { fraction: 0.33 },
    };
    let low_resolution = RandomLowResolution {
        ignored_axes: if flat { vec![0] } else { vec![] },
        ..RandomLowResolution::default()
    };
    let inverted_gamma = RandomGamma {
        probability: 0.1,
        inverted: true,
        ..RandomGamma::default()
    };
    let steps: Vec<Step> = vec![
        spatial.into(),
        RandomGaussianNoise::default().into(),
        RandomGaussianBlur::default().into(),
        RandomBrightness::default().into(),
        RandomContrast::default().into(),
        low_resolution.into(),
        inverted_gamma.into(),
        RandomGamma::default().into(),
    ];
    PatchPipeline::new(sampler, steps)
}

/// Training of detectors on slices and radiographs as YOLO does it: a mosaic of four with this probability, else the image
/// alone, scaled to fit; moved by up to a tenth, enlarged by 0.5 to 1.5 times, mirrored left to right half of the time.
/// Numbers are those of ultralytics; images are from 0 to 1, so that its grey of 114 is 114/255.
///
/// The middle of the mosaic and the moves are one map and read once. ultralytics draws no mosaics in the last ten epochs:
/// train them with another pipeline of probability 0. Boxes are kept by their own [`BoxRule`](crate::BoxRule), whose default is
/// ultralytics'. Mirroring obeys `laterality`; ultralytics' is [`Laterality::Ignore`].
///
/// # Errors
/// Refuses a shape below 2 voxels, and what is not a probability.
pub fn yolo(shape: [usize; 2], mosaic: f64, laterality: Laterality) -> Result<MixPipeline<2>> {
    const GREY: f32 = 114.0 / 255.0;
    let mosaic = RandomMosaic {
        probability: mosaic,
        shape: shape.to_vec(),
        fill: GREY,
    };
    let spatial = RandomSpatial {
        scale_probability: 1.0,
        scale: vec![Draw::Inverse {
            low: 0.5,
            high: 1.5,
        }],
        translation_probability: 1.0,
        translation: shape
            .iter()
            .map(|&extent| Draw::symmetric(0.1 * extent as f64))
            .collect(),
        flip: RandomFlip {
            axes: vec![1],
            probability: 0.5,
            laterality,
        },
        space: Space::Voxels,
        sampling: Sampling {
            labels: LabelInterpolation::Nearest,
            outside: Outside::Value(GREY),
            ..Sampling::default()
        },
        ..RandomSpatial::default()
    };
    let steps: Vec<Step> = vec![
        spatial.into(),
        // Hue, saturation and value of colour images change here.
    ];
    MixPipeline::new(vec![mosaic.into()], Some(shape), GREY, steps)
}

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
        sampling: Sampling::default(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_follow_the_shape_of_the_patch() {
        let spatial = |pipeline: &[Step]| match &pipeline[0] {
            Step::RandomSpatial(spatial) => spatial.clone(),
            other => panic!("{other:?} comes first"),
        };
        let cube = nnunet_default([96; 3], Space::Voxels, Laterality::Ignore).unwrap();
        let angles = spatial(cube.steps()).rotation_degrees;
        assert_eq!(angles, [Draw::symmetric(30.0)]);
        let flat = nnunet_default([16, 256, 256], Space::Voxels, Laterality::Ignore).unwrap();
        let flat = spatial(flat.steps());
        assert_eq!(flat.rotation_degrees[0], Draw::symmetric(180.0));
        assert_eq!(flat.scale_ignored_axes, [0]);
        let slice = nnunet_default([256, 128], Space::Voxels, Laterality::Ignore).unwrap();
        let angles = spatial(slice.steps()).rotation_degrees;
        assert_eq!(angles, [Draw::symmetric(15.0)]);
    }
}
