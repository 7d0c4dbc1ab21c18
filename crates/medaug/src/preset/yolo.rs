//! Training of detectors.

use medcore::resample::{LabelInterpolation, Outside};

use crate::colour::RandomHueSaturationValue;
use crate::draw::Draw;
use crate::error::Result;
use crate::mixing::{MixPipeline, RandomMosaic};
use crate::spatial::{Laterality, RandomFlip, RandomSpatial, Sampling, Space};
use crate::step::Step;

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
