//! Tables in JSON: cells are plain values, the kinds of the columns say what they are.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Cell, Column, Kind, Table};
use crate::error::{Error, Result};
use crate::estimate::Estimate;

/// A table whose cells have not been compared with its columns.
#[derive(Deserialize)]
pub(super) struct Unchecked {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl TryFrom<Unchecked> for Table {
    type Error = Error;
    fn try_from(unchecked: Unchecked) -> Result<Self> {
        let mut table = Self::new(unchecked.columns);
        for row in unchecked.rows {
            let kinds = table.columns.iter().map(|c| Some(c.kind));
            // A row that is too long is refused by `push`.
            let kinds = kinds.chain(std::iter::repeat(None));
            let row = row
                .into_iter()
                .zip(kinds)
                .map(|(cell, kind)| of_kind(cell, kind));
            let row = row.collect();
            table.push(row)?;
        }
        Ok(table)
    }
}

/// JSON does not tell 3 from 3.0 and has no infinity.
fn of_kind(cell: Cell, kind: Option<Kind>) -> Cell {
    match (kind, cell) {
        (Some(Kind::Number), Cell::Count(count)) => Cell::Number(count as f64),
        (Some(Kind::Number), Cell::Text(text)) if text == "inf" => Cell::Number(f64::INFINITY),
        (Some(Kind::Number), Cell::Text(text)) if text == "-inf" => Cell::Number(f64::NEG_INFINITY),
        (_, cell) => cell,
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Empty => serializer.serialize_none(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Count(count) => serializer.serialize_u64(*count),
            Self::Number(number) => crate::number::serialize(&Some(*number), serializer),
            Self::Estimate(estimate) => estimate.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Count(u64),
            Number(f64),
            Text(String),
            Estimate(Box<Estimate>),
        }
        Ok(match Option::<Written>::deserialize(deserializer)? {
            None => Self::Empty,
            Some(Written::Count(count)) => Self::Count(count),
            Some(Written::Number(number)) => Self::Number(number),
            Some(Written::Text(text)) => Self::Text(text),
            Some(Written::Estimate(estimate)) => Self::Estimate(estimate),
        })
    }
}
