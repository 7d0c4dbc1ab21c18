//! From records to rows.

use mednn::candle_core::{Device, Tensor};

use super::column::Column;
use super::config::{TableConfig, each};
use super::error::TableError;
use super::record::Record;

/// Turns records into the rows that a network of this table reads.
#[derive(Debug, Clone, PartialEq)]
pub struct TableEncoder {
    config: TableConfig,
}

impl TableEncoder {
    /// An encoder for a table.
    ///
    /// # Errors
    /// As [`TableConfig::check`].
    pub fn new(config: TableConfig) -> Result<Self, TableError> {
        config.check()?;
        Ok(Self { config })
    }

    /// The table.
    #[must_use]
    pub fn config(&self) -> &TableConfig {
        &self.config
    }

    /// What the entries of a row stand for.
    #[must_use]
    pub fn entries(&self) -> Vec<String> {
        self.config
            .columns
            .iter()
            .flat_map(Column::entries)
            .collect()
    }

    /// The row of a record.
    ///
    /// # Errors
    /// Refuses names that are no column's, levels that are not listed, texts for numbers and numbers for texts, numbers that
    /// are infinite, none or outside the range of their column, and missing values in columns that are not optional.
    pub fn row(&self, record: &Record) -> Result<Vec<f32>, TableError> {
        let mut row = Vec::with_capacity(self.config.width());
        self.push(record, &mut row)?;
        Ok(row)
    }

    /// The rows of a batch, `[batch, entries]`.
    ///
    /// # Errors
    /// As [`TableEncoder::row`], with the place of the record; refuses no records, and fails when the device has no memory.
    pub fn rows(&self, records: &[Record], device: &Device) -> crate::Result<Tensor> {
        if records.is_empty() {
            return Err(TableError::NoRecords.into());
        }
        let width = self.config.width();
        let mut rows = Vec::with_capacity(records.len() * width);
        each(records, |record| self.push(record, &mut rows))?;
        let rows = Tensor::from_vec(rows, (records.len(), width), device);
        Ok(rows.map_err(mednn::Error::from)?)
    }

    fn push(&self, record: &Record, row: &mut Vec<f32>) -> Result<(), TableError> {
        self.config.check_names(record)?;
        let mut columns = self.config.columns.iter();
        columns.try_for_each(|column| column.push(record.get(column.name()), row))
    }
}
