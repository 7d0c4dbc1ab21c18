//! How the main measures are spread over cases, class by class.

use anyhow::Result;
use medmetrics::plot::{DistributionPlot, Glyph, Group, Plot as _};
use medmetrics::{Measure, Report};

use super::Cli;

/// Writes a plot for each measure; returns their names in the folder of the report.
pub(crate) fn write(report: &Report, cli: &Cli) -> Result<Vec<String>> {
    let percentile = format!("HD{} (mm)", report.evaluation.percentile);
    let surface_dice = format!("Surface Dice at {} mm", report.evaluation.tolerance_mm);
    let measures = [
        (Measure::Dice, "dice.svg", "Dice"),
        (Measure::HausdorffPercentile, "hausdorff.svg", &percentile),
        (Measure::SurfaceDice, "surface_dice.svg", &surface_dice),
    ];
    let mut written = Vec::new();
    for (measure, file, title) in measures {
        let groups: Vec<Group> = { report.evaluation.structures.iter().enumerate() }
            .map(|(i, structure)| {
                let values = { report.cases.iter() }
                    .filter_map(|case| measure.of(&case.structures[i]).value)
                    .filter(|value| value.is_finite())
                    .collect::<Vec<f64>>();
                let undefined = (report.cases.len() - values.len()) as u64;
                Group::new(&structure.name, values).with_undefined(undefined)
            })
            .collect();
        if groups.iter().all(|group| group.values.is_empty()) {
            continue;
        }
        let mut plot = DistributionPlot::new(title, groups);
        if cli.violins {
            plot = plot.with_glyph(Glyph::Violin);
        }
        if measure.is_score() {
            plot = plot.with_range((0.0, 1.0));
        }
        plot.write_svg(cli.out.join(file))?;
        written.push(file.to_owned());
    }
    Ok(written)
}
