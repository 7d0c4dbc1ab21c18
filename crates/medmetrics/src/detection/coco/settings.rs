//! What COCO's protocol leaves open, with its own choices as defaults.

use serde::{Deserialize, Serialize};

use crate::detection::annotation::{Annotation, Detection};
use crate::detection::images::DetectionImage;
use crate::detection::table::{MOST_RANGES, MOST_THRESHOLDS};
use crate::error::{Error, Result};

/// Average precision and recall as COCO defines them (T. Lin et al., "Microsoft COCO", ECCV 2014; the
/// numbers are those of `pycocotools`), for boxes in 2D and 3D and for masks.
///
/// Detections of a class take, by falling score, the free annotation they overlap most; the last one of
/// equals. A crowd is never used up and is compared by the share of the detection that lies in it. What
/// lies on a crowd, on an ignored annotation or on one outside the size range counts neither as right nor
/// as wrong, and so does a detection that finds nothing and is itself outside the range.
///
/// ```
/// use medmetrics::detection::{Annotation, Coco, Detection, DetectionImage, DetectionImages};
/// use medmetrics::detection::DetectionProtocol;
///
/// let mut images = DetectionImages::new();
/// let cell = Annotation::from_origin(1, [10.0, 10.0], [20.0, 20.0])?;
/// let finds = [(10.0, 0.9), (70.0, 0.4)].map(|(x, score)| {
///     Detection::from_origin(1, [10.0, x], [20.0, 20.0], score)
/// });
/// let [right, wrong] = finds;
/// images.push(DetectionImage::new(1, vec![cell], vec![right?, wrong?]))?;
/// let result = Coco::default().evaluate(&images)?;
/// assert_eq!(result.summary()[0].to_string(), "AP 1.0000, n = 1");
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Coco {
    /// Overlaps from which a detection has found something, 0.5, 0.55 to 0.95 by default.
    pub thresholds: Vec<f64>,
    /// Recalls at which precision is read, ascending; 0, 0.01 to 1 by default.
    pub recalls: Vec<f64>,
    /// Detections of a class that count in one image, ascending; 1, 10, 100 by default.
    pub max_detections: Vec<usize>,
    /// Ranges of size; the first one is that of the main numbers. All, small, medium, large by default.
    pub ranges: Vec<SizeRange>,
    /// What size is.
    pub size: SizeMeasure,
    /// What must overlap.
    pub overlap: Overlapping,
    /// Whose numbers to give where libraries disagree.
    pub convention: CocoConvention,
}

/// Sizes from `low` to `high`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SizeRange {
    /// Its name, such as `small`.
    pub name: String,
    /// The smallest size inside.
    pub low: f64,
    /// The largest size, or the first one behind; `None` without a limit.
    pub high: Option<f64>,
    /// Whether `high` is inside.
    pub end: RangeEnd,
}

/// Whether the upper end of a range is part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RangeEnd {
    /// It is, as COCO has it: an area of exactly 1024 is small and medium.
    Inside,
    /// It is not, so that neighbouring ranges share nothing.
    Behind,
}

impl SizeRange {
    /// Sizes from `low` to `high`, both ends inside, as COCO has it.
    pub fn closed(name: impl Into<String>, low: f64, high: f64) -> Self {
        Self {
            name: name.into(),
            low,
            high: (high != f64::INFINITY).then_some(high),
            end: RangeEnd::Inside,
        }
    }

    /// Sizes from `low` to just below `high`; strata that share nothing.
    pub fn half_open(name: impl Into<String>, low: f64, high: f64) -> Self {
        Self {
            end: RangeEnd::Behind,
            ..Self::closed(name, low, high)
        }
    }

    /// Whether a size is inside.
    #[must_use]
    pub fn contains(&self, size: f64) -> bool {
        let below = self.high.is_none_or(|high| match self.end {
            RangeEnd::Inside => size <= high,
            RangeEnd::Behind => size < high,
        });
        size >= self.low && below
    }
}

