//! Tables of a report on label maps.

use serde::{Deserialize, Serialize};

use super::{Cell, Column, Table};
use crate::error::Result;
use crate::estimate::Estimate;
use crate::segmentation::{Measure, Report, Summary};
use crate::statistics::Bootstrap;

/// The mean of a measure of one structure over the cases where it is defined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeanOverCases {
    /// The name of the structure.
    pub structure: String,
    /// What was averaged.
    pub measure: Measure,
    /// The mean, with an interval that draws units.
    pub estimate: Estimate,
}

impl Report {
    /// One row a structure: means over cases of Dice, IoU, Hausdorff percentile, average distance and surface
    /// Dice, with the number of cases behind the Dice.
    ///
    /// Every mean is an estimate without an interval; its counts say how many cases it rests on and how many
    /// had no value, its convention whose definition was used.
    #[must_use]
    pub fn table(&self) -> Table {
        let row = |name: &String| {
            let means =
                MEASURES.map(|(measure, _)| Cell::from(self.mean_over_cases(name, measure)));
            self.row(name, means)
        };
        let names = self.evaluation.structures.iter().map(|s| &s.name);
        // Cells and columns come from the same list.
        Table {
            columns: self.columns(),
            rows: names.map(row).collect(),
        }
    }

    /// The means of [`Report::table`] structure by structure, with intervals as [`Report::estimate`] finds
    /// them; [`Report::table_of_means`] shows them.
    ///
    /// # Errors
    /// Refuses a bootstrap of too few replicates.
    pub fn means(&self, bootstrap: &Bootstrap) -> Result<Vec<MeanOverCases>> {
        let structures = self.evaluation.structures.iter();
        let mean = |structure: &str, measure: Measure| -> Result<MeanOverCases> {
            Ok(MeanOverCases {
                structure: structure.to_owned(),
                measure,
                estimate: self.estimate(structure, measure, bootstrap)?,
            })
        };
        structures
            .flat_map(|s| MEASURES.map(|(measure, _)| mean(&s.name, measure)))
            .collect()
    }

    /// The table of means that were found before, one row a structure; a mean that is not among them leaves
    /// its cell empty.
    ///
    /// # Errors
    /// Refuses NaN among the means.
    pub fn table_of_means(&self, means: &[MeanOverCases]) -> Result<Table> {
        let mut table = Table::new(self.columns());
        for structure in &self.evaluation.structures {
            let cells = MEASURES.map(|(measure, _)| {
                let mut found = means.iter();
                found
                    .find(|mean| mean.structure == structure.name && mean.measure == measure)
                    .map_or(Cell::Empty, |mean| mean.estimate.clone().into())
            });
            table.push(self.row(&structure.name, cells))?;
        }
        Ok(table)
    }

    /// [`Report::table`] with intervals of the means, as [`Report::estimate`] finds them.
    ///
    /// # Errors
    /// Refuses a bootstrap of too few replicates.
    pub fn table_with_intervals(&self, bootstrap: &Bootstrap) -> Result<Table> {
        self.table_of_means(&self.means(bootstrap)?)
    }

    /// One row a case and structure: overlap and surface distances, what [`crate::segmentation::Extras`] ask
    /// for, the volumes in millilitres, and why it is bad.
    ///
    /// # Errors
    /// Refuses a report with NaN among its measures, which no measurement of this crate makes.
    pub fn case_table(&self) -> Result<Table> {
        let mut columns = vec![Column::text("case"), Column::text("structure")];
        let extras = EXTRAS.into_iter();
        let extras = extras.filter(|(measure, _)| measure.is_asked_for(&self.evaluation));
        let measures: Vec<(Measure, usize)> = ALL.into_iter().chain(extras).collect();
        let headings = measures.iter();
        columns.extend(headings.map(|&(m, digits)| Column::number(self.heading(m), digits)));
        columns.extend([
            Column::number("reference ml", 2),
            Column::number("prediction ml", 2),
            Column::text("reason"),
        ]);
        let mut table = Table::new(columns);
        for case in &self.cases {
            for structure in &case.structures {
                let mut row = vec![case.case.as_str().into(), structure.name.as_str().into()];
                let values = measures.iter();
                row.extend(values.map(|(m, _)| Cell::from(m.of(structure).value)));
                row.extend([
                    structure.reference_ml.into(),
                    structure.prediction_ml.into(),
                    structure.reason.map(|reason| reason.name()).into(),
                ]);
                table.push(row)?;
            }
        }
        Ok(table)
    }

