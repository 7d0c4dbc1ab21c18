//! Blocks around the boxes of a sample: all of them, or one.

use medcore::random::{Key, Random};
use medcore::resample::Outside;
use serde::{Deserialize, Serialize};

use super::region::{Block, CropShape, WhenAbsent, check_outside};
use crate::error::{Result, check};
use crate::sample::{Contents, LazySample};
use crate::step::Operation;
use crate::transform::Transform;

/// Keeps a block that holds all boxes, its faces anywhere between them and the border (Albumentations
/// `BBoxSafeRandomCrop`); a [`Resize`](crate::Resize) behind it makes `RandomSizedBBoxSafeCrop`.
///
/// A sample without boxes stays whole. What of a box lies outside the image does not count.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomBoxSafeCrop {
    /// The share of the block around all boxes, half of it on either side, that may be cut off; 0 cuts no
    /// box.
    pub erosion: f64,
}

impl<const D: usize> Transform<D> for RandomBoxSafeCrop {
    fn name(&self) -> &'static str {
        "RandomBoxSafeCrop"
    }

    fn check(&self) -> Result<()> {
        let rule = "within 0 and 1, without 1";
        check("RandomBoxSafeCrop", "erosion", self.erosion, rule, |v| {
            (0.0..1.0).contains(&v)
        })
    }

    fn needs(&self) -> Contents {
        needs_boxes()
    }

    fn draw(&self, sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        let image = sample.shape();
        let boxes = boxes_of(sample, "RandomBoxSafeCrop")?;
        let mut random = key.stream("place");
        let mut block = Block {
            start: [0; D],
            shape: image,
        };
        if boxes.is_empty() {
            return Ok(vec![]);
        }
        for a in 0..D {
            let low = boxes
                .iter()
                .map(|(low, _)| low[a])
                .fold(f64::INFINITY, f64::min);
            let high = boxes.iter().map(|(_, high)| high[a]).fold(0.0, f64::max);
            let cut = (high - low).max(0.0) * self.erosion / 2.0;
            // Whole voxels that hold what must stay, one at the least.
            let last = image[a] as f64;
            let first = ((low + cut).floor().clamp(0.0, last - 1.0)) as usize;
            let end = ((high - cut).ceil() as usize).clamp(first + 1, image[a]);
            let start = random.below(first + 1);
            block.start[a] = start as isize;
            block.shape[a] = end + random.below(image[a] - end + 1) - start;
        }
        Ok(vec![block.crop(None, 0).into()])
    }
}

/// Keeps a block of a given shape that holds one of the boxes, chosen at random, or as much of it as fits.
///
/// The place is drawn evenly among those that hold the box and lie within the image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomCropAroundBox {
    /// Voxels that are kept.
    pub shape: CropShape,
    /// What is done with a sample without boxes: a crop at any place, or a refusal.
    #[serde(default)]
    pub absent: WhenAbsent,
    /// What stands for voxels outside a smaller image; `None` refuses it.
    #[serde(default)]
    pub outside: Option<Outside<f32>>,
    /// Class outside the image, where there is a value outside.
    #[serde(default)]
    pub outside_label: u8,
}

const NAME: &str = "RandomCropAroundBox";

impl RandomCropAroundBox {
    /// Blocks of one shape in images that are large enough.
    #[must_use]
    pub fn new(shape: impl Into<CropShape>) -> Self {
        Self {
            shape: shape.into(),
            absent: WhenAbsent::GoOn,
            outside: None,
            outside_label: 0,
        }
    }
}

impl<const D: usize> Transform<D> for RandomCropAroundBox {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self) -> Result<()> {
        self.shape.check(NAME, D)?;
        check_outside(NAME, self.outside)
    }

    fn needs(&self) -> Contents {
        needs_boxes()
    }

    fn draw(&self, sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        let image = sample.shape();
        let shape = self.shape.of(NAME, image)?;
        let boxes = boxes_of(sample, NAME)?;
        if boxes.is_empty() {
            self.absent.check(NAME, "box")?;
        }
        let mut random = key.stream("place");
        let chosen = (!boxes.is_empty()).then(|| boxes[random.below(boxes.len())]);
        let start = std::array::from_fn(|a| {
            let room = image[a] as isize - shape[a] as isize;
            if room <= 0 {
                return room.div_euclid(2);
            }
            let (mut first, mut last) = (0, room);
            if let Some((low, high)) = chosen {
                // The places that hold the box, or that lie within it if it is larger.
                let from = high[a].ceil() as isize - shape[a] as isize;
                let to = low[a].floor() as isize;
                first = from.min(to).clamp(0, room);
                last = from.max(to).clamp(0, room);
            }
            within(first, last, &mut random)
        });
        let block = Block { start, shape };
        Ok(vec![block.crop(self.outside, self.outside_label).into()])
    }
}

fn within(first: isize, last: isize, random: &mut Random) -> isize {
    first + random.below((last - first) as usize + 1) as isize
}

fn needs_boxes() -> Contents {
    Contents {
        boxes: true,
        ..Contents::default()
    }
}

/// Lower and upper edges of the boxes in voxels from the outer face of the image, cut to the image; those
/// outside are left out.
fn boxes_of<const D: usize>(
    sample: &mut LazySample<D>,
    transform: &'static str,
) -> Result<Vec<([f64; D], [f64; D])>> {
    let image = sample.shape();
    let boxes = sample.sample()?.boxes();
    let boxes = boxes.ok_or(crate::error::Error::MissingBoxes { transform })?;
    let edges = boxes.items().iter().map(|item| {
        let edge = |corner: [f64; D]| -> [f64; D] {
            std::array::from_fn(|a| (corner[a] + 0.5).clamp(0.0, image[a] as f64))
        };
        (edge(item.bounds.min()), edge(item.bounds.max()))
    });
    Ok(edges
        .filter(|(low, high)| (0..D).all(|a| low[a] < high[a]))
        .collect())
}
