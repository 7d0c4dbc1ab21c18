//! nnU-Net's stronger training.

use super::nnunet;
use crate::compose::{OneOf, Sometimes};
use crate::draw::{Channels, Draw};
use crate::error::Result;
use crate::intensity::{
    ContrastRange, RandomContrast, RandomGaussianBlur, RandomGaussianNoise, RandomLaplacianSharpen,
    RandomLowResolution, RandomMedianFilter, RandomShiftIntensity,
};
use crate::local::{RandomBlankRectangles, RandomBrightnessGradient, RandomLocalGamma};
use crate::patch::PatchPipeline;
use crate::spatial::{Laterality, RandomRotate90, RandomSpatial, RandomTranspose, Space};
use crate::step::Step;

/// nnU-Net's stronger pipeline (`nnUNetTrainerDA5` of 2.8 with batchgeneratorsv2 0.3): every axis turned by itself,
/// scaled by itself, quarter turns of equal axes, median or blur, shifted brightness, contrast, lower resolution,
/// inverted gamma twice, blank boxes, and brightness and gamma that fade from one place.
///
/// Places of patches and angles are those of [`nnunet_default`](fn@super::nnunet_default), as are its differences from
/// nnU-Net. Three more: medians are of 3, 5 or 7 voxels (there of 2 to 7), shifts of brightness are uniform (there
/// normal, of the same deviation), blurring is not the same along all axes.
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
    let mut steps = moves(patch, space, laterality);
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
        ignored_axes: nnunet::ignored_axes(patch),
        channels: half,
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
        nnunet::inverted_gamma().into(),
        nnunet::inverted_gamma().into(),
        RandomBlankRectangles::default().into(),
        RandomBrightnessGradient::default().into(),
        RandomLocalGamma::default().into(),
        RandomLaplacianSharpen::default().into(),
    ]);
    PatchPipeline::new(nnunet::sampler(patch), steps)
}

/// The moves of [`nnunet_da5`], all read at once.
fn moves<const D: usize>(patch: [usize; D], space: Space, laterality: Laterality) -> Vec<Step> {
    let still = Draw::Fixed(0.0);
    let flat = nnunet::is_flat(patch);
    let planes = if flat { 1 } else { D * (D - 1) / 2 };
    let turned = |plane: usize| {
        let mut degrees = vec![still; D * (D - 1) / 2];
        degrees[plane] = Draw::symmetric(nnunet::most_degrees(patch));
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
        scale_ignored_axes: nnunet::ignored_axes(patch),
        flip: nnunet::mirrors::<D>(laterality.clone()),
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
