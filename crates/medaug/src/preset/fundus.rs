//! Grading of fundus photographs.

use crate::colour::RandomColorJitter;
use crate::compose::Compose;
use crate::draw::{Channels, Draw};
use crate::error::Result;
use crate::intensity::{ContrastRange, RandomContrast, RandomShiftIntensity};
use crate::spatial::{Laterality, RandomFlip};

/// Grading of fundus photographs with colours from 0 to 1, as in Krause et al., Ophthalmology 2018
/// (<https://doi.org/10.1016/j.ophtha.2018.01.034>): mirrored along both axes, brightness shifted by up to 0.115, saturation
/// 0.56 to 1.27 times as strong, hues turned by up to 0.025 of the circle, contrast 1 to 1.77 times as strong, one number for
/// the three colours. It needs three channels; colours are cut to 0 to 1 before the contrast.
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
    let colours = RandomColorJitter {
        probability: 1.0,
        brightness: Draw::Fixed(1.0),
        contrast: Draw::Fixed(1.0),
        saturation: Draw::Uniform {
            low: 0.559_727_3,
            high: 1.274_884_5,
        },
        hue: Draw::symmetric(0.025_148_8),
    };
    Compose::new(vec![
        flip.into(),
        brightness.into(),
        colours.into(),
        contrast.into(),
    ])
}
