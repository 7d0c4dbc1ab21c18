//! The measures of a structure by name: which value, which way is better, by whose definition.

use serde::{Deserialize, Serialize};

use super::convention::{Convention, SurfaceModel};
use super::empty::Measured;
use super::evaluation::Evaluation;
use super::instance::InstanceMatches;
use super::lesion::LesionScores;
use super::result::StructureMetrics;

/// The convention of what was not asked for.
pub(super) const UNASKED: &str = "not-measured";

/// A measure over several results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Measure {
    /// Dice coefficient.
    Dice,
    /// Intersection over union.
    Iou,
    /// Hausdorff distance in millimetres.
    Hausdorff,
    /// Hausdorff distance at the evaluation's percentile, in millimetres.
    HausdorffPercentile,
    /// Average surface distance in millimetres, by the evaluation's convention.
    AverageDistance,
    /// Surface Dice at the structure's tolerance.
    SurfaceDice,
    /// Average symmetric surface distance (all distances together) in millimetres.
    Assd,
    /// Mean of the directed average surface distances in millimetres.
    Masd,
    /// Share of the prediction that is right.
    Precision,
    /// Share of the reference that was found.
    Sensitivity,
    /// Share of the rest that was left alone.
    Specificity,
    /// Difference of the volumes in millilitres, without its sign.
    VolumeError,
    /// Difference of the volumes relative to the reference, without its sign.
    RelativeVolumeError,
    /// Volumetric similarity.
    VolumetricSimilarity,
    /// Intersection over union of the boundaries.
    BoundaryIou,
    /// Dice of the centre lines (clDice).
    CentrelineDice,
    /// Mean Dice over the components of the reference.
    ComponentDice,
    /// Mean Dice over lesions, with 0 for each invented one.
    LesionDice,
    /// Mean Hausdorff distance over lesions in millimetres, with the penalty for missed and invented ones.
    LesionHausdorff,
    /// Share of the lesions that were found.
    LesionSensitivity,
    /// F1 of lesions found, missed and invented.
    LesionF1,
    /// Panoptic quality of the case's components.
    PanopticQuality,
}

impl Measure {
    /// The measure's value in a result; undefined if it was not asked for.
    #[must_use]
    pub fn of(self, structure: &StructureMetrics) -> Measured {
        let overlap = &structure.overlap;
        let plain = |value| Measured {
            value,
            empty: overlap.empty(),
        };
        let lesions =
            |of: fn(&LesionScores) -> Option<f64>| plain(structure.lesions.as_ref().and_then(of));
        let volumes = structure.volume_errors();
        match self {
            Self::Dice => structure.dice,
            Self::Iou => structure.iou,
            Self::Hausdorff => structure.hausdorff,
            Self::HausdorffPercentile => structure.hausdorff_percentile,
            Self::AverageDistance => structure.average_distance,
            Self::SurfaceDice => structure.surface_dice,
            Self::Assd => structure.averages.assd,
            Self::Masd => structure.averages.masd,
            Self::Precision => plain(overlap.precision()),
            Self::Sensitivity => plain(overlap.sensitivity()),
            Self::Specificity => plain(overlap.specificity()),
            Self::VolumeError => plain(structure.volume_difference_ml().map(f64::abs)),
            Self::RelativeVolumeError => plain(volumes.relative().map(f64::abs)),
            Self::VolumetricSimilarity => plain(volumes.similarity()),
            Self::BoundaryIou => structure.boundary_iou.unwrap_or(plain(None)),
            Self::CentrelineDice => structure.centreline_dice.unwrap_or(plain(None)),
            Self::ComponentDice => plain(structure.components.as_ref().and_then(|c| c.mean())),
            Self::LesionDice => lesions(LesionScores::dice),
            Self::LesionHausdorff => lesions(LesionScores::hausdorff_mm),
            Self::LesionSensitivity => lesions(LesionScores::sensitivity),
            Self::LesionF1 => lesions(LesionScores::f1),
            Self::PanopticQuality => {
                plain((structure.instances.as_ref()).and_then(InstanceMatches::panoptic_quality))
            }
        }
    }

    /// Whether larger is better.
    #[must_use]
    pub fn is_score(self) -> bool {
        !matches!(
            self,
            Self::Hausdorff
                | Self::HausdorffPercentile
                | Self::AverageDistance
                | Self::Assd
                | Self::Masd
                | Self::VolumeError
                | Self::RelativeVolumeError
                | Self::LesionHausdorff
        )
    }

    /// Whether an evaluation measures it.
    pub(crate) fn is_asked_for(self, evaluation: &Evaluation) -> bool {
        self.convention(evaluation, "") != UNASKED
    }

    /// Whose definition it is, in the short form of [`crate::Estimate::convention`], such as
    /// `hd95:max-of-directed/linear/erode`.
    #[must_use]
    pub fn convention(self, evaluation: &Evaluation, structure: &str) -> String {
        let of = evaluation.convention;
        let surface = of.surface().name();
        let extras = &evaluation.extras;
        let unasked = || UNASKED.to_owned();
        match self {
            Self::Dice => "dice".into(),
            Self::Iou => "iou".into(),
            Self::Hausdorff => match of {
                Convention::Torchmetrics => format!("hd/{surface}/torchmetrics"),
                _ => format!("hd/{surface}"),
            },
            Self::HausdorffPercentile => {
                let (rule, quantile) = (of.hausdorff().name(), of.surface().quantile_name());
                format!("hd{}:{rule}/{quantile}/{surface}", evaluation.percentile)
            }
            Self::AverageDistance => format!("average-distance:{}/{surface}", of.average().name()),
            Self::SurfaceDice => {
                let weight = match of.surface_dice_model() {
                    SurfaceModel::VoxelErode => "voxels",
                    SurfaceModel::DualGrid => "area",
                };
                let (rule, model) = (of.surface_dice().name(), of.surface_dice_model().name());
                let mm = evaluation.tolerance_mm_of(structure);
                format!("nsd:{mm}mm/{rule}/{weight}/{model}")
            }
            Self::Assd => format!("assd/{surface}"),
            Self::Masd => format!("masd/{surface}"),
            Self::Precision => "precision".into(),
            Self::Sensitivity => "sensitivity".into(),
            Self::Specificity => "specificity".into(),
            Self::VolumeError => "absolute-volume-error:ml".into(),
            Self::RelativeVolumeError => "relative-volume-error:absolute".into(),
            Self::VolumetricSimilarity => "volumetric-similarity".into(),
            Self::BoundaryIou => match extras.boundary {
                Some(band) => format!("boundary-iou:{}", band.name()),
                None => unasked(),
            },
            Self::CentrelineDice => match extras.centreline {
                Some(by) => format!("cldice:{}", by.name()),
                None => unasked(),
            },
            Self::ComponentDice => match extras.components {
                Some(cells) => format!("component-dice:{}", cells.name()),
                None => unasked(),
            },
            Self::PanopticQuality => match extras.instances {
                Some(rule) => format!("pq:{}", rule.matching),
                None => unasked(),
            },
            Self::LesionDice | Self::LesionHausdorff | Self::LesionSensitivity | Self::LesionF1 => {
                let name = match self {
                    Self::LesionDice => "lesion-dice",
                    Self::LesionHausdorff => "lesion-hd",
                    Self::LesionSensitivity => "lesion-sensitivity",
                    _ => "lesion-f1",
                };
                match extras.lesions {
                    Some(rule) => format!("{name}:{}", rule.name()),
                    None => unasked(),
                }
            }
        }
    }
}
