//! What a table is made of.

use serde::{Deserialize, Serialize};

use crate::estimate::Estimate;

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// What stands above it, with a unit where there is one.
    pub name: String,
    /// What its cells are.
    pub kind: Kind,
    /// Number of decimals in Markdown; CSV and JSON write numbers in full.
    pub digits: usize,
}

/// What the cells of a column are; any of them can be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// Words.
    Text,
    /// Whole numbers.
    Count,
    /// Numbers.
    Number,
    /// Values with intervals, counts and conventions.
    Estimate,
}

/// A cell of a table.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub enum Cell {
    /// Nothing.
    #[default]
    Empty,
    /// Words.
    Text(String),
    /// A whole number.
    Count(u64),
    /// A number; infinite ones are kept, NaN is refused.
    Number(f64),
    /// A value with its interval, counts and convention.
    Estimate(Box<Estimate>),
}

impl Column {
    fn new(name: impl Into<String>, kind: Kind, digits: usize) -> Self {
        Self {
            name: name.into(),
            kind,
            digits,
        }
    }

    /// A column of words.
    #[must_use]
    pub fn text(name: impl Into<String>) -> Self {
        Self::new(name, Kind::Text, 0)
    }

    /// A column of whole numbers.
    #[must_use]
    pub fn count(name: impl Into<String>) -> Self {
        Self::new(name, Kind::Count, 0)
    }

    /// A column of numbers with so many decimals in Markdown.
    #[must_use]
    pub fn number(name: impl Into<String>, digits: usize) -> Self {
        Self::new(name, Kind::Number, digits)
    }

    /// A column of estimates with so many decimals in Markdown.
    #[must_use]
    pub fn estimate(name: impl Into<String>, digits: usize) -> Self {
        Self::new(name, Kind::Estimate, digits)
    }

    /// The rule that a cell breaks, if it breaks one.
    pub(super) fn check(&self, cell: &Cell) -> Result<(), &'static str> {
        match (self.kind, cell) {
            (_, Cell::Empty) | (Kind::Text, Cell::Text(_)) | (Kind::Count, Cell::Count(_)) => {
                Ok(())
            }
            (Kind::Number, Cell::Number(number)) => not_nan([*number]),
            (Kind::Estimate, Cell::Estimate(estimate)) => {
                let ends = estimate.interval.iter().flat_map(|i| [i.low, i.high]);
                not_nan(estimate.value.into_iter().chain(ends))
            }
            (Kind::Text, _) => Err("must be text or empty"),
            (Kind::Count, _) => Err("must be a count or empty"),
            (Kind::Number, _) => Err("must be a number or empty"),
            (Kind::Estimate, _) => Err("must be an estimate or empty"),
        }
    }
}

fn not_nan(numbers: impl IntoIterator<Item = f64>) -> Result<(), &'static str> {
    if numbers.into_iter().any(f64::is_nan) {
        return Err("must not be NaN; what is undefined is empty");
    }
    Ok(())
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Cell {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<Estimate> for Cell {
    fn from(estimate: Estimate) -> Self {
        Self::Estimate(Box::new(estimate))
    }
}

/// Nothing stays an empty cell.
impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Into::into)
    }
}
