//! When a mark or a box has found a lesion.

use serde::{Deserialize, Serialize};

use crate::detection::annotation::{Annotation, Detection};
use crate::detection::images::DetectionImage;
use crate::error::{Error, Result};

/// When a detection has found an annotation of its class.
///
/// Distances are in millimetres by the spacing of the image. The centre of a box without extent is the mark
/// itself.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HitCriterion {
    /// Intersection over union of the boxes of at least so much.
    Iou(f64),
    /// Intersection over the annotation's own box of at least so much.
    IntersectionOverReference(f64),
    /// The centre of the detection lies in the annotation's box, faces included.
    CentreInBox,
    /// The centres are less than a radius apart, as LUNA16 has it.
    CentreDistance(HitRadius),
    /// The voxel that holds the centre of the detection belongs to the annotation's mask, as CAMELYON16 has
    /// it.
    PointInMask,
}

/// How near a mark must come to the centre of a lesion.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HitRadius {
    /// So many millimetres.
    Fixed(f64),
    /// Half of the longest side of the lesion's box; so many millimetres where the box has no extent.
    HalfOfLesionOr(f64),
}

impl HitCriterion {
    /// Says whether anything can meet the criterion.
    ///
    /// # Errors
    /// Refuses overlaps outside 0 to 1, and radii that are negative or not finite.
    pub fn check(self) -> Result<()> {
        let (parameter, rule, value, holds) = match self {
            Self::Iou(least) | Self::IntersectionOverReference(least) => {
                let holds = (0.0..=1.0).contains(&least);
                ("the least overlap", "between 0 and 1", least, holds)
            }
            Self::CentreDistance(HitRadius::Fixed(mm) | HitRadius::HalfOfLesionOr(mm)) => {
                let holds = mm >= 0.0 && mm.is_finite();
                ("radius of a hit", "finite and at least 0 mm", mm, holds)
            }
            Self::CentreInBox | Self::PointInMask => return Ok(()),
        };
        match holds {
            true => Ok(()),
            false => Err(Error::InvalidParameter {
                parameter,
                rule,
                value,
            }),
        }
    }

    /// How well a detection meets the criterion, larger is better; `None` if it does not.
    pub(super) fn quality<const D: usize>(
        self,
        image: &DetectionImage<D>,
        lesion: &Annotation<D>,
        found: &Detection<D>,
    ) -> Result<Option<f64>> {
        if lesion.class() != found.class() {
            return Ok(None);
        }
        let at_least = |value: f64, least: f64| (value > 0.0 && value >= least).then_some(value);
        let (low, high) = (lesion.bounds().min(), lesion.bounds().max());
        let centre = centre(found.bounds());
        Ok(match self {
            Self::Iou(least) => at_least(found.extent().iou(lesion.extent()), least),
            Self::IntersectionOverReference(least) => {
                let shared = found.extent().shared(lesion.extent());
                at_least(shared / lesion.extent().volume, least)
            }
            Self::CentreInBox => {
                let inside = (0..D).all(|a| (low[a]..=high[a]).contains(&centre[a]));
                inside.then(|| -distance(image, lesion, centre))
            }
            Self::CentreDistance(radius) => {
                let distance = distance(image, lesion, centre);
                (distance < radius.of(image, lesion)).then_some(-distance)
            }
            Self::PointInMask => {
                let class = lesion.class();
                let mask = lesion.mask().ok_or(Error::MissingMask { class })?;
                let voxel = centre.map(|v| libm::floor(v + 0.5));
                let inside =
                    voxel.iter().all(|v| *v >= 0.0) && mask.contains(voxel.map(|v| v as usize));
                inside.then_some(0.0)
            }
        })
    }
}

impl HitRadius {
    fn of<const D: usize>(self, image: &DetectionImage<D>, lesion: &Annotation<D>) -> f64 {
        match self {
            Self::Fixed(mm) => mm,
            Self::HalfOfLesionOr(mm) => {
                let sides = lesion.bounds().extent().into_iter().zip(image.spacing());
                match sides.map(|(side, mm)| side * mm).fold(0.0, f64::max) {
                    0.0 => mm,
                    longest => longest / 2.0,
                }
            }
        }
    }
}

fn centre<const D: usize>(bounds: medcore::BoundingBox<D>) -> [f64; D] {
    let (low, high) = (bounds.min(), bounds.max());
    std::array::from_fn(|a| 0.5 * (low[a] + high[a]))
}

/// Millimetres from the centre of a lesion.
fn distance<const D: usize>(
    image: &DetectionImage<D>,
    lesion: &Annotation<D>,
    point: [f64; D],
) -> f64 {
    let from = centre(lesion.bounds());
    let mm = |a: usize| (point[a] - from[a]) * image.spacing()[a];
    (0..D).map(|a| mm(a) * mm(a)).sum::<f64>().sqrt()
}
