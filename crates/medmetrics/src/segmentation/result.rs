//! What was measured of a structure and of a case.

use serde::{Deserialize, Serialize};

use super::component::ComponentDice;
use super::empty::Measured;
use super::generalised_dice::GeneralisedDice;
use super::instance::InstanceMatches;
use super::lesion::LesionScores;
use super::measure::Measure;
use super::overlap::Overlap;
use super::reason::Reason;
use super::volume::VolumeErrors;

/// What was measured of one structure in one case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StructureMetrics {
    /// The structure's name.
    pub name: String,
    /// Dice coefficient.
    pub dice: Measured,
    /// Intersection over union.
    pub iou: Measured,
    /// Hausdorff distance in millimetres.
    pub hausdorff: Measured,
    /// Hausdorff distance at the evaluation's percentile, in millimetres.
    pub hausdorff_percentile: Measured,
    /// Average surface distance in millimetres, by the evaluation's convention.
    pub average_distance: Measured,
    /// Average surface distances by name, in millimetres.
    pub averages: AverageDistances,
    /// Surface Dice at the structure's tolerance.
    pub surface_dice: Measured,
    /// Its tolerance in millimetres.
    pub tolerance_mm: f64,
    /// Surface Dice at the evaluation's further tolerances.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more_surface_dice: Vec<SurfaceDiceAt>,
    /// Volume of the reference in millilitres; `None` for images that are not 3D or without known millimetres.
    pub reference_ml: Option<f64>,
    /// Volume of the prediction in millilitres.
    pub prediction_ml: Option<f64>,
    /// The counts behind the overlap.
    pub overlap: Overlap,
    /// Intersection over union of the boundaries, if it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundary_iou: Option<Measured>,
    /// Dice of the centre lines (clDice), if it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub centreline_dice: Option<Measured>,
    /// Dice of each component of the reference, if it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub components: Option<ComponentDice>,
    /// Scores lesion by lesion, if they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lesions: Option<LesionScores>,
    /// Matches of components, if they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instances: Option<InstanceMatches>,
    /// Why the result is bad, if it is.
    pub reason: Option<Reason>,
}

/// Average surface distances in millimetres; libraries call several of them by one name.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AverageDistances {
    /// All distances of both directions together: ASSD of MONAI (`symmetric=True`), MedPy, MetricsReloaded.
    pub assd: Measured,
    /// The mean of the two directed means: MASD, which panoptica calls ASSD.
    pub masd: Measured,
    /// From the prediction to the reference: MONAI's default (`symmetric=False`), MedPy's `asd`.
    pub from_prediction: Measured,
    /// From the reference to the prediction.
    pub from_reference: Measured,
}

/// Surface Dice at one of several tolerances.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SurfaceDiceAt {
    /// The tolerance in millimetres.
    pub tolerance_mm: f64,
    /// The share of both surfaces within it.
    pub surface_dice: Measured,
}

impl StructureMetrics {
    /// Prediction minus reference in millilitres; `None` for images that are not 3D.
    #[must_use]
    pub fn volume_difference_ml(&self) -> Option<f64> {
        Some(self.prediction_ml? - self.reference_ml?)
    }

    /// How far the volumes differ.
    #[must_use]
    pub fn volume_errors(&self) -> VolumeErrors {
        let voxels = self.overlap.reference() + self.overlap.prediction();
        let ml = self
            .reference_ml
            .zip(self.prediction_ml)
            .map(|(r, p)| r + p);
        VolumeErrors::new(
            &self.overlap,
            ml.filter(|_| voxels > 0).map(|ml| ml / voxels as f64),
        )
    }
}

/// What was measured of one case, structure by structure in the order of the evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseMetrics {
    /// The case's identifier.
    pub case: String,
    /// What the case belongs to, such as the patient of several scans; itself if nothing else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// One entry a structure.
    pub structures: Vec<StructureMetrics>,
    /// Generalised Dice over the structures, if it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generalised_dice: Option<GeneralisedDice>,
}

impl CaseMetrics {
    /// The same with what it belongs to: cases of one unit are drawn together by a bootstrap.
    #[must_use]
    pub fn with_unit(self, unit: impl Into<String>) -> Self {
        Self {
            unit: Some(unit.into()),
            ..self
        }
    }

    /// The generalised Dice, undefined if it was not asked for.
    pub(super) fn generalised_dice_value(&self) -> Measured {
        Measured {
            value: self.generalised_dice.as_ref().map(|dice| dice.value),
            empty: None,
        }
    }

    /// What is independent of other cases: the unit, or the case itself.
    #[must_use]
    pub fn unit(&self) -> &str {
        self.unit.as_deref().unwrap_or(&self.case)
    }

    /// The mean over the structures for which the measure is defined; `None` if there are none.
    #[must_use]
    pub fn mean(&self, measure: Measure) -> Option<f64> {
        let values = self.structures.iter().filter_map(|s| measure.of(s).value);
        let (sum, n) = values.fold((0.0, 0), |(sum, n), value| (sum + value, n + 1));
        (n > 0).then(|| sum / f64::from(n))
    }
}