    fn columns(&self) -> Vec<Column> {
        let measures = MEASURES.map(|(m, digits)| Column::estimate(self.heading(m), digits));
        let head = [Column::text("structure"), Column::count("n")];
        head.into_iter().chain(measures).collect()
    }

    fn row(&self, structure: &str, means: [Cell; MEASURES.len()]) -> Vec<Cell> {
        let n = self.summary(structure, Measure::Dice).n as u64;
        let head = [structure.into(), Cell::Count(n)];
        head.into_iter().chain(means).collect()
    }

    /// A measure of one structure in the order of the cases.
    pub(crate) fn values(
        &self,
        structure: &str,
        measure: Measure,
    ) -> impl Iterator<Item = Option<f64>> {
        let results = self.cases.iter().flat_map(|case| &case.structures);
        let results = results.filter(move |s| s.name == structure);
        results.map(move |s| measure.of(s).value)
    }

    fn mean_over_cases(&self, structure: &str, measure: Measure) -> Estimate {
        let convention = measure.convention(&self.evaluation, structure);
        mean(&self.summary(structure, measure), convention)
    }

    /// What stands above a column of a measure, with its settings and its unit.
    pub(crate) fn heading(&self, measure: Measure) -> String {
        let evaluation = &self.evaluation;
        let name = match measure {
            Measure::Dice => "Dice",
            Measure::Iou => "IoU",
            Measure::Hausdorff => "HD mm",
            Measure::HausdorffPercentile => return format!("HD{} mm", evaluation.percentile),
            Measure::AverageDistance => "average mm",
            // Structures with tolerances of their own have no common one.
            Measure::SurfaceDice if !evaluation.structure_tolerances_mm.is_empty() => {
                "surface Dice"
            }
            Measure::SurfaceDice => return format!("surface Dice {} mm", evaluation.tolerance_mm),
            Measure::Assd => "ASSD mm",
            Measure::Masd => "MASD mm",
            Measure::Precision => "precision",
            Measure::Sensitivity => "sensitivity",
            Measure::Specificity => "specificity",
            Measure::VolumeError => "volume error ml",
            Measure::RelativeVolumeError => "relative volume error",
            Measure::VolumetricSimilarity => "volumetric similarity",
            Measure::BoundaryIou => "boundary IoU",
            Measure::CentrelineDice => "clDice",
            Measure::ComponentDice => "component Dice",
            Measure::LesionDice => "lesion Dice",
            Measure::LesionHausdorff => "lesion HD mm",
            Measure::LesionSensitivity => "lesion sensitivity",
            Measure::LesionF1 => "lesion F1",
            Measure::PanopticQuality => "panoptic quality",
        };
        name.to_owned()
    }
}

/// The measures of the table of structures with their decimals.
const MEASURES: [(Measure, usize); 5] = [
    (Measure::Dice, 3),
    (Measure::Iou, 3),
    (Measure::HausdorffPercentile, 2),
    (Measure::AverageDistance, 2),
    (Measure::SurfaceDice, 3),
];

/// The measures of every case with their decimals.
const ALL: [(Measure, usize); 6] = [
    (Measure::Dice, 3),
    (Measure::Iou, 3),
    (Measure::Hausdorff, 2),
    (Measure::HausdorffPercentile, 2),
    (Measure::AverageDistance, 2),
    (Measure::SurfaceDice, 3),
];

/// Those that are asked for one by one.
const EXTRAS: [(Measure, usize); 8] = [
    (Measure::BoundaryIou, 3),
    (Measure::CentrelineDice, 3),
    (Measure::ComponentDice, 3),
    (Measure::LesionDice, 3),
    (Measure::LesionHausdorff, 2),
    (Measure::LesionSensitivity, 3),
    (Measure::LesionF1, 3),
    (Measure::PanopticQuality, 3),
];

fn mean(summary: &Summary, convention: String) -> Estimate {
    let (n, undefined) = (summary.n as u64, summary.n_undefined as u64);
    let estimate = match summary.mean {
        Some(mean) => Estimate::new(mean, n, convention),
        None => Estimate::undefined(n, convention),
    };
    estimate.with_undefined(undefined)
}
