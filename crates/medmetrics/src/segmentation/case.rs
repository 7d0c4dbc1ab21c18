//! All measures of all structures of one case.

use medcore::{Geometry, GeometryTolerance, Label, LabelMap, LabelTable};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::convention::Convention;
use super::empty::{EmptyPolicy, Measured};
use super::overlap::{MAX_LABELS, Overlap};
use super::reason::{Reason, ReasonThresholds};
use super::report::Measure;
use super::surface::{Maps, SurfaceDistances};
use super::sweep::Sweep;
use crate::error::{Error, Result};

/// Something to measure: an organ (one label) or a region (several, such as "whole tumour").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Structure {
    /// Its name in tables.
    pub name: String,
    /// The labels it is made of.
    pub labels: Vec<u32>,
}

/// What to measure, and by which conventions.
///
/// ```
/// use medcore::{Geometry, LabelMap};
/// use medmetrics::Evaluation;
///
/// let grid = Geometry::<3>::axis_aligned([1, 2, 4], [5.0, 1.0, 1.0])?;
/// let reference = LabelMap::new(grid, vec![0u8, 1, 1, 0, 0, 1, 1, 0])?;
/// let prediction = LabelMap::new(grid, vec![0u8, 1, 1, 1, 0, 1, 1, 1])?;
/// let case = Evaluation::of_organs(["liver", "spleen"]).case("patient-7", &reference, &prediction)?;
/// let [liver, spleen] = &case.structures[..] else { panic!() };
/// assert_eq!(liver.dice.value, Some(0.8));
/// assert_eq!(liver.hausdorff.value, Some(1.0));
/// assert_eq!(liver.reference_ml, Some(0.02));
/// assert_eq!(spleen.dice.value, None, "absent from both");
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Evaluation {
    /// What to measure.
    pub structures: Vec<Structure>,
    /// Labels run from 0 to below this; anything else in a map is an error.
    pub labels: usize,
    /// Reference voxels with this label count nowhere ("not annotated").
    pub ignore: Option<u32>,
    /// Whose surfaces, percentiles and averages; [`Convention::Monai`] by default.
    pub convention: Convention,
    /// What measures of empty masks are; [`EmptyPolicy::WORST`] by default.
    pub empty: EmptyPolicy,
    /// Percentile of the robust Hausdorff distance, 95 by default.
    pub percentile: f64,
    /// Tolerance of the surface Dice in millimetres, 2 by default.
    pub tolerance_mm: f64,
    /// Whether to measure surface distances at all.
    pub surfaces: bool,
    /// When a result is called bad, and why.
    pub thresholds: ReasonThresholds,
}

impl Evaluation {
    /// Measures these structures with the default conventions.
    #[must_use]
    pub fn new(structures: Vec<Structure>) -> Self {
        let labels = structures
            .iter()
            .flat_map(|s| &s.labels)
            .max()
            .map_or(1, |&l| l as usize + 1);
        Self {
            structures,
            labels,
            ignore: None,
            convention: Convention::default(),
            empty: EmptyPolicy::default(),
            percentile: 95.0,
            tolerance_mm: 2.0,
            surfaces: true,
            thresholds: ReasonThresholds::default(),
        }
    }

