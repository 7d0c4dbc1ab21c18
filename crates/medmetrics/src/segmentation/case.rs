//! One case measured: a sweep over both maps, then each structure in its own box.

use medcore::{Geometry, GeometryTolerance, Label, LabelMap};
use rayon::prelude::*;

use super::convention::{AverageRule, Convention};
use super::crop::Crop;
use super::empty::{EmptyCase, Measured, Substitutes};
use super::evaluation::{Evaluation, Structure};
use super::overlap::Overlap;
use super::pair::Maps;
use super::result::{AverageDistances, CaseMetrics, StructureMetrics, SurfaceDiceAt};
use super::surface::SurfaceDistances;
use super::sweep::Sweep;
use super::torchmetrics;
use crate::error::Result;

impl Evaluation {
    /// Measures one case.
    ///
    /// # Errors
    /// As [`Evaluation::check`]; refuses maps on different grids, undeclared labels, and images without
    /// known millimetres unless nothing asks for them.
    pub fn case<A: Label, B: Label, const D: usize>(
        &self,
        case: impl Into<String>,
        reference: &LabelMap<A, D>,
        prediction: &LabelMap<B, D>,
    ) -> Result<CaseMetrics> {
        self.check()?;
        let tolerance = GeometryTolerance::default();
        let sweep = Sweep::over(reference, prediction, self.labels, &tolerance)?;
        let histogram = match self.ignore {
            Some(label) => sweep.histogram.ignoring(label),
            None => sweep.histogram.clone(),
        };
        let maps = Maps {
            reference,
            prediction,
            ignore: self.ignore,
        };
        let spacing = match maps.spacing() {
            Ok(spacing) => Some(spacing),
            Err(error) if self.needs_millimetres() => return Err(error),
            Err(_) => None,
        };
        let structures = self
            .structures
            .par_iter()
            .map(|structure| {
                let crop = if self.surfaces || self.extras.need_masks() {
                    maps.crop(&sweep, &structure.labels)?
                } else {
                    None
                };
                let masks = Masks {
                    evaluation: self,
                    structure,
                    overlap: histogram.overlap(&structure.labels),
                    crop: crop.as_ref(),
                    geometry: reference.geometry(),
                    spacing,
                };
                masks.measured()
            })
            .collect::<Result<Vec<_>>>()?;
        let overlaps: Vec<Overlap> = structures.iter().map(|s| s.overlap).collect();
        Ok(CaseMetrics {
            case: case.into(),
            unit: None,
            structures,
            generalised_dice: self.extras.generalised_dice.map(|rule| rule.of(&overlaps)),
        })
    }

    fn needs_millimetres(&self) -> bool {
        let extras = &self.extras;
        self.surfaces
            || extras.lesions.is_some()
            || extras.boundary.is_some_and(|band| band.needs_spacing())
            || extras.components.is_some_and(|cells| cells.needs_spacing())
    }
}

/// The masks of one structure.
struct Masks<'a, const D: usize> {
    evaluation: &'a Evaluation,
    structure: &'a Structure,
    overlap: Overlap,
    /// Cut out, unless both are empty or nothing looks at them.
    crop: Option<&'a Crop<D>>,
    geometry: &'a Geometry<D>,
    /// In millimetres, if known.
    spacing: Option<[f64; D]>,
}

