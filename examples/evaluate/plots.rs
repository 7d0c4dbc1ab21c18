//! How the main measures are spread over cases, class by class.

use anyhow::Result;
use medmetrics::plot::{DistributionPlot, Glyph, Plot as _};
use medmetrics::{Measure, Report};

use super::Cli;

const MEASURES: [(Measure, &str); 3] = [
    (Measure::Dice, "dice.svg"),
    (Measure::HausdorffPercentile, "hausdorff.svg"),
    (Measure::SurfaceDice, "surface_dice.svg"),
];

/// Writes a plot for each measure; returns their names in the folder of the report.
pub(crate) fn write(report: &Report, cli: &Cli) -> Result<Vec<String>> {
    let glyph = match cli.violins {
        true => Glyph::Violin,
        false => Glyph::Box,
    };
    let mut written = Vec::new();
    for (measure, file) in MEASURES {
        let plot = DistributionPlot::of_report(report, measure).with_glyph(glyph);
        if plot.groups.iter().any(|group| !group.values.is_empty()) {
            plot.write_svg(cli.out.join(file))?;
            written.push(file.to_owned());
        }
    }
    Ok(written)
}
