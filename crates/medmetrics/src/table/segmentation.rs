//! Tables of a report on label maps.

use super::{Cell, Column, Table};
use crate::error::Result;
use crate::estimate::Estimate;
use crate::segmentation::{Measure, Report, Summary};

impl Report {
    /// One row a structure: means over cases of Dice, IoU, Hausdorff percentile, average distance and surface
    /// Dice, with the number of cases behind the Dice.
    ///
    /// Every mean is an estimate without an interval; its counts say how many cases it rests on and how many
    /// had no value, its convention whose definition was used.
    #[must_use]
    pub fn table(&self) -> Table {
        let mut columns = vec![Column::text("structure"), Column::count("n")];
        columns.extend(MEASURES.map(|(m, digits)| Column::estimate(self.heading(m), digits)));
        let row = |name: &String| {
            let dice = self.summary(name, Measure::Dice);
            let means = MEASURES.map(|(measure, _)| {
                let summary = self.summary(name, measure);
                let convention = measure.convention(&self.evaluation, name);
                Cell::from(mean(&summary, format!("mean/{convention}")))
            });
            let head = [name.as_str().into(), Cell::Count(dice.n as u64)];
            head.into_iter().chain(means).collect()
        };
        let names = self.evaluation.structures.iter().map(|s| &s.name);
        let rows = names.map(row).collect();
        // Cells and columns come from the same list.
        Table { columns, rows }
    }

    /// One row a case and structure: every measure, the volumes in millilitres, and why it is bad.
    ///
    /// # Errors
    /// Refuses a report with NaN among its measures, which no measurement of this crate makes.
    pub fn case_table(&self) -> Result<Table> {
        let mut columns = vec![Column::text("case"), Column::text("structure")];
        columns.extend(ALL.map(|(m, digits)| Column::number(self.heading(m), digits)));
        columns.extend([
            Column::number("reference ml", 2),
            Column::number("prediction ml", 2),
            Column::text("reason"),
        ]);
        let mut table = Table::new(columns);
        for case in &self.cases {
            for structure in &case.structures {
                let mut row = vec![case.case.as_str().into(), structure.name.as_str().into()];
                row.extend(ALL.map(|(measure, _)| measure.of(structure).value.into()));
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

    fn heading(&self, measure: Measure) -> String {
        let evaluation = &self.evaluation;
        let name = match measure {
            Measure::Dice => "Dice",
            Measure::Iou => "IoU",
            Measure::Hausdorff => "HD mm",
            Measure::HausdorffPercentile => return format!("HD{} mm", evaluation.percentile),
            Measure::AverageDistance => "average mm",
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

/// All measures with their decimals.
const ALL: [(Measure, usize); 6] = [
    (Measure::Dice, 3),
    (Measure::Iou, 3),
    (Measure::Hausdorff, 2),
    (Measure::HausdorffPercentile, 2),
    (Measure::AverageDistance, 2),
    (Measure::SurfaceDice, 3),
];

fn mean(summary: &Summary, convention: String) -> Estimate {
    let (n, undefined) = (summary.n as u64, summary.n_undefined as u64);
    let estimate = match summary.mean {
        Some(mean) => Estimate::new(mean, n, convention),
        None => Estimate::undefined(n, convention),
    };
    estimate.with_undefined(undefined)
}
