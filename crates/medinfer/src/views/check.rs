//! Which pipelines are views that a prediction can be led back from.

use medaug::{Compose, Contents, Sequence, Step};

use crate::classify::{check_pipeline, refuse};
use crate::error::{Error, Result};
use crate::rule::LabelRule;

/// Steps that put voxels elsewhere and do not say where.
const WITHOUT_WAY_BACK: [&str; 4] = ["AugMix", "CoarseShuffle", "Letterbox", "Swap"];

/// How far the spacings of two axes may differ that change places: 1 %.
const ISOTROPIC: f64 = 0.01;

/// Refuses a view with a step that draws, that needs more than an image, whose moves cannot be undone, or
/// that leaves another number of channels than the network takes, where that is known.
pub(crate) fn check_view<const D: usize>(view: &Compose<D>, channels: Option<usize>) -> Result<()> {
    check_pipeline("views", view)?;
    let image = Contents {
        channels,
        ..Contents::default()
    };
    view.check_contents(&image)?;
    if let Some(name) = view.steps().iter().find_map(without_way_back) {
        let rule = "of steps that can be led back";
        return refuse("views", rule, name.to_owned());
    }
    let seen = { view.steps().iter() }.fold(image, |held, step| step.after::<D>(held));
    match (channels, seen.channels) {
        (Some(expected), Some(got)) if expected != got => Err(Error::Channels { expected, got }),
        _ => Ok(()),
    }
}

/// The first step that has none.
fn without_way_back(step: &Step) -> Option<&'static str> {
    match step {
        Step::Sequence(Sequence(steps)) => steps.iter().find_map(without_way_back),
        step => WITHOUT_WAY_BACK
            .into_iter()
            .find(|name| *name == step.name()),
    }
}

/// Refuses labels that change places where outputs are none of labels, or where there is no such label.
pub(crate) fn check_sides(steps: &[Step], rule: &LabelRule, classes: usize) -> Result<()> {
    let pairs = sides(steps);
    let Some(largest) = pairs.iter().map(|&(a, b)| usize::from(a.max(b))).max() else {
        return Ok(());
    };
    if let LabelRule::Regions(_) = rule {
        let rule = "without labels that change places where outputs are regions";
        return refuse("views", rule, format!("{pairs:?}"));
    }
    if largest >= classes {
        let rule = "with labels that change places among those of the network";
        return refuse("views", rule, format!("{pairs:?} of {classes}"));
    }
    Ok(())
}

/// The labels that change places, in the order of the steps.
pub(super) fn sides(steps: &[Step]) -> Vec<(u8, u8)> {
    let of_step = |step: &Step| match step {
        Step::Affine(step) => step.swap.clone().unwrap_or_default(),
        Step::Flip(step) => step.swap.clone().unwrap_or_default(),
        Step::Sequence(Sequence(steps)) => sides(steps),
        Step::Transpose(step) => step.swap.clone().unwrap_or_default(),
        _ => Vec::new(),
    };
    steps.iter().flat_map(of_step).collect()
}

/// Refuses a turn after which an axis has another spacing: the network would see the patient stretched.
pub(super) fn check_turn<const D: usize>(
    name: &'static str,
    before: [f64; D],
    after: [f64; D],
) -> Result<()> {
    let differs = |axis: usize| (before[axis] - after[axis]).abs() > ISOTROPIC * before[axis];
    if (0..D).any(differs) {
        let rule = "of turns within planes of equal spacing";
        return refuse("views", rule, format!("{name} of {before:?} mm"));
    }
    Ok(())
}