impl<const D: usize> Masks<'_, D> {
    fn measured(&self) -> Result<StructureMetrics> {
        let evaluation = self.evaluation;
        let (policy, convention) = (&evaluation.empty, evaluation.convention);
        let surfaces = self.distances()?;
        let distance = |substitutes: &Substitutes,
                        of: &dyn Fn(&SurfaceDistances) -> Option<f64>| {
            self.substituted(substitutes, surfaces.as_ref().and_then(|s| of(&s.points)))
        };
        let average = |rule: AverageRule| distance(&policy.average, &|d| d.average(rule));
        let surface_dice = |tolerance_mm: f64| {
            let found = surfaces.as_ref().and_then(|s| {
                let model = s.patches.as_ref().unwrap_or(&s.points);
                model.surface_dice(tolerance_mm, convention.surface_dice())
            });
            self.substituted(&policy.surface_dice, found)
        };
        let tolerance_mm = evaluation.tolerance_mm_of(&self.structure.name);
        let more = evaluation
            .more_tolerances_mm
            .iter()
            .map(|&tolerance_mm| SurfaceDiceAt {
                tolerance_mm,
                surface_dice: surface_dice(tolerance_mm),
            });
        let voxel = self.geometry.voxel_volume();
        let has_ml = D == 3 && self.spacing.is_some();
        let ml = |voxels: u64| has_ml.then(|| voxels as f64 * voxel / 1000.0);
        let overlap = self.overlap;
        let (rule, percentile) = (convention.hausdorff(), evaluation.percentile);
        let metrics = StructureMetrics {
            name: self.structure.name.clone(),
            dice: overlap.dice(policy),
            iou: overlap.iou(policy),
            hausdorff: match convention {
                Convention::Torchmetrics => self.torchmetrics_hausdorff()?,
                _ => distance(&policy.distance, &|d| d.hausdorff()),
            },
            hausdorff_percentile: distance(&policy.percentile, &|d| {
                d.hausdorff_percentile(percentile, rule)
            }),
            average_distance: average(convention.average()),
            averages: AverageDistances {
                assd: average(AverageRule::Pooled),
                masd: average(AverageRule::MeanOfDirected),
                from_prediction: average(AverageRule::FromPrediction),
                from_reference: average(AverageRule::FromReference),
            },
            surface_dice: surface_dice(tolerance_mm),
            tolerance_mm,
            more_surface_dice: more.collect(),
            reference_ml: ml(overlap.reference()),
            prediction_ml: ml(overlap.prediction()),
            boundary_iou: None,
            centreline_dice: None,
            components: None,
            lesions: None,
            instances: None,
            reason: evaluation.thresholds.reason(&overlap, voxel),
            overlap,
        };
        self.with_extras(metrics)
    }

    /// The distances of both surfaces, if they were asked for.
    fn distances(&self) -> Result<Option<Surfaces>> {
        let (Some(crop), Some(spacing), true) = (self.crop, self.spacing, self.evaluation.surfaces)
        else {
            return Ok(None);
        };
        let convention = self.evaluation.convention;
        let measured = |model| SurfaceDistances::of_crop(crop, spacing, model);
        let (points, patches) = (convention.surface(), convention.surface_dice_model());
        Ok(Some(Surfaces {
            points: measured(points)?,
            patches: (patches != points).then(|| measured(patches)).transpose()?,
        }))
    }

    /// torchmetrics' Hausdorff distance, undefined where it ends in an exception.
    fn torchmetrics_hausdorff(&self) -> Result<Measured> {
        let evaluation = self.evaluation;
        let value = match (self.crop, self.spacing, self.empty()) {
            (Some(crop), Some(spacing), None) if evaluation.surfaces => {
                torchmetrics::hausdorff(crop, self.geometry.shape(), spacing)?
            }
            _ => None,
        };
        Ok(self.substituted(&evaluation.empty.distance, value))
    }

    /// A value, or what stands for it when a mask is empty; nothing if it was not asked for.
    fn substituted(&self, substitutes: &Substitutes, value: Option<f64>) -> Measured {
        match self.empty() {
            Some(empty) if self.evaluation.surfaces => {
                substitutes.measured(empty, diagonal_mm(self.geometry))
            }
            empty => Measured { value, empty },
        }
    }

    fn empty(&self) -> Option<EmptyCase> {
        self.overlap.empty()
    }

    /// Adds what else was asked for.
    fn with_extras(&self, metrics: StructureMetrics) -> Result<StructureMetrics> {
        let extras = &self.evaluation.extras;
        if !extras.need_masks() {
            return Ok(metrics);
        }
        let policy = &self.evaluation.empty;
        let image = self.geometry.shape();
        let spacing = self.spacing.unwrap_or([1.0; D]);
        // What compares two masks that are there; the policy speaks for empty ones.
        let pair = |substitutes: &Substitutes, of: &dyn Fn(&Crop<D>) -> Result<Option<f64>>| {
            Ok::<_, crate::Error>(match (self.empty(), self.crop) {
                (None, Some(crop)) => Measured {
                    value: of(crop)?,
                    empty: None,
                },
                (Some(empty), _) => substitutes.measured(empty, diagonal_mm(self.geometry)),
                (None, None) => Measured {
                    value: None,
                    empty: None,
                },
            })
        };
        let nothing = Crop::nothing()?;
        let crop = self.crop.unwrap_or(&nothing);
        Ok(StructureMetrics {
            boundary_iou: extras
                .boundary
                .map(|band| {
                    pair(&policy.iou, &|crop| {
                        band.iou(crop, image, spacing).map(Some)
                    })
                })
                .transpose()?,
            centreline_dice: extras
                .centreline
                .map(|by| {
                    pair(&policy.overlap, &|crop| {
                        Ok(by.centrelines(crop, image)?.map(|lines| lines.dice()))
                    })
                })
                .transpose()?,
            components: extras
                .components
                .map(|cells| cells.dice(crop, spacing))
                .transpose()?,
            lesions: extras
                .lesions
                .map(|rule| rule.scores(crop, image, spacing))
                .transpose()?,
            instances: extras
                .instances
                .map(|rule| rule.matches(crop, self.spacing))
                .transpose()?,
            ..metrics
        })
    }
}

/// Distances between surfaces as points, and as patches where surface Dice weighs them.
struct Surfaces {
    points: SurfaceDistances,
    patches: Option<SurfaceDistances>,
}

/// The largest distance between two voxel centres of a grid.
fn diagonal_mm<const D: usize>(geometry: &Geometry<D>) -> f64 {
    let spacing = geometry.spacing();
    let squares = (0..D).map(|a| ((geometry.shape()[a] - 1) as f64 * spacing[a]).powi(2));
    squares.sum::<f64>().sqrt()
}
