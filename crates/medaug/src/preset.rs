//! Pipelines that are known to work, by the name of who uses them.

use crate::colour::RandomHueSaturationValue;
use crate::compose::{Compose, OneOf, Sometimes};
use crate::draw::{Channels, Draw};
use crate::error::{Result, check};
use crate::intensity::{
    ContrastRange, RandomBrightness, RandomContrast, RandomGamma, RandomGaussianBlur,
    RandomGaussianNoise, RandomLaplacianSharpen, RandomLowResolution, RandomMedianFilter,
    RandomShiftIntensity,
};
use crate::local::{RandomBlankRectangles, RandomBrightnessGradient, RandomLocalGamma};
use crate::mixing::{MixPipeline, RandomMosaic};
use crate::patch::{PatchChoice, PatchPipeline, PatchSampler};
use crate::spatial::{
    Laterality, RandomFlip, RandomRotate90, RandomSpatial, RandomTranspose, Sampling, Space,
};
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
    let flat = is_flat(patch);
    let still = Draw::Fixed(0.0);
    let rotation = match D {
        2 if is_long(patch) => vec![Draw::symmetric(15.0)],
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

/// nnU-Net's stronger pipeline (`nnUNetTrainerDA5` of 2.8 with batchgeneratorsv2 0.3): every axis turned by itself,
/// scaled by itself, quarter turns of equal axes, median or blur, shifted brightness, contrast, lower resolution,
/// inverted gamma twice, blank boxes, and brightness and gamma that fade from one place.
///
/// Places of patches and angles are those of [`nnunet_default`], as are its differences from nnU-Net. Three more:
/// medians are of 3, 5 or 7 voxels (there of 2 to 7), shifts of brightness are uniform (there normal, of the same
/// deviation), blurring is not the same along all axes.
///
/// # Errors
/// Refuses an empty patch.
pub fn nnunet_da5<const D: usize>(
    patch: [usize; D],
    space: Space,
    laterality: Laterality,
) -> Result<PatchPipeline<D>> {
    let half = Channels::Each { probability: 0.5 };
    let uniform = |low, high| Draw::Uniform { low, high };
    let balanced = |low, high| Draw::Balanced { low, high };
    let mut steps = da5_moves(patch, space, laterality);
    let median = RandomMedianFilter {
        probability: 0.2,
        radius: [1, 3],
        channels: half,
    };
    let blur = RandomGaussianBlur {
        probability: 0.2,
        sigma_voxels: uniform(0.3, 1.5),
        channels: half,
    };
    let shift = RandomShiftIntensity {
        probability: 0.1,
        offset: Draw::symmetric(0.5 * 3.0_f64.sqrt()),
        channels: half,
    };
    let contrast = |range| RandomContrast {
        probability: 0.2,
        factor: balanced(0.5, 2.0),
        range,
        channels: half,
    };
    let low_resolution = RandomLowResolution {
        probability: 0.15,
        scale: uniform(0.25, 1.0),
        ignored_axes: if is_flat(patch) { vec![0] } else { vec![] },
        channels: half,
    };
    let inverted_gamma = RandomGamma {
        probability: 0.1,
        inverted: true,
        ..RandomGamma::default()
    };
    let one_of = |first: Step, second: Step| OneOf {
        steps: vec![first, second],
        weights: vec![],
    };
    let clipped = contrast(ContrastRange::Preserved);
    steps.extend([
        one_of(median.into(), blur.into()).into(),
        RandomGaussianNoise::default().into(),
        shift.into(),
        one_of(clipped.into(), contrast(ContrastRange::Free).into()).into(),
        low_resolution.into(),
        inverted_gamma.clone().into(),
        inverted_gamma.into(),
        RandomBlankRectangles::default().into(),
        RandomBrightnessGradient::default().into(),
        RandomLocalGamma::default().into(),
        RandomLaplacianSharpen::default().into(),
    ]);
    let sampler = PatchSampler {
        patch,
        choice: PatchChoice::ForcedForeground { fraction: 0.33 },
    };
    PatchPipeline::new(sampler, steps)
}

/// The moves of [`nnunet_da5`], all read at once.
fn da5_moves<const D: usize>(patch: [usize; D], space: Space, laterality: Laterality) -> Vec<Step> {
    let still = Draw::Fixed(0.0);
    let flat = is_flat(patch);
    let planes = if flat { 1 } else { D * (D - 1) / 2 };
    let extent = match D {
        2 if is_long(patch) => 15.0,
        2 => 180.0,
        3 if flat => 180.0,
        _ => 30.0,
    };
    let turned = |plane: usize| {
        let mut degrees = vec![still; D * (D - 1) / 2];
        degrees[plane] = Draw::symmetric(extent);
        RandomSpatial {
            rotation_probability: 0.5,
            rotation_degrees: degrees,
            space,
            ..RandomSpatial::default()
        }
    };
    let turns = Sometimes {
        probability: 0.4,
        steps: (0..planes).map(|plane| turned(plane).into()).collect(),
    };
    let zoom = Draw::Uniform {
        low: 0.7,
        high: 1.43,
    };
    let scaled = RandomSpatial {
        scale_probability: 0.2,
        scale: vec![zoom; D],
        scale_ignored_axes: if flat { vec![0] } else { vec![] },
        flip: RandomFlip {
            axes: (0..D).collect(),
            probability: 0.5,
            laterality: laterality.clone(),
        },
        space,
        ..RandomSpatial::default()
    };
    let mut steps = vec![turns.into(), scaled.into()];
    let pairs = (0..D).flat_map(|a| (a + 1..D).map(move |b| [a, b]));
    let quarter_turns: Vec<Step> = pairs
        .filter(|&[a, b]| patch[a] == patch[b])
        .map(|axes| RandomRotate90 {
            probability: 0.375, // half of the samples, a quarter of which are turned by nothing
            axes: axes.to_vec(),
            most: 3,
        })
        .map(Step::from)
        .collect();
    if !quarter_turns.is_empty() {
        let one = OneOf {
            steps: quarter_turns,
            weights: vec![],
        };
        steps.push(one.into());
        let like = |axis: usize| patch.iter().filter(|&&n| n == patch[axis]).count();
        let most = (0..D).map(like).max();
        let exchange = RandomTranspose {
            probability: 0.5,
            axes: (0..D).filter(|&axis| Some(like(axis)) == most).collect(),
            laterality,
        };
        steps.push(exchange.into());
    }
    steps
}

/// Classification of chest radiographs as TorchXRayVision trains it (Cohen et al., MIDL 2022,
/// <https://arxiv.org/abs/2111.00595>; the defaults of its training script): turned by up to 45 degrees, moved by
/// up to 15 % along each axis, 0.85 to 1.15 times as large, always, with zeros outside. Nothing is mirrored: the
/// heart lies on the left.
///
/// `shape` is that of the images, which are brought to one before.
///
/// # Errors
/// Refuses an empty shape.
pub fn radiograph(shape: [usize; 2]) -> Result<Compose<2>> {
    for voxels in shape {
        check("radiograph", "shape", voxels as f64, "at least 1", |v| {
            v >= 1.0
        })?;
    }
    let spatial = RandomSpatial {
        rotation_probability: 1.0,
        rotation_degrees: vec![Draw::symmetric(45.0)],
        scale_probability: 1.0,
        scale: vec![Draw::Uniform {
            low: 1.0 / 1.15,
            high: 1.0 / 0.85,
        }],
        translation_probability: 1.0,
        translation: shape.map(|n| Draw::symmetric(0.15 * n as f64)).to_vec(),
        space: Space::Voxels,
        ..RandomSpatial::default()
    };
    Compose::new(vec![spatial.into()])
}

/// Grading of fundus photographs with colours from 0 to 1, as in Krause et al., Ophthalmology 2018
/// (<https://doi.org/10.1016/j.ophtha.2018.01.034>): mirrored along both axes, brightness shifted by up to 0.115,
/// contrast 1 to 1.77 times as strong, one number for the three colours. Of that recipe, changes of hue (0.025) and
/// saturation (0.56 to 1.27) are left out.
///
/// # Errors
/// None in practice: the numbers are fixed.
pub fn fundus() -> Result<Compose<2>> {
    let flip = RandomFlip {
        axes: vec![0, 1],
        probability: 0.5,
        laterality: Laterality::Ignore,
    };
    let brightness = RandomShiftIntensity {
        probability: 1.0,
        offset: Draw::symmetric(0.114_752_8),
        channels: Channels::Together,
    };
    let contrast = RandomContrast {
        probability: 1.0,
        factor: Draw::Uniform {
            low: 0.999_680_7,
            high: 1.770_482_4,
        },
        range: ContrastRange::Free,
        channels: Channels::Together,
    };
    Compose::new(vec![flip.into(), brightness.into(), contrast.into()])
}

/// A patch more than three times longer than deep: slices, which are turned within themselves.
fn is_flat<const D: usize>(patch: [usize; D]) -> bool {
    let longest = patch.iter().copied().max().unwrap_or(1);
    D == 3 && longest as f64 / patch[0].max(1) as f64 > 3.0
}

/// A patch more than one and a half times longer than wide.
fn is_long<const D: usize>(patch: [usize; D]) -> bool {
    let longest = patch.iter().copied().max().unwrap_or(1) as f64;
    let shortest = patch.iter().copied().min().unwrap_or(1).max(1) as f64;
    longest / shortest > 1.5
}

/// What the channels of an image are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pixels {
    /// Intensities of a scan.
    Grey,
    /// Red, green and blue from 0 to 1; their hue, saturation and value may change.
    Colour,
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
pub fn yolo(
    shape: [usize; 2],
    mosaic: f64,
    pixels: Pixels,
    laterality: Laterality,
) -> Result<MixPipeline<2>> {
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
    let mut steps: Vec<Step> = vec![spatial.into()];
    if pixels == Pixels::Colour {
        steps.push(RandomHueSaturationValue::yolo().into());
    }
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
    use medcore::random::Key;
    use medcore::{Geometry, Image, LabelMap};

    use super::*;
    use crate::{BatchSlot, Case, Sample};

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

    #[test]
    fn every_preset_is_built_and_applied_and_described() {
        let grid = Geometry::<3>::axis_aligned([12, 40, 40], [3.0, 1.0, 1.0]).unwrap();
        let voxels = (0..grid.len()).map(|i| (i * 7919 % 997) as f32 / 500.0 - 1.0);
        let image = Image::new(grid, voxels.collect::<Vec<f32>>()).unwrap();
        let labels = LabelMap::background(grid).unwrap();
        let sample = Sample::with_labels(image, labels).unwrap();
        let case = Case::new(sample, None, Key::new(1));
        let slot = BatchSlot { index: 0, size: 2 };
        for patch in [[16, 16, 16], [4, 24, 24], [8, 16, 24]] {
            let strong = nnunet_da5(patch, Space::Voxels, Laterality::Ignore).unwrap();
            let text = serde_json::to_string(&strong).unwrap();
            assert_eq!(
                serde_json::from_str::<PatchPipeline<3>>(&text).unwrap(),
                strong
            );
            let mut seen = std::collections::BTreeSet::new();
            for i in 0..40 {
                let drawn = strong.draw(&case, slot, Key::new(2).sample(i)).unwrap();
                assert_eq!(drawn.shape(), patch);
                assert!(drawn.image().as_slice().iter().all(|v| v.is_finite()));
                let sum: f32 = drawn.image().as_slice().iter().sum();
                seen.insert(sum.to_bits());
            }
            assert!(seen.len() > 30, "{}", seen.len());
        }
        let plane = Geometry::<2>::axis_aligned([20, 30], [1.0; 2]).unwrap();
        let photo = Image::with_channels(3, plane, vec![0.5_f32; 1800]).unwrap();
        for pipeline in [radiograph([20, 30]).unwrap(), fundus().unwrap()] {
            let sample = Sample::new(photo.clone());
            let drawn = pipeline.apply(sample, Key::new(3)).unwrap();
            assert_eq!(drawn.shape(), [20, 30]);
            assert_ne!(drawn.image().as_slice(), photo.as_slice());
        }
        assert!(radiograph([0, 3]).is_err());
    }
}
