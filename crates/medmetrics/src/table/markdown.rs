//! Markdown tables for people.

use super::{Cell, Column, Kind, Table};
use crate::estimate::{Estimate, Interval};

impl Table {
    /// The table in Markdown, with each column's decimals; `-` is what is undefined or empty.
    ///
    /// An estimate with an interval is written as `0.88 (0.81 to 0.93)`, a number above 0 that has none of
    /// these decimals as `< 0.01`. Bars are escaped, line breaks become
    /// spaces.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut markdown = String::new();
        let names = self.columns.iter().map(|column| escaped(&column.name));
        line(&mut markdown, names);
        let rules = self.columns.iter().map(|column| match column.kind {
            Kind::Text => "---".to_owned(),
            Kind::Count | Kind::Number | Kind::Estimate => "--:".to_owned(),
        });
        line(&mut markdown, rules);
        for row in &self.rows {
            let cells = self.columns.iter().zip(row);
            line(
                &mut markdown,
                cells.map(|(column, cell)| text(column, cell)),
            );
        }
        markdown
    }
}

fn line(markdown: &mut String, cells: impl Iterator<Item = String>) {
    markdown.push('|');
    for cell in cells {
        markdown.push(' ');
        markdown.push_str(&cell);
        markdown.push_str(" |");
    }
    markdown.push('\n');
}

/// No `f64` has more decimals.
const MOST_DIGITS: usize = 1074;

fn text(column: &Column, cell: &Cell) -> String {
    let digits = column.digits.min(MOST_DIGITS);
    match cell {
        Cell::Empty => "-".to_owned(),
        Cell::Text(text) => escaped(text),
        Cell::Count(count) => count.to_string(),
        Cell::Number(number) => in_digits(*number, digits),
        Cell::Estimate(estimate) => in_one_cell(estimate, digits),
    }
}

/// A small number is not written as none at all: a p value is never 0.0000.
fn in_digits(number: f64, digits: usize) -> String {
    let text = format!("{number:.digits$}");
    match number > 0.0 && text.bytes().all(|byte| matches!(byte, b'0' | b'.')) {
        true => format!(
            "< {:.digits$}",
            0.1_f64.powi(i32::try_from(digits).unwrap_or(0))
        ),
        false => text,
    }
}

fn in_one_cell(estimate: &Estimate, digits: usize) -> String {
    match (estimate.value, &estimate.interval) {
        (None, _) => "-".to_owned(),
        (Some(value), None) => format!("{value:.digits$}"),
        (Some(value), Some(Interval { low, high, .. })) => {
            format!("{value:.digits$} ({low:.digits$} to {high:.digits$})")
        }
    }
}

fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('|', "\\|");
    text.replace("\r\n", " ").replace(['\r', '\n'], " ")
}
