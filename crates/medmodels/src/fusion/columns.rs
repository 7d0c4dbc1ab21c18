//! Rows of a table, column by column.

use mednn::candle_core::Tensor;
use mednn::ops;

use super::NAME;
use super::table::{Column, TableConfig};

/// Where the entries of a column stand in a row.
#[derive(Debug, Clone)]
struct Place {
    start: usize,
    width: usize,
    /// Whether they are a number and what says that it is missing.
    is_optional_number: bool,
}

/// The places of all columns.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    places: Vec<Place>,
    width: usize,
}

impl Columns {
    pub(super) fn new(table: &TableConfig) -> Self {
        let mut start = 0;
        let place = |column: &Column| {
            let place = Place {
                start,
                width: column.width(),
                is_optional_number: matches!(column, Column::Numeric(_)) && column.is_optional(),
            };
            start += place.width;
            place
        };
        Self {
            places: table.columns.iter().map(place).collect(),
            width: table.width(),
        }
    }

    /// The entries of each column; numbers that are missing are 0, whatever finite number stood there. NaN and infinities,
    /// which the encoder never writes, stay: `x - x * 1` is NaN of them.
    ///
    /// That a missing number is multiplied by 0 here, and not only written as 0 by the encoder, makes its gradient 0.
    ///
    /// # Shapes
    /// - rows: `[batch, entries]`
    /// - output: `[batch, entries of the column]` for each
    pub(super) fn split(&self, rows: &Tensor, batch: usize) -> mednn::Result<Vec<Tensor>> {
        if rows.dims() != [batch, self.width] {
            return Err(mednn::Error::Shape {
                op: NAME,
                tensor: "the table",
                expected: vec![batch, self.width],
                got: rows.dims().to_vec(),
            });
        }
        let column = |place: &Place| {
            if !place.is_optional_number {
                return ops::narrow(rows, 1, place.start, place.width);
            }
            let number = ops::narrow(rows, 1, place.start, 1)?;
            let missing = ops::narrow(rows, 1, place.start + 1, 1)?;
            let present = ops::subtract(&number, &ops::multiply(&number, &missing)?)?;
            ops::concat(&[&present, &missing])
        };
        self.places.iter().map(column).collect()
    }
}
