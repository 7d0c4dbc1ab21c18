//! The model card, as Markdown (Mitchell et al., "Model cards for model reporting", FAT* 2019).

use std::fmt::Write;

use medmodels::fusion::table::{Column, TableConfig};

use super::{Manifest, MetricRecord, TaskConfig};
use crate::classify::{ClassLabel, Rules};
use crate::patient::TokenSource;

/// What follows from the description, and `further` behind it.
pub(super) fn markdown(manifest: &Manifest, further: Option<&str>) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = fill(&mut out, manifest);
    if let Some(further) = further {
        out.push('\n');
        out.push_str(further.trim_end());
        out.push('\n');
    }
    out
}

fn fill(out: &mut String, manifest: &Manifest) -> std::fmt::Result {
    let Manifest {
        name,
        version,
        task,
        ..
    } = manifest;
    writeln!(out, "# {name} {version}\n")?;
    let networks = match manifest.networks {
        1 => String::new(),
        several => format!(", {several} networks averaged"),
    };
    writeln!(
        out,
        "{} with {}{networks}.\n",
        task.name().replace('_', " "),
        task.architecture()
    )?;
    writeln!(out, "## Intended use\n")?;
    let intended = match manifest.intended_use.trim() {
        "" => "Not stated.",
        stated => stated,
    };
    writeln!(out, "{intended}")?;
    input(out, manifest)?;
    task.table().map_or(Ok(()), |table| columns(out, table))?;
    { task.tokens() }.map_or(Ok(()), |(source, width)| tokens(out, source, width))?;
    match task {
        TaskConfig::Classification2d(config) => classes(out, &config.rules())?,
        TaskConfig::Classification3d(config) => classes(out, &config.rules())?,
        TaskConfig::Fused2d(config) => classes(out, &config.answer.rules())?,
        TaskConfig::Fused3d(config) => classes(out, &config.answer.rules())?,
        TaskConfig::Record(config) => classes(out, &config.answer.rules())?,
        TaskConfig::Detection2d(config) => labels(out, &config.labels)?,
        TaskConfig::Detection3d(config) => labels(out, &config.labels)?,
        TaskConfig::Segmentation(config) => {
            writeln!(out, "\n## Labels\n\n| label | values |\n| --- | --- |")?;
            for entry in config.labels.entries() {
                writeln!(out, "| {} | {:?} |", cell(&entry.name), entry.values)?;
            }
        }
    }
    metrics(out, &manifest.metrics)?;
    provenance(out, manifest)
}

fn input(out: &mut String, manifest: &Manifest) -> std::fmt::Result {
    let input = &manifest.input;
    let spacing: Vec<String> = { input.spacing_mm.iter() }
        .map(|[low, high]| format!("{low} to {high}"))
        .collect();
    let rows = [
        ("modality", input.modality.join(", ")),
        ("channels", input.channels.join(", ")),
        ("view", input.view.clone().unwrap_or_default()),
        ("orientation", input.orientation.clone().unwrap_or_default()),
        ("spacing, mm", spacing.join(" x ")),
        ("intensity", input.intensity.clone().unwrap_or_default()),
    ];
    let rows: Vec<_> = rows
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect();
    table(out, "Input", &rows)
}

/// What a record says, and what is done where it does not.
fn columns(out: &mut String, table: &TableConfig) -> std::fmt::Result {
    writeln!(
        out,
        "\n## Patient data\n\n| column | values | where missing | mean and standard deviation in training |\n| --- | --- | --- | --- |"
    )?;
    for column in &table.columns {
        let (values, spread) = match column {
            Column::Numeric(column) => {
                let range = column.range;
                let range = range.map(|[low, high]| format!("{low} to {high}"));
                let parts = range.into_iter().chain(column.unit.clone());
                let spread = format!("{:.4}, {:.4}", column.mean, column.std);
                (parts.collect::<Vec<_>>().join(" "), spread)
            }
            Column::Categorical(column) => (column.levels.join(", "), String::new()),
            _ => (String::new(), String::new()),
        };
        let missing = match column.is_optional() {
            true => "told to the network",
            false => "refused",
        };
        let (name, values) = (cell(column.name()), cell(&values));
        writeln!(out, "| {name} | {values} | {missing} | {spread} |")?;
    }
    Ok(())
}

