//! Grading of fundus photographs.

use crate::compose::Compose;
use crate::draw::{Channels, Draw};
use crate::error::Result;
use crate::intensity::{ContrastRange, RandomContrast, RandomShiftIntensity};
use crate::spatial::{Laterality, RandomFlip};

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
