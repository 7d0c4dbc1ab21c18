//! Policies: published lists of changes of which some are drawn at a common strength, for pictures.
//!
//! The lists, the strengths and the defaults are those of torchvision's transforms v2. Images have values from 0 to 1. What moves
//! pixels moves labels, boxes and points along, which torchvision leaves to the user.

mod aug_mix;
mod kind;
mod rand_augment;
mod trivial_augment;

pub use aug_mix::{AugMix, MixedChain, RandomAugMix};
pub use kind::AugmentKind;
pub use rand_augment::RandAugment;
pub use trivial_augment::TrivialAugmentWide;

use medcore::random::Random;
use medcore::resample::{Interpolation, LabelInterpolation};

use self::kind::{Picture, Strengths};
use crate::error::{Result, check};
use crate::sample::LazySample;
use crate::spatial::Sampling;
use crate::step::Operation;

/// As torchvision reads: labels nearest, zeros outside.
fn sampling(interpolation: Interpolation) -> Sampling {
    Sampling {
        interpolation,
        labels: LabelInterpolation::Nearest,
        ..Sampling::default()
    }
}

/// What a policy needs to know of a sample.
fn picture<const D: usize>(sample: &LazySample<D>) -> Picture {
    let shape = sample.shape();
    Picture {
        shape: [shape[0], shape[D - 1]],
        channels: sample.channels(),
    }
}

/// Refuses an empty list.
fn check_kinds(transform: &'static str, kinds: &[AugmentKind]) -> Result<()> {
    let count = kinds.len() as f64;
    check(transform, "kinds", count, "at least one", |v| v >= 1.0)
}

/// Refuses fewer than two strengths, which would divide by zero.
fn check_bins(transform: &'static str, bins: usize) -> Result<()> {
    check(transform, "bins", bins as f64, "within 2 and 1000", |v| {
        (2.0..=1000.0).contains(&v)
    })
}

/// One of the kinds at a level from 0 to 1, in either direction.
fn one_of(
    kinds: &[AugmentKind],
    strengths: &Strengths,
    level: impl FnOnce(&mut Random) -> f64,
    picture: Picture,
    random: &mut Random,
) -> Vec<Operation> {
    let kind = kinds[random.below(kinds.len())];
    let level = level(random);
    let sign = if random.chance(0.5) { -1.0 } else { 1.0 };
    strengths.operations(kind, level, sign, picture)
}
