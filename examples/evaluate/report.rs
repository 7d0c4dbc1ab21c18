//! The report as JSON for programs and Markdown for people.

use std::fmt::Write as _;

use anyhow::Result;
use medmetrics::statistics::Bootstrap;
use medmetrics::table::Table;
use medmetrics::{Estimate, Measure, Report};
use serde::Serialize;

use super::Cli;

/// Files beside the report.
#[derive(Debug, Serialize)]
pub(crate) struct Links {
    pub(crate) plots: Vec<String>,
    pub(crate) pictures: Vec<String>,
}

/// A mean over cases.
#[derive(Debug, Serialize)]
struct Mean {
    structure: String,
    measure: Measure,
    estimate: Estimate,
}

/// All that is written as JSON.
#[derive(Serialize)]
struct Written<'a> {
    means: &'a [Mean],
    problems: &'a [String],
    files: &'a Links,
    report: &'a Report,
}

/// Writes both forms, and returns what to print.
pub(crate) fn write(
    report: &Report,
    problems: &[String],
    links: &Links,
    cli: &Cli,
) -> Result<String> {
    let means = means(report)?;
    let written = Written {
        means: &means,
        problems,
        files: links,
        report,
    };
    let json = serde_json::to_string_pretty(&written)?;
    medcore::atomic::write_bytes(&cli.out.join("report.json"), json.as_bytes())?;
    let markdown = markdown(report, &means, problems, links)?;
    medcore::atomic::write_bytes(&cli.out.join("report.md"), markdown.as_bytes())?;
    let cases = report.case_table()?.to_csv();
    medcore::atomic::write_bytes(&cli.out.join("cases.csv"), cases.as_bytes())?;
    Ok(format!("{report}\n{}", cli.out.join("report.md").display()))
}

const MEASURES: [(Measure, &str); 3] = [
    (Measure::Dice, "Dice"),
    (Measure::HausdorffPercentile, "Hausdorff percentile (mm)"),
    (Measure::SurfaceDice, "surface Dice"),
];

/// The means of each structure, with intervals that draw patients.
fn means(report: &Report) -> Result<Vec<Mean>> {
    let mut means = Vec::new();
    for structure in &report.evaluation.structures {
        for (measure, _) in MEASURES {
            let estimate = report.estimate(&structure.name, measure, &Bootstrap::default())?;
            means.push(Mean {
                structure: structure.name.clone(),
                measure,
                estimate,
            });
        }
    }
    Ok(means)
}

fn markdown(report: &Report, means: &[Mean], problems: &[String], links: &Links) -> Result<String> {
    let mut text = String::from("# Evaluation\n\n");
    let evaluation = &report.evaluation;
    writeln!(
        text,
        "{} cases, {} structures. Conventions: {}; surface Dice at {} mm.\n",
        report.cases.len(),
        evaluation.structures.len(),
        evaluation.convention,
        evaluation.tolerance_mm,
    )?;
    writeln!(text, "{}", report.to_markdown())?;
    text.push_str("## Means over cases\n\nIntervals are bootstrapped over patients.\n\n");
    let named = means.iter().map(|mean| {
        let measure = { MEASURES.iter() }.find(|(measure, _)| *measure == mean.measure);
        let measure = measure.map_or("", |(_, name)| name);
        (
            format!("{}: {measure}", mean.structure),
            mean.estimate.clone(),
        )
    });
    writeln!(text, "{}", Table::of_estimates(named, 3)?.to_markdown())?;
    for plot in &links.plots {
        writeln!(text, "![{plot}]({plot})\n")?;
    }
    let findings = report.findings(20);
    if !findings.is_empty() {
        text.push_str("## Worst results\n\n");
        for finding in findings {
            writeln!(text, "* {finding}")?;
        }
        text.push('\n');
    }
    for picture in &links.pictures {
        writeln!(text, "![{picture}](<{picture}>)\n")?;
    }
    if !problems.is_empty() {
        text.push_str("## Not evaluated\n\n");
        for problem in problems {
            writeln!(text, "* {problem}")?;
        }
    }
    Ok(text)
}