/// What the size of an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SizeMeasure {
    /// Its area or volume in the units of its box: as the file states it, else of its mask, else of its
    /// box.
    #[default]
    Area,
    /// The same in millimetres, by the spacing of its image.
    VolumeMm,
    /// The longest side of its box in millimetres, by the spacing of its image.
    LongestSideMm,
}

impl SizeMeasure {
    /// The size of an annotation.
    #[must_use]
    pub fn of_annotation<const D: usize>(
        self,
        image: &DetectionImage<D>,
        annotation: &Annotation<D>,
    ) -> f64 {
        self.of(image, annotation.size(), || annotation.bounds().extent())
    }

    /// The size of a detection.
    #[must_use]
    pub fn of_detection<const D: usize>(
        self,
        image: &DetectionImage<D>,
        detection: &Detection<D>,
    ) -> f64 {
        self.of(image, detection.size(), || detection.bounds().extent())
    }

    fn of<const D: usize>(
        self,
        image: &DetectionImage<D>,
        size: f64,
        sides: impl Fn() -> [f64; D],
    ) -> f64 {
        let spacing = image.spacing();
        match self {
            Self::Area => size,
            Self::VolumeMm => size * spacing.iter().product::<f64>(),
            Self::LongestSideMm => {
                let sides = sides().into_iter().zip(spacing);
                sides.map(|(side, mm)| side * mm).fold(0.0, f64::max)
            }
        }
    }
}

/// What of two objects must overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Overlapping {
    /// Their boxes.
    #[default]
    Boxes,
    /// Their masks.
    Masks,
}

/// Whose numbers, where libraries disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CocoConvention {
    /// The definition: every annotation can be found, classes without annotations are left out.
    #[default]
    Standard,
    /// `pycocotools`: an annotation of id 0 is never found, `ignore` of annotations is not read, and the
    /// main average precision is undefined unless 100 is among the numbers of detections.
    Pycocotools,
    /// MONAI's `COCOMetric`: a class without annotations enters the mean precision as -1.
    Monai,
}

/// Evenly spaced numbers with both ends, the same as `numpy.linspace` to the bit.
pub(crate) fn linspace(start: f64, stop: f64, count: usize) -> Vec<f64> {
    let step = (stop - start) / (count - 1) as f64;
    (0..count)
        .map(|i| match i + 1 == count {
            true => stop,
            false => i as f64 * step + start,
        })
        .collect()
}

/// The same as `torch.linspace` in single precision makes them: from both ends, each rounded once.
fn linspace_f32(start: f32, stop: f32, count: usize) -> Vec<f64> {
    let step = f64::from((stop - start) / (count - 1) as f32);
    let value = |i: usize| match i < count / 2 {
        true => f64::from(start) + step * i as f64,
        false => f64::from(stop) - step * (count - 1 - i) as f64,
    };
    (0..count).map(|i| f64::from(value(i) as f32)).collect()
}

impl Default for Coco {
    fn default() -> Self {
        let (small, medium, all) = (32.0 * 32.0, 96.0 * 96.0, 1e10);
        Self {
            thresholds: linspace(0.5, 0.95, 10),
            recalls: linspace(0.0, 1.0, 101),
            max_detections: vec![1, 10, 100],
            ranges: vec![
                SizeRange::closed("all", 0.0, all),
                SizeRange::closed("small", 0.0, small),
                SizeRange::closed("medium", small, medium),
                SizeRange::closed("large", medium, all),
            ],
            size: SizeMeasure::Area,
            overlap: Overlapping::Boxes,
            convention: CocoConvention::Standard,
        }
    }
}

impl Coco {
    /// The protocol of nnDetection and MONAI for volumes: overlaps from 0.1 to 0.5, no ranges of size.
    #[must_use]
    pub fn nndetection() -> Self {
        Self {
            thresholds: linspace(0.1, 0.5, 9),
            max_detections: vec![1, 5, 100],
            ranges: vec![SizeRange::half_open("all", 0.0, f64::INFINITY)],
            ..Self::default()
        }
    }