/// What makes the tokens, and what is done where there are none.
fn tokens(out: &mut String, source: &TokenSource, width: usize) -> std::fmt::Result {
    let missing = match source.optional {
        true => "told to the network",
        false => "refused",
    };
    let rows = [
        ("encoder", source.encoder.clone()),
        ("version", source.version.clone()),
        ("a token is", source.of.clone().unwrap_or_default()),
        ("numbers in a token", width.to_string()),
        ("where missing", missing.to_owned()),
    ];
    let rows: Vec<_> = rows
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect();
    table(out, "Embeddings", &rows)
}

fn labels(out: &mut String, labels: &[ClassLabel]) -> std::fmt::Result {
    writeln!(out, "\n## Labels\n\n| label | codes |\n| --- | --- |")?;
    for label in labels {
        let codes = label.codes.iter();
        let codes = codes.map(|code| format!("{} {} ({})", code.scheme, code.value, code.meaning));
        let codes: Vec<String> = codes.collect();
        writeln!(
            out,
            "| {} | {} |",
            cell(&label.name),
            cell(&codes.join("; "))
        )?;
    }
    Ok(())
}

fn classes(out: &mut String, rules: &Rules<'_>) -> std::fmt::Result {
    labels(out, rules.labels)?;
    if rules.operating_points.is_empty() {
        return Ok(());
    }
    let label = match rules.kind.is_ordered() {
        true => "label or a higher one",
        false => "label",
    };
    writeln!(
        out,
        "\n## Operating points\n\n| name | {label} | probability from |\n| --- | --- | --- |"
    )?;
    for point in rules.operating_points {
        let (name, label) = (cell(&point.name), cell(&point.label));
        writeln!(out, "| {name} | {label} | {:.4} |", point.threshold)?;
    }
    Ok(())
}

fn metrics(out: &mut String, metrics: &[MetricRecord]) -> std::fmt::Result {
    if metrics.is_empty() {
        return Ok(());
    }
    let head = "| measure | of | value | 95 % interval | cases |\n| --- | --- | --- | --- | --- |";
    writeln!(out, "\n## Measured\n\n{head}")?;
    for metric in metrics {
        let of = cell(metric.of.as_deref().unwrap_or(""));
        let interval = metric.interval;
        let interval = interval.map_or(String::new(), |[low, high]| {
            format!("{low:.4} to {high:.4}")
        });
        let cases = metric
            .cases
            .map_or(String::new(), |cases| cases.to_string());
        let (name, value) = (cell(&metric.name), metric.value);
        writeln!(out, "| {name} | {of} | {value:.4} | {interval} | {cases} |")?;
    }
    Ok(())
}

fn provenance(out: &mut String, manifest: &Manifest) -> std::fmt::Result {
    let from = &manifest.provenance;
    let mut rows = vec![
        ("commit", from.git_commit.clone().unwrap_or_default()),
        ("run", from.run.clone().unwrap_or_default()),
        ("made", from.created.clone().unwrap_or_default()),
        (
            "seed",
            from.seed.map_or(String::new(), |seed| seed.to_string()),
        ),
    ];
    for data in &from.data {
        let cases = data
            .cases
            .map_or(String::new(), |cases| format!(", {cases} cases"));
        rows.push(("data", format!("{}: {}{cases}", data.name, data.sha256)));
    }
    rows.retain(|(_, value)| !value.is_empty());
    table(out, "Provenance", &rows)
}

/// A table of two columns, left out where it has no rows.
fn table(out: &mut String, title: &str, rows: &[(&str, String)]) -> std::fmt::Result {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## {title}\n\n| | |\n| --- | --- |")?;
    rows.iter()
        .try_for_each(|(name, value)| writeln!(out, "| {name} | {} |", cell(value)))
}

/// Text that does not end its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
