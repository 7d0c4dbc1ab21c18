//! Two folders of label maps.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use medcore::{GeometryTolerance, LabelMap, LabelTable};
use medmetrics::{Evaluation, Report};

use super::files::{self, Pair};
use super::{Cli, Outcome, labels, plots, report, worst};

/// Evaluates every case that can be, and writes the report.
pub(crate) fn run(cli: &Cli, truth: &Path, prediction: &Path) -> Result<Outcome> {
    let mut problems = Vec::new();
    let pairs = files::pairs(truth, prediction, &mut problems)?;
    let table = match &cli.labels {
        Some(given) => labels::table(given)?,
        None => labels::nameless(&labels_of_truth(&pairs, cli.ignore)?)?,
    };
    ensure!(!table.entries().is_empty(), "no label is to be evaluated");
    let mut evaluation = Evaluation::of_labels(&table)
        .with_convention(cli.convention)
        .with_tolerance_mm(cli.tolerance);
    if let Some(label) = cli.ignore {
        evaluation = evaluation.with_ignore(label);
    }
    evaluation.check()?;
    let mut measured = Report::new(evaluation);
    let bar = progress(pairs.len() as u64)?;
    for pair in &pairs {
        bar.set_message(pair.case.clone());
        match case(pair, &table, &measured.evaluation) {
            Ok(case) => measured.push(case.with_unit(cli.unit_from.unit(&pair.case)))?,
            Err(found) => problems.extend(found.into_iter().map(|p| format!("{}: {p}", pair.case))),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    std::fs::create_dir_all(&cli.out).with_context(|| cli.out.display().to_string())?;
    let plots = plots::write(&measured, cli)?;
    let (pictures, undrawn) = worst::write(&measured, &pairs, &table, cli)?;
    problems.extend(undrawn);
    let links = report::Links { plots, pictures };
    let text = report::write(&measured, &problems, &links, cli)?;
    Ok(Outcome { text, problems })
}

/// The labels that any readable truth holds; what cannot be read is found again later.
fn labels_of_truth(pairs: &[Pair], ignore: Option<u32>) -> Result<BTreeSet<u32>> {
    let mut found = BTreeSet::new();
    for pair in pairs {
        if let Ok(map) = medio::read_labels::<u16, 3>(&pair.truth) {
            found.extend(labels::present(&map));
        }
    }
    found.retain(|label| Some(*label) != ignore);
    let most = found.last().copied().unwrap_or_default();
    ensure!(
        most <= LabelTable::MAX_VALUE,
        "the truth holds label {most}: is it a label map? Labels end at {}",
        LabelTable::MAX_VALUE
    );
    Ok(found)
}

/// A case's measures, or all that is wrong with it.
fn case(
    pair: &Pair,
    table: &LabelTable,
    evaluation: &Evaluation,
) -> Result<medmetrics::CaseMetrics, Vec<String>> {
    let mut wrong = Vec::new();
    let mut map = |side: &str, path: &Path| {
        let map = medio::read_labels::<u16, 3>(path);
        map.map_err(|error| wrong.push(format!("{side}: {error}")))
            .ok()
    };
    let maps = (
        map("truth", &pair.truth),
        map("prediction", &pair.prediction),
    );
    let (Some(truth), Some(prediction)) = maps else {
        return Err(wrong);
    };
    let tolerance = GeometryTolerance::default();
    if let Err(error) = truth
        .geometry()
        .check_same_as(prediction.geometry(), &tolerance)
    {
        wrong.push(format!(
            "truth and prediction lie on different grids: {error}"
        ));
    }
    for (side, map) in [("truth", &truth), ("prediction", &prediction)] {
        let unknown = unknown(map, table, evaluation.ignore);
        if !unknown.is_empty() {
            wrong.push(format!("{side}: unknown labels {unknown:?}"));
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    { evaluation.case(pair.case.clone(), &truth, &prediction) }
        .map_err(|error| vec![error.to_string()])
}

/// The labels of a map that have no name and are not ignored.
fn unknown(map: &LabelMap<u16, 3>, table: &LabelTable, ignore: Option<u32>) -> Vec<u32> {
    let known = table.values();
    { labels::present(map).into_iter() }
        .filter(|label| !known.contains(label) && Some(*label) != ignore)
        .collect()
}

fn progress(cases: u64) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} {eta}")?;
    Ok(ProgressBar::new(cases).with_style(style))
}
