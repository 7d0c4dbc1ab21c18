//! Comma-separated values (RFC 4180).

use std::borrow::Cow;

use super::{Cell, Column, Kind, Table};
use crate::estimate::Estimate;

/// What a column of estimates is spread over, after a column with its own name for the value.
const PARTS: [&str; 7] = [
    "low",
    "high",
    "level",
    "method",
    "n",
    "undefined",
    "convention",
];

impl Table {
    /// The table as comma-separated values with a line of names, lines ended by CR and LF (RFC 4180).
    ///
    /// A column of estimates named `x` becomes `x`, `x_low`, `x_high`, `x_level`, `x_method`, `x_n`,
    /// `x_undefined` and `x_convention`. Numbers are written in full, so that reading them gives the same
    /// bits; infinite ones are `inf` and `-inf`; what is undefined is empty.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut csv = String::new();
        line(&mut csv, self.columns.iter().flat_map(names));
        for row in &self.rows {
            let cells = self.columns.iter().zip(row);
            line(
                &mut csv,
                cells.flat_map(|(column, cell)| fields(column, cell)),
            );
        }
        csv
    }
}

fn line(csv: &mut String, fields: impl Iterator<Item = String>) {
    let start = csv.len();
    for (i, field) in fields.enumerate() {
        if i > 0 {
            csv.push(',');
        }
        csv.push_str(&quoted(&field));
    }
    // Readers pass over empty lines, so a single empty field must be seen.
    if csv.len() == start {
        csv.push_str("\"\"");
    }
    csv.push_str("\r\n");
}

fn quoted(field: &str) -> Cow<'_, str> {
    if field.contains(['"', ',', '\r', '\n']) {
        Cow::Owned(format!("\"{}\"", field.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(field)
    }
}

fn names(column: &Column) -> Vec<String> {
    let name = &column.name;
    let parts: &[&str] = match column.kind {
        Kind::Estimate => &PARTS,
        _ => &[],
    };
    let parts = parts.iter().map(|part| format!("{name}_{part}"));
    std::iter::once(name.clone()).chain(parts).collect()
}

fn fields(column: &Column, cell: &Cell) -> Vec<String> {
    match cell {
        Cell::Empty => vec![String::new(); names(column).len()],
        Cell::Text(text) => vec![text.clone()],
        Cell::Count(count) => vec![count.to_string()],
        Cell::Number(number) => vec![number.to_string()],
        Cell::Estimate(estimate) => spread(estimate),
    }
}

fn spread(estimate: &Estimate) -> Vec<String> {
    let text = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let interval = estimate.interval.as_ref();
    vec![
        text(estimate.value),
        text(interval.map(|i| i.low)),
        text(interval.map(|i| i.high)),
        text(interval.map(|i| i.confidence.level())),
        interval.map_or_else(String::new, |i| i.method.to_string()),
        estimate.n.to_string(),
        estimate.undefined.to_string(),
        estimate.convention.clone(),
    ]
}
