//! What can be recommended.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A metric by its standard name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Metric {
    /// Dice similarity coefficient.
    Dice,
    /// F-beta: Dice with unequal costs of both errors.
    FBeta,
    /// Dice of centre lines.
    ClDice,
    /// Dice of connected components, lesion by lesion.
    LesionDice,
    /// Surface Dice at a tolerance (NSD).
    SurfaceDice,
    /// A percentile of the Hausdorff distance.
    HausdorffPercentile,
    /// Mean average surface distance.
    AverageSurfaceDistance,
    /// Overlap of bands along the outlines.
    BoundaryIou,
    /// Difference of volumes.
    VolumeDifference,
    /// Panoptic quality.
    PanopticQuality,
    /// Share of correct cases.
    Accuracy,
    /// Mean sensitivity of the classes.
    BalancedAccuracy,
    /// Matthews' correlation coefficient.
    MatthewsCorrelation,
    /// Cohen's kappa with weights.
    WeightedKappa,
    /// Mean cost of a decision.
    ExpectedCost,
    /// Sensitivity and specificity.
    SensitivitySpecificity,
    /// Sensitivity at a stated precision, or precision at a stated sensitivity.
    SensitivityAtPrecision,
    /// Likelihood ratios.
    LikelihoodRatio,
    /// Net benefit over thresholds.
    NetBenefit,
    /// Area under the receiver operating characteristic.
    AreaUnderRoc,
    /// Average precision.
    AveragePrecision,
    /// Sensitivity at stated numbers of false positives per image.
    Froc,
    /// Brier score.
    Brier,
    /// Calibration error class by class.
    ClasswiseCalibrationError,
    /// Expected calibration error beside a reliability diagram.
    CalibrationError,
}

impl Metric {
    /// Its name in a table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dice => "Dice",
            Self::FBeta => "F-beta",
            Self::ClDice => "clDice",
            Self::LesionDice => "lesion-wise Dice",
            Self::SurfaceDice => "surface Dice (NSD)",
            Self::HausdorffPercentile => "Hausdorff percentile (HD95)",
            Self::AverageSurfaceDistance => "average surface distance (MASD)",
            Self::BoundaryIou => "boundary IoU",
            Self::VolumeDifference => "volume difference",
            Self::PanopticQuality => "panoptic quality",
            Self::Accuracy => "accuracy",
            Self::BalancedAccuracy => "balanced accuracy",
            Self::MatthewsCorrelation => "Matthews correlation",
            Self::WeightedKappa => "weighted kappa",
            Self::ExpectedCost => "expected cost",
            Self::SensitivitySpecificity => "sensitivity and specificity",
            Self::SensitivityAtPrecision => "sensitivity at precision",
            Self::LikelihoodRatio => "likelihood ratios",
            Self::NetBenefit => "net benefit",
            Self::AreaUnderRoc => "AUROC",
            Self::AveragePrecision => "average precision",
            Self::Froc => "FROC",
            Self::Brier => "Brier score",
            Self::ClasswiseCalibrationError => "class-wise calibration error",
            Self::CalibrationError => "expected calibration error",
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
