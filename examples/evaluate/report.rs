//! The report as JSON for programs and Markdown for people.

use std::fmt::Write as _;

use anyhow::Result;
use medmetrics::Report;
use medmetrics::statistics::Bootstrap;
use medmetrics::table::MeanOverCases;
use serde::Serialize;

use super::Cli;

/// Files beside the report.
#[derive(Debug, Serialize)]
pub(crate) struct Links {
    pub(crate) plots: Vec<String>,
    pub(crate) pictures: Vec<String>,
}

/// All that is written as JSON.
#[derive(Serialize)]
struct Written<'a> {
    means: &'a [MeanOverCases],
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
    let means = report.means(&Bootstrap::default())?;
    let table = report.table_of_means(&means)?.to_markdown();
    let written = Written {
        means: &means,
        problems,
        files: links,
        report,
    };
    let json = serde_json::to_string_pretty(&written)?;
    medcore::atomic::write_bytes(&cli.out.join("report.json"), json.as_bytes())?;
    let markdown = markdown(&table, &written)?;
    medcore::atomic::write_bytes(&cli.out.join("report.md"), markdown.as_bytes())?;
    let cases = report.case_table()?.to_csv();
    medcore::atomic::write_bytes(&cli.out.join("cases.csv"), cases.as_bytes())?;
    Ok(format!("{report}\n{}", cli.out.join("report.md").display()))
}

fn markdown(table: &str, written: &Written<'_>) -> Result<String> {
    let Written {
        problems,
        files: links,
        report,
        ..
    } = written;
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
    text.push_str("Means over cases; intervals of 95 % are bootstrapped over patients.\n\n");
    writeln!(text, "{table}")?;
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
        for problem in *problems {
            writeln!(text, "* {problem}")?;
        }
    }
    Ok(text)
}
