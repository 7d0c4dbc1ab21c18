//! Tables as archives come with: columns by name, whatever their order.

use std::path::Path;

use anyhow::{Context as _, Result};

/// A CSV file, whole.
#[derive(Debug)]
pub(crate) struct Table {
    headers: Vec<String>,
    rows: Vec<csv::StringRecord>,
}

impl Table {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let read = || -> csv::Result<Self> {
            let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(path)?;
            let headers = reader
                .headers()?
                .iter()
                .map(|h| h.trim_start_matches('\u{feff}').trim().to_owned());
            Ok(Self {
                headers: headers.collect(),
                rows: reader.records().collect::<csv::Result<_>>()?,
            })
        };
        read().with_context(|| format!("cannot read {}", path.display()))
    }

    /// The first of these columns that is there; case does not count.
    pub(crate) fn column(&self, names: &[&str]) -> Option<usize> {
        let at = |name: &&str| {
            self.headers
                .iter()
                .position(|h| h.eq_ignore_ascii_case(name))
        };
        names.iter().find_map(at)
    }

    /// As [`Table::column`], refusing a table without it.
    pub(crate) fn needed(&self, names: &[&str], path: &Path) -> Result<usize> {
        let found = self.column(names);
        found.with_context(|| {
            let (path, have) = (path.display(), self.headers.join(", "));
            format!("{path} has no column {}; it has {have}", names.join(" or "))
        })
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &csv::StringRecord> {
        self.rows.iter()
    }
}

/// The text of a cell, empty where the row is short.
pub(crate) fn cell(row: &csv::StringRecord, column: usize) -> &str {
    row.get(column).unwrap_or_default().trim()
}
