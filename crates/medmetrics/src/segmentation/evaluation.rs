//! What to measure of each case, and by which conventions.

use std::collections::BTreeMap;

use medcore::LabelTable;
use serde::{Deserialize, Serialize};

use super::convention::Convention;
use super::empty::EmptyPolicy;
use super::extras::Extras;
use super::overlap::MAX_LABELS;
use super::reason::ReasonThresholds;
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
    /// Tolerances of single structures in its place, by name: how far apart people draw this organ.
    #[serde(default)]
    pub structure_tolerances_mm: BTreeMap<String, f64>,
    /// Further tolerances in millimetres at which surface Dice is measured for every structure.
    #[serde(default)]
    pub more_tolerances_mm: Vec<f64>,
    /// Whether to measure surface distances at all.
    pub surfaces: bool,
    /// What to measure besides; nothing by default.
    #[serde(default)]
    pub extras: Extras,
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
            structure_tolerances_mm: BTreeMap::new(),
            more_tolerances_mm: Vec::new(),
            surfaces: true,
            extras: Extras::default(),
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

    /// The same with a tolerance of one structure, in millimetres.
    #[must_use]
    pub fn with_structure_tolerance_mm(
        mut self,
        structure: impl Into<String>,
        tolerance_mm: f64,
    ) -> Self {
        self.structure_tolerances_mm
            .insert(structure.into(), tolerance_mm);
        self
    }

    /// The same with surface Dice at further tolerances, in millimetres.
    #[must_use]
    pub fn with_more_tolerances_mm(self, tolerances: impl Into<Vec<f64>>) -> Self {
        Self {
            more_tolerances_mm: tolerances.into(),
            ..self
        }
    }

    /// The same with further measures.
    #[must_use]
    pub fn with_extras(self, extras: Extras) -> Self {
        Self { extras, ..self }
    }

    /// The tolerance of a structure's surface Dice in millimetres.
    #[must_use]
    pub fn tolerance_mm_of(&self, structure: &str) -> f64 {
        let own = self.structure_tolerances_mm.get(structure);
        own.copied().unwrap_or(self.tolerance_mm)
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
        let own = self.structure_tolerances_mm.values();
        for &mm in own
            .chain(&self.more_tolerances_mm)
            .chain([&self.tolerance_mm])
        {
            range(
                "tolerance",
                "finite and at least 0 mm",
                mm,
                mm >= 0.0 && mm.is_finite(),
            )?;
        }
        let measured = |name: &String| self.structures.iter().any(|s| s.name == *name);
        let mut names = self.structure_tolerances_mm.keys();
        if let Some(name) = names.find(|name| !measured(name)) {
            return Err(Error::InvalidStructure {
                name: name.clone(),
                rule: "has a tolerance but is not measured",
            });
        }
        self.extras.check()
    }
}
