//! What labels mean.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use medcore::{LabelMap, LabelTable};
use serde_json::Value;

/// The table of `--labels`: entries, or a file of them.
pub(crate) fn table(given: &str) -> Result<LabelTable> {
    let path = Path::new(given);
    if !path.is_file() {
        ensure!(given.contains('='), "{given}: no such file, and no name=1");
        return entries(given.split(','));
    }
    let text = std::fs::read_to_string(path).with_context(|| given.to_owned())?;
    if !text.trim_start().starts_with('{') {
        return entries(text.lines()).with_context(|| given.to_owned());
    }
    let file: Value = serde_json::from_str(&text).with_context(|| given.to_owned())?;
    let Some(labels) = file.get("labels").and_then(Value::as_object) else {
        bail!("{given} has no labels");
    };
    let mut named = Vec::new();
    for (name, value) in labels {
        let values = match value {
            Value::Array(values) => values.iter().map(whole).collect::<Option<Vec<u32>>>(),
            value => whole(value).map(|value| vec![value]),
        };
        let values = values.with_context(|| format!("{given}: {name} is {value}"))?;
        if values != [0] && name != "ignore" {
            named.push((name.clone(), values));
        }
    }
    // A JSON object has no order; values do.
    named.sort_by(|a, b| a.1.cmp(&b.1));
    Ok(LabelTable::new(named)?)
}

fn whole(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|value| u32::try_from(value).ok())
}

/// Entries such as `liver=1` and `tumour=2+3`; empty ones and comments after `#` are passed over.
fn entries<'a>(entries: impl Iterator<Item = &'a str>) -> Result<LabelTable> {
    let mut named = Vec::new();
    for entry in entries.map(|entry| entry.split('#').next().unwrap_or_default().trim()) {
        if entry.is_empty() {
            continue;
        }
        let (name, values) = { entry.rsplit_once('=') }
            .with_context(|| format!("{entry:?} is not like liver=1 or tumour=2+3"))?;
        let values: Result<Vec<u32>, _> = values.split('+').map(|v| v.trim().parse()).collect();
        let values = values.with_context(|| format!("{entry:?}: its labels are no numbers"))?;
        named.push((name.trim().to_owned(), values));
    }
    Ok(LabelTable::new(named)?)
}

/// A table of labels without names.
pub(crate) fn nameless(labels: &BTreeSet<u32>) -> Result<LabelTable> {
    let entries = labels
        .iter()
        .map(|&label| (format!("label {label}"), vec![label]));
    Ok(LabelTable::new(entries)?)
}

/// The labels of a map but 0.
pub(crate) fn present(map: &LabelMap<u16, 3>) -> BTreeSet<u32> {
    let mut seen = vec![false; 1 << 16];
    for &label in map.as_slice() {
        seen[usize::from(label)] = true;
    }
    (1..1 << 16).filter(|&label| seen[label as usize]).collect()
}