    /// The thresholds and recalls of torchmetrics, which are rounded to single precision: four found of five
    /// do not reach a recall of 0.8, so that its numbers differ a little from COCO's.
    #[must_use]
    pub fn torchmetrics() -> Self {
        Self {
            thresholds: linspace_f32(0.5, 0.95, 10),
            recalls: linspace_f32(0.0, 1.0, 101),
            ..Self::default()
        }
    }

    /// The same with other overlap thresholds.
    #[must_use]
    pub fn with_thresholds(self, thresholds: impl Into<Vec<f64>>) -> Self {
        Self {
            thresholds: thresholds.into(),
            ..self
        }
    }

    /// The same with other numbers of detections.
    #[must_use]
    pub fn with_max_detections(self, max_detections: impl Into<Vec<usize>>) -> Self {
        Self {
            max_detections: max_detections.into(),
            ..self
        }
    }

    /// The same with strata of size behind the range of everything, such as nodules below 6 mm.
    #[must_use]
    pub fn with_strata(
        self,
        size: SizeMeasure,
        strata: impl IntoIterator<Item = SizeRange>,
    ) -> Self {
        let mut ranges = vec![SizeRange::half_open("all", 0.0, f64::INFINITY)];
        ranges.extend(strata);
        Self {
            size,
            ranges,
            ..self
        }
    }

    /// The same for masks or boxes.
    #[must_use]
    pub fn with_overlap(self, overlap: Overlapping) -> Self {
        Self { overlap, ..self }
    }

    /// The same with the numbers of a library.
    #[must_use]
    pub fn with_convention(self, convention: CocoConvention) -> Self {
        Self { convention, ..self }
    }

    /// Whether the main average precision is defined: `pycocotools` reads it at 100 detections only.
    pub(super) fn has_main(&self) -> bool {
        self.convention != CocoConvention::Pycocotools || self.max_detections.contains(&100)
    }

    /// Says what of the settings makes no sense.
    pub(super) fn check(&self) -> Result<()> {
        let counts = [
            ("thresholds", self.thresholds.len(), MOST_THRESHOLDS),
            ("ranges", self.ranges.len(), MOST_RANGES),
            ("recalls", self.recalls.len(), usize::MAX),
            ("max_detections", self.max_detections.len(), usize::MAX),
        ];
        for (parameter, count, most) in counts {
            if count == 0 || count > most {
                return Err(Error::InvalidParameter {
                    parameter,
                    rule: "a list of 1 to 64 entries (32 ranges)",
                    value: count as f64,
                });
            }
        }
        let shares = [
            ("a list of thresholds", &self.thresholds),
            ("a list of recalls", &self.recalls),
        ];
        for (what, list) in shares {
            let rule = "ascending between 0 and 1";
            let falls = |i: usize| i > 0 && list[i] <= list[i - 1];
            let mut wrong =
                (0..list.len()).filter(|&i| !(0.0..=1.0).contains(&list[i]) || falls(i));
            if let Some(index) = wrong.next() {
                let value = list[index];
                return Err(Error::InvalidValue {
                    what,
                    rule,
                    index,
                    value,
                });
            }
        }
        let empty = |range: &SizeRange| {
            let high = range.high.unwrap_or(f64::INFINITY);
            range.low.is_nan() || high.is_nan() || high < range.low
        };
        if let Some(index) = self.ranges.iter().position(empty) {
            return Err(Error::InvalidValue {
                what: "a list of ranges of size",
                rule: "from a number to one that is not below it",
                index,
                value: self.ranges[index].low,
            });
        }
        let falls = |pair: &[usize]| pair[1] <= pair[0];
        match self.max_detections.windows(2).position(falls) {
            None => Ok(()),
            Some(before) => Err(Error::InvalidValue {
                what: "a list of numbers of detections",
                rule: "ascending",
                index: before + 1,
                value: self.max_detections[before + 1] as f64,
            }),
        }
    }
}
