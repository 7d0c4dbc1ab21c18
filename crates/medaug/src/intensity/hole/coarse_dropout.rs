//! Boxes of an image are filled (MONAI `RandCoarseDropout`, Albumentations `CoarseDropout`, cutout).

use std::ops::Range;

use medcore::random::{Key, Random};
use serde::{Deserialize, Serialize};

use super::hidden::{Hidden, forget_points, trim_boxes};
use super::{Hole, HoleDraw, HoleSize, check_holes, read, write};
use crate::error::{Error, Result, check, check_probability};
use crate::operation::SampleOperation;
use crate::parallel::Statistics;
use crate::sample::{Contents, LazySample, Sample};
use crate::step::Operation;
use crate::transform::{Transform, perhaps};

const NAME: &str = "CoarseDropout";

/// What holes are filled with.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum HoleFill {
    /// One intensity.
    Value(f32),
    /// Noise, uniform between two intensities.
    Noise([f32; 2]),
    /// Noise, uniform between the extremes of the image, all channels together (MONAI's default); voxels that
    /// are not finite are refused.
    RangeNoise,
}

impl HoleFill {
    pub(super) fn check(self, transform: &'static str) -> Result<()> {
        match self {
            Self::RangeNoise => Ok(()),
            Self::Value(value) => check(transform, "fill", value.into(), "finite", f64::is_finite),
            Self::Noise([low, high]) => {
                check(transform, "fill", low.into(), "finite", f64::is_finite)?;
                check(
                    transform,
                    "fill",
                    high.into(),
                    "finite and at least its lower end",
                    |v| v.is_finite() && v >= low.into(),
                )
            }
        }
    }
}

/// What of an image is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropoutPart {
    /// The holes.
    #[default]
    Holes,
    /// All but the holes (MONAI's `dropout_holes=False`).
    Rest,
}

/// Fills boxes in all channels; boxes and points of the sample stay or not, as `hidden` says.
///
/// ```
/// use medaug::{CoarseDropout, Hole, HoleFill, Operation, Sample};
/// use medcore::{Geometry, Image};
///
/// let image = Image::new(Geometry::axis_aligned([2, 3], [1.0; 2])?, vec![1.0; 6])?;
/// let hole = Hole { start: vec![0, 1], shape: vec![2, 1] };
/// let dropout = CoarseDropout { holes: vec![hole], ..CoarseDropout::default() };
/// let filled = Operation::from(dropout).apply_to(Sample::new(image))?;
/// assert_eq!(filled.image().as_slice(), [1.0, 0.0, 1.0, 1.0, 0.0, 1.0]);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CoarseDropout {
    /// The boxes; they may overlap.
    pub holes: Vec<Hole>,
    /// What they are filled with.
    pub fill: HoleFill,
    /// Whether the boxes are filled or all else.
    pub part: DropoutPart,
    /// The class of lost voxels; `None` leaves labels alone.
    pub label: Option<u8>,
    /// What becomes of boxes and points of which too little is seen.
    pub hidden: Hidden,
    /// Names the noise, if it is filled with any.
    pub seed: u64,
}

impl Default for CoarseDropout {
    /// No hole; zeros in those that are added.
    fn default() -> Self {
        Self {
            holes: vec![],
            fill: HoleFill::Value(0.0),
            part: DropoutPart::Holes,
            label: None,
            hidden: Hidden::Stay,
            seed: 0,
        }
    }
}

impl<const D: usize> SampleOperation<D> for CoarseDropout {
    fn check(&self) -> Result<()> {
        self.fill.check(NAME)?;
        check_holes(NAME, &self.holes, D)
    }

    fn needs(&self) -> Contents {
        Contents {
            labels: self.label.is_some(),
            ..Contents::default()
        }
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        let shape = sample.shape();
        let holes = self.holes.iter().map(|hole| hole.rows(NAME, shape));
        let holes = holes.collect::<Result<Vec<_>>>()?;
        let fill = match self.fill {
            HoleFill::RangeNoise => range_of(&sample)?,
            other => other,
        };
        for number in 0..sample.image().channels() {
            let key = Key::new(self.seed).fork("channel", number as u64);
            let voxels = sample.channel_mut(number);
            self.lose(
                voxels,
                &holes,
                |voxels, random| fill_with(voxels, fill, random),
                key,
            );
        }
        if let Some(label) = self.label {
            sample.require_labels(NAME)?;
            if let Some(labels) = sample.labels_mut() {
                let key = Key::new(self.seed);
                self.lose(
                    labels.as_mut_slice(),
                    &holes,
                    |labels, _| labels.fill(label),
                    key,
                );
            }
        }
        if self.hidden == Hidden::Trimmed {
            let mut hidden = vec![self.part == DropoutPart::Rest; sample.geometry().len()];
            for row in holes.iter().flatten() {
                hidden[row.clone()].fill(self.part == DropoutPart::Holes);
            }
            if let Some(boxes) = sample.boxes_mut() {
                trim_boxes(boxes, &hidden, shape);
            }
            if let Some(points) = sample.points_mut() {
                forget_points(points, &hidden, shape);
            }
        }
        Ok(sample)
    }
}