    /// Measures labels 1, 2, 3 ... under these names; 0 is background.
    #[must_use]
    pub fn of_organs<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        let structure = |(i, name): (usize, S)| Structure {
            name: name.into(),
            labels: vec![i as u32 + 1],
        };
        Self::new(names.into_iter().enumerate().map(structure).collect())
    }

    /// Measures the entries of a table, classes and regions alike, and leaves out its ignore label.
    #[must_use]
    pub fn of_labels(table: &LabelTable) -> Self {
        let structure = |entry: &medcore::LabelEntry| Structure {
            name: entry.name.clone(),
            labels: entry.values.clone(),
        };
        let evaluation = Self::new(table.entries().iter().map(structure).collect());
        match table.ignore() {
            Some(label) => evaluation.with_ignore(label),
            None => evaluation,
        }
    }

    /// The same with another convention.
    #[must_use]
    pub fn with_convention(self, convention: Convention) -> Self {
        Self { convention, ..self }
    }

    /// The same with another policy for empty masks.
    #[must_use]
    pub fn with_empty(self, empty: EmptyPolicy) -> Self {
        Self { empty, ..self }
    }

    /// The same with another tolerance of the surface Dice, in millimetres.
    #[must_use]
    pub fn with_tolerance_mm(self, tolerance_mm: f64) -> Self {
        Self {
            tolerance_mm,
            ..self
        }
    }

    /// The same with a reference label that means "not annotated".
    #[must_use]
    pub fn with_ignore(self, label: u32) -> Self {
        let labels = self.labels.max(label as usize + 1);
        Self {
            ignore: Some(label),
            labels,
            ..self
        }
    }

    /// The same for maps with more labels than are measured.
    #[must_use]
    pub fn with_labels(self, labels: usize) -> Self {
        Self { labels, ..self }
    }

    /// The same without surface distances: overlap and volumes only.
    #[must_use]
    pub fn without_surfaces(self) -> Self {
        Self {
            surfaces: false,
            ..self
        }
    }

    /// Says whether the description can be carried out.
    ///
    /// # Errors
    /// Refuses structures without labels, with the ignored or an undeclared label, two structures of one
    /// name, and numbers outside their range.
    pub fn check(&self) -> Result<()> {
        for (i, structure) in self.structures.iter().enumerate() {
            let broken = |rule| Error::InvalidStructure {
                name: structure.name.clone(),
                rule,
            };
            if structure.labels.is_empty() {
                return Err(broken("must have a label"));
            }
            if structure.labels.iter().any(|&l| l as usize >= self.labels) {
                return Err(broken(
                    "its labels must be below the declared number of labels",
                ));
            }
            if self
                .ignore
                .is_some_and(|ignored| structure.labels.contains(&ignored))
            {
                return Err(broken("cannot hold the ignored label"));
            }
            if self.structures[..i]
                .iter()
                .any(|other| other.name == structure.name)
            {
                return Err(broken("is declared twice"));
            }
        }
        let range = |parameter, rule, value: f64, allowed: bool| {
            if allowed {
                Ok(())
            } else {
                Err(Error::InvalidParameter {
                    parameter,
                    rule,
                    value,
                })
            }
        };
        range(
            "labels",
            "from 1 to 1024",
            self.labels as f64,
            (1..=MAX_LABELS).contains(&self.labels),
        )?;
        range(
            "percentile",
            "from 0 to 100",
            self.percentile,
            (0.0..=100.0).contains(&self.percentile),
        )?;
        range(
            "tolerance",
            "at least 0 mm",
            self.tolerance_mm,
            self.tolerance_mm >= 0.0,
        )
    }

    /// Measures one case.
    ///
    /// # Errors
    /// As [`Evaluation::check`]; refuses maps on different grids, undeclared labels, and images without
    /// known millimetres unless surfaces are off.
    pub fn case<A: Label, B: Label, const D: usize>(
        &self,
        case: impl Into<String>,
        reference: &LabelMap<A, D>,
        prediction: &LabelMap<B, D>,
    ) -> Result<CaseMetrics> {
        self.check()?;
        let sweep = Sweep::over(
            reference,
            prediction,
            self.labels,
            &GeometryTolerance::default(),
        )?;
        let histogram = match self.ignore {
            Some(label) => sweep.histogram.ignoring(label),
            None => sweep.histogram.clone(),
        };
        let maps = Maps {
            reference,
            prediction,
            ignore: self.ignore,
        };
        let structures = self
            .structures
            .par_iter()
            .map(|structure| {
                let overlap = histogram.overlap(&structure.labels);
                let distances = if self.surfaces {
                    Some(maps.distances(&sweep, &structure.labels, self.convention.surface())?)
                } else {
                    None
                };
                Ok(self.structure(structure, overlap, distances.as_ref(), reference.geometry()))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(CaseMetrics {
            case: case.into(),
            structures,
        })
    }

    fn structure<const D: usize>(
        &self,
        structure: &Structure,
        overlap: Overlap,
        distances: Option<&SurfaceDistances>,
        geometry: &Geometry<D>,
    ) -> StructureMetrics {
        let diagonal_mm = diagonal_mm(geometry);
        let measure = |substitutes: &super::empty::Substitutes,
                       f: &dyn Fn(&SurfaceDistances) -> Option<f64>| {
            let Some(distances) = distances else {
                return Measured {
                    value: None,
                    empty: overlap.empty(),
                };
            };
            match distances.empty() {
                Some(empty) => substitutes.measured(empty, diagonal_mm),
                None => Measured {
                    value: f(distances),
                    empty: None,
                },
            }
        };
        let convention = self.convention;
        let ml = |voxels: u64| (D == 3).then(|| voxels as f64 * geometry.voxel_volume() / 1000.0);
        StructureMetrics {
            name: structure.name.clone(),
            dice: overlap.dice(&self.empty),
            iou: overlap.iou(&self.empty),
            hausdorff: measure(&self.empty.distance, &|d| d.hausdorff()),
            hausdorff_percentile: measure(&self.empty.distance, &|d| {
                d.hausdorff_percentile(self.percentile, convention.hausdorff())
            }),
            average_distance: measure(&self.empty.distance, &|d| d.average(convention.average())),
            surface_dice: measure(&self.empty.surface_dice, &|d| {
                d.surface_dice(self.tolerance_mm, convention.surface_dice())
            }),
            reference_ml: ml(overlap.reference()),
            prediction_ml: ml(overlap.prediction()),
            reason: self.thresholds.reason(&overlap, geometry.voxel_volume()),
            overlap,
        }
    }
}

/// The largest distance between two voxel centres of a grid.
fn diagonal_mm<const D: usize>(geometry: &Geometry<D>) -> f64 {
    let spacing = geometry.spacing();
    let squares = (0..D).map(|a| ((geometry.shape()[a] - 1) as f64 * spacing[a]).powi(2));
    squares.sum::<f64>().sqrt()
}

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
    /// Average surface distance in millimetres.
    pub average_distance: Measured,
    /// Surface Dice at the evaluation's tolerance.
    pub surface_dice: Measured,
    /// Volume of the reference in millilitres; `None` for images that are not 3D.
    pub reference_ml: Option<f64>,
    /// Volume of the prediction in millilitres.
    pub prediction_ml: Option<f64>,
    /// The counts behind the overlap.
    pub overlap: Overlap,
    /// Why the result is bad, if it is.
    pub reason: Option<Reason>,
}

impl StructureMetrics {
    /// Prediction minus reference in millilitres; `None` for images that are not 3D.
    #[must_use]
    pub fn volume_difference_ml(&self) -> Option<f64> {
        Some(self.prediction_ml? - self.reference_ml?)
    }
}

/// What was measured of one case, structure by structure in the order of the evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseMetrics {
    /// The case's identifier.
    pub case: String,
    /// One entry a structure.
    pub structures: Vec<StructureMetrics>,
}

impl CaseMetrics {
    /// The mean over the structures for which the measure is defined; `None` if there are none.
    #[must_use]
    pub fn mean(&self, measure: Measure) -> Option<f64> {
        let values = self.structures.iter().filter_map(|s| measure.of(s).value);
        let (sum, n) = values.fold((0.0, 0), |(sum, n), value| (sum + value, n + 1));
        (n > 0).then(|| sum / f64::from(n))
    }
}
