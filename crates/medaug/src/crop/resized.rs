//! A part of an image of any size and shape, brought to one shape.

use medcore::random::Key;
use medcore::resample::{Interpolation, LabelInterpolation};
use serde::{Deserialize, Serialize};

use super::region::{Block, Crop, check_voxels};
use crate::array::per_axis;
use crate::draw::Draw;
use crate::error::{Result, check_dimension};
use crate::resize::{Resize, ResizeTo};
use crate::sample::LazySample;
use crate::step::Operation;
use crate::transform::Transform;

/// Keeps a part of a slice and resizes it (torchvision and Albumentations `RandomResizedCrop`); for images of
/// two axes.
///
/// Crop and resize are read at once: at the border of the part, values are interpolated with those beside it,
/// where torchvision repeats the outermost ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomResizedCrop {
    /// Voxels along each axis then; one for both, or one each.
    pub shape: Vec<usize>,
    /// The share of the image's area that is kept.
    #[serde(default = "areas")]
    pub area: Draw,
    /// Smallest and largest width over height; its logarithm is drawn evenly.
    #[serde(default = "aspects")]
    pub aspect: (f64, f64),
    /// Between voxels of the image.
    #[serde(default = "linear")]
    pub interpolation: Interpolation,
    /// Between voxels of labels.
    #[serde(default = "nearest")]
    pub labels: LabelInterpolation,
}

fn areas() -> Draw {
    Draw::Uniform {
        low: 0.08,
        high: 1.0,
    }
}

fn aspects() -> (f64, f64) {
    (3.0 / 4.0, 4.0 / 3.0)
}

fn linear() -> Interpolation {
    Interpolation::Linear
}

fn nearest() -> LabelInterpolation {
    LabelInterpolation::Nearest
}

const NAME: &str = "RandomResizedCrop";

impl RandomResizedCrop {
    /// torchvision's ranges: 8 to 100 hundredths of the area, 3:4 to 4:3.
    #[must_use]
    pub fn new(shape: [usize; 2]) -> Self {
        Self {
            shape: shape.to_vec(),
            area: areas(),
            aspect: aspects(),
            interpolation: linear(),
            labels: nearest(),
        }
    }

    /// The part of an image of shape `image`: ten attempts, then the largest part in the middle whose
    /// proportions are allowed (torchvision).
    fn part(&self, image: [usize; 2], key: Key) -> Block<2> {
        let [height, width] = image.map(|n| n as f64);
        let mut random = key.stream("part");
        let (narrowest, widest) = self.aspect;
        for _ in 0..10 {
            let area = height * width * self.area.draw(&mut random);
            let aspect = libm::exp(random.uniform_in(libm::log(narrowest), libm::log(widest)));
            let shape = [area / aspect, area * aspect].map(|v| v.sqrt().round_ties_even() as usize);
            if (0..2).all(|a| (1..=image[a]).contains(&shape[a])) {
                let start = [0, 1].map(|a| random.below(image[a] - shape[a] + 1) as isize);
                return Block { start, shape };
            }
        }
        let shape = match width / height {
            aspect if aspect < narrowest => [width / narrowest, width],
            aspect if aspect > widest => [height, height * widest],
            _ => [height, width],
        };
        let shape = [0, 1].map(|a| (shape[a].round_ties_even() as usize).clamp(1, image[a]));
        let start = [0, 1].map(|a| ((image[a] - shape[a]) / 2) as isize);
        Block { start, shape }
    }
}

impl<const D: usize> Transform<D> for RandomResizedCrop {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self) -> Result<()> {
        check_dimension(NAME, D, &[2])?;
        check_voxels(NAME, "shape", &self.shape, D)?;
        self.area
            .check(NAME, "area", "above 0 and at most 1", |v| {
                v > 0.0 && v <= 1.0
            })?;
        let (low, high) = self.aspect;
        let aspect = Draw::Uniform { low, high };
        aspect.check(NAME, "aspect", "above 0", |v| v > 0.0)
    }

    fn draw(&self, sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        Transform::<D>::check(self)?;
        let shape = sample.shape();
        let part = self.part([shape[0], shape[D - 1]], key);
        let to: [usize; 2] = per_axis(NAME, "shape", &self.shape)?;
        let resize = Resize {
            to: ResizeTo::Shape(to.to_vec()),
            interpolation: self.interpolation,
            labels: self.labels,
        };
        let crop = Crop::new(part.start, part.shape);
        Ok(vec![crop.into(), resize.into()])
    }
}