impl CoarseDropout {
    /// Fills the holes or the rest of some voxels.
    fn lose<T: Copy>(
        &self,
        voxels: &mut [T],
        holes: &[Vec<Range<usize>>],
        fill: impl Fn(&mut [T], &mut Random),
        key: Key,
    ) {
        match self.part {
            DropoutPart::Holes => {
                for (number, rows) in holes.iter().enumerate() {
                    let mut random = key.fork("hole", number as u64).stream("fill");
                    for row in rows {
                        fill(&mut voxels[row.clone()], &mut random);
                    }
                }
            }
            DropoutPart::Rest => {
                let seen: Vec<Vec<T>> = holes.iter().map(|rows| read(voxels, rows)).collect();
                fill(voxels, &mut key.stream("fill"));
                for (rows, seen) in holes.iter().zip(seen) {
                    write(voxels, rows, &seen);
                }
            }
        }
    }
}

fn fill_with(voxels: &mut [f32], fill: HoleFill, random: &mut Random) {
    match fill {
        HoleFill::Value(value) => voxels.fill(value),
        HoleFill::Noise([low, high]) => {
            for v in voxels {
                *v = random.uniform_in(low.into(), high.into()) as f32;
            }
        }
        HoleFill::RangeNoise => {}
    }
}

fn range_of<const D: usize>(sample: &Sample<D>) -> Result<HoleFill> {
    let image = sample.image();
    for channel in 0..image.channels() {
        if image.channel(channel).iter().any(|v| !v.is_finite()) {
            return Err(Error::NotFinite { channel });
        }
    }
    let statistics = Statistics::of(image.as_slice());
    Ok(HoleFill::Noise([statistics.min, statistics.max]))
}

/// Fills drawn boxes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomCoarseDropout {
    /// Probability of a sample.
    pub probability: f64,
    /// The boxes.
    pub holes: HoleDraw,
    /// What they are filled with.
    pub fill: HoleFill,
    /// Whether the boxes are filled or all else.
    pub part: DropoutPart,
    /// The class of lost voxels; `None` leaves labels alone.
    pub label: Option<u8>,
    /// What becomes of boxes and points of which too little is seen.
    pub hidden: Hidden,
}

impl Default for RandomCoarseDropout {
    /// Albumentations' parameters, but for the boxes, which stay.
    fn default() -> Self {
        let CoarseDropout {
            fill,
            part,
            label,
            hidden,
            ..
        } = CoarseDropout::default();
        Self {
            probability: 0.5,
            holes: HoleDraw::default(),
            fill,
            part,
            label,
            hidden,
        }
    }
}

impl RandomCoarseDropout {
    /// torchvision's `RandomErasing`: in half of the samples one box of 2 to 33 hundredths of a picture becomes zero.
    ///
    /// ```
    /// use medaug::{Compose, RandomCoarseDropout, Sample};
    /// use medcore::{Geometry, Image, random::Key};
    ///
    /// let erasing = RandomCoarseDropout { probability: 1.0, ..RandomCoarseDropout::erasing() };
    /// let pipeline = Compose::new(vec![erasing.into()])?;
    /// let grid = Geometry::axis_aligned([40, 50], [1.0; 2])?;
    /// let sample = Sample::new(Image::new(grid, vec![1.0; 2000])?);
    /// let erased = pipeline.apply(sample, Key::new(1))?;
    /// let zeros = erased.image().as_slice().iter().filter(|&&v| v == 0.0).count();
    /// assert!((30..=700).contains(&zeros));
    /// # Ok::<(), medaug::Error>(())
    /// ```
    #[must_use]
    pub fn erasing() -> Self {
        Self {
            probability: 0.5,
            holes: HoleDraw {
                count: [1, 1],
                size: HoleSize::Area {
                    area: [0.02, 0.33],
                    aspect: [0.3, 3.3],
                },
            },
            ..Self::default()
        }
    }
}

impl<const D: usize> Transform<D> for RandomCoarseDropout {
    fn name(&self) -> &'static str {
        "RandomCoarseDropout"
    }

    fn check(&self) -> Result<()> {
        const NAME: &str = "RandomCoarseDropout";
        check_probability(NAME, self.probability)?;
        self.fill.check(NAME)?;
        self.holes.check(NAME, D)
    }

    fn needs(&self) -> Contents {
        Contents {
            labels: self.label.is_some(),
            ..Contents::default()
        }
    }

    fn draw(&self, sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        perhaps(key, self.probability, || {
            let mut random = key.stream("holes");
            Ok(CoarseDropout {
                holes: self
                    .holes
                    .draw("RandomCoarseDropout", sample.shape(), &mut random)?,
                fill: self.fill,
                part: self.part,
                label: self.label,
                hidden: self.hidden,
                seed: random.next_u64(),
            })
        })
    }
}
